//! One domain.

use cognito_model::idp::types::{CustomDomainConfigType, DomainDescriptionType, DomainStatusType, RoutingType};
use common::clock::UnixMillis;
use common::ids::PoolId;
use serde::{Deserialize, Serialize};

use crate::config::Deployment;

/// A domain of a pool.
#[derive(Clone, Debug)]
pub struct Domain {
    pub pool: PoolId,
    /// A prefix of the deployment's own domain, or a whole host name.
    pub name: String,
    pub settings: Settings,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// Kept as JSON in the domain's row; a new field needs a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Present: the name is a host name of the pool's owner.
    pub custom: Option<CustomDomainConfigType>,
    /// 1: the classic pages, 2: managed login.
    pub managed_login_version: i32,
    pub routing: Option<RoutingType>,
}

impl Domain {
    pub fn is_custom(&self) -> bool {
        self.settings.custom.is_some()
    }

    /// Where the owner of a custom domain points its name: the host of this deployment, where Cognito names one of CloudFront's.
    pub fn target(&self, deployment: &Deployment) -> Option<String> {
        self.settings.custom.as_ref().and_then(|_| host(&deployment.public_url))
    }

    pub fn describe(&self, deployment: &Deployment) -> DomainDescriptionType {
        DomainDescriptionType {
            aws_account_id: Some(deployment.account_id.clone()),
            cloud_front_distribution: host(&deployment.public_url),
            custom_domain_config: self.settings.custom.clone(),
            domain: Some(self.name.clone()),
            managed_login_version: Some(self.settings.managed_login_version),
            routing: self.settings.routing.clone(),
            // Static files lie in no bucket.
            s3_bucket: None,
            status: Some(DomainStatusType::Active),
            user_pool_id: Some(self.pool.to_string()),
            version: Some(version(self.modified)),
        }
    }
}

/// `20261130080000`
fn version(at: UnixMillis) -> String {
    at.to_rfc3339().chars().filter(char::is_ascii_digit).collect()
}

fn host(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_hosts() {
        assert_eq!(version(UnixMillis(1_548_105_901_736)), "20190121212501");
        assert_eq!(host("https://id.example.com:8443").as_deref(), Some("id.example.com"));
    }
}
