//! What a never-seen token costs beyond ring's bare verification. Prints, asserts nothing.
//! `cargo bench -p common`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::hint::black_box;
use std::time::Instant;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::{Alg, Jwks, Jws, KeySet, PublicKey, SigningKey, base64url_decode, provider};
use common::verify::{Leeway, Policy, Possession, Unverified, authenticate};
use ring::rsa::PublicKeyComponents;
use ring::signature;
use serde_json::{Value, json};

const ISS: &str = "https://issuer.example/us-east-1_AbCdEf123";
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn main() {
    let key = SigningKey::from_pkcs8(Alg::RS256, include_bytes!("../vectors/keys/rsa-2048-a.pk8")).unwrap();
    let token = key.sign_compact(&key.header(), &claims()).unwrap();
    let keys = KeySet::new(ISS, Jwks::new(vec![key.public_jwk().clone()]).unwrap()).unwrap();
    let policy = Policy::cognito(ISS, TokenUse::Access);
    println!("RS256 token of {} bytes; best and median round in microseconds a call", token.len());

    let jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    let part = |name: &str| base64url_decode(jwk[name].as_str().unwrap()).unwrap();
    let bare = PublicKeyComponents { n: part("n"), e: part("e") };
    let jws = Jws::parse(&token).unwrap();
    report("ring, bare verification", || {
        bare.verify(&signature::RSA_PKCS1_2048_8192_SHA256, jws.signing_input.as_bytes(), &jws.signature).unwrap();
    });
    report("authenticate + admit (a never-seen token)", || {
        let verified = authenticate(black_box(&token), &keys, policy.profile, policy.leeway, NOW).unwrap();
        let held = verified.held_by(&Possession::NONE).unwrap();
        policy.admit(&verified, &held).unwrap();
        black_box(verified);
    });
    provider::install();
    let decoding = jsonwebtoken::DecodingKey::from_rsa_raw_components(&bare.n, &bare.e);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    report("jsonwebtoken::decode through the provider", || {
        black_box(jsonwebtoken::decode::<Value>(black_box(&token), &decoding, &validation).unwrap());
    });
    report("read only (Unverified::parse)", || {
        black_box(Unverified::parse(black_box(&token)).unwrap());
    });
    let crowded = crowded_token(&key);
    report(&format!("read only, {} bytes of nothing but names", crowded.len()), || {
        black_box(Unverified::parse(black_box(&crowded)).unwrap());
    });
    let verified = authenticate(&token, &keys, policy.profile, Leeway::NONE, NOW).unwrap();
    report("known token: still_valid + admit", || {
        black_box(&verified).still_valid(black_box(NOW)).unwrap();
        let held = verified.held_by(&Possession::NONE).unwrap();
        black_box(&policy).admit(&verified, &held).unwrap();
    });
    println!("a kept verdict weighs about {} bytes", verified.weight());
    let n = part("n");
    report("import of an RSA key", || {
        black_box(PublicKey::rsa(black_box(&n), &[1, 0, 1]).unwrap());
    });
    report("sign_compact RS256", || {
        black_box(key.sign_compact(&key.header(), &claims()).unwrap());
    });
}

fn claims() -> Value {
    json!({
        "sub": "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f", "cognito:groups": ["staff", "eu"], "iss": ISS,
        "client_id": "4kfu1abcdefghijklmnopqrst", "origin_jti": "0f6c1f3e-52b5-4d1f-a0a5-5f1f37a3c111",
        "event_id": "9b6c1f3e-52b5-4d1f-a0a5-5f1f37a3c222", "token_use": "access",
        "scope": "aws.cognito.signin.user.admin orders/read", "auth_time": NOW.seconds() - 10,
        "exp": NOW.seconds() + 3600, "iat": NOW.seconds(), "jti": "01a31b9f-5000-7abc-8def-0123456789ab",
        "username": "alice",
    })
}

/// Full of short names, the dearest text to search for duplicates.
fn crowded_token(key: &SigningKey) -> String {
    let crowd: serde_json::Map<String, Value> = (0..128).map(|i| (format!("{i:x}"), json!(0))).collect();
    let claims: serde_json::Map<String, Value> = (0..6).map(|i| (format!("{i}"), json!(crowd))).collect();
    key.sign_compact(&key.header(), &claims).unwrap()
}

/// The best round is what the work costs; the median tells how busy the machine was.
fn report(what: &str, mut work: impl FnMut()) {
    const ROUNDS: usize = 201;
    const CALLS: u32 = 50;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| work());
            start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{:9.2} {:9.2}  {what}", rounds[0], rounds[ROUNDS / 2]);
}
