//! RFC 9449's own proofs, a mutation of a good proof for every check, and noise.

use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Value, json};

use super::*;
use crate::canonical::{CanonicalRequest, RequestHead, UrlScheme, Version, canonical_request};
use crate::jose::{SigningKey, base64url_encode};
use crate::reject::Reject;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const WINDOW: Duration = Duration::from_secs(60);
const TOKEN: &[u8] = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

/// Figure 2 of RFC 9449: a proof for a token request.
const FOR_A_TOKEN: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5",
    "IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIs",
    "Imh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSs",
    "X0x7NVY-FNyJK70nfbV37xRZT3Lg"
);
/// Figure 12: a proof for a request to a protected resource.
const FOR_A_RESOURCE: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5",
    "IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwi",
    "aHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhX",
    "WG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
);
/// §6.1: the thumbprint of the key of both.
const ITS_KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn request<'a>(method: &'a str, host: &'a str, target: &'a str) -> CanonicalRequest<'a> {
    let head =
        RequestHead { method, target: target.as_bytes(), version: Version::Http2, authority: Some(host.as_bytes()) };
    canonical_request(head, std::iter::empty(), &Default::default()).unwrap()
}

fn ath() -> [u8; 32] {
    *Thumbprint::of(TOKEN).as_bytes()
}

fn key(alg: Alg) -> SigningKey {
    let random = SystemRandom::new();
    let ec = |kind| EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap().as_ref().to_vec();
    let pkcs8 = match alg {
        Alg::ES256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        Alg::ES384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        Alg::EdDSA => Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec(),
        _ => include_bytes!("../../vectors/keys/rsa-2048-a.pk8").to_vec(),
    };
    SigningKey::from_pkcs8(alg, &pkcs8).unwrap()
}

/// The bare public members of a key, as clients send them.
fn jwk(key: &SigningKey) -> Value {
    let mut jwk: Value = serde_json::from_str(&key.public_jwk().to_json()).unwrap();
    for name in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk
}

fn header(key: &SigningKey) -> Value {
    json!({"typ": "dpop+jwt", "alg": key.alg().name(), "jwk": jwk(key)})
}

fn good() -> Value {
    json!({
        "jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": "https://api.test/orders/7", "iat": NOW.seconds(),
        "ath": base64url_encode(ath()),
    })
}

/// Signs header and payload as they are.
fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(signature))
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

/// Asks at `now` for `GET https://api.test/orders/7`.
fn ask(proof: &str, freshness: Freshness<'_>, now: UnixMillis) -> Result<Proof, Flaw> {
    let request = request("GET", "api.test", "/orders/7?page=2");
    let target = Target::received(UrlScheme::Https, &request);
    check(proof, &Demand { method: "GET", target, token: Some(&ath()), algs: &Alg::ALL, freshness, now })
}

fn ask_now(proof: &str) -> Result<Proof, Flaw> {
    ask(proof, Freshness::Within(WINDOW), NOW)
}

#[test]
fn the_proofs_of_the_rfc_stand_for_their_own_requests() {
    let request = request("GET", "resource.example.org", "/protectedresource");
    let demand = Demand {
        method: "GET",
        target: Target::received(UrlScheme::Https, &request),
        token: Some(&ath()),
        algs: &[Alg::ES256],
        freshness: Freshness::Within(WINDOW),
        now: UnixMillis::from_seconds(1_562_262_618),
    };
    let proof = check(FOR_A_RESOURCE, &demand).unwrap();
    assert_eq!(proof.key.to_string(), ITS_KEY);
    assert_eq!(proof.until, UnixMillis::from_seconds(1_562_262_678));
    assert_eq!(check(FOR_A_RESOURCE, &Demand { now: NOW, ..demand }), Err(Flaw::Time));
    assert_eq!(check(FOR_A_RESOURCE, &Demand { token: Some(&[0; 32]), ..demand }), Err(Flaw::Token));
    assert_eq!(check(FOR_A_RESOURCE, &Demand { method: "POST", ..demand }), Err(Flaw::Method));
    assert_eq!(check(FOR_A_RESOURCE, &Demand { algs: &[Alg::EdDSA], ..demand }), Err(Flaw::Algorithm));

    // The other is by the same key, and for no resource: it has no `ath`.
    let request = self::request("POST", "server.example.com", "/token");
    let target = Target::received(UrlScheme::Https, &request);
    let now = UnixMillis::from_seconds(1_562_262_616);
    assert_eq!(check(FOR_A_TOKEN, &Demand { method: "POST", target, now, ..demand }), Err(Flaw::Claims));
    let (jws, header) = Jws::parse_with_header(FOR_A_TOKEN).unwrap();
    let key = EmbeddedKey::of(&header, Alg::ES256).unwrap();
    assert!(key.signed(&jws));
    assert_eq!(key.thumbprint().to_string(), ITS_KEY);
}

#[test]
fn every_algorithm_of_the_list_proves() {
    for alg in Alg::ALL {
        let key = key(alg);
        let proof = ask_now(&sign(&key, &header(&key).to_string(), &good().to_string())).unwrap();
        assert_eq!(proof.key, key.public_jwk().thumbprint_digest(), "{alg}");
    }
    let ed = key(Alg::EdDSA);
    let renamed = with(header(&ed), "alg", json!("Ed25519"));
    assert!(ask_now(&sign(&ed, &renamed.to_string(), &good().to_string())).is_ok(), "RFC 9864");
    // What WebCrypto exports.
    let exported = with(with(jwk(&ed), "ext", json!(true)), "key_ops", json!(["verify"]));
    assert!(ask_now(&sign(&ed, &with(header(&ed), "jwk", exported).to_string(), &good().to_string())).is_ok());
}

#[test]
fn each_change_of_the_header_fails_its_check() {
    let (key, rsa) = (key(Alg::ES256), key(Alg::RS256));
    let good_header = header(&key);
    let off_curve = with(jwk(&key), "x", jwk(&self::key(Alg::ES256))["x"].clone());
    let in_jwk = |name: &str, value| with(good_header.clone(), "jwk", with(jwk(&key), name, value));
    let cases = [
        (with(good_header.clone(), "typ", json!("JWT")), Flaw::Type),
        (with(good_header.clone(), "typ", json!("DPoP+jwt")), Flaw::Type),
        (with(good_header.clone(), "typ", json!("application/dpop+jwt")), Flaw::Type),
        (with(good_header.clone(), "typ", json!("at+jwt")), Flaw::Type),
        (with(good_header.clone(), "typ", json!(null)), Flaw::Malformed),
        (without(good_header.clone(), "typ"), Flaw::Type),
        (with(good_header.clone(), "alg", json!("none")), Flaw::Algorithm),
        (with(good_header.clone(), "alg", json!("HS256")), Flaw::Algorithm),
        (with(good_header.clone(), "alg", json!("ES256K")), Flaw::Algorithm),
        (with(good_header.clone(), "alg", json!("ES384")), Flaw::Key),
        (without(good_header.clone(), "alg"), Flaw::Malformed),
        (with(good_header.clone(), "crit", json!(["exp"])), Flaw::Malformed),
        (without(good_header.clone(), "jwk"), Flaw::Key),
        (with(good_header.clone(), "jwk", json!("x")), Flaw::Key),
        (with(good_header.clone(), "jwk", json!({"kty": "oct", "k": "c2VjcmV0"})), Flaw::Key),
        (with(good_header.clone(), "jwk", jwk(&rsa)), Flaw::Key),
        (with(good_header.clone(), "jwk", jwk(&self::key(Alg::ES256))), Flaw::Signature),
        (with(good_header.clone(), "jwk", off_curve), Flaw::Signature),
        (in_jwk("d", json!("AA")), Flaw::Key),
        (in_jwk("k", json!("AA")), Flaw::Key),
        (in_jwk("alg", json!("EdDSA")), Flaw::Key),
        (in_jwk("use", json!("enc")), Flaw::Key),
        (in_jwk("key_ops", json!(["sign", "verify"])), Flaw::Key),
        (in_jwk("y", json!("AA")), Flaw::Key),
        (in_jwk("crv", json!("secp256k1")), Flaw::Key),
    ];
    assert!(ask_now(&sign(&key, &good_header.to_string(), &good().to_string())).is_ok());
    for (header, flaw) in cases {
        assert_eq!(ask_now(&sign(&key, &header.to_string(), &good().to_string())), Err(flaw), "{header}");
    }
    let weak = with(header(&rsa), "jwk", with(jwk(&rsa), "e", json!("AQ")));
    assert_eq!(ask_now(&sign(&rsa, &weak.to_string(), &good().to_string())), Err(Flaw::Key));
    let twice = good_header.to_string().replacen('{', r#"{"jwk":{},"#, 1);
    assert_eq!(ask_now(&sign(&key, &twice, &good().to_string())), Err(Flaw::Malformed));
}

#[test]
fn each_change_of_the_claims_fails_its_check() {
    let key = key(Alg::ES256);
    let uri = |htu: &str| with(good(), "htu", json!(htu));
    let at = |seconds: u64| with(good(), "iat", json!(seconds));
    let now = NOW.seconds();
    let cases = [
        (good(), None),
        (with(good(), "htm", json!("POST")), Some(Flaw::Method)),
        (with(good(), "htm", json!("get")), Some(Flaw::Method)),
        (with(good(), "htm", json!("GET ")), Some(Flaw::Method)),
        (with(good(), "htm", json!(["GET"])), Some(Flaw::Claims)),
        (without(good(), "htm"), Some(Flaw::Claims)),
        (uri("https://api.test/orders/7?page=3"), None),
        (uri("https://api.test/orders/7#top"), None),
        (uri("HTTPS://API.test:443/%6Frders/7"), None),
        (uri("http://api.test/orders/7"), Some(Flaw::Uri)),
        (uri("https://api.test:8443/orders/7"), Some(Flaw::Uri)),
        (uri("https://api.tes/orders/7"), Some(Flaw::Uri)),
        (uri("https://api.test/orders/70"), Some(Flaw::Uri)),
        (uri("https://api.test/orders"), Some(Flaw::Uri)),
        (uri("https://api.test/orders/7/"), Some(Flaw::Uri)),
        (uri("https://api.test/Orders/7"), Some(Flaw::Uri)),
        (uri("https://api.test/orders/x/../7"), Some(Flaw::Uri)),
        (uri("https://api.test/orders%2F7"), Some(Flaw::Uri)),
        (uri("https://u@api.test/orders/7"), Some(Flaw::Uri)),
        (uri("/orders/7"), Some(Flaw::Uri)),
        (uri(""), Some(Flaw::Uri)),
        (with(good(), "htu", json!(7)), Some(Flaw::Claims)),
        (without(good(), "htu"), Some(Flaw::Claims)),
        (at(now - 60), None),
        (at(now + 60), None),
        (at(now - 61), Some(Flaw::Time)),
        (at(now + 61), Some(Flaw::Time)),
        (at(0), Some(Flaw::Time)),
        (with(good(), "iat", json!(now.to_string())), Some(Flaw::Claims)),
        (with(good(), "iat", json!(-1)), Some(Flaw::Claims)),
        (with(good(), "iat", json!(null)), Some(Flaw::Claims)),
        (without(good(), "iat"), Some(Flaw::Claims)),
        (with(good(), "jti", json!("j".repeat(MAX_JTI_BYTES))), None),
        (with(good(), "jti", json!("j".repeat(MAX_JTI_BYTES + 1))), Some(Flaw::Claims)),
        (with(good(), "jti", json!("")), Some(Flaw::Claims)),
        (with(good(), "jti", json!(7)), Some(Flaw::Claims)),
        (without(good(), "jti"), Some(Flaw::Claims)),
        (with(good(), "ath", json!(base64url_encode([0; 32]))), Some(Flaw::Token)),
        (with(good(), "ath", json!("")), Some(Flaw::Token)),
        (with(good(), "ath", json!(format!("{}=", base64url_encode(ath())))), Some(Flaw::Token)),
        (with(good(), "ath", json!(null)), Some(Flaw::Claims)),
        (without(good(), "ath"), Some(Flaw::Claims)),
        (with(good(), "nonce", json!("of somebody else")), None),
        (json!([]), Some(Flaw::Malformed)),
    ];
    for (claims, flaw) in cases {
        let outcome = ask_now(&sign(&key, &header(&key).to_string(), &claims.to_string()));
        assert_eq!(outcome.err(), flaw, "{claims}");
    }
    let twice = good().to_string().replacen('{', r#"{"htm":"POST","#, 1);
    assert_eq!(ask_now(&sign(&key, &header(&key).to_string(), &twice)), Err(Flaw::Malformed));
}

#[test]
fn one_text_one_proof() {
    let key = key(Alg::ES256);
    let good = sign(&key, &header(&key).to_string(), &good().to_string());
    let unsigned = good.rsplit_once('.').unwrap().0;
    for (text, flaw) in [
        (format!("{good}, {good}"), Flaw::Malformed),
        (format!("{good} "), Flaw::Malformed),
        (format!("{good}="), Flaw::Malformed),
        (format!("{unsigned}."), Flaw::Signature),
        (unsigned.to_owned(), Flaw::Malformed),
        ("a".repeat(8 * 1024 + 1), Flaw::Malformed),
        (String::new(), Flaw::Malformed),
    ] {
        assert_eq!(ask_now(&text), Err(flaw), "{}", text.get(..40).unwrap_or(&text));
    }
}

#[test]
fn a_nonce_tells_the_time_where_one_is_demanded() {
    let (key, nonces) = (key(Alg::ES256), NonceKey::new(b"secret", WINDOW));
    let ask = |claims: Value, now| {
        self::ask(&sign(&key, &header(&key).to_string(), &claims.to_string()), Freshness::Nonce(&nonces), now)
    };
    let nonce = || json!(nonces.issue(NOW));
    let proof = ask(with(good(), "nonce", nonce()), NOW).unwrap();
    assert_eq!((proof.until, proof.nonce_turned), (UnixMillis(NOW.plus(2 * WINDOW).0 - 1), false));
    assert!(ask(with(good(), "nonce", nonce()), NOW.plus(WINDOW)).unwrap().nonce_turned);
    assert_eq!(ask(with(good(), "nonce", nonce()), NOW.plus(2 * WINDOW)), Err(Flaw::Nonce));
    assert_eq!(ask(good(), NOW), Err(Flaw::Nonce));
    assert_eq!(ask(with(good(), "nonce", json!("x")), NOW), Err(Flaw::Nonce));
    assert_eq!(ask(with(good(), "nonce", json!(7)), NOW), Err(Flaw::Claims));
    let wrong_clock = with(with(good(), "nonce", nonce()), "iat", json!(1));
    assert!(ask(wrong_clock.clone(), NOW).is_ok(), "a client whose clock is wrong");
    assert_eq!(ask(without(wrong_clock, "iat"), NOW), Err(Flaw::Claims));
}

#[test]
fn a_proof_is_named_by_key_and_jti() {
    let (a, b) = (key(Alg::ES256), key(Alg::ES256));
    let name = |key: &SigningKey, claims: Value| {
        ask_now(&sign(key, &header(key).to_string(), &claims.to_string())).unwrap().id
    };
    assert_eq!(name(&a, good()), name(&a, with(good(), "iat", json!(NOW.seconds() - 5))));
    assert_ne!(name(&a, good()), name(&a, with(good(), "jti", json!("other"))));
    assert_ne!(name(&a, good()), name(&b, good()));
}

#[test]
fn the_public_url_stands_for_the_received_one() {
    let request = request("GET", "internal", "/orders");
    let is = |base: &str, htu: &str| {
        let base = Url::parse(base).unwrap();
        Target::public(&base, &request).is(&Url::parse(htu).unwrap())
    };
    for (base, htu, same) in [
        ("https://api.test", "https://api.test/orders", true),
        ("https://api.test/", "https://api.test/orders", true),
        ("https://api.test/v1", "https://api.test/v1/orders", true),
        ("https://api.test/v1/", "https://api.test/v1/orders", true),
        ("https://api.test:8443", "https://api.test:8443/orders", true),
        ("https://api.test/v1", "https://api.test/orders", false),
        ("https://api.test/v1", "https://api.test/v1orders", false),
        ("https://api.test", "https://internal/orders", false),
        ("https://api.test", "http://api.test/orders", false),
    ] {
        assert_eq!(is(base, htu), same, "{base} {htu}");
    }
}

#[test]
fn every_flaw_has_its_own_code_and_a_reason() {
    let codes: std::collections::HashSet<&str> = Flaw::ALL.iter().map(|flaw| flaw.code()).collect();
    assert_eq!(codes.len(), Flaw::ALL.len());
    assert!(Flaw::ALL.into_iter().all(|flaw| Reject::from(flaw).status() == 401));
}

proptest! {
    #[test]
    fn no_text_panics_or_proves(text in "[\\PC.]{0,80}", header in "\\PC{0,40}", payload in "\\PC{0,40}") {
        prop_assert!(ask_now(&text).is_err());
        let parts = format!("{}.{}.c2ln", base64url_encode(header), base64url_encode(payload));
        prop_assert!(ask_now(&parts).is_err());
    }

    #[test]
    fn no_change_of_a_good_proof_proves(at in 0usize..2_000, to in any::<u8>()) {
        static GOOD: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let good = GOOD.get_or_init(|| {
            let key = key(Alg::ES256);
            sign(&key, &header(&key).to_string(), &good().to_string())
        });
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(ask_now(&changed).is_ok(), changed == *good, "byte {} to {}", at, to);
    }
}

#[test]
fn a_proof_has_one_of_two_ways_to_be_fresh() {
    let key = key(Alg::ES256);
    let nonces = NonceKey::new(b"secret", WINDOW);
    let either = Freshness::Either { window: WINDOW, nonces: &nonces };
    let proof = |claims: Value| sign(&key, &header(&key).to_string(), &claims.to_string());
    let late = NOW.plus(Duration::from_secs(61));
    let by_clock = proof(good());
    assert_eq!(ask(&by_clock, either, NOW).unwrap().until, NOW.plus(WINDOW));
    assert_eq!(ask(&by_clock, either, late), Err(Flaw::Time));
    let by_nonce = proof(with(good(), "nonce", json!(nonces.issue(late))));
    assert!(ask(&by_nonce, either, late).is_ok(), "whatever its clock says");
    let strange = proof(with(good(), "nonce", json!("of somebody else")));
    assert_eq!(ask(&strange, either, NOW), Err(Flaw::Nonce), "though its clock is right");
}

#[test]
fn a_target_may_come_from_settings() {
    let key = key(Alg::ES256);
    let proof = sign(&key, &header(&key).to_string(), &good().to_string());
    let at = |url: &str| {
        let url = crate::canonical::Url::parse(url).unwrap();
        let target = Target::at(&url);
        let freshness = Freshness::Within(WINDOW);
        check(&proof, &Demand { method: "GET", target, token: None, algs: &Alg::ALL, freshness, now: NOW }).err()
    };
    assert_eq!(at("https://API.test:443/orders/7"), None);
    for other in ["https://api.test/orders", "http://api.test/orders/7", "https://api.test:8443/orders/7"] {
        assert_eq!(at(other), Some(Flaw::Uri), "{other}");
    }
}
