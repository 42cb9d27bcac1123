//! What holds together in a client's OAuth settings (pure): for administrators, for clients that register themselves, and for imports.

use std::collections::BTreeSet;

use common::jose::Jwks;
use serde_json::Value;
use url::{Host, Url};

use super::oauth::{AuthMethod, CertificateName, ClaimRule, OAuth};

/// Cognito: RedirectUrlType.
const LONGEST_URI: usize = 1_024;
/// Keys of a client.
const MOST_KEYS: usize = 32;
const MOST_CLAIMS: usize = 50;
const LONGEST_NAME: usize = 256;
/// RFC 6749 §4.1.2: ten minutes at most.
const CODE_SECONDS: std::ops::RangeInclusive<u32> = 10..=600;
/// Ten years.
const LONGEST_AGE: u64 = 3_650 * 86_400;

/// Claims that say who signed, for whom, about whom and how: no rule sets one.
const RESERVED_CLAIMS: [&str; 32] = [
    "acr",
    "act",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "cognito:groups",
    "cognito:preferred_role",
    "cognito:roles",
    "cognito:username",
    "device_key",
    "event_id",
    "events",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "may_act",
    "nbf",
    "nonce",
    "origin_jti",
    "s_hash",
    "scope",
    "sid",
    "sub",
    "token_use",
    "version",
];

/// What of a client stands beside its OAuth settings.
pub struct Facts<'a> {
    pub has_secret: bool,
    /// Whether the issuer may ask a URL: it fetches keys, and posts logout tokens.
    pub may_ask: &'a dyn Fn(&str) -> Result<(), String>,
    /// Whether users of the pool have an attribute.
    pub has_attribute: &'a dyn Fn(&str) -> bool,
}

/// # Errors
/// What is wrong, with the member's name first.
pub fn check(oauth: &OAuth, facts: &Facts<'_>) -> Result<(), String> {
    distinct("response_types", &oauth.response_types)?;
    distinct("response_modes", &oauth.response_modes)?;
    distinct("grants", &oauth.grants)?;
    check_keys(oauth, facts)?;
    check_methods(oauth, facts.has_secret)?;
    check_certificate(oauth)?;
    if let Some(seconds) = oauth.code_seconds.filter(|seconds| !CODE_SECONDS.contains(seconds)) {
        return Err(format!("code_seconds: {seconds} is not within 10 and 600"));
    }
    if let Some(age) = oauth.default_max_age.filter(|age| *age > LONGEST_AGE) {
        return Err(format!("default_max_age: {age} seconds are more than ten years"));
    }
    if let Some(logout) = &oauth.back_channel {
        (facts.may_ask)(&logout.uri).map_err(|why| format!("back_channel: {why}"))?;
    }
    if let Some(logout) = &oauth.front_channel {
        check_page(&logout.uri).map_err(|why| format!("front_channel: {why}"))?;
    }
    let about = &oauth.about;
    for (name, uri) in [
        ("client_uri", &about.client_uri),
        ("logo_uri", &about.logo_uri),
        ("policy_uri", &about.policy_uri),
        ("tos_uri", &about.tos_uri),
    ] {
        if let Some(uri) = uri {
            check_page(uri).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    check_claims(&oauth.claims, facts)
}

/// A URI that authorization responses go to: absolute, without fragment (RFC 6749 §3.1.2), https; a native application's may be of http on the loopback
/// interface, or of a scheme that is its own domain turned around (RFC 8252 §7).
///
/// # Errors
/// What is wrong with it.
pub fn check_redirect_uri(uri: &str, native: bool) -> Result<(), String> {
    let url = parsed(uri)?;
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if native && url.host().is_some_and(|host| is_loopback(&host)) => Ok(()),
        "http" if native => Err("http is for the loopback interface alone".to_owned()),
        scheme if native && scheme.contains('.') && !scheme.starts_with('.') && !scheme.ends_with('.') => Ok(()),
        _ if native => Err("must be https, http on the loopback interface, or a scheme with a dot".to_owned()),
        _ => Err("must be https".to_owned()),
    }
}

/// Whether only a native application has such a redirect URI.
pub fn is_native(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme() != "https")
}

/// A URL that browsers are sent to: https, or http on the browser's own machine.
///
/// # Errors
/// What is wrong with it.
pub fn check_page(uri: &str) -> Result<(), String> {
    let url = parsed(uri)?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if is_loopback(&host) => Ok(()),
        _ => Err("must be an https URL".to_owned()),
    }
}

fn parsed(uri: &str) -> Result<Url, String> {
    if uri.len() > LONGEST_URI {
        return Err(format!("is longer than {LONGEST_URI} characters"));
    }
    // The URL parser would take them out.
    if uri.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("has white space, a backslash or a control character".to_owned());
    }
    let url = Url::parse(uri).map_err(|_| "is no absolute URI".to_owned())?;
    if url.fragment().is_some() {
        return Err("must have no fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have neither user nor password".to_owned());
    }
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

fn distinct<T: PartialEq>(member: &str, list: &[T]) -> Result<(), String> {
    let twice = list.iter().enumerate().any(|(at, one)| list.iter().skip(at + 1).any(|other| one == other));
    if twice { Err(format!("{member}: one is there twice")) } else { Ok(()) }
}

fn check_keys(oauth: &OAuth, facts: &Facts<'_>) -> Result<(), String> {
    if oauth.jwks.is_some() && oauth.jwks_uri.is_some() {
        return Err("jwks: not beside jwks_uri".to_owned());
    }
    if let Some(uri) = &oauth.jwks_uri {
        (facts.may_ask)(uri).map_err(|why| format!("jwks_uri: {why}"))?;
    }
    oauth.jwks.as_ref().map_or(Ok(()), |jwks| check_jwks(jwks).map_err(|why| format!("jwks: {why}")))
}

fn check_jwks(jwks: &Value) -> Result<(), String> {
    let set = Jwks::parse_foreign(&jwks.to_string()).map_err(|error| error.to_string())?;
    match set.keys().len() {
        0 => Err("has no key that verifies signatures by an algorithm that is known here".to_owned()),
        count if count > MOST_KEYS => Err(format!("has more than {MOST_KEYS} keys")),
        _ => Ok(()),
    }
}

fn check_methods(oauth: &OAuth, has_secret: bool) -> Result<(), String> {
    distinct("auth_methods", &oauth.auth_methods)?;
    let has_keys = oauth.jwks.is_some() || oauth.jwks_uri.is_some();
    for method in &oauth.auth_methods {
        let wrong = match method {
            AuthMethod::None if has_secret => Some("none is for public clients, and this one has a secret"),
            AuthMethod::None if oauth.auth_methods.len() > 1 => Some("none is the only one where it is one"),
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost if !has_secret => {
                Some("the client has no secret")
            }
            AuthMethod::PrivateKeyJwt if !has_keys => Some("private_key_jwt needs jwks or jwks_uri"),
            AuthMethod::SelfSignedTlsClientAuth if !has_keys => {
                Some("self_signed_tls_client_auth needs jwks or jwks_uri")
            }
            AuthMethod::TlsClientAuth if oauth.certificate.is_none() => Some("tls_client_auth needs certificate"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(format!("auth_methods: {wrong}"));
        }
    }
    Ok(())
}

fn check_certificate(oauth: &OAuth) -> Result<(), String> {
    let Some(name) = &oauth.certificate else { return Ok(()) };
    let (CertificateName::SubjectDn(text)
    | CertificateName::SanDns(text)
    | CertificateName::SanUri(text)
    | CertificateName::SanIp(text)
    | CertificateName::SanEmail(text)) = name;
    if text.is_empty() || text.len() > LONGEST_URI || text.chars().any(char::is_control) {
        return Err(format!("certificate: its name is none of 1 to {LONGEST_URI} characters"));
    }
    if matches!(name, CertificateName::SanIp(_)) && text.parse::<std::net::IpAddr>().is_err() {
        return Err("certificate: san_ip is no IP address".to_owned());
    }
    Ok(())
}

fn check_claims(claims: &[ClaimRule], facts: &Facts<'_>) -> Result<(), String> {
    if claims.len() > MOST_CLAIMS {
        return Err(format!("claims: there are more than {MOST_CLAIMS}"));
    }
    let mut names = BTreeSet::new();
    for ClaimRule { attribute, claim, .. } in claims {
        let is_name = (1..=LONGEST_NAME).contains(&claim.len()) && !claim.chars().any(char::is_control);
        if !is_name {
            return Err(format!("claims: a name is none of 1 to {LONGEST_NAME} characters"));
        }
        if RESERVED_CLAIMS.contains(&claim.as_str()) {
            return Err(format!("claims: {claim} is the issuer's own"));
        }
        if !names.insert(claim) {
            return Err(format!("claims: {claim} is there twice"));
        }
        if !(facts.has_attribute)(attribute) {
            return Err(format!("claims: users have no attribute {attribute}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(oauth: Value, has_secret: bool) -> String {
        let oauth: OAuth = serde_json::from_value(oauth).unwrap();
        let may_ask = |uri: &str| if uri.starts_with("https://") { Ok(()) } else { Err("must be https".to_owned()) };
        let has_attribute = |name: &str| name == "email";
        let facts = Facts { has_secret, may_ask: &may_ask, has_attribute: &has_attribute };
        check(&oauth, &facts).err().unwrap_or_default()
    }

    #[test]
    fn reserved_claims_are_in_order() {
        assert!(RESERVED_CLAIMS.is_sorted());
    }

    #[test]
    fn settings_that_hold_together_are_taken() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let good = json!({
            "response_types": ["code id_token", "id_token"], "response_modes": ["query", "form_post"],
            "auth_methods": ["private_key_jwt", "client_secret_basic"], "jwks": { "keys": [key] },
            "back_channel": { "uri": "https://app.test/out" }, "front_channel": { "uri": "http://localhost:3000/out" },
            "about": { "tos_uri": "https://app.test/terms" }, "code_seconds": 60, "default_max_age": 3600,
            "claims": [{ "attribute": "email", "claim": "mail" }],
        });
        assert_eq!(told(good, true), "");
        assert_eq!(told(json!({ "auth_methods": ["none"] }), false), "");
        let tls = json!({ "auth_methods": ["tls_client_auth"], "certificate": { "san_ip": "192.0.2.1" } });
        assert_eq!(told(tls, false), "");
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let private = json!({ "kty": "OKP", "crv": "Ed25519", "x": key["x"], "d": key["x"] });
        let claims = |claim: &str| json!({ "claims": [{ "attribute": "email", "claim": claim }] });
        for (oauth, has_secret, why) in [
            (json!({ "jwks": { "keys": [key] }, "jwks_uri": "https://a.test" }), true, "jwks: not beside jwks_uri"),
            (json!({ "jwks_uri": "http://a.test" }), true, "jwks_uri: must be https"),
            (json!({ "jwks": { "keys": [private] } }), true, "jwks: key 0 of the set is refused: it has private parts"),
            (
                json!({ "jwks": { "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] } }),
                true,
                "jwks: key 0 of the set is refused: it is a symmetric key",
            ),
            (json!({ "jwks": { "keys": [] } }), true, "jwks: has no key that"),
            (json!({ "jwks": "keys" }), true, "jwks: the key set is not a JSON object"),
            (json!({ "auth_methods": ["none"] }), true, "auth_methods: none is for public clients"),
            (
                json!({ "auth_methods": ["none", "private_key_jwt"], "jwks_uri": "https://a" }),
                false,
                "auth_methods: none is the only",
            ),
            (json!({ "auth_methods": ["client_secret_post"] }), false, "auth_methods: the client has no secret"),
            (json!({ "auth_methods": ["private_key_jwt"] }), false, "auth_methods: private_key_jwt needs"),
            (json!({ "auth_methods": ["self_signed_tls_client_auth"] }), false, "auth_methods: self_signed"),
            (json!({ "auth_methods": ["tls_client_auth"] }), false, "auth_methods: tls_client_auth needs"),
            (json!({ "auth_methods": ["none", "none"] }), false, "auth_methods: one is there twice"),
            (json!({ "response_types": ["id_token", "id_token"] }), false, "response_types: one is there twice"),
            (json!({ "certificate": { "san_ip": "a.test" } }), false, "certificate: san_ip"),
            (json!({ "certificate": { "subject_dn": "" } }), false, "certificate: its name"),
            (json!({ "code_seconds": 601 }), false, "code_seconds: 601"),
            (json!({ "default_max_age": 315_360_001 }), false, "default_max_age: 315360001"),
            (json!({ "back_channel": { "uri": "http://a.test" } }), false, "back_channel: must be https"),
            (json!({ "front_channel": { "uri": "http://a.test" } }), false, "front_channel: must be an https URL"),
            (json!({ "about": { "logo_uri": "javascript:alert(1)" } }), false, "logo_uri: must be an https URL"),
            (json!({ "about": { "client_uri": "https://a.test/\u{202e}\n" } }), false, "client_uri: has white space"),
            (claims("sub"), false, "claims: sub is the issuer's own"),
            (claims("cognito:groups"), false, "claims: cognito:groups is the issuer's own"),
            (claims(""), false, "claims: a name is none"),
            (
                json!({ "claims": [{ "attribute": "custom:x", "claim": "x" }] }),
                false,
                "claims: users have no attribute custom:x",
            ),
            (
                json!({ "claims": [{ "attribute": "email", "claim": "x" }, { "attribute": "email", "claim": "x" }] }),
                false,
                "claims: x is there twice",
            ),
        ] {
            let said = told(oauth.clone(), has_secret);
            assert!(said.starts_with(why), "{oauth}: {said}");
        }
    }

    #[test]
    fn redirect_uris() {
        for (uri, web, native) in [
            ("https://app.example/cb?x=1", true, true),
            ("https://app.example:8443", true, true),
            ("http://127.0.0.1/cb", false, true),
            ("http://127.0.0.1:5000/cb", false, true),
            ("http://[::1]:5000/cb", false, true),
            ("http://localhost:5000/cb", false, true),
            ("com.example.app:/cb", false, true),
            ("com.example.app://cb", false, true),
            ("http://app.example/cb", false, false),
            ("http://127.0.0.1.evil.example/", false, false),
            ("http://localhost.evil.example/", false, false),
            ("myapp:/cb", false, false),
            ("javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
            ("file:///etc/passwd", false, false),
            ("urn:ietf:wg:oauth:2.0:oob", false, false),
            ("https://app.example/#f", false, false),
            ("https://app.example/#", false, false),
            ("https://user@app.example/", false, false),
            ("/cb", false, false),
            ("//app.example/cb", false, false),
            ("", false, false),
            ("https://app.example/\ncb", false, false),
            ("https://app.example\\@evil.example/", false, false),
            (" https://app.example/", false, false),
        ] {
            assert_eq!(check_redirect_uri(uri, false).is_ok(), web, "{uri}");
            assert_eq!(check_redirect_uri(uri, true).is_ok(), native, "{uri} of a native application");
        }
        assert!(check_redirect_uri(&format!("https://a.example/{}", "a".repeat(LONGEST_URI)), false).is_err());
    }
}
