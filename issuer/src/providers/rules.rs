//! What a provider of each type must say, and what Cognito adds to it (pure). Sources: Cognito's API reference, CreateIdentityProvider,
//! "ProviderDetails".

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::idp::types::IdentityProviderTypeType as Kind;

use super::model::{Details, Settings};
use crate::pools::schema::Schema;

/// The pool itself, among a client's providers.
pub const COGNITO: &str = "COGNITO";
/// In a pool (Cognito's quota).
pub const MOST: u64 = 300;
/// Types of which a pool has one provider, named like its type.
const NAMED_BY_TYPE: [Kind; 4] = [Kind::Facebook, Kind::Google, Kind::LoginWithAmazon, Kind::SignInWithApple];
const FACEBOOK_VERSION: &str = "v17.0";

/// Cognito's text for a name that does not go with the type.
pub fn check_name(name: &str, kind: Kind) -> Result<(), String> {
    check_name_characters(name)?;
    let by_type = NAMED_BY_TYPE.into_iter().find(|kind| kind.as_str() == name);
    let fits = name != COGNITO && by_type.map_or(!NAMED_BY_TYPE.contains(&kind), |named| named == kind);
    if fits { Ok(()) } else { Err(format!("Provider {name} cannot be of type {kind}.")) }
}

/// The model's pattern lets controls pass.
pub fn check_name_characters(name: &str) -> Result<(), String> {
    if name.chars().any(char::is_control) { Err("ProviderName has an invalid character.".into()) } else { Ok(()) }
}

/// Checks what is given and adds what Cognito knows by itself.
pub fn details(kind: Kind, mut given: Details) -> Result<Details, String> {
    let required: &[&str] = match kind {
        Kind::Saml => &[],
        Kind::Oidc => &["client_id", "attributes_request_method", "oidc_issuer", "authorize_scopes"],
        Kind::SignInWithApple => &["client_id", "team_id", "key_id", "private_key", "authorize_scopes"],
        Kind::Facebook | Kind::Google | Kind::LoginWithAmazon => &["client_id", "client_secret", "authorize_scopes"],
    };
    if let Some(missing) = required.iter().find(|name| given.get(**name).is_none_or(String::is_empty)) {
        return Err(format!("ProviderDetails of a {kind} identity provider must contain {missing}."));
    }
    match kind {
        Kind::Saml => check_saml(&given)?,
        Kind::Oidc => check_oidc(&given)?,
        _ => {}
    }
    for (name, value) in known(kind, given.get("api_version").map_or(FACEBOOK_VERSION, String::as_str)) {
        // Nobody's word for it: the client's secret is going to be sent there.
        given.insert(name.to_owned(), value);
    }
    Ok(given)
}

/// What an update leaves of the details: all that it gives, and the private key that nobody is shown, where it gives none.
pub fn renewed(mut given: Details, made: &Details) -> Details {
    if let Some(key) = made.get("private_key") {
        given.entry("private_key".to_owned()).or_insert_with(|| key.clone());
    }
    given
}

pub fn check_settings(settings: &Settings, schema: Schema<'_>) -> Result<(), String> {
    let unknown = settings.attribute_mapping.keys().find(|name| !is_mapped(name, schema));
    if let Some(name) = unknown {
        return Err(format!(
            "Invalid AttributeMapping: the user pool has no attribute {name} that a provider may set."
        ));
    }
    let mut seen = BTreeSet::new();
    match settings.identifiers.iter().find(|identifier| !seen.insert(identifier.as_str())) {
        Some(twice) => Err(format!("Duplicate identifier {twice} in IdpIdentifiers.")),
        None => Ok(()),
    }
}

/// `username` stands for the provider's own name of the user; `sub` and `identities` are the pool's.
fn is_mapped(name: &str, schema: Schema<'_>) -> bool {
    name == "username" || (name != "identities" && schema.has(name))
}

fn check_saml(details: &Details) -> Result<(), String> {
    match (details.get("MetadataURL"), details.get("MetadataFile")) {
        (None, None) => {
            Err("ProviderDetails of a SAML identity provider must contain MetadataURL or MetadataFile.".into())
        }
        (Some(_), Some(_)) => Err("Only one of MetadataURL and MetadataFile can be given.".into()),
        (Some(url), None) => check_url("MetadataURL", url),
        (None, Some(file)) if !file.contains("EntityDescriptor") => {
            Err("MetadataFile is no SAML metadata: it has no EntityDescriptor.".into())
        }
        (None, Some(_)) => Ok(()),
    }?;
    for flag in ["IDPSignout", "IDPInit", "EncryptedResponses"] {
        if details
            .get(flag)
            .is_some_and(|value| !["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known)))
        {
            return Err(format!("{flag} must be true or false."));
        }
    }
    match details.get("RequestSigningAlgorithm") {
        Some(algorithm) if algorithm != "rsa-sha256" => Err("RequestSigningAlgorithm must be rsa-sha256.".into()),
        _ => Ok(()),
    }
}

fn check_oidc(details: &Details) -> Result<(), String> {
    let method = details.get("attributes_request_method").map(String::as_str);
    if !matches!(method, Some("GET" | "POST")) {
        return Err("attributes_request_method must be GET or POST.".into());
    }
    let endpoints = ["authorize_url", "token_url", "attributes_url", "jwks_uri"];
    let given = endpoints.iter().filter(|name| details.contains_key(**name)).count();
    if given != 0 && given != endpoints.len() {
        return Err(
            "authorize_url, token_url, attributes_url and jwks_uri must be given together, or none of them.".into()
        );
    }
    let urls = ["oidc_issuer"].into_iter().chain(endpoints);
    urls.filter_map(|name| Some((name, details.get(name)?))).try_for_each(|(name, url)| check_url(name, url))
}

/// `https`, and `http` on this machine, for trying things out.
fn check_url(name: &str, url: &str) -> Result<(), String> {
    let parsed = url::Url::parse(url).ok().filter(url::Url::has_host);
    let good = parsed.is_some_and(|parsed| {
        let here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        parsed.scheme() == "https" || (parsed.scheme() == "http" && here)
    });
    if good { Ok(()) } else { Err(format!("{name} must be a https URL.")) }
}

/// What answers show beside what was given.
fn known(kind: Kind, facebook: &str) -> BTreeMap<&'static str, String> {
    let fixed: &[(&'static str, &str)] = match kind {
        Kind::Saml => &[],
        Kind::Oidc => &[("attributes_url_add_attributes", "false")],
        Kind::Google => &[
            ("attributes_url", "https://people.googleapis.com/v1/people/me?personFields="),
            ("attributes_url_add_attributes", "true"),
            ("authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"),
            ("oidc_issuer", "https://accounts.google.com"),
            ("token_request_method", "POST"),
            ("token_url", "https://www.googleapis.com/oauth2/v4/token"),
        ],
        Kind::LoginWithAmazon => &[
            ("attributes_url", "https://api.amazon.com/user/profile"),
            ("attributes_url_add_attributes", "false"),
            ("authorize_url", "https://www.amazon.com/ap/oa"),
            ("token_request_method", "POST"),
            ("token_url", "https://api.amazon.com/auth/o2/token"),
        ],
        Kind::SignInWithApple => &[
            ("attributes_url_add_attributes", "false"),
            ("authorize_url", "https://appleid.apple.com/auth/authorize"),
            ("oidc_issuer", "https://appleid.apple.com"),
            ("token_request_method", "POST"),
            ("token_url", "https://appleid.apple.com/auth/token"),
        ],
        Kind::Facebook => {
            return [
                ("attributes_url", format!("https://graph.facebook.com/{facebook}/me?fields=")),
                ("attributes_url_add_attributes", "true".to_owned()),
                ("authorize_url", format!("https://www.facebook.com/{facebook}/dialog/oauth")),
                ("token_request_method", "GET".to_owned()),
                ("token_url", format!("https://graph.facebook.com/{facebook}/oauth/access_token")),
            ]
            .into();
        }
    };
    fixed.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Details {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn four_types_are_names() {
        for (name, kind, good) in [
            ("Google", Kind::Google, true),
            ("Corp", Kind::Google, false),
            ("Google", Kind::Oidc, false),
            ("Facebook", Kind::Google, false),
            ("Corp", Kind::Saml, true),
            ("COGNITO", Kind::Oidc, false),
            ("a\0b", Kind::Oidc, false),
        ] {
            assert_eq!(check_name(name, kind).is_ok(), good, "{name} {kind}");
        }
        assert_eq!(check_name("Corp", Kind::Google).unwrap_err(), "Provider Corp cannot be of type Google.");
    }

    #[test]
    fn each_type_has_what_it_must_have() {
        let oidc = [
            ("client_id", "c"),
            ("attributes_request_method", "GET"),
            ("oidc_issuer", "https://idp.example.com"),
            ("authorize_scopes", "openid"),
        ];
        let social = [("client_id", "c"), ("client_secret", "s"), ("authorize_scopes", "email")];
        let apple = [
            ("client_id", "c"),
            ("team_id", "t"),
            ("key_id", "k"),
            ("private_key", "p"),
            ("authorize_scopes", "email"),
        ];
        let whole: [(Kind, &[(&str, &str)]); 6] = [
            (Kind::Oidc, &oidc),
            (Kind::Google, &social),
            (Kind::Facebook, &social),
            (Kind::LoginWithAmazon, &social),
            (Kind::SignInWithApple, &apple),
            (Kind::Saml, &[("MetadataURL", "https://idp.example.com/metadata")]),
        ];
        for (kind, pairs) in whole {
            let full = details(kind, given(pairs)).unwrap();
            assert!(pairs.iter().all(|(name, value)| full[*name] == *value), "{kind}");
            for left_out in pairs {
                let rest: Vec<_> = pairs.iter().copied().filter(|pair| pair != left_out).collect();
                assert!(details(kind, given(&rest)).unwrap_err().contains(left_out.0), "{kind} without {}", left_out.0);
            }
        }
    }

    #[test]
    fn details_that_cannot_be() {
        let oidc = |more: &[(&str, &str)]| {
            let mut details = given(&[
                ("client_id", "c"),
                ("attributes_request_method", "GET"),
                ("oidc_issuer", "https://idp.example.com"),
                ("authorize_scopes", "openid"),
            ]);
            details.extend(given(more));
            details
        };
        assert!(details(Kind::Oidc, oidc(&[("oidc_issuer", "http://localhost:9000")])).is_ok());
        for (kind, wrong, why) in [
            (Kind::Oidc, oidc(&[("oidc_issuer", "http://idp.example.com")]), "https"),
            (Kind::Oidc, oidc(&[("oidc_issuer", "idp")]), "https"),
            (Kind::Oidc, oidc(&[("attributes_request_method", "PUT")]), "GET or POST"),
            (Kind::Oidc, oidc(&[("token_url", "https://idp.example.com/t")]), "together"),
            (Kind::Saml, given(&[("MetadataFile", "<html>")]), "EntityDescriptor"),
            (
                Kind::Saml,
                given(&[("MetadataFile", "EntityDescriptor"), ("MetadataURL", "https://a.example")]),
                "one of",
            ),
            (Kind::Saml, given(&[("MetadataURL", "https://a.example"), ("IDPInit", "yes")]), "IDPInit"),
            (
                Kind::Saml,
                given(&[("MetadataURL", "https://a.example"), ("RequestSigningAlgorithm", "x")]),
                "rsa-sha256",
            ),
        ] {
            let said = details(kind, wrong).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn mappings_lead_to_attributes_of_the_pool() {
        let settings = |name: &str| Settings {
            attribute_mapping: [(name.to_owned(), "claim".to_owned())].into(),
            ..Settings::default()
        };
        for (name, good) in [
            ("email", true),
            ("username", true),
            ("email_verified", true),
            ("custom:none", false),
            ("identities", false),
        ] {
            assert_eq!(check_settings(&settings(name), Schema::new(&[])).is_ok(), good, "{name}");
        }
        let twice = Settings { identifiers: vec!["a".into(), "a".into()], ..Settings::default() };
        assert!(check_settings(&twice, Schema::new(&[])).is_err());
    }

    #[test]
    fn a_private_key_outlives_updates_without_one() {
        let made = given(&[("private_key", "p"), ("client_id", "old")]);
        assert_eq!(renewed(given(&[("client_id", "new")]), &made)["private_key"], "p");
        assert_eq!(renewed(given(&[("private_key", "q")]), &made), given(&[("private_key", "q")]));
    }
}
