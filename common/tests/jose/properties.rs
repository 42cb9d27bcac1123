//! Properties: no change to a token goes unnoticed, and no text makes the reader panic.

use common::clock::UnixMillis;
use common::jose::{Alg, KeySet, SigningKey};
use common::reject::Reject;
use common::verify::{Unverified, Verified, verify};
use proptest::prelude::*;

use crate::support::*;

fn outcome(keys: &KeySet, text: &str) -> Result<Verified, Reject> {
    verify(text, keys, &policy(), NOW)
}

/// Every byte of a token, each replaced by every character of the alphabet and some beyond it. Base64url has one text per
/// value here, so not even the last characters of a part have a twin.
#[test]
fn no_byte_can_be_changed() {
    for key in [signing_key(Alg::ES256), signing_key(Alg::EdDSA)] {
        let keys = keys_of(&key);
        let text = token(&key, &access_claims());
        assert!(outcome(&keys, &text).is_ok());
        for at in 0..text.len() {
            for replacement in ["A", "Q", "g", "w", "_", "-", ".", "=", "+", " ", "\0"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, replacement);
                assert!(changed == text || outcome(&keys, &changed).is_err(), "byte {at} to {replacement:?}");
            }
        }
    }
}

/// The last character of each part carries bits that a lenient decoder drops.
#[test]
fn no_part_has_a_second_spelling() {
    let key: SigningKey = rsa_a(Alg::RS256);
    let keys = keys_of(&key);
    let text = token(&key, &access_claims());
    let ends: Vec<usize> = text.match_indices('.').map(|(at, _)| at - 1).chain([text.len() - 1]).collect();
    for at in ends {
        for replacement in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']) {
            let mut changed = text.clone();
            changed.replace_range(at..=at, &replacement.to_string());
            assert!(changed == text || outcome(&keys, &changed).is_err(), "byte {at} to {replacement}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_inserted_removed_or_doubled(at in 0_usize..900, piece in "[A-Za-z0-9_.=-]{1,4}", cut in 1_usize..5) {
        let key = signing_key(Alg::EdDSA);
        let keys = keys_of(&key);
        let text = token(&key, &access_claims());
        let at = at % text.len();
        let mut inserted = text.clone();
        inserted.insert_str(at, &piece);
        prop_assert!(outcome(&keys, &inserted).is_err());
        let mut removed = text.clone();
        removed.replace_range(at..(at + cut).min(text.len()), "");
        prop_assert!(outcome(&keys, &removed).is_err());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}", parts in "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}") {
        let _ = Unverified::parse(&text);
        let _ = Unverified::parse(&parts);
    }

    #[test]
    fn no_signed_payload_panics(header in "\\PC{0,40}", payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let key = signing_key(Alg::EdDSA);
        let keys = keys_of(&key);
        prop_assert!(outcome(&keys, &token_of(&key, header, &payload)).is_err());
        prop_assert!(outcome(&keys, &token_of(&key, serde_json::to_string(&key.header()).unwrap(), &payload)).is_err());
    }

    #[test]
    fn signed_claims_of_any_shape_do_not_panic(
        name in "(exp|nbf|iat|aud|iss|sub|scope|jti|username|token_use|client_id|cognito:groups|origin_jti)",
        value in "(null|true|-?[0-9]{1,20}|[0-9]e[0-9]{1,3}|\"[a-z ]{0,9}\"|\\[\\]|\\[\"a\",1\\]|\\{\"a\":\\[\\{\\}\\]\\})",
        now in any::<u64>(),
    ) {
        let key = signing_key(Alg::EdDSA);
        let claims = with(access_claims(), &name, serde_json::from_str(&value).unwrap_or_default());
        let verdict = verify(&token(&key, &claims), &keys_of(&key), &policy(), UnixMillis(now));
        if let Ok(verified) = verdict {
            prop_assert!(verified.exp > UnixMillis(now) && verified.iat <= UnixMillis(now));
        }
    }
}
