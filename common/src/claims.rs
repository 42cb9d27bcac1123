//! The claim sets of Cognito's ID and access tokens as they appear on the wire.
//!
//! Both structs serialise to what the issuer signs and read back from it. Times are whole seconds (RFC 7519 §2
//! NumericDate); a string, null, fraction or negative number in their place is refused, never taken for absent
//! (CVE-2026-25537). Duplicate names are refused at any depth.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jose::json::{JsonError, Object};

/// What a token is for: Cognito's `token_use`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenUse {
    Access,
    Id,
}

impl TokenUse {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
        }
    }
}

/// A claim set that has a fixed `token_use`.
pub trait ClaimSet: Serialize + DeserializeOwned {
    const TOKEN_USE: TokenUse;

    fn token_use(&self) -> TokenUse;

    /// Reads a payload. It verifies nothing.
    fn parse(json: &str) -> Result<Self, JsonError> {
        let object = Object::parse(json)?;
        let claims: Self = serde_json::from_str(object.as_str()).map_err(|_| JsonError::Mistyped)?;
        if claims.token_use() == Self::TOKEN_USE { Ok(claims) } else { Err(JsonError::Mistyped) }
    }
}

/// The claims of an access token. Machine-to-machine tokens have `sub` = `client_id` and no `username`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
    pub sub: String,
    #[serde(rename = "cognito:groups", default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    pub iss: String,
    /// 2 in tokens of the hosted flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    pub client_id: String,
    /// Only where token revocation is on for the client, like `jti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub token_use: TokenUse,
    /// Space-separated; API sign-ins have `aws.cognito.signin.user.admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Of the original sign-in, also after a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    pub exp: u64,
    pub iat: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Claims that a pool's settings or hooks added.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// The claims of an ID token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdClaims {
    pub sub: String,
    #[serde(rename = "cognito:groups", default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(rename = "cognito:roles", default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The role of the group with the lowest precedence; absent when groups tie with different roles.
    #[serde(rename = "cognito:preferred_role", default, skip_serializing_if = "Option::is_none")]
    pub preferred_role: Option<String>,
    pub iss: String,
    #[serde(rename = "cognito:username")]
    pub username: String,
    /// Of federated users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_jti: Option<String>,
    /// The app client.
    pub aud: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    pub token_use: TokenUse,
    /// Of the original sign-in, also after a refresh.
    pub auth_time: u64,
    pub exp: u64,
    pub iat: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The user's attributes: strings, but for `email_verified` and `phone_number_verified`, which are booleans.
    #[serde(flatten)]
    pub attributes: BTreeMap<String, Value>,
}

impl ClaimSet for AccessClaims {
    const TOKEN_USE: TokenUse = TokenUse::Access;

    fn token_use(&self) -> TokenUse {
        self.token_use
    }
}

impl ClaimSet for IdClaims {
    const TOKEN_USE: TokenUse = TokenUse::Id;

    fn token_use(&self) -> TokenUse {
        self.token_use
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn access() -> Value {
        json!({
            "sub": "s", "iss": "i", "client_id": "c", "token_use": "access", "scope": "a b", "exp": 20, "iat": 10,
            "auth_time": 10, "jti": "j", "origin_jti": "o", "username": "u", "cognito:groups": ["g"], "department": "x",
        })
    }

    fn id() -> Value {
        json!({
            "sub": "s", "iss": "i", "aud": "c", "token_use": "id", "exp": 20, "iat": 10, "auth_time": 10,
            "cognito:username": "u", "email": "a@b", "email_verified": true, "custom:level": "3",
        })
    }

    #[test]
    fn both_sets_read_and_write_the_same_json() {
        let claims = AccessClaims::parse(&access().to_string()).unwrap();
        assert_eq!(claims.groups, ["g"]);
        assert_eq!(claims.extra["department"], "x");
        assert_eq!(serde_json::to_value(&claims).unwrap(), access());
        let claims = IdClaims::parse(&id().to_string()).unwrap();
        assert_eq!(claims.attributes["custom:level"], "3");
        assert_eq!(serde_json::to_value(&claims).unwrap(), id());
    }

    #[test]
    fn absent_claims_are_not_written() {
        let mut claims = AccessClaims::parse(&access().to_string()).unwrap();
        (claims.jti, claims.origin_jti, claims.username, claims.scope) = (None, None, None, None);
        claims.groups.clear();
        let written = serde_json::to_string(&claims).unwrap();
        for name in ["jti", "username", "scope", "groups", "null", "version", "amr"] {
            assert!(!written.contains(name), "{name} in {written}");
        }
    }

    #[test]
    fn neither_set_reads_as_the_other() {
        assert_eq!(IdClaims::parse(&access().to_string()).unwrap_err(), JsonError::Mistyped);
        assert_eq!(AccessClaims::parse(&id().to_string()).unwrap_err(), JsonError::Mistyped);
        let mut posing = id();
        posing["client_id"] = json!("c");
        assert_eq!(AccessClaims::parse(&posing.to_string()).unwrap_err(), JsonError::Mistyped);
    }

    /// T15.
    #[test]
    fn times_are_whole_numbers_or_the_token_is_refused() {
        for name in ["exp", "iat"] {
            for odd in [json!("20"), json!(null), json!(1e308), json!(-1), json!(20.5), json!([20]), json!(true)] {
                for mut claims in [access(), id()] {
                    claims[name] = odd.clone();
                    let text = claims.to_string();
                    let refused = match claims["token_use"].as_str() {
                        Some("id") => IdClaims::parse(&text).is_err(),
                        _ => AccessClaims::parse(&text).is_err(),
                    };
                    assert!(refused, "{text}");
                }
            }
            let mut claims = access();
            claims.as_object_mut().unwrap().remove(name);
            assert!(AccessClaims::parse(&claims.to_string()).is_err());
        }
    }

    #[test]
    fn duplicates_are_refused_also_among_extra_claims() {
        let text = access().to_string();
        let inside = &text[1..text.len() - 1];
        for more in [r#""department":"y""#, r#""sub":"t""#, r#""z":{"a":1,"a":1}"#] {
            assert_eq!(AccessClaims::parse(&format!("{{{inside},{more}}}")).unwrap_err(), JsonError::Invalid);
        }
    }
}
