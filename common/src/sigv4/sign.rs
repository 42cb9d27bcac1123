//! Signing, for our own clients.

use std::borrow::Cow;

use crate::clock::UnixMillis;
use crate::secret::SecretString;
use crate::sigv4::key::{SigningKey, string_to_sign};
use crate::sigv4::text::canonical_request;
use crate::sigv4::{ALGORITHM, Request, Scope, TERMINATOR, date};

/// An access key; with a session token when it is a temporary one.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
}

/// The headers to add to the request.
#[derive(Clone, Debug)]
pub struct SignatureHeaders {
    pub x_amz_date: String,
    pub x_amz_security_token: Option<SecretString>,
    pub authorization: String,
}

impl SignatureHeaders {
    /// Lower-case names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let token = self.x_amz_security_token.as_ref().map(|t| ("x-amz-security-token", t.expose()));
        [("x-amz-date", self.x_amz_date.as_str()), ("authorization", &self.authorization)].into_iter().chain(token)
    }
}

/// Signs a request whose headers hold `host` and all others that are to be signed. Headers that proxies change are left out, as
/// the SDKs do; those that this function makes are replaced.
pub fn sign(
    request: &Request<'_>,
    body_sha256: &[u8; 32],
    credentials: &Credentials,
    scope: Scope<'_>,
    now: UnixMillis,
) -> SignatureHeaders {
    let x_amz_date = date::format(now);
    let day = x_amz_date.get(..8).unwrap_or_default();
    let mut headers: Vec<(Cow<'_, str>, &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (lower(name), *value))
        .filter(|(name, _)| !UNSIGNED.contains(&name.as_ref()))
        .collect();
    headers.push((Cow::Borrowed("x-amz-date"), x_amz_date.as_bytes()));
    if let Some(token) = &credentials.session_token {
        headers.push((Cow::Borrowed("x-amz-security-token"), token.expose().as_bytes()));
    }
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
    let mut signed: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    signed.sort_unstable();
    signed.dedup();

    let text = canonical_request(&Request { headers: &headers, ..*request }, &signed, body_sha256);
    let key = SigningKey::derive(&credentials.secret_access_key, day, scope);
    let signature = key.sign(&string_to_sign(&x_amz_date, day, scope, &text));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{day}/{}/{}/{TERMINATOR}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        scope.region,
        scope.service,
        signed.join(";"),
    );
    SignatureHeaders { x_amz_security_token: credentials.session_token.clone(), authorization, x_amz_date }
}

/// botocore's list, and what [`sign`] itself sets. Sorted only for the reader.
const UNSIGNED: &[&str] = &[
    "authorization",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amz-date",
    "x-amz-security-token",
    "x-amzn-trace-id",
];

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
