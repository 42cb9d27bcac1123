//! Project Wycheproof's vectors: invalid ones are refused, valid ones accepted, and whatever differs is listed with its
//! reason. The counts are asserted, so a vector that is skipped by mistake shows.

use common::jose::{Alg, InvalidPublicKey, Jwk, JwkError, Jwks, JwksError, Jws, KeySet, PublicKey};
use serde_json::Value;

struct Outcome {
    accepted: usize,
    refused: usize,
    exceptions: Vec<u64>,
}

/// Runs each vector of a file. `accepts` gets the group and the vector.
fn run(file: &str, accepts: impl Fn(&Value, &Value) -> bool) -> Outcome {
    let path = format!("{}/vectors/wycheproof/{file}_test.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut outcome = Outcome { accepted: 0, refused: 0, exceptions: vec![] };
    for group in vectors["testGroups"].as_array().unwrap() {
        for vector in group["tests"].as_array().unwrap() {
            let id = vector["tcId"].as_u64().unwrap();
            match (vector["result"].as_str().unwrap(), accepts(group, vector)) {
                ("valid", true) => outcome.accepted += 1,
                // "acceptable" is what lenient verifiers took once; we are not one.
                ("invalid" | "acceptable", false) => outcome.refused += 1,
                ("valid", false) => outcome.exceptions.push(id),
                (result, _) => panic!("{file} {id} is {result} and was accepted: {}", vector["comment"]),
            }
        }
    }
    outcome
}

fn assert_outcome(
    file: &str,
    accepts: impl Fn(&Value, &Value) -> bool,
    accepted: usize,
    refused: usize,
    valid_but_refused: &[u64],
) {
    let outcome = run(file, accepts);
    assert_eq!(outcome.exceptions, valid_but_refused, "{file}: valid vectors that are refused");
    assert_eq!((outcome.accepted, outcome.refused), (accepted, refused), "{file}");
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn number(text: &Value) -> Vec<u8> {
    let bytes = hex(text);
    bytes[bytes.iter().take_while(|b| **b == 0).count()..].to_vec()
}

/// Whether a set of this one key says that it signed the vector's message.
fn one_key_verifies(alg: Alg, key: PublicKey, vector: &Value) -> bool {
    let jwks = Jwks::new(vec![Jwk::new(key, Some(alg)).unwrap()]).unwrap();
    KeySet::new("iss", jwks).unwrap().key(None).unwrap().verifies(&hex(&vector["msg"]), &hex(&vector["sig"]))
}

fn rsa(alg: Alg) -> impl Fn(&Value, &Value) -> bool {
    move |group, vector| {
        let key = &group["publicKey"];
        let key = PublicKey::rsa(&number(&key["modulus"]), &number(&key["publicExponent"])).unwrap();
        one_key_verifies(alg, key, vector)
    }
}

#[test]
fn ecdsa_p256_sha256_p1363() {
    let accepts = |group: &Value, vector: &Value| {
        one_key_verifies(Alg::ES256, PublicKey::p256(&hex(&group["publicKey"]["uncompressed"])).unwrap(), vector)
    };
    assert_outcome("ecdsa_secp256r1_sha256_p1363", accepts, 173, 89, &[]);
}

#[test]
fn ecdsa_p384_sha384_p1363() {
    let accepts = |group: &Value, vector: &Value| {
        one_key_verifies(Alg::ES384, PublicKey::p384(&hex(&group["publicKey"]["uncompressed"])).unwrap(), vector)
    };
    assert_outcome("ecdsa_secp384r1_sha384_p1363", accepts, 193, 87, &[]);
}

#[test]
fn ed25519() {
    let accepts = |group: &Value, vector: &Value| {
        one_key_verifies(Alg::EdDSA, PublicKey::ed25519(&hex(&group["publicKey"]["pk"])).unwrap(), vector)
    };
    assert_outcome("ed25519", accepts, 88, 63, &[]);
}

#[test]
fn rsa_pkcs1_2048_sha256() {
    assert_outcome("rsa_signature_2048_sha256", rsa(Alg::RS256), 9, 250, &[]);
}

#[test]
fn rsa_pkcs1_3072_sha256() {
    assert_outcome("rsa_signature_3072_sha256", rsa(Alg::RS256), 8, 251, &[]);
}

#[test]
fn rsa_pss_2048_sha256() {
    assert_outcome("rsa_pss_2048_sha256_mgf1_32", rsa(Alg::PS256), 63, 45, &[]);
}

/// Whether the key set of the text accepts the JWS as the edge would, claims aside.
fn set_accepts(jwks: &str, jws: &Value) -> bool {
    let text = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
    let Ok(jwks) = Jwks::parse(jwks) else { return false };
    let Ok(jws) = Jws::parse(&text) else { return false };
    KeySet::new("iss", jwks).unwrap().verify(&jws).is_ok()
}

/// The public half, where the vectors have one: a private key in a set is refused by design.
fn public_half(group: &Value) -> &Value {
    if group["public"].is_null() { &group["private"] } else { &group["public"] }
}

/// Valid vectors that we refuse, and why.
const SIGNATURE_EXCEPTIONS: [u64; 14] = [
    1,   // HS256: shared secrets are not on the list
    346, // signed with PS384 under a key whose JWK says PS256: the key's alg decides here
    347, // ES512 on P-521: ring does not have the curve
    348, // HS256
    350, // as 346
    351, // as 347
    352, // HS256
    357, 358, 359, 372, 373, 376, 377, // HS256
];
const KEY_EXCEPTIONS: [u64; 4] = [
    2, // HS256: a symmetric key refuses its set
    13, 14, 15, // HS256, HS384, HS512
];

#[test]
fn json_web_signature() {
    let accepts =
        |group: &Value, vector: &Value| set_accepts(&format!(r#"{{"keys":[{}]}}"#, public_half(group)), &vector["jws"]);
    assert_outcome("json_web_signature", accepts, 32, 355, &SIGNATURE_EXCEPTIONS);
}

#[test]
fn json_web_key() {
    let accepts = |group: &Value, vector: &Value| set_accepts(&public_half(group).to_string(), &vector["jws"]);
    assert_outcome("json_web_key", accepts, 1, 21, &KEY_EXCEPTIONS);
}

/// The refused sets of `json_web_key` are refused for the reason that the vector is about.
#[test]
fn json_web_key_reasons() {
    let reason = |id: u64| {
        let found = std::cell::RefCell::new(None);
        run("json_web_key", |group, vector| {
            if vector["tcId"] == id {
                *found.borrow_mut() = Jwks::parse(&public_half(group).to_string()).err();
            }
            set_accepts(&public_half(group).to_string(), &vector["jws"])
        });
        found.into_inner()
    };
    let refused = |reason| Some(JwksError::Key { index: 0, reason });
    assert_eq!(reason(6), refused(JwkError::Use));
    assert_eq!(reason(7), refused(JwkError::Key(InvalidPublicKey::Roca)));
    assert_eq!(reason(8), refused(JwkError::Key(InvalidPublicKey::Modulus)));
    assert_eq!(reason(9), refused(JwkError::Key(InvalidPublicKey::Exponent)));
    assert_eq!(reason(19), refused(JwkError::Algorithm));
    assert_eq!(reason(21), refused(JwkError::Use));
    assert_eq!(reason(22), refused(JwkError::Key(InvalidPublicKey::Point)));
    assert_eq!(reason(23), refused(JwkError::Member));
    assert_eq!(reason(24), refused(JwkError::Member));
}
