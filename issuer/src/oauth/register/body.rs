//! Bodies of JSON: bounded, and in time.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use common::jose::json::Object;
use http_body_util::{BodyExt, Limited};

use super::refusal::Refusal;
use crate::clients::metadata::Metadata;

/// Bytes.
const LIMIT: usize = 64 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);

/// # Errors
/// `invalid_client_metadata` for what is no JSON object of metadata, with a member that comes twice among it, or is larger than 64 KiB.
pub async fn metadata(headers: &HeaderMap, body: Body) -> Result<Metadata, Refusal> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::metadata("Content-Type must be application/json."));
    }
    let arriving = tokio::time::timeout(DEADLINE, Limited::new(body, LIMIT).collect()).await;
    let arrived = arriving.map_err(|_| Refusal::metadata("The body did not arrive in time."))?;
    let body = arrived.map_err(|_| Refusal::metadata("The body could not be read, or is larger than 64 KiB."))?;
    parse(&body.to_bytes())
}

fn parse(body: &[u8]) -> Result<Metadata, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::metadata("The body is not UTF-8."))?;
    // The strict reader refuses what has two readings at any depth; the other one then tells the members' types.
    Object::parse(text).map_err(|_| Refusal::metadata("The body is no JSON object, or has a member twice."))?;
    serde_json::from_str(text).map_err(|error| Refusal::metadata(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_one_reading() {
        assert!(parse(br#"{"redirect_uris": ["https://a.example/"], "new": {}}"#).is_ok());
        for bad in [
            &b""[..],
            b"[]",
            b"null",
            b"{",
            b"{} {}",
            b"{\"scope\": \"a\", \"scope\": \"b\"}",
            b"{\"scope\": 1}",
            b"{\"grant_types\": [\"password\"]}",
            b"\xff",
        ] {
            assert!(parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let deep = format!("{{\"jwks\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(parse(deep.as_bytes()).is_err());
    }
}
