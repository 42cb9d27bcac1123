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

fn web_acl(rules: &str) -> Change {
    let visible =
        r#""VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}"#;
    let rules = rules.replace("VISIBLE", visible);
    let document =
        format!(r#"{{"WebACL": {{"Name": "a", "DefaultAction": {{"Block": {{}}}}, "Rules": [{rules}], {visible}}}}}"#);
    Change::Managed { kind: ManagedKind::WebAcl, name: pool().to_string(), document: document.into_bytes() }
}

const ARN: &str = "arn:aws:wafv2:us-east-1:000000000000:regional/ipset/s/i";

fn in_set() -> Change {
    web_acl(&format!(
        r#"{{"Name": "r", "Priority": 0, "Action": {{"Block": {{}}}}, VISIBLE, "Statement": {{"IPSetReferenceStatement": {{"ARN": "{ARN}"}}}}}}"#
    ))
}

fn set(addresses: &str) -> Change {
    let document = format!(
        r#"{{"IPSet": {{"Name": "s", "ARN": "{ARN}", "IPAddressVersion": "IPV4", "Addresses": [{addresses}]}}}}"#
    );
    Change::Managed { kind: ManagedKind::WebAclPart, name: "i".into(), document: document.into_bytes() }
}

/// Rules, and networks of all sets.
fn in_force(picture: &Picture) -> Option<(usize, usize)> {
    match &picture.load().issuers[0].web_acl {
        PoolAcl::None => None,
        PoolAcl::Of(acl) => Some((acl.web_acl.rules.len(), acl.ip_sets.iter().map(|set| set.networks.len()).sum())),
        PoolAcl::Unreadable => panic!("not read"),
    }
}

#[test]
fn a_web_acl_is_in_force_with_all_that_it_uses_when_the_call_returns() {
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&[good(), vec![set(r#""10.0.0.0/8""#), in_set()]].concat()));
    assert_eq!(in_force(&picture), Some((1, 1)));
    let larger = set(r#""10.0.0.0/8", "192.0.2.0/24""#);
    pools.advance(&feed(), std::slice::from_ref(&larger), &state(&[good(), vec![larger.clone(), in_set()]].concat()));
    assert_eq!(in_force(&picture), Some((1, 2)));
    // What has nothing to do with it leaves the very same one, and so does a reload.
    let before = match &picture.load().issuers[0].web_acl {
        PoolAcl::Of(acl) => Arc::clone(acl),
        other => panic!("{other:?}"),
    };
    pools.advance(&feed(), &[client(true)], &state(&[good(), vec![larger, in_set(), client(true)]].concat()));
    picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited(name(&pool()))]);
    assert!(matches!(&picture.load().issuers[0].web_acl, PoolAcl::Of(acl) if Arc::ptr_eq(acl, &before)));
    let removed = |kind, name: String| Change::Removed(Removable::Managed { kind, name });
    let gone = [removed(ManagedKind::WebAcl, pool().to_string()), removed(ManagedKind::WebAclPart, "i".into())];
    pools.advance(&feed(), &gone, &state(&good()));
    assert_eq!(in_force(&picture), None);
}

#[test]
fn a_web_acl_that_can_not_be_read_replaces_no_good_one_and_is_not_taken_for_none() {
    let bad = [
        web_acl("{}"),
        in_set(),
        Change::Managed { kind: ManagedKind::WebAcl, name: pool().to_string(), document: vec![0xff] },
    ];
    for bad in bad {
        let (pools, picture) = pools();
        pools.replace(&feed(), &state(&[good(), vec![web_acl("")]].concat()));
        pools.advance(&feed(), std::slice::from_ref(&bad), &state(&[good(), vec![bad.clone()]].concat()));
        assert_eq!(in_force(&picture), Some((0, 0)), "{bad:?}");
        pools.replace(&feed(), &state(&[good(), vec![bad.clone()]].concat()));
        assert_eq!(in_force(&picture), Some((0, 0)), "{bad:?}");
    }
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&[good(), vec![web_acl("{}")]].concat()));
    assert!(matches!(picture.load().issuers[0].web_acl, PoolAcl::Unreadable));
    pools.replace(&feed(), &state(&[good(), vec![web_acl("")]].concat()));
    assert_eq!(in_force(&picture), Some((0, 0)));
    pools.remove(&feed());
    assert_eq!(in_force(&picture), None);
}
