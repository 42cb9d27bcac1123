//! What a client may do as an OAuth client beyond Cognito's own settings. By its defaults a client is Cognito's.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tollgate's own settings of a client, kept beside Cognito's in its row. An issuer that does not know a member refuses the client: to leave
/// one out could make it weaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth {
    /// The form of its tokens.
    pub profile: Profile,
    /// Whom PKCE (RFC 7636) is asked of.
    pub pkce: Pkce,
    /// Beyond `code` and `token`, which `AllowedOAuthFlows` allows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types: Vec<ResponseType>,
    /// Empty: those of the response type, and `form_post`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modes: Vec<ResponseMode>,
    /// Beyond `AllowedOAuthFlows`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// How it proves itself. Empty: by its secret if it has one, else not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auth_methods: Vec<AuthMethod>,
    /// Its public keys: a JWK set (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where they are published, in the place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Whose certificate it proves itself by (RFC 8705 §2.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateName>,
    /// Its tokens are bound to the certificate that it shows (RFC 8705 `tls_client_certificate_bound_access_tokens`).
    pub certificate_bound: bool,
    /// Its tokens are bound to a key always (RFC 9449 `dpop_bound_access_tokens`).
    pub dpop_bound: bool,
    /// RFC 9126 `require_pushed_authorization_requests`.
    pub par_required: bool,
    /// Refresh tokens are rotated though `RefreshTokenRotation` is off.
    pub rotate_public: bool,
    /// How long an authorization code is good, in seconds; default [`CODE_SECONDS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_seconds: Option<u32>,
    /// A stranger's: its users are asked for consent.
    pub third_party: bool,
    /// OpenID Connect Back-Channel Logout 1.0 `backchannel_logout_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_channel: Option<LogoutUri>,
    /// OpenID Connect Front-Channel Logout 1.0 `frontchannel_logout_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub front_channel: Option<LogoutUri>,
    /// How it came to be, where no administrator made it. Nothing but the registration sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
    /// It runs on its user's machine: the port of a loopback callback may be any (RFC 8252 §7.3).
    pub native: bool,
    /// A sign-in that is older, in seconds, is made anew (`default_max_age`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// UserInfo answers it with a JWT (`userinfo_signed_response_alg`).
    pub userinfo_signed: bool,
    /// What its users see of it.
    #[serde(skip_serializing_if = "About::is_empty")]
    pub about: About,
    /// Claims under other names or of other types than Cognito's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimRule>,
}

/// How long a code is good where the client says nothing.
pub const CODE_SECONDS: u32 = 300;

impl OAuth {
    /// How long an authorization code is good.
    pub fn code_life(&self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::from(self.code_seconds.unwrap_or(CODE_SECONDS)))
    }

    /// Cognito's API is no way for its users: it is a stranger's, who must see no password, or it proves itself, or has its tokens bound, by what that API
    /// does not know.
    pub fn is_for_endpoints_alone(&self) -> bool {
        let known = [AuthMethod::None, AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
        let proves_otherwise = !self.auth_methods.is_empty() && !self.auth_methods.iter().any(|by| known.contains(by));
        self.registered.is_some() || proves_otherwise || self.dpop_bound || self.certificate_bound
    }
}

/// The form of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    #[default]
    Cognito,
    /// `typ: at+jwt` (RFC 9068), typed claims, `sid`.
    Openid,
}

/// Whom PKCE is asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Public clients.
    #[default]
    ByType,
    Required,
}

/// OAuth 2.0 Multiple Response Type Encoding Practices §3, §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "the registered names end so")]
pub enum ResponseType {
    #[serde(rename = "id_token")]
    IdToken,
    #[serde(rename = "id_token token")]
    IdTokenToken,
    #[serde(rename = "code id_token")]
    CodeIdToken,
    #[serde(rename = "code token")]
    CodeToken,
    #[serde(rename = "code id_token token")]
    CodeIdTokenToken,
}

/// How an authorization response travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// Grants that Cognito's `AllowedOAuthFlows` has no name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// RFC 8628.
    DeviceCode,
    /// RFC 8693.
    TokenExchange,
}

/// The names of the registry "OAuth Token Endpoint Authentication Methods".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    TlsClientAuth,
    SelfSignedTlsClientAuth,
}

/// A client that nobody's administrator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registered {
    /// It has registered itself (RFC 7591), and manages itself (RFC 7592).
    Dynamically,
    /// It is what the document at this URL says, which is also its name in requests (draft-ietf-oauth-client-id-metadata-document).
    ByDocument(String),
}

/// Where a client hears of sign-outs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutUri {
    pub uri: String,
    /// It wants to be told which session: `…_logout_session_required`.
    #[serde(default)]
    pub session_required: bool,
}

/// The one name in a client's certificate that says whose it is (RFC 8705 §2.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateName {
    /// As RFC 4514 writes it.
    SubjectDn(String),
    SanDns(String),
    SanUri(String),
    SanIp(String),
    SanEmail(String),
}

/// What the client says of itself (RFC 7591 §2): URLs that pages link to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

impl About {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An attribute as a claim of ID tokens and of userInfo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    pub attribute: String,
    pub claim: String,
    #[serde(default)]
    pub kind: ClaimKind,
}

/// The JSON type of a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    #[default]
    Text,
    Boolean,
    Number,
    Json,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_nothing_unknown_is() {
        let one = json!({
            "profile": "openid", "pkce": "required", "response_types": ["code id_token"], "response_modes": ["form_post"],
            "grants": ["device_code"], "auth_methods": ["private_key_jwt"], "jwks": { "keys": [] }, "code_seconds": 60,
            "back_channel": { "uri": "https://app.test/out" }, "certificate": { "san_dns": "app.test" },
            "about": { "tos_uri": "https://app.test/terms" },
            "claims": [{ "attribute": "custom:age", "claim": "age", "kind": "number" }],
        });
        let read: OAuth = serde_json::from_value(one).unwrap();
        assert_eq!(read.code_life().as_secs(), 60);
        assert_eq!(serde_json::from_value::<OAuth>(serde_json::to_value(&read).unwrap()).unwrap(), read);
        assert_eq!(serde_json::from_value::<OAuth>(json!({})).unwrap(), OAuth::default());
        assert!(serde_json::from_value::<OAuth>(json!({ "dpop_bond": true })).is_err());
    }

    #[test]
    fn what_the_api_does_not_know_is_not_had_there() {
        let alone =
            |settings: serde_json::Value| serde_json::from_value::<OAuth>(settings).unwrap().is_for_endpoints_alone();
        assert!(!alone(json!({})));
        for known in ["none", "client_secret_basic", "client_secret_post"] {
            assert!(!alone(json!({ "auth_methods": ["private_key_jwt", known] })), "{known}");
        }
        for other in ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
            assert!(alone(json!({ "auth_methods": [other] })), "{other}");
        }
        assert!(alone(json!({ "dpop_bound": true })) && alone(json!({ "certificate_bound": true })));
    }
}
