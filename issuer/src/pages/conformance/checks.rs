//! Checks that many modules make.

use std::collections::{BTreeMap, BTreeSet};

use common::jose::{Jws, base64url_decode};
use serde_json::Value;

use super::Op;
use crate::pages::fixture::Reply;
use crate::pools;
use crate::world::text;

const FIFTY_YEARS: u64 = 50 * 365 * 24 * 3_600;

/// The claims of an ID token that passes what the suite asks in every module.
pub async fn id_token(op: &Op, token: &Value, nonce: Option<&str>) -> Value {
    let token = text(token);
    let services = &op.world.services;
    let pool = pools::named(&services.store, &op.world.pool).await.unwrap();
    let keys = services.keys.key_set(&pool.id, &pool.iss).await.unwrap();
    let jws = Jws::parse(&token).expect("a compact JWS");
    keys.verify(&jws).expect("a signature by a published key");
    let header: Value = serde_json::from_slice(&base64url_decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header["alg"], "RS256");
    assert!(header["kid"].is_string());
    let claims: Value = serde_json::from_slice(&jws.payload).unwrap();
    let now = op.world.now().seconds();
    let number = |name: &str| claims[name].as_u64().unwrap_or_else(|| panic!("{name} of {claims}"));
    assert_eq!(claims["iss"], op.iss());
    assert_eq!(claims["aud"], op.client);
    assert!(number("exp") > now && number("exp") < now + FIFTY_YEARS);
    assert!(number("iat") <= now && number("iat") + 300 >= now);
    assert!(number("auth_time") <= now && number("auth_time") + 365 * 24 * 3_600 >= now);
    assert_ne!(claims["acr"], "");
    assert_eq!(claims.get("nonce").and_then(Value::as_str), nonce);
    assert!(claims.get("updated_at").is_none_or(Value::is_number));
    claims
}

/// An answer of the token endpoint (RFC 6749 §5.1), and how random its tokens are.
pub fn token_answer(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("application/json"));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let body = reply.json();
    assert!(text(&body["token_type"]).eq_ignore_ascii_case("bearer"));
    assert!(body["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));
    for name in ["access_token", "refresh_token"] {
        is_random(&text(&body[name]));
    }
    body
}

/// At least 128 bits long, and 96 bits by what its letters tell.
pub fn is_random(secret: &str) {
    let mut counts = BTreeMap::new();
    for letter in secret.bytes() {
        *counts.entry(letter).or_insert(0_u32) += 1;
    }
    let length = f64::from(u32::try_from(secret.len()).unwrap());
    let bits: f64 = counts.values().map(|count| f64::from(*count) / length).map(|share| -share * share.log2()).sum();
    assert!(secret.len() * 8 >= 128 && bits * length >= 96.0, "{} letters, {bits:.1} bits each", secret.len());
}

/// The callback has these parameters, each with its value where one is given, and no others.
pub fn callback(op: &Op, back: &Reply, expected: &[&str]) {
    let location = back.location();
    let query = location.split_once(['?', '#']).map_or("", |(_, query)| query);
    let names: BTreeSet<String> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    let wanted: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(names, wanted, "{location}");
    assert_eq!(back.parameter("state").as_deref(), Some("st&te"));
    assert_eq!(back.parameter("iss"), Some(op.iss()));
    if let Some(said) = back.parameter("error_description") {
        assert!(said.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\'), "{said}");
    }
}

/// The client is told this error by its callback.
pub fn refused(op: &Op, back: &Reply, errors: &[&str]) {
    let error = back.parameter("error").unwrap_or_else(|| panic!("{} {}", back.status, back.location()));
    assert!(errors.contains(&error.as_str()), "{error}");
    callback(op, back, &["error", "error_description", "state", "iss"]);
}

/// A page for the user, and no redirect.
pub fn is_page(reply: &Reply) {
    assert!(reply.location().is_empty(), "{}", reply.location());
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"));
}
