//! Client metadata in JSON. A member that is null is as if it were not there.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clients::oauth::AuthMethod;

/// What a client says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// In a document, and where a client changes its registration.
    pub client_id: Option<String>,
    /// Where a client changes its registration (RFC 7592 §2.2).
    pub client_secret: Option<String>,
    pub application_type: Option<String>,
    pub backchannel_logout_session_required: Option<bool>,
    pub backchannel_logout_uri: Option<String>,
    pub client_name: Option<String>,
    pub client_uri: Option<String>,
    pub contacts: Option<Vec<String>>,
    pub default_max_age: Option<u64>,
    pub dpop_bound_access_tokens: Option<bool>,
    pub frontchannel_logout_session_required: Option<bool>,
    pub frontchannel_logout_uri: Option<String>,
    pub grant_types: Option<Vec<GrantType>>,
    pub id_token_encrypted_response_alg: Option<String>,
    pub id_token_signed_response_alg: Option<String>,
    pub initiate_login_uri: Option<String>,
    pub jwks: Option<Value>,
    pub jwks_uri: Option<String>,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub post_logout_redirect_uris: Option<Vec<String>>,
    pub redirect_uris: Option<Vec<String>>,
    pub request_object_encryption_alg: Option<String>,
    pub request_uris: Option<Vec<String>>,
    pub require_auth_time: Option<bool>,
    pub require_pushed_authorization_requests: Option<bool>,
    pub require_signed_request_object: Option<bool>,
    pub response_types: Option<Vec<String>>,
    pub scope: Option<String>,
    pub sector_identifier_uri: Option<String>,
    pub software_id: Option<String>,
    pub software_statement: Option<Value>,
    pub software_version: Option<String>,
    pub subject_type: Option<String>,
    pub tls_client_auth_san_dns: Option<String>,
    pub tls_client_auth_san_email: Option<String>,
    pub tls_client_auth_san_ip: Option<String>,
    pub tls_client_auth_san_uri: Option<String>,
    pub tls_client_auth_subject_dn: Option<String>,
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    pub token_endpoint_auth_method: Option<AuthMethod>,
    pub tos_uri: Option<String>,
    pub userinfo_encrypted_response_alg: Option<String>,
    pub userinfo_signed_response_alg: Option<String>,
}

/// Grants that a client may register for. Token exchange is for clients that an administrator made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    Implicit,
    RefreshToken,
    ClientCredentials,
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

/// What has no place in a client's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_auth_time: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}
