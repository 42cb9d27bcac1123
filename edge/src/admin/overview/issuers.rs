//! Token issuers: their keys, and what is remembered of their tokens.

use std::collections::BTreeMap;

use common::clock::UnixMillis;
use common::jose::KeySet;
use serde::Serialize;

use crate::snapshot::issuer::{Issuer, Trust};

/// The source of pools.
pub const FEED: &str = "feed";

#[derive(Debug, Serialize)]
pub struct IssuerLine {
    pub name: String,
    /// None: no keys have come, and no token of it is accepted.
    pub iss: Option<String>,
    pub profile: Option<&'static str>,
    /// Where the keys come from: `feed`, a file, a URL, or that tokens are asked about.
    pub source: String,
    /// Since the keys were last fetched; none where they are not, or not yet.
    pub keys_age_seconds: Option<u64>,
    /// Whether they may be believed still.
    pub keys_good: bool,
    pub keys: Vec<KeyLine>,
    /// Good tokens that are remembered, and the memory for them.
    pub known_tokens: usize,
    pub known_bytes: usize,
    /// Requests whose token was known, and tokens that had to be verified.
    pub hits: u64,
    pub misses: u64,
    /// Revocations that are in force.
    pub revocations: usize,
    pub disabled_clients: usize,
    /// Since the last news of revocations, by the issuer's clock; none where it tells none.
    pub news_age_seconds: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct KeyLine {
    pub kid: String,
    pub alg: &'static str,
    /// Which tokens it signs.
    pub signs: &'static str,
}

impl IssuerLine {
    pub fn of(issuer: &Issuer, now: UnixMillis) -> Self {
        let tally = issuer.verdicts.tally();
        Self {
            name: issuer.name.to_string(),
            iss: issuer.trust.as_ref().map(|trust| trust.iss().to_string()),
            profile: issuer.trust.as_ref().map(|trust| trust.profile.as_str()),
            source: source(issuer),
            keys_age_seconds: issuer.keys.as_ref().and_then(|keys| keys.age(now)).map(|age| age.as_secs()),
            keys_good: issuer.keys.as_ref().is_none_or(|keys| keys.is_good(now)),
            keys: issuer.trust.as_ref().map(keys).unwrap_or_default(),
            known_tokens: issuer.verdicts.len(),
            known_bytes: issuer.verdicts.bytes(),
            hits: tally.hits,
            misses: tally.misses,
            revocations: issuer.deaths.len(),
            disabled_clients: issuer.disabled_clients.len(),
            news_age_seconds: issuer.news.as_ref().and_then(|news| news.age(now)).map(|age| age.as_secs()),
        }
    }
}

fn source(issuer: &Issuer) -> String {
    match (&issuer.introspection, &issuer.keys) {
        (Some(introspection), _) => format!("asked at {}", introspection.settings.endpoint.address),
        (None, Some(keys)) => keys.source.place.to_string(),
        (None, None) => FEED.to_owned(),
    }
}

/// By name. An issuer that makes no difference between uses has one set for both.
fn keys(trust: &Trust) -> Vec<KeyLine> {
    let mut lines: BTreeMap<String, KeyLine> = BTreeMap::new();
    let mut add = |set: &KeySet, signs: &'static str| {
        for key in set.jwks().keys().iter().filter_map(|jwk| set.key(Some(jwk.kid()))) {
            let line = || KeyLine { kid: key.kid().to_string(), alg: key.alg().name(), signs };
            let line_of_key = lines.entry(key.kid().to_string()).or_insert_with(line);
            if line_of_key.signs != signs {
                line_of_key.signs = "all tokens";
            }
        }
    };
    add(&trust.access_keys, "access tokens");
    add(&trust.id_keys, "ID tokens");
    lines.into_values().collect()
}
