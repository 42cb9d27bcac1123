//! What tokens and UserInfo say of a user: which attributes, under which names, of which types.
//!
//! Cognito's clients get every attribute that they may read, unless `email` or `phone` narrows what is asked for (Cognito: "Understanding the
//! scopes"). Clients of the OpenID profile get the claims of their scopes (OpenID Connect Core §5.4), at UserInfo where they have an access
//! token for it, else in the ID token. A client's own claim rules are added everywhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clients::model::Settings;
use crate::clients::oauth::{ClaimKind, ClaimRule, Profile};
use crate::users::User;
use crate::users::links::{self, IDENTITIES};

/// OpenID Connect Core §5.4.
const PROFILE: [&str; 14] = [
    "birthdate",
    "family_name",
    "gender",
    "given_name",
    "locale",
    "middle_name",
    "name",
    "nickname",
    "picture",
    "preferred_username",
    "profile",
    "updated_at",
    "website",
    "zoneinfo",
];

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// With an access token, by which UserInfo can be asked, or alone.
    InIdToken {
        with_access: bool,
    },
    AtUserInfo,
}

/// What is said.
#[derive(Debug, Default)]
pub(super) struct Personal {
    pub identities: Vec<Value>,
    pub attributes: BTreeMap<String, Value>,
}

/// What a session's scope shows of a user to a client. `scope` is space-separated.
pub(super) fn personal(user: &User, settings: &Settings, scope: &str, profile: Profile, told: Told) -> Personal {
    let scopes: Vec<&str> = scope.split(' ').collect();
    let is_shown = |name: &str| match profile {
        Profile::Cognito => shown_by_cognito(name, &scopes),
        Profile::Openid => told != (Told::InIdToken { with_access: true }) && shown_by_openid(name, &scopes),
    };
    let readable = || user.attributes.iter().filter(|(name, _)| settings.may_read(name));
    let mut personal = Personal::default();
    for (name, value) in readable().filter(|(name, _)| is_shown(name)) {
        if name == IDENTITIES {
            personal.identities.extend(links::claim(value));
        } else {
            personal.attributes.insert(name.clone(), value_of(name, value, profile, told));
        }
    }
    for ClaimRule { attribute, claim, kind } in &settings.oauth.claims {
        if let Some((_, value)) = readable().find(|(name, _)| *name == attribute) {
            personal.attributes.insert(claim.clone(), typed(value, *kind));
        }
    }
    personal
}

/// As an API sign-in has it: everything that the client may read.
pub(super) fn whole(user: &User, settings: &Settings) -> Personal {
    personal(user, settings, "", Profile::Cognito, Told::InIdToken { with_access: true })
}

fn shown_by_cognito(name: &str, scopes: &[&str]) -> bool {
    let asks = |scope: &str| scopes.contains(&scope);
    if asks("profile") || !(asks("email") || asks("phone")) {
        return true;
    }
    name == "sub" || shown_by_address(name, scopes)
}

fn shown_by_openid(name: &str, scopes: &[&str]) -> bool {
    shown_by_address(name, scopes)
        || (scopes.contains(&"profile") && PROFILE.contains(&name))
        || (scopes.contains(&"address") && name == "address")
}

fn shown_by_address(name: &str, scopes: &[&str]) -> bool {
    match name {
        "email" | "email_verified" => scopes.contains(&"email"),
        "phone_number" | "phone_number_verified" => scopes.contains(&"phone"),
        _ => false,
    }
}

/// Cognito's are strings, but for the two in ID tokens that say whether an address is verified; OpenID Connect has types (§5.1).
fn value_of(name: &str, value: &str, profile: Profile, told: Told) -> Value {
    match (name, profile) {
        ("email_verified" | "phone_number_verified", Profile::Cognito) if told == Told::AtUserInfo => json!(value),
        ("email_verified" | "phone_number_verified", _) => json!(value == "true"),
        ("updated_at", Profile::Openid) => typed(value, ClaimKind::Number),
        ("address", Profile::Openid) => match serde_json::from_str::<Value>(value) {
            Ok(object @ Value::Object(_)) => object,
            _ => json!({ "formatted": value }),
        },
        _ => json!(value),
    }
}

/// An attribute that is not of the type stays a string.
fn typed(value: &str, kind: ClaimKind) -> Value {
    let read = match kind {
        ClaimKind::Text => None,
        ClaimKind::Boolean => value.parse::<bool>().ok().map(Value::from),
        ClaimKind::Number => serde_json::from_str::<serde_json::Number>(value).ok().map(Value::from),
        ClaimKind::Json => serde_json::from_str(value).ok(),
    };
    read.unwrap_or_else(|| json!(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> User {
        let attributes = [
            ("email", "jane@example.com"),
            ("email_verified", "true"),
            ("phone_number", "+4912345"),
            ("phone_number_verified", "false"),
            ("name", "Jane"),
            ("updated_at", "1790000000"),
            ("address", "Main Street 1"),
            ("custom:level", "3"),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        User { attributes, ..User::sample() }
    }

    fn said(scope: &str, profile: Profile, told: Told) -> Value {
        json!(personal(&jane(), &Settings::default(), scope, profile, told).attributes)
    }

    #[test]
    fn cognito_shows_all_or_what_is_asked_for() {
        let names = |scope| said(scope, Profile::Cognito, Told::AtUserInfo).as_object().unwrap().len();
        assert_eq!((names("openid"), names("openid profile"), names("aws.cognito.signin.user.admin")), (8, 8, 8));
        assert_eq!((names("openid email"), names("openid phone email")), (2, 4));
        assert_eq!(said("openid email", Profile::Cognito, Told::AtUserInfo)["email_verified"], "true");
        let told = Told::InIdToken { with_access: true };
        assert_eq!(said("openid email", Profile::Cognito, told)["email_verified"], true);
    }

    #[test]
    fn openid_shows_the_claims_of_scopes_with_their_types() {
        let told = Told::AtUserInfo;
        assert_eq!(said("openid", Profile::Openid, told), json!({}));
        let all = said("openid profile email phone address", Profile::Openid, told);
        let want = json!({
            "email": "jane@example.com", "email_verified": true, "phone_number": "+4912345", "phone_number_verified": false,
            "name": "Jane", "updated_at": 1_790_000_000, "address": { "formatted": "Main Street 1" },
        });
        assert_eq!(all, want);
        assert_eq!(said("openid email", Profile::Openid, Told::InIdToken { with_access: true }), json!({}));
        let alone = said("openid email", Profile::Openid, Told::InIdToken { with_access: false });
        assert_eq!(alone, json!({ "email": "jane@example.com", "email_verified": true }));
    }

    #[test]
    fn rules_name_and_type_claims() {
        let rule =
            |attribute: &str, claim: &str, kind| ClaimRule { attribute: attribute.into(), claim: claim.into(), kind };
        let mut settings = Settings::default();
        settings.oauth.claims = vec![
            rule("custom:level", "level", ClaimKind::Number),
            rule("name", "level_name", ClaimKind::Number),
            rule("custom:absent", "absent", ClaimKind::Json),
        ];
        let told = Told::InIdToken { with_access: true };
        let said = |settings: &Settings| json!(personal(&jane(), settings, "openid", Profile::Openid, told).attributes);
        assert_eq!(said(&settings), json!({ "level": 3, "level_name": "Jane" }));
        settings.read_attributes = Some(vec!["name".into()]);
        assert_eq!(
            said(&settings),
            json!({ "level_name": "Jane" }),
            "what it may not read is not told by another name"
        );
    }
}
