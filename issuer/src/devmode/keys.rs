//! Every access key is taken, as emulators do: SDKs sign with whatever credentials, region and clock a test has set.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, ORIGIN};
use cognito_model::{Exception, Fault};
use common::sigv4::{Incomplete, Sigv4Error};

use super::door::is_loopback_origin;
use crate::access::AccessError;
use crate::aws_json::AdminCaller;

/// The administrator that a request says to come from. Nothing is verified: neither secret nor region, neither date nor body.
///
/// # Errors
/// As everywhere for a request that is not signed at all: an app that forgets to sign must not learn it in production. And a page of another site is
/// no administrator of this machine's issuer, whatever it writes into its headers.
pub fn any_key(headers: &HeaderMap) -> Result<AdminCaller, Fault> {
    if headers.get_all(ORIGIN).iter().any(|origin| !is_loopback_origin(origin.as_bytes())) {
        let text = "Developer mode takes every access key, so it takes none from pages of other sites (Origin).";
        return Err(Fault::new(Exception::AccessDenied, text));
    }
    let refused = |error: Sigv4Error| Fault::from(AccessError::from(error));
    let authorization = headers.get(AUTHORIZATION).ok_or_else(|| refused(Sigv4Error::Missing))?;
    let text = authorization.to_str().ok().filter(|text| text.starts_with("AWS4-"));
    let text = text.ok_or_else(|| refused(Sigv4Error::Incomplete(Incomplete::Algorithm)))?;
    let credential = text.split_once("Credential=").map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default());
    let mut parts = credential.unwrap_or_default().split('/');
    let key = parts.next().filter(|key| is_key(key));
    let key = key.ok_or_else(|| refused(Sigv4Error::Incomplete(Incomplete::Credential)))?;
    // key / date / region / service / aws4_request. Signatures for several regions name none.
    let scope: Vec<&str> = parts.collect();
    let region = scope.get(1).filter(|region| scope.len() == 4 && is_region(region));
    Ok(AdminCaller {
        access_key_id: key.to_owned(),
        single_use: false,
        region: region.map(|&region| region.to_owned()),
    })
}

/// It goes into the audit record.
fn is_key(key: &str) -> bool {
    (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// It becomes the beginning of pool ids.
fn is_region(region: &str) -> bool {
    (1..=32).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &str)]) -> Result<AdminCaller, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        any_key(&map).map_err(|fault| fault.exception.name().to_owned())
    }

    fn asked(headers: &[(&'static str, &str)]) -> Result<String, String> {
        caller(headers).map(|caller| caller.access_key_id)
    }

    #[test]
    fn any_key_region_and_date_will_do_and_none_will_not() {
        for (authorization, want) in [
            (
                "AWS4-HMAC-SHA256 Credential=testing/20010101/us-west-2/cognito-idp/aws4_request, SignedHeaders=host, Signature=00",
                "testing",
            ),
            ("AWS4-HMAC-SHA256 Credential=abcd/20010101/us-east-2/cognito-idp/aws4_request", "abcd"),
            (
                "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/cognito-idp/aws4_request, Signature=1",
                "AKIAIOSFODNN7EXAMPLE",
            ),
        ] {
            assert_eq!(asked(&[("authorization", authorization)]).as_deref(), Ok(want));
        }
        for (scope, region) in [
            ("20010101/us-west-2/cognito-idp/aws4_request", Some("us-west-2")),
            ("20010101/local/cognito-idp/aws4_request", Some("local")),
            ("20260101/cognito-idp/aws4_request", None),
            ("20260101/US_WEST/cognito-idp/aws4_request", None),
            ("20260101//cognito-idp/aws4_request", None),
            ("20260101", None),
        ] {
            let authorization = format!("AWS4-HMAC-SHA256 Credential=x/{scope}, SignedHeaders=host, Signature=0");
            assert_eq!(caller(&[("authorization", &authorization)]).unwrap().region.as_deref(), region, "{scope}");
        }
        assert_eq!(asked(&[]).unwrap_err(), "MissingAuthenticationTokenException");
        for other in
            ["Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=/x", "AWS4-HMAC-SHA256 Credential=a\"b/x"]
        {
            assert_eq!(asked(&[("authorization", other)]).unwrap_err(), "IncompleteSignatureException", "{other}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_no_administrator() {
        let signed =
            ("authorization", "AWS4-HMAC-SHA256 Credential=testing/20010101/us-west-2/cognito-idp/aws4_request");
        for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
            assert_eq!(asked(&[signed, ("origin", origin)]).unwrap_err(), "AccessDeniedException", "{origin}");
            let both = [signed, ("origin", "http://localhost"), ("origin", origin)];
            assert_eq!(asked(&both).unwrap_err(), "AccessDeniedException", "{origin}");
        }
        assert_eq!(asked(&[signed, ("origin", "http://localhost:3000")]).unwrap(), "testing");
    }
}
