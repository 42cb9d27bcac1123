use std::time::Duration;

use common::feed::{ClientSettings, Epoch, KeyState, PoolSettings, Position, RawChange};
use common::ids::{ClientId, Sub};
use common::jose::{Alg, SigningKey};

use super::*;
use crate::snapshot::deaths::{Fingerprint, Kind};
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::RouteTable;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const ACCESS: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");
const ID: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-b.pk8");

fn pool() -> PoolId {
    PoolId::parse("us-east-1_AbCdEf123").unwrap()
}

fn feed() -> FeedName {
    FeedName::Pool(pool())
}

fn settings(enabled: bool) -> Change {
    Change::Pool(PoolSettings { pool: pool(), iss: "https://i/p".into(), enabled, max_token_life_s: 3_600 })
}

fn key(der: &[u8], purpose: KeyPurpose, state: KeyState) -> Change {
    let signing = SigningKey::from_pkcs8(Alg::RS256, der).unwrap();
    let jwk = signing.public_jwk().to_json();
    Change::PublicKey(PublicKey { kid: signing.kid().into(), jwk, alg: "RS256".into(), purpose, state })
}

fn client(enabled: bool) -> Change {
    Change::Client(ClientSettings { client_id: ClientId::parse("web").unwrap(), enabled, scopes: None })
}

fn state(changes: &[Change]) -> FeedState {
    let raws: Vec<RawChange> = changes.iter().map(|change| change.to_raw(NOW).unwrap()).collect();
    let records: Vec<_> = raws.iter().map(|raw| raw.encode().unwrap().into()).collect();
    FeedState::from_records(Position::start(Epoch::new(NOW, [7; 10])), &records).unwrap()
}

fn good() -> Vec<Change> {
    vec![
        settings(true),
        key(ACCESS, KeyPurpose::AccessToken, KeyState::Active),
        key(ID, KeyPurpose::IdToken, KeyState::Active),
    ]
}

fn pools() -> (Pools, Arc<Picture>) {
    let picture = Arc::new(Picture::new(1 << 20));
    picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited(name(&pool()))]);
    let pools = Pools::new(Arc::clone(&picture), Arc::default(), Arc::default());
    (pools, picture)
}

fn kills(picture: &Picture, kind: Kind, subject: &str) -> bool {
    picture.load().issuers[0].deaths.kills(kind, Fingerprint::of(subject), NOW)
}

#[test]
fn a_state_becomes_keys_by_purpose_and_revocations() {
    let (pools, picture) = pools();
    let mut changes = good();
    changes.push(Change::Revoked(Revoked::Session { origin_jti: "o".into() }));
    changes.push(client(false));
    pools.replace(&feed(), &state(&changes));
    let snapshot = picture.load();
    let issuer = &snapshot.issuers[0];
    let trust = issuer.trust.as_ref().unwrap();
    assert_eq!(&**trust.iss(), "https://i/p");
    assert_eq!((trust.access_keys.len(), trust.id_keys.len()), (1, 1));
    assert!(trust.access_keys.key(Some(SigningKey::from_pkcs8(Alg::RS256, ID).unwrap().kid())).is_none());
    assert!(kills(&picture, Kind::Session, "o"));
    assert!(issuer.disabled_clients.contains("web"));
    assert_eq!(issuer.news.as_ref().unwrap().age(NOW), None, "a state alone says nothing about its age");
    pools.fresh(&feed(), NOW.minus(Duration::from_secs(3)));
    assert_eq!(picture.load().issuers[0].news.as_ref().unwrap().age(NOW), Some(Duration::from_secs(3)));
}

#[test]
fn changes_are_in_force_when_the_call_returns() {
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&good()));
    let sub = Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap();
    let changes = [
        Change::Revoked(Revoked::Token { jti: "j".into() }),
        Change::Revoked(Revoked::User { sub: sub.clone(), valid_after: NOW }),
        client(false),
    ];
    let after = state(&[good(), changes.to_vec()].concat());
    pools.advance(&feed(), &changes, &after);
    assert!(kills(&picture, Kind::Token, "j"));
    assert!(kills(&picture, Kind::User, sub.as_str()));
    assert!(picture.load().issuers[0].disabled_clients.contains("web"));
    pools.advance(&feed(), &[client(true)], &state(&[good(), vec![client(true)]].concat()));
    assert!(picture.load().issuers[0].disabled_clients.is_empty());
}

#[test]
fn keys_that_do_not_verify_are_not_trusted() {
    for last in [KeyState::Retired, KeyState::Revoked] {
        let (pools, picture) = pools();
        pools.replace(&feed(), &state(&good()));
        let change = key(ACCESS, KeyPurpose::AccessToken, last);
        pools.advance(&feed(), std::slice::from_ref(&change), &state(&[good(), vec![change.clone()]].concat()));
        assert!(picture.load().issuers[0].trust.as_ref().unwrap().access_keys.is_empty(), "{last:?}");
    }
}

#[test]
fn a_pool_that_is_switched_off_or_gone_is_not_trusted() {
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&good()));
    pools.advance(&feed(), &[settings(false)], &state(&[good(), vec![settings(false)]].concat()));
    assert!(picture.load().issuers[0].trust.is_none());
    pools.replace(&feed(), &state(&good()));
    assert!(picture.load().issuers[0].trust.is_some());
    pools.remove(&feed());
    assert!(picture.load().issuers[0].trust.is_none());
}

#[test]
fn a_bad_key_leaves_the_last_good_ones() {
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&good()));
    let bad = Change::PublicKey(PublicKey {
        kid: "evil".into(),
        jwk: "{\"kty\":\"oct\",\"k\":\"AA\"}".into(),
        alg: "RS256".into(),
        purpose: KeyPurpose::AccessToken,
        state: KeyState::Active,
    });
    let after = state(&[good(), vec![bad.clone()]].concat());
    pools.advance(&feed(), &[bad], &after);
    assert_eq!(picture.load().issuers[0].trust.as_ref().unwrap().access_keys.len(), 1);
    pools.replace(&feed(), &after);
    assert_eq!(picture.load().issuers[0].trust.as_ref().unwrap().access_keys.len(), 1);
}
