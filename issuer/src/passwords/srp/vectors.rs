//! Whole exchanges: with our own client, and with answers that Cognito's own client libraries computed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::SecretString;
use proptest::prelude::*;
use serde::Deserialize;

use super::challenge::{Challenge, Claim, PendingChallenge, SrpError};
use super::decoy::Decoys;
use super::group::PublicValue;
use super::identity::Identity;
use super::test_client::Client;
use super::timestamp::Timestamp;
use super::verifier::Verifier;
use crate::envelope::RootKey;

const JANE: Identity<'_> = Identity { realm: "AbCdEf123", name: "jane" };
const SENT: &str = "Tue Nov 3 09:05:07 UTC 2026";

fn now() -> UnixMillis {
    Timestamp::parse(SENT).unwrap().at().plus(Duration::from_secs(2))
}

fn begin(client: &Client, verifier: &Verifier) -> (PendingChallenge, Challenge) {
    PendingChallenge::begin(client.value(), verifier).unwrap()
}

fn claim<'a>(challenge: &'a Challenge, signature: &'a str) -> Claim<'a> {
    Claim { secret_block: &challenge.secret_block, signature, timestamp: SENT }
}

#[test]
fn the_right_password_passes_with_either_sign() {
    let verifier = Verifier::create(JANE, "Grüße 1!".as_bytes()).unwrap();
    for (fill, negative) in (0u8..24).map(|fill| (fill, fill & 1)) {
        // Both parities of the client's exponent occur among these, so both S and −S are claimed.
        let client = Client::new([fill + 1; 32]);
        let pending = PendingChallenge::with_secrets(client.value(), &verifier, [fill + 77; 32], negative, [fill; 64]);
        let challenge = pending.challenge(&verifier);
        let signature = client.sign(JANE, "Grüße 1!".as_bytes(), &challenge, SENT);
        assert_eq!(pending.verify(now(), JANE, &verifier, claim(&challenge, &signature)), Ok(()), "{fill}");
    }
}

#[test]
fn whatever_differs_is_refused() {
    let password = b"Secret 1!";
    let verifier = Verifier::create(JANE, password).unwrap();
    let client = Client::new([9; 32]);
    let run = |change: &dyn Fn(&mut String, &mut String, &mut String)| {
        let (pending, challenge) = begin(&client, &verifier);
        let mut signature = client.sign(JANE, password, &challenge, SENT);
        let (mut block, mut timestamp) = (challenge.secret_block, SENT.to_owned());
        change(&mut signature, &mut block, &mut timestamp);
        let claim = Claim { secret_block: &block, signature: &signature, timestamp: &timestamp };
        pending.verify(now(), JANE, &verifier, claim)
    };
    assert_eq!(run(&|_, _, _| ()), Ok(()));
    assert_eq!(run(&|signature, _, _| signature.clear()), Err(SrpError::Signature));
    assert_eq!(run(&|signature, _, _| signature.truncate(43)), Err(SrpError::Signature));
    assert_eq!(run(&|signature, _, _| signature.push('=')), Err(SrpError::Signature));
    assert_eq!(run(&|_, block, _| block.clear()), Err(SrpError::SecretBlock));
    assert_eq!(run(&|_, block, _| *block = STANDARD.encode([0; 64])), Err(SrpError::SecretBlock));
    let other_second = |_: &mut String, _: &mut String, time: &mut String| *time = SENT.replace(":07", ":08");
    assert_eq!(run(&other_second), Err(SrpError::Signature), "the timestamp is signed");
    assert_eq!(run(&|_, _, time| time.push('!')), Err(SrpError::Timestamp));
    assert_eq!(run(&|_, _, time| *time = SENT.replace("09:05", "08:05")), Err(SrpError::Timestamp));
}

#[test]
fn another_password_user_or_pool_is_refused() {
    let verifier = Verifier::create(JANE, b"Secret 1!").unwrap();
    let client = Client::new([9; 32]);
    let refused = |identity: Identity<'_>, password: &[u8]| {
        let (pending, challenge) = begin(&client, &verifier);
        let signature = client.sign(identity, password, &challenge, SENT);
        pending.verify(now(), JANE, &verifier, claim(&challenge, &signature))
    };
    assert_eq!(refused(JANE, b"secret 1!"), Err(SrpError::Signature));
    assert_eq!(refused(JANE, b"Secret 1!\0"), Err(SrpError::Signature));
    assert_eq!(refused(Identity { name: "joan", ..JANE }, b"Secret 1!"), Err(SrpError::Signature));
    assert_eq!(refused(Identity { realm: "Other", ..JANE }, b"Secret 1!"), Err(SrpError::Signature));
}

#[test]
fn a_changed_password_ends_a_sign_in_under_way() {
    let before = Verifier::create(JANE, b"Secret 1!").unwrap();
    let after = Verifier::create(JANE, b"Secret 2!").unwrap();
    let client = Client::new([9; 32]);
    let (pending, challenge) = begin(&client, &before);
    let signature = client.sign(JANE, b"Secret 1!", &challenge, SENT);
    assert_eq!(pending.verify(now(), JANE, &after, claim(&challenge, &signature)), Err(SrpError::Signature));
}

#[test]
fn a_pending_challenge_survives_a_restart() {
    let verifier = Verifier::create(JANE, b"Secret 1!").unwrap();
    let client = Client::new([9; 32]);
    let (pending, challenge) = begin(&client, &verifier);
    let stored = pending.to_bytes();
    drop(pending);
    let restored = PendingChallenge::from_bytes(stored.expose()).unwrap();
    let signature = client.sign(JANE, b"Secret 1!", &challenge, SENT);
    assert_eq!(restored.verify(now(), JANE, &verifier, claim(&challenge, &signature)), Ok(()));
    for damaged in [&stored.expose()[1..], &[], &[&[2], &stored.expose()[1..]].concat()] {
        assert_eq!(PendingChallenge::from_bytes(damaged).err(), Some(SrpError::StoredState));
    }
}

#[test]
fn every_challenge_is_new() {
    let verifier = Verifier::create(JANE, b"Secret 1!").unwrap();
    let client = Client::new([9; 32]);
    let (one, two) = (begin(&client, &verifier).1, begin(&client, &verifier).1);
    assert_eq!(one.salt, two.salt);
    assert_ne!(one.srp_b, two.srp_b);
    assert_ne!(one.secret_block, two.secret_block);
}

#[test]
fn a_decoy_answers_like_a_user_and_never_verifies() {
    let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
    let decoys = Decoys::of_pool(&root.new_pool_key(&PoolId::parse("eu_AbCdEf123").unwrap()).unwrap().0);
    let real = Verifier::create(JANE, b"Secret 1!").unwrap();
    let client = Client::new([9; 32]);
    let decoy = decoys.decoy("nobody");
    let (pending, fake) = begin(&client, &decoy.verifier);
    let (_, honest) = begin(&client, &real);
    assert_eq!(fake.salt.len(), honest.salt.len());
    assert_eq!(fake.secret_block.len(), honest.secret_block.len());
    assert!(fake.srp_b.len().abs_diff(honest.srp_b.len()) <= 4, "both are random below N");
    let nobody = Identity { name: &decoy.user_id, ..JANE };
    let signature = client.sign(nobody, b"Secret 1!", &fake, SENT);
    assert_eq!(pending.verify(now(), nobody, &decoy.verifier, claim(&fake, &signature)), Err(SrpError::Signature));
}

/// The Jacobi symbol tells squares: with B = k·v + g^b alone, B − k·v is always one, and a guess could be tested offline.
#[test]
fn the_server_value_does_not_tell_guesses_apart() {
    use super::group::{Element, multiplier};
    use crypto_bigint::JacobiSymbol;
    let verifier = Verifier::create(JANE, b"Secret 1!").unwrap();
    let client = Client::new([9; 32]);
    let squares = (0..64)
        .filter(|_| {
            let (_, challenge) = begin(&client, &verifier);
            let server: Element = PublicValue::from_hex(&challenge.srp_b).unwrap().element();
            let blind = server.sub(&multiplier().mul(&verifier.element()));
            blind.jacobi_symbol_vartime() == JacobiSymbol::One
        })
        .count();
    assert!((8..=56).contains(&squares), "{squares} of 64: a coin flip stays inside with probability 1 - 2^-31");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_password_and_name_sign_in(
        password in "\\PC{1,40}", name in "\\PC{1,40}", a in any::<[u8; 32]>(), salt in any::<[u8; 16]>(),
    ) {
        let identity = Identity { realm: "AbCdEf123", name: &name };
        let verifier = Verifier::with_salt(identity, password.as_bytes(), &salt);
        let client = Client::new(a);
        prop_assume!(client.srp_a() != "1");
        let (pending, challenge) = begin(&client, &verifier);
        let signature = client.sign(identity, password.as_bytes(), &challenge, SENT);
        prop_assert_eq!(pending.verify(now(), identity, &verifier, claim(&challenge, &signature)), Ok(()));
    }
}

/// One exchange that a client library took part in; the server's secrets were chosen by the generator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    why: String,
    pool_id: String,
    user_id_for_srp: String,
    password: String,
    salt: String,
    srp_a: String,
    b: String,
    negative: u8,
    srp_b: String,
    secret_block: String,
    timestamp: String,
    signature: String,
}

#[test]
fn answers_of_pycognito_verify() {
    replay(include_str!("../../../testdata/srp/pycognito.json"));
    // As many random exchanges more as one cares to make (`testdata/srp/README.md`).
    if let Some(file) = std::env::var_os("TOLLGATE_SRP_VECTORS") {
        replay(&std::fs::read_to_string(file).unwrap());
    }
}

#[test]
fn answers_of_amazon_cognito_identity_js_verify() {
    replay(include_str!("../../../testdata/srp/amazon-cognito-identity-js.json"));
}

fn replay(json: &str) {
    let vectors: Vec<Vector> = serde_json::from_str(json).unwrap();
    assert!(vectors.len() >= 30);
    for vector in vectors {
        let pool = PoolId::parse(vector.pool_id.clone()).unwrap();
        let identity = Identity::of_user(&pool, &vector.user_id_for_srp);
        let verifier = Verifier::with_salt(identity, vector.password.as_bytes(), &unhex(&vector.salt));
        let client = PublicValue::from_hex(&vector.srp_a).unwrap();
        let block = STANDARD.decode(&vector.secret_block).unwrap().try_into().unwrap();
        let b = unhex(&vector.b).try_into().unwrap();
        let pending = PendingChallenge::with_secrets(client, &verifier, b, vector.negative, block);
        let challenge = pending.challenge(&verifier);
        assert_eq!(challenge.srp_b, vector.srp_b, "{}", vector.why);
        let at = Timestamp::parse(&vector.timestamp).unwrap().at();
        let claim =
            Claim { secret_block: &vector.secret_block, signature: &vector.signature, timestamp: &vector.timestamp };
        assert_eq!(pending.verify(at, identity, &verifier, claim), Ok(()), "{}", vector.why);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    (0..even.len()).step_by(2).map(|at| u8::from_str_radix(&even[at..at + 2], 16).unwrap()).collect()
}
