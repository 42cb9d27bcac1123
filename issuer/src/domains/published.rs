//! What edges know of domains: at which hosts a pool's pages answer, so that they ask the pool's web ACL.
//!
//! Hosts are made of rows and of the deployment's settings. Rows change in batches that publish them; what settings have changed is published when an
//! issuer starts ([`reconcile`]).

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, FeedName, ManagedKind, Removable};
use url::Url;

use super::model::Domain;
use super::rows;
use crate::config::Deployment;
use crate::outbox;
use crate::services::Services;
use crate::store::Batch;

/// Domains that are read at once.
const PAGE: u64 = 500;

/// What an edge learns of a domain.
pub fn change(deployment: &Deployment, domain: &Domain) -> Change {
    let document = hosts(deployment, domain).join("\n").into_bytes();
    Change::Managed { kind: ManagedKind::Domain, name: domain.name.clone(), document }
}

/// What it learns of its end.
pub fn removed(domain: &Domain) -> Change {
    Change::Removed(Removable::Managed { kind: ManagedKind::Domain, name: domain.name.clone() })
}

/// Its own host at any port, and the default URLs where it is the deployment's default.
fn hosts(deployment: &Deployment, domain: &Domain) -> Vec<String> {
    let own = match deployment.domain_suffix() {
        _ if domain.is_custom() => Some(domain.name.clone()),
        Some(suffix) => Some(format!("{}.{suffix}", domain.name)),
        None => None,
    };
    let is_default = deployment.domains.default_domain.as_deref() == Some(domain.name.as_str());
    let defaults = deployment.domains.default_urls.iter().filter(|_| is_default).filter_map(|url| {
        let url = Url::parse(url).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    });
    own.into_iter().chain(defaults).collect()
}

/// Publishes what is not published, or is otherwise: rows of an older issuer, and domains whose hosts the settings have changed.
///
/// # Errors
/// Storage.
pub async fn reconcile(services: &Services) -> Result<(), Fault> {
    let mut after = String::new();
    loop {
        let page = services.store.read(rows::page(&after, PAGE)).await?;
        let domains = page.iter().map(rows::domain).collect::<Result<Vec<_>, _>>()?;
        let Some(last) = domains.last() else { return Ok(()) };
        after.clone_from(&last.name);
        for domain in &domains {
            publish(services, domain).await?;
        }
    }
}

async fn publish(services: &Services, domain: &Domain) -> Result<(), Fault> {
    let feed = FeedName::from(domain.pool.clone());
    let change = change(&services.deployment, domain);
    // A domain stays until it is removed: the record says no time.
    let raw = change.to_raw(UnixMillis(0)).map_err(Fault::internal)?;
    let record = raw.encode().map_err(Fault::internal)?;
    let newest = services.store.one(outbox::newest(&feed, raw.kind, &raw.subject)).await?;
    if newest.as_ref().map(|row| row.bytes(0)).transpose()? == Some(record.as_slice()) {
        return Ok(());
    }
    let mut batch = Batch::new();
    batch.extend(outbox::append(&feed, &change, services.now()));
    services.store.commit(batch).await?;
    services.feed.ring();
    Ok(())
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::CustomDomainConfigType;
    use common::ids::PoolId;

    use super::*;
    use crate::config::DomainSettings;
    use crate::domains::model::Settings;

    #[test]
    fn a_domain_answers_at_its_host_and_at_the_default_urls() {
        let deployment = Deployment {
            public_url: "https://id.example.com:8443".into(),
            region: "eu-1".into(),
            account_id: "000000000000".into(),
            domains: DomainSettings {
                suffix: None,
                default_domain: Some("demo".into()),
                default_urls: vec!["http://localhost:8700".into(), "https://login.test".into()],
            },
        };
        let domain = |name: &str, custom: bool| {
            let config = CustomDomainConfigType { certificate_arn: "arn".into(), security_policy: None };
            Domain {
                pool: PoolId::parse("eu-1_abcdefghi").unwrap(),
                name: name.into(),
                settings: Settings { custom: custom.then_some(config), ..Settings::default() },
                created: UnixMillis(0),
                modified: UnixMillis(0),
            }
        };
        let at = |name: &str, custom| hosts(&deployment, &domain(name, custom));
        assert_eq!(at("demo", false), ["demo.auth.id.example.com", "localhost:8700", "login.test:443"]);
        assert_eq!(at("shop", false), ["shop.auth.id.example.com"]);
        assert_eq!(at("login.example.com", true), ["login.example.com"]);
    }
}
