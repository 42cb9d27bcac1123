use std::time::Duration;

use common::feed::{ClientSettings, Epoch, KeyState, PoolSettings, Position, RawChange};
use common::ids::{ClientId, Sub};
use common::jose::{Alg, SigningKey};

use super::*;
use crate::app::pools::acls::PoolAcls;
use crate::gates::acl::Terms;
use crate::snapshot::acl::{PoolAcl, PoolRule};
use crate::snapshot::deaths::{Fingerprint, Kind};
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::RouteTable;
use crate::waf::Nowhere;

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
    let (pools, _) = over(&picture, Arc::default());
    (pools, picture)
}

fn over(picture: &Arc<Picture>, metrics: Arc<Metrics>) -> (Pools, Arc<PoolAcls>) {
    let acls = Arc::new(PoolAcls::new(Arc::clone(picture), Arc::clone(&metrics), terms(18)));
    (Pools::new(Arc::clone(picture), metrics, Arc::default(), Arc::clone(&acls)), acls)
}

fn terms(difficulty: u8) -> Terms {
    Terms {
        usual: (difficulty, difficulty),
        locate: Arc::new(Nowhere),
        logs: false,
        room: crate::samples::Room::default(),
    }
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
    let of = rule(picture)?;
    Some((of.rule.acl.rules().count(), of.opened.ip_sets.iter().map(|set| set.networks.len()).sum()))
}

fn rule(picture: &Picture) -> Option<Arc<PoolRule>> {
    match picture.load().tenants.web_acl(&pool())? {
        PoolAcl::Of(acl) => Some(Arc::clone(acl)),
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
    let before = rule(&picture).unwrap();
    pools.advance(&feed(), &[client(true)], &state(&[good(), vec![larger, in_set(), client(true)]].concat()));
    picture.configure(RouteTable::default(), vec![ConfiguredIssuer::awaited(name(&pool()))]);
    assert!(Arc::ptr_eq(&rule(&picture).unwrap(), &before));
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
    assert!(matches!(picture.load().tenants.web_acl(&pool()), Some(PoolAcl::Unreadable)));
    pools.replace(&feed(), &state(&[good(), vec![web_acl("")]].concat()));
    assert_eq!(in_force(&picture), Some((0, 0)));
    pools.remove(&feed());
    assert_eq!(in_force(&picture), None);
}

/// A challenge for everyone.
fn challenging(name: &str) -> Change {
    let Change::Managed { kind, document, .. } = web_acl(
        r#"{"Name": "r", "Priority": 0, "Action": {"Challenge": {}}, VISIBLE, "Statement": {"GeoMatchStatement": {"CountryCodes": ["DE"]}}}"#,
    ) else {
        panic!()
    };
    Change::Managed { kind, name: name.into(), document }
}

fn another() -> PoolId {
    PoolId::parse("us-east-1_Other").unwrap()
}

#[test]
fn pools_share_one_and_a_reload_makes_it_anew_for_all() {
    let picture = Arc::new(Picture::new(1 << 20));
    let metrics = Arc::new(Metrics::default());
    let (pools, acls) = over(&picture, Arc::clone(&metrics));
    let names = [pool(), another()];
    for name in &names {
        pools.replace(&FeedName::Pool(name.clone()), &state(&[challenging(name.as_str())]));
    }
    let of = || {
        let snapshot = picture.load();
        names.clone().map(|name| match snapshot.tenants.web_acl(&name) {
            Some(PoolAcl::Of(of)) => Arc::clone(of),
            other => panic!("{other:?}"),
        })
    };
    let [one, other] = of();
    assert!(Arc::ptr_eq(&one, &other), "compiled once");
    assert!(picture.load().asks());
    acls.under(terms(21));
    let [one, other] = of();
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(one.rule.acl.rule(0).unwrap().difficulty, 21);
    // What comes afterwards is made under the same terms, and what is there already is not made again.
    pools.replace(&feed(), &state(&[challenging(pool().as_str())]));
    assert!(Arc::ptr_eq(&of()[0], &one));
    let series = || metrics.text(&[], crate::observe::Format::OpenMetrics).unwrap().matches("acl=\"wafv2:a\"").count();
    let counted = series();
    assert!(counted > 0);
    metrics.keep(&RouteTable::default());
    assert_eq!(series(), counted, "a reload of routes is not about them");
    names.iter().for_each(|name| pools.remove(&FeedName::Pool(name.clone())));
    assert!(!picture.load().tenants.has_web_acls() && !picture.load().asks());
    assert_eq!(series(), 0);
}

#[test]
fn clients_are_known_by_their_pool() {
    let (pools, picture) = pools();
    let web = ClientId::parse("web").unwrap();
    let of = || picture.load().tenants.pool_of(&web).cloned();
    pools.replace(&feed(), &state(&good()));
    assert_eq!(of(), None);
    pools.advance(&feed(), &[client(true)], &state(&[good(), vec![client(true)]].concat()));
    assert_eq!(of(), Some(pool()));
    let gone = Change::Removed(Removable::Client(web.clone()));
    pools.advance(&feed(), &[gone], &state(&good()));
    assert_eq!(of(), None);
    pools.replace(&feed(), &state(&[good(), vec![client(false)]].concat()));
    assert_eq!(of(), Some(pool()), "one that is switched off, too");
    pools.remove(&feed());
    assert_eq!(of(), None);
}

#[test]
fn what_can_be_read_and_not_used_is_not_taken_for_none() {
    let unknown = web_acl(
        r#"{"Name": "r", "Priority": 0, "OverrideAction": {"None": {}}, VISIBLE, "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "NoSuchRuleSet"}}}"#,
    );
    let (pools, picture) = pools();
    pools.replace(&feed(), &state(&[good(), vec![unknown.clone()]].concat()));
    assert!(matches!(picture.load().tenants.web_acl(&pool()), Some(PoolAcl::Unreadable)));
    pools.replace(&feed(), &state(&[good(), vec![web_acl("")]].concat()));
    pools.advance(&feed(), std::slice::from_ref(&unknown), &state(&[good(), vec![unknown.clone()]].concat()));
    assert_eq!(in_force(&picture), Some((0, 0)));
}
