//! What a domain may be called and be set to (pure).

use super::model::Settings;

/// Words that no prefix may have (Cognito's text, and which word).
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];
const CLASSIC: i32 = 1;
const MANAGED: i32 = 2;

pub fn check(name: &str, settings: &Settings) -> Result<(), String> {
    if ![CLASSIC, MANAGED].contains(&settings.managed_login_version) {
        return Err("ManagedLoginVersion must be 1 or 2.".into());
    }
    if settings.custom.is_some() { check_host(name) } else { check_prefix(name, settings) }
}

/// The version of a domain that says none: the classic pages, as before there were others.
pub fn login_version(given: Option<i32>) -> i32 {
    given.unwrap_or(CLASSIC)
}

/// The host of `public_url` is every pool's, so no pool can have it for its own.
pub fn check_not_ours(name: &str, public_url: &str) -> Result<(), String> {
    let ours = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    if ours.as_deref() == Some(name) { Err(format!("{name} is the host of this issuer itself.")) } else { Ok(()) }
}

fn check_prefix(name: &str, settings: &Settings) -> Result<(), String> {
    if name.contains('.') {
        return Err(
            "The domain name contains an invalid character. Domain names can only contain lower-case letters, \
                    numbers, and hyphens. Please enter a different name that follows this format: \
                    ^[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?$"
                .into(),
        );
    }
    if let Some(word) = RESERVED.iter().find(|word| name.contains(**word)) {
        return Err(format!("Domain cannot contain reserved word: {word}"));
    }
    if settings.routing.is_some() {
        return Err("Routing can only be set for a custom domain.".into());
    }
    Ok(())
}

/// Labels of a host name (RFC 1123 §2.1), two at least.
fn check_host(name: &str) -> Result<(), String> {
    let labels: Vec<&str> = name.split('.').collect();
    let good = |label: &&str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let is_address = labels.last().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    if labels.len() > 1 && labels.iter().all(good) && !is_address {
        Ok(())
    } else {
        Err(format!("{name} is no domain: a custom domain is a whole host name such as auth.example.com."))
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{CustomDomainConfigType, RoutingType};

    use super::*;

    #[test]
    fn names() {
        let prefix = Settings { managed_login_version: 1, ..Settings::default() };
        let custom = Settings { custom: Some(CustomDomainConfigType::default()), ..prefix.clone() };
        for (name, settings, said) in [
            ("orders", &prefix, None),
            ("my-cognito", &prefix, Some("Domain cannot contain reserved word: cognito")),
            ("awsome", &prefix, Some("Domain cannot contain reserved word: aws")),
            ("auth.example.com", &prefix, Some("The domain name contains an invalid character")),
            ("auth.example.com", &custom, None),
            ("auth.aws.example", &custom, None),
            ("auth", &custom, Some("auth is no domain")),
            ("127.0.0.1", &custom, Some("127.0.0.1 is no domain")),
            ("auth..com", &custom, Some("auth..com is no domain")),
            ("auth.-a.com", &custom, Some("auth.-a.com is no domain")),
        ] {
            match (check(name, settings), said) {
                (Ok(()), None) => {}
                (Err(text), Some(said)) => assert!(text.starts_with(said), "{name}: {text}"),
                (outcome, _) => panic!("{name}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn the_issuers_own_host_is_nobodys() {
        let ours = "https://Auth.example.com:8443/issuer";
        assert!(check_not_ours("auth.example.com", ours).is_err());
        assert!(check_not_ours("login.auth.example.com", ours).is_ok());
    }

    #[test]
    fn versions_and_routing() {
        for (version, good) in [(0, false), (1, true), (2, true), (3, false)] {
            let settings = Settings { managed_login_version: version, ..Settings::default() };
            assert_eq!(check("orders", &settings).is_ok(), good, "{version}");
        }
        assert_eq!((login_version(None), login_version(Some(2))), (1, 2));
        let routed =
            Settings { managed_login_version: 2, routing: Some(RoutingType::default()), ..Settings::default() };
        assert!(check("orders", &routed).is_err());
    }
}
