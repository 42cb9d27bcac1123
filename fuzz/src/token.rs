//! Tokens: either a text as it is, or, where it begins with `{`, a header and a payload as two lines, which our own key signs.
//!
//! What must hold: no panic; of texts only those pass that the key has signed; of what it signs only what names its issuer, once, and is in time.

use std::sync::LazyLock;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, KeySet, SigningKey, base64url_decode, base64url_encode};
use common::verify::{Leeway, Policy, verify};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub const ISS: &str = "https://issuer.example/us-east-1_AbCdEf123";
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

struct Fixed {
    key: SigningKey,
    keys: KeySet,
    policies: [Policy; 3],
}

static FIXED: LazyLock<Fixed> = LazyLock::new(|| {
    // Deterministic, and a hundred times faster to sign with than RSA.
    let pkcs8 = include_bytes!("../files/ed25519.pk8");
    let key = SigningKey::from_pkcs8(Alg::EdDSA, pkcs8).expect("a key");
    let keys = KeySet::new(ISS, Jwks::new(vec![key.public_jwk().clone()]).expect("a set")).expect("a set");
    let policies =
        [Policy::cognito(ISS, TokenUse::Access), Policy::cognito(ISS, TokenUse::Id), Policy::rfc9068(ISS, "api")];
    Fixed { key, keys, policies: policies.map(|policy| Policy { leeway: Leeway::default(), ..policy }) }
});

pub fn one(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.split_once('\n') {
        Some((header, payload)) if header.starts_with('{') => signed(header, payload),
        _ => as_it_is(text),
    }
}

fn as_it_is(token: &str) {
    for policy in &FIXED.policies {
        if verify(token, &FIXED.keys, policy, NOW).is_ok() {
            let (input, signature) = token.rsplit_once('.').expect("three parts");
            assert_eq!(signature, base64url_encode(FIXED.key.sign(input.as_bytes()).expect("a signature")));
        }
    }
}

fn signed(header: &str, payload: &str) {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let token = format!("{input}.{}", base64url_encode(FIXED.key.sign(input.as_bytes()).expect("a signature")));
    for policy in &FIXED.policies {
        let Ok(verified) = verify(&token, &FIXED.keys, policy, NOW) else { continue };
        let header: Value = serde_json::from_str(header).expect("an accepted header is JSON");
        let claims: Value = serde_json::from_str(payload).expect("an accepted payload is JSON");
        assert!(header["alg"] == "EdDSA" && header.get("crit").is_none() && header.get("b64").is_none());
        assert!(header.get("kid").is_none_or(|kid| *kid == FIXED.key.kid()));
        assert_eq!((claims["iss"].as_str(), &*verified.iss), (Some(ISS), ISS));
        assert_eq!(claims["sub"].as_str(), Some(&*verified.sub));
        assert!(claims["exp"].as_f64().is_some_and(|exp| exp * 1000.0 > NOW.0 as f64 - 10_001.0));
        assert!(
            claims["nbf"].is_null() || claims["nbf"].as_f64().is_some_and(|nbf| nbf * 1000.0 < NOW.0 as f64 + 10_001.0)
        );
        assert!(claims.get("cnf").is_none(), "a bound token as a plain one");
        let unique: Result<Unique, _> = serde_json::from_str(payload);
        assert!(unique.is_ok(), "a claim twice: {payload}");
    }
    // A part that was signed decodes to itself.
    assert_eq!(base64url_decode(&base64url_encode(payload)).as_deref().ok(), Some(payload.as_bytes()));
}

/// JSON in which no object has a name twice, at any depth.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = std::collections::HashSet::new();
        while let Some((name, Unique)) = map.next_entry::<String, Unique>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}
