//! What a token says of itself, read without any check: to tell an operator why it was refused. Never the token.

use common::clock::UnixMillis;
use common::jose::base64url_decode;
use serde_json::Value;

/// The claims that refusals depend on.
const TEXTS: [(&str, &str); 6] = [
    ("iss", "says iss"),
    ("aud", "says aud"),
    ("client_id", "says client"),
    ("token_use", "says use"),
    ("scope", "says scope"),
    ("cognito:groups", "says groups"),
];
const TIMES: [(&str, &str); 3] = [("exp", "says exp"), ("nbf", "says nbf"), ("iat", "says iat")];

/// Pairs of a name and a text; nothing where the payload is no JSON object.
pub fn told(token: &str, time: impl Fn(UnixMillis) -> String) -> Vec<(&'static str, String)> {
    let payload = token.split('.').nth(1).and_then(|part| base64url_decode(part).ok());
    let Some(Value::Object(claims)) = payload.and_then(|payload| serde_json::from_slice(&payload).ok()) else {
        return Vec::new();
    };
    let text = |(claim, name): (&str, &'static str)| {
        let value = match claims.get(claim)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name, value))
    };
    let moment = |(claim, name): (&str, &'static str)| {
        let value = claims.get(claim)?;
        Some((
            name,
            value.as_u64().map_or_else(|| value.to_string(), |seconds| time(UnixMillis::from_seconds(seconds))),
        ))
    };
    TEXTS.into_iter().filter_map(text).chain(TIMES.into_iter().filter_map(moment)).collect()
}
