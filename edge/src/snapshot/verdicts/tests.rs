use common::jose::{Alg, Jwks, KeySet, SigningKey};
use common::verify::{Leeway, Profile, authenticate};
use serde_json::json;

use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const KEY: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");

fn identity(seconds_left: u64) -> Arc<Identity> {
    let key = SigningKey::from_pkcs8(Alg::RS256, KEY).unwrap();
    let claims = json!({
        "iss": "i", "sub": "ada", "token_use": "access", "client_id": "web",
        "exp": NOW.seconds() + seconds_left, "iat": NOW.seconds(),
    });
    let token = key.sign_compact(&key.header(), &claims).unwrap();
    let keys = KeySet::new("i", Jwks::new(vec![key.public_jwk().clone()]).unwrap()).unwrap();
    Arc::new(Identity::new(authenticate(&token, &keys, Profile::Cognito, Leeway::NONE, NOW).unwrap()))
}

#[test]
fn a_token_is_known_until_it_expires() {
    let verdicts = Verdicts::bounded(1 << 20, Tally::default());
    let token = TokenDigest::of("t");
    verdicts.insert(token, identity(60));
    assert!(verdicts.get(token, NOW).is_some());
    assert!(verdicts.get(TokenDigest::of("u"), NOW).is_none());
    assert!(verdicts.get(token, NOW.plus(std::time::Duration::from_secs(60))).is_none());
    assert_eq!(verdicts.bytes(), 0, "what has expired is dropped when it is met");
}

#[test]
fn a_flood_of_good_tokens_stays_within_the_bound_and_spares_what_is_in_use() {
    let bound = 1 << 20;
    let verdicts = Verdicts::bounded(bound, Tally::default());
    let (used, known) = (TokenDigest::of("used"), identity(60));
    verdicts.insert(used, Arc::clone(&known));
    for i in 0..10_000 {
        verdicts.insert(TokenDigest::of(&i.to_string()), Arc::clone(&known));
        assert!(verdicts.get(used, NOW).is_some(), "after {i}");
    }
    assert!(verdicts.bytes() <= bound, "{}", verdicts.bytes());
    assert!(verdicts.bytes() > bound / 4, "the bound is put to use");
}

#[test]
fn what_was_counted_goes_on_in_the_next_map() {
    let verdicts = Verdicts::bounded(1 << 20, Tally { hits: 10, misses: 20 });
    let token = TokenDigest::of("t");
    assert!(verdicts.get(token, NOW).is_none());
    verdicts.insert(token, identity(60));
    assert!(verdicts.get(token, NOW).is_some() && verdicts.get(token, NOW).is_some());
    assert_eq!((verdicts.tally(), verdicts.len()), (Tally { hits: 12, misses: 21 }, 1));
}
