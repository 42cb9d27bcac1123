//! The relying party of a pool's passkeys: a domain, of which origins may be.

use cognito_model::Fault;
use url::{Host, Url};

use super::error::PasskeyError;
use crate::domains;
use crate::pools::Pool;
use crate::services::Services;

/// WebAuthnConfiguration.RelyingPartyId, else the pool's own domain, else its prefix of the deployment's.
///
/// # Errors
/// [`PasskeyError::NoRelyingParty`], storage.
pub async fn of_pool(services: &Services, pool: &Pool) -> Result<String, Fault> {
    if let Some(id) = pool.settings.passkeys.as_ref().and_then(|passkeys| passkeys.relying_party_id.clone()) {
        return Ok(id);
    }
    let rows = services.store.read(domains::rows::of_pool(&pool.id)).await?;
    let domains = rows.iter().map(domains::rows::domain).collect::<Result<Vec<_>, _>>()?;
    let custom = domains.iter().find(|domain| domain.is_custom());
    if let Some(domain) = custom {
        return Ok(domain.name.clone());
    }
    match (domains.first(), services.deployment.domain_suffix()) {
        (Some(prefix), Some(suffix)) => Ok(format!("{}.{suffix}", prefix.name)),
        _ => Err(PasskeyError::NoRelyingParty.into()),
    }
}

/// Whether pages of this origin may use the relying party's passkeys (Web Authentication §5.1.3: its domain, or one below it): by https, but for the
/// user's own machine.
pub fn allows(relying_party: &str, origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    // An origin has nothing after its port.
    if url.origin().ascii_serialization() != origin {
        return false;
    }
    let Some(Host::Domain(host)) = url.host() else { return false };
    let is_below = host.strip_suffix(relying_party).is_some_and(|above| above.is_empty() || above.ends_with('.'));
    let is_local = host == "localhost" || host.ends_with(".localhost");
    is_below && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_a_relying_party() {
        for (origin, good) in [
            ("https://example.com", true),
            ("https://app.example.com", true),
            ("https://a.b.example.com:8443", true),
            ("http://example.com", false),
            ("https://badexample.com", false),
            ("https://example.com.evil.org", false),
            ("https://example.com/", false),
            ("https://evil.org#example.com", false),
            ("https://user@example.com", false),
            ("https://com", false),
            ("android:apk-key-hash:x", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(allows("example.com", origin), good, "{origin}");
        }
        for (origin, good) in
            [("http://localhost:3000", true), ("https://localhost", true), ("http://127.0.0.1", false)]
        {
            assert_eq!(allows("localhost", origin), good, "{origin}");
        }
    }
}
