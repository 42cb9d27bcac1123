//! From a request's host to the pool whose domain it is, and from a pool to the URL of its domain.
//!
//! A URL is made of settings and rows alone: the host of a request chooses among them and never goes into one (SECURITY.md T57).

use cognito_model::Fault;
use common::canonical::Host;
use common::ids::PoolId;
use url::Url;

use super::model::Domain;
use super::rows;
use crate::config::Deployment;
use crate::services::Services;
use crate::store::Store;

/// Where a pool's pages and OAuth endpoints are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub pool: PoolId,
    /// Scheme and authority, without a slash at the end: `https://login.example.com`.
    pub base: String,
}

impl Site {
    /// At `http://`: for development.
    pub fn is_plain(&self) -> bool {
        self.base.starts_with("http://")
    }
}

/// Which domain a host may be: told without asking the database.
#[derive(Debug, PartialEq, Eq)]
enum Named<'h> {
    /// The domain of this name, at this URL.
    Default {
        domain: &'h str,
        base: &'h str,
    },
    Prefix(&'h str),
    Custom,
}

/// The site of a `Host` field's value, or of `:authority`. One read at most; none for hosts that can be no domain's.
///
/// # Errors
/// Storage.
pub async fn of_host(services: &Services, host: &str) -> Result<Option<Site>, Fault> {
    let Ok(host) = Host::parse(host.as_bytes()) else { return Ok(None) };
    let (deployment, store) = (&services.deployment, &services.store);
    let suffix = deployment.domain_suffix().unwrap_or_default();
    let (name, is_custom) = match named(deployment, &suffix, &host) {
        None => return Ok(None),
        Some(Named::Default { domain, base }) => {
            let found = by_name(store, domain).await?;
            return Ok(found.map(|domain| Site { pool: domain.pool, base: base.to_owned() }));
        }
        Some(Named::Prefix(prefix)) => (prefix, false),
        Some(Named::Custom) => (host.name(), true),
    };
    let found = by_name(store, name).await?.filter(|domain| domain.is_custom() == is_custom);
    Ok(found.and_then(|domain| Some(Site { base: base(deployment, &domain)?, pool: domain.pool })))
}

/// The site of a pool, for links that are given out elsewhere: the default URL where the pool has that domain (the one that `host` is of, else the
/// first), else its own domain, else its prefix. None: it has no domain.
///
/// # Errors
/// Storage.
pub async fn of_pool(services: &Services, pool: &PoolId, host: Option<&str>) -> Result<Option<Site>, Fault> {
    let (deployment, store) = (&services.deployment, &services.store);
    if let Some(name) = &deployment.domains.default_domain
        && by_name(store, name).await?.is_some_and(|domain| domain.pool == *pool)
    {
        let host = host.and_then(|host| Host::parse(host.as_bytes()).ok());
        let urls = &deployment.domains.default_urls;
        let same = host.and_then(|host| urls.iter().find(|url| is_at(url, &host)));
        return Ok(same.or_else(|| urls.first()).map(|base| Site { pool: pool.clone(), base: base.clone() }));
    }
    let Some(row) = store.one(rows::of_pool(pool)).await? else { return Ok(None) };
    let domain = rows::domain(&row)?;
    Ok(base(deployment, &domain).map(|base| Site { pool: pool.clone(), base }))
}

fn named<'h>(deployment: &'h Deployment, suffix: &str, host: &'h Host<'_>) -> Option<Named<'h>> {
    let domains = &deployment.domains;
    if let (Some(domain), Some(base)) =
        (&domains.default_domain, domains.default_urls.iter().find(|url| is_at(url, host)))
    {
        return Some(Named::Default { domain, base });
    }
    let name = host.name();
    let is_ours = Url::parse(&deployment.public_url).is_ok_and(|url| url.host_str() == Some(name));
    let is_address = name.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
    if is_ours || is_address || !name.contains('.') {
        return None;
    }
    match name.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')) {
        Some(prefix) => (!prefix.contains('.')).then_some(Named::Prefix(prefix)),
        None => Some(Named::Custom),
    }
}

/// A domain of the owner's is there by https alone; a prefix is reached as the issuer is.
fn base(deployment: &Deployment, domain: &Domain) -> Option<String> {
    if domain.is_custom() {
        return Some(format!("https://{}", domain.name));
    }
    let url = Url::parse(&deployment.public_url).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}.{}{port}", url.scheme(), domain.name, deployment.domain_suffix()?))
}

fn is_at(url: &str, host: &Host<'_>) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let usual = if url.scheme() == "https" { 443 } else { 80 };
    url.host_str() == Some(host.name()) && url.port().unwrap_or(usual) == host.port().unwrap_or(usual)
}

async fn by_name(store: &Store, name: &str) -> Result<Option<Domain>, Fault> {
    let row = store.one(rows::by_name(name)).await?;
    Ok(row.as_ref().map(rows::domain).transpose()?)
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::CustomDomainConfigType;
    use common::clock::UnixMillis;

    use super::*;
    use crate::config::DomainSettings;
    use crate::domains::model::Settings;

    fn deployment() -> Deployment {
        Deployment {
            public_url: "https://id.example.com:8443".into(),
            region: "eu-1".into(),
            account_id: "000000000000".into(),
            domains: DomainSettings {
                suffix: None,
                default_domain: Some("demo".into()),
                default_urls: vec!["http://localhost:8700".into(), "https://login.test".into()],
            },
        }
    }

    fn ask(host: &str) -> String {
        let deployment = deployment();
        let suffix = deployment.domain_suffix().unwrap();
        let Ok(host) = Host::parse(host.as_bytes()) else { return "no host".into() };
        format!("{:?}", named(&deployment, &suffix, &host))
    }

    #[test]
    fn hosts_are_told_apart_before_anything_is_read() {
        let at = |base: &str| format!("Some(Default {{ domain: \"demo\", base: \"{base}\" }})");
        for (host, want) in [
            ("localhost:8700", at("http://localhost:8700")),
            ("LOCALHOST:8700", at("http://localhost:8700")),
            ("login.test", at("https://login.test")),
            ("login.test.:443", at("https://login.test")),
            ("localhost", "None".into()),
            ("localhost:8701", "None".into()),
            ("id.example.com:8443", "None".into()),
            ("127.0.0.1:8700", "None".into()),
            ("[::1]:8700", "None".into()),
            ("issuer", "None".into()),
            ("shop.auth.id.example.com", "Some(Prefix(\"shop\"))".into()),
            ("Shop.auth.id.example.com.:1", "Some(Prefix(\"shop\"))".into()),
            ("a.shop.auth.id.example.com", "None".into()),
            ("shopauth.id.example.com", "Some(Custom)".into()),
            ("login.example.com", "Some(Custom)".into()),
            ("a@login.example.com", "no host".into()),
            ("", "no host".into()),
        ] {
            assert_eq!(ask(host), want, "{host}");
        }
    }

    #[test]
    fn a_base_is_made_of_settings_and_rows() {
        let at = UnixMillis(0);
        let mut domain = Domain {
            pool: PoolId::parse("eu-1_abcdefghi").unwrap(),
            name: "shop".into(),
            settings: Settings::default(),
            created: at,
            modified: at,
        };
        assert_eq!(base(&deployment(), &domain).unwrap(), "https://shop.auth.id.example.com:8443");
        domain.name = "login.example.com".into();
        domain.settings.custom = Some(CustomDomainConfigType { certificate_arn: "arn".into(), security_policy: None });
        assert_eq!(base(&deployment(), &domain).unwrap(), "https://login.example.com");
    }
}
