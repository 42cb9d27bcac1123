//! The attribute `identities`: which identities of other providers a user has (pure). A JSON text among the attributes, as Cognito shows it, and a
//! list in ID tokens. Only the operations that link write it.

use cognito_model::idp::types::IdentityProviderTypeType;
use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pools::schema::Attributes;

pub const IDENTITIES: &str = "identities";
/// Of one user (Cognito's quota).
pub const MOST: usize = 5;

/// One of them, in the attribute's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// What the provider calls the user; until the first sign-in by it, what the link was made with.
    pub user_id: String,
    pub provider_name: String,
    pub provider_type: String,
    pub issuer: Option<String>,
    /// Whether the user was made by it.
    pub primary: bool,
    /// Milliseconds since the epoch.
    pub date_created: u64,
}

impl Identity {
    pub fn linked(user_id: &str, provider: &str, kind: IdentityProviderTypeType, now: UnixMillis) -> Self {
        Self {
            user_id: user_id.to_owned(),
            provider_name: provider.to_owned(),
            provider_type: kind.as_str().to_owned(),
            issuer: None,
            primary: false,
            date_created: now.0,
        }
    }

    pub fn is(&self, provider: &str, user_id: &str) -> bool {
        self.provider_name == provider && self.user_id == user_id
    }
}

/// The identities of a user. A text that is none of ours is none.
pub fn of(attributes: &Attributes) -> Vec<Identity> {
    attributes.get(IDENTITIES).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The attributes with these identities; without any, the attribute goes.
pub fn with(attributes: &Attributes, identities: &[Identity]) -> Attributes {
    let mut attributes = attributes.clone();
    match serde_json::to_string(identities) {
        Ok(text) if !identities.is_empty() => attributes.insert(IDENTITIES.to_owned(), text),
        _ => attributes.remove(IDENTITIES),
    };
    attributes
}

/// The claim of ID tokens, in which everything is text (Cognito).
pub fn claim(attribute: &str) -> Vec<Value> {
    let identities: Vec<Identity> = serde_json::from_str(attribute).unwrap_or_default();
    let claim = |one: Identity| {
        json!({
            "userId": one.user_id, "providerName": one.provider_name, "providerType": one.provider_type,
            "issuer": one.issuer, "primary": one.primary.to_string(), "dateCreated": one.date_created.to_string(),
        })
    };
    identities.into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_attributes_and_one_for_tokens() {
        let one = Identity::linked("108", "Google", IdentityProviderTypeType::Google, UnixMillis(1_642_699_117_273));
        let attributes = with(&Attributes::new(), std::slice::from_ref(&one));
        let text = &attributes[IDENTITIES];
        assert_eq!(
            text,
            r#"[{"userId":"108","providerName":"Google","providerType":"Google","issuer":null,"primary":false,"dateCreated":1642699117273}]"#
        );
        assert_eq!(of(&attributes), [one]);
        assert_eq!(
            claim(text),
            [json!({
                "userId": "108", "providerName": "Google", "providerType": "Google", "issuer": null, "primary": "false",
                "dateCreated": "1642699117273",
            })]
        );
        assert!(with(&attributes, &[]).is_empty());
        assert!(claim("nonsense").is_empty() && of(&Attributes::new()).is_empty());
    }
}
