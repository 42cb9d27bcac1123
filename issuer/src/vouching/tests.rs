//! Attestations at an issuer: every claim that is wrong, every certificate that is nobody's, and that each counts once.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use common::attest::{AttestError, Attestation, Head, LEEWAY, Octets};
use common::clock::{Clock, FakeClock};
use common::ids::{EdgeId, PoolId};
use common::jose::{Alg, JwsError, SigningKey};
use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::engines::on_both_engines;
use crate::outbox::Wake;
use crate::publish::tests::Plain;
use crate::publish::{Pools, PublishConfig, Running, Stranger, start};
use crate::store::{Migration, Store};

const BODY: &[u8] = br#"{"ClientId":"c"}"#;
const REQUEST: Request<'static> =
    Request { method: "POST", host: "login.test", target: "/", fields: [[4; 32]; 2], body: BODY };

fn migrations() -> Vec<&'static Migration> {
    crate::outbox::MIGRATIONS.iter().collect()
}

/// Speaks as an edge.
pub(crate) struct Speaker {
    pub name: EdgeId,
    pub audience: String,
    pub key: SigningKey,
    pub head: Head,
}

impl Speaker {
    pub(crate) async fn of(handle: &PublishHandle, name: &str, pools: Pools, at: UnixMillis) -> Self {
        let name = EdgeId::parse(name).unwrap();
        let (certificate, key) = handle.admit(&name, &pools, at).await;
        let key = SigningKey::from_pkcs8(Alg::ES256, key.serialized_der()).unwrap();
        Self { name, audience: handle.audience().unwrap(), key, head: Head::new(&certificate) }
    }

    pub(crate) fn claims(&self, request: Request<'_>, id: u8, now: UnixMillis) -> Attestation<'static> {
        let mut body = [0; 32];
        body.copy_from_slice(digest(&SHA256, request.body).as_ref());
        Attestation {
            edge: self.name.clone(),
            audience: self.audience.clone().into(),
            issued_at: now.seconds(),
            id: Attestation::id_at(now, [id; 10]),
            method: request.method.to_owned().into(),
            host: request.host.to_owned().into(),
            target: request.target.to_owned().into(),
            fields: Octets(request.fields[0]),
            body: Octets(body),
            client: "192.0.2.77".parse().unwrap(),
            tls: None,
            request_id: Cow::Borrowed("r"),
            web_acl: None,
        }
    }

    pub(crate) fn say(&self, claims: &Attestation<'_>) -> String {
        let input = self.head.signing_input(claims).unwrap();
        let signature = self.key.sign(input.as_bytes()).unwrap();
        Head::finish(input, &signature)
    }
}

/// The same, made at another second.
pub(crate) fn shifted(claims: &Attestation<'static>, second: u64) -> Attestation<'static> {
    let id = Attestation::id_at(UnixMillis::from_seconds(second), [9; 10]);
    Attestation { issued_at: second, id, ..claims.clone() }
}

struct World {
    running: Running,
    clock: Arc<FakeClock>,
    verifier: Verifier,
}

impl World {
    async fn new(store: Store) -> Self {
        let clock = Arc::new(FakeClock::at(UnixMillis(1_790_000_000_000)));
        let config = PublishConfig { listen: (Ipv4Addr::LOCALHOST, 0).into(), advertise: String::new() };
        let running = start(store, clock.clone(), config, Arc::new(Plain), Wake::default()).await.unwrap();
        let verifier = Verifier::new(running.handle(), clock.now()).unwrap();
        Self { running, clock, verifier }
    }

    async fn edge(&self, name: &str) -> Speaker {
        Speaker::of(&self.running.handle(), name, Pools::All, self.clock.now()).await
    }

    async fn take(&self, text: &str) -> Result<Vouched, Refused> {
        self.verifier.take(text, REQUEST, self.clock.now()).await
    }

    async fn outcome(&self, text: &str) -> Option<Refusal> {
        self.take(text).await.err().map(|refused| refused.refusal)
    }
}

async fn a_word_counts_once(store: Store) {
    let world = World::new(store).await;
    let edge = world.edge("fra-1").await;
    let text = edge.say(&edge.claims(REQUEST, 1, world.clock.now()));
    let vouched = world.take(&text).await.unwrap();
    assert_eq!((vouched.edge.name.as_str(), vouched.client.to_string().as_str()), ("fra-1", "192.0.2.77"));
    assert_eq!(world.outcome(&text).await, Some(Refusal::Replayed));
    let same_id = edge.say(&edge.claims(REQUEST, 1, world.clock.now()));
    assert_eq!(world.outcome(&same_id).await, Some(Refusal::Replayed), "signed anew");
    let many: Vec<String> = (2..4).map(|id| edge.say(&edge.claims(REQUEST, id, world.clock.now()))).collect();
    let tries = (0..16).map(|at| world.take(&many[at % 2]));
    assert_eq!(futures_util::future::join_all(tries).await.iter().filter(|taken| taken.is_ok()).count(), 2);
    world.clock.advance(LEEWAY + Duration::from_secs(1));
    assert_eq!(world.outcome(&text).await, Some(Refusal::Attestation(AttestError::TooOld)));
}

async fn every_claim_that_is_wrong_has_its_reason(store: Store) {
    let world = World::new(store).await;
    let (edge, other) = (world.edge("fra-1").await, world.edge("fra-2").await);
    let good = edge.claims(REQUEST, 1, world.clock.now());
    let now = good.issued_at;
    let cases = [
        (Attestation { edge: other.name.clone(), ..good.clone() }, AttestError::Edge),
        (Attestation { audience: "tollgate:other".into(), ..good.clone() }, AttestError::Audience),
        (shifted(&good, now - 31), AttestError::TooOld),
        (shifted(&good, now + 31), AttestError::InFuture),
        (Attestation { method: "GET".into(), ..good.clone() }, AttestError::Method),
        (Attestation { host: "other.test".into(), ..good.clone() }, AttestError::Host),
        (Attestation { target: "/?".into(), ..good.clone() }, AttestError::Target),
        (Attestation { body: Octets([0; 32]), ..good.clone() }, AttestError::Body),
        (Attestation { request_id: "é".into(), ..good.clone() }, AttestError::Claims),
    ];
    for (claims, error) in cases {
        assert_eq!(world.outcome(&edge.say(&claims)).await, Some(Refusal::Attestation(error)));
    }
    let forged = Speaker { key: other.key, ..edge };
    assert_eq!(world.outcome(&forged.say(&good)).await, Some(Refusal::Attestation(AttestError::Signature)));
    assert_eq!(world.outcome("x").await, Some(Refusal::Attestation(AttestError::Malformed(JwsError::Parts))));
}

async fn certificates_that_are_nobodys(store: Store) {
    let world = World::new(store).await;
    let edge = world.edge("fra-1").await;
    let say = |id| edge.say(&edge.claims(REQUEST, id, world.clock.now()));
    assert_eq!(world.outcome(&say(1)).await, None);

    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["fra-1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let signing = SigningKey::from_pkcs8(Alg::ES256, key.serialized_der()).unwrap();
    let stranger =
        Speaker { name: edge.name.clone(), audience: edge.audience.clone(), key: signing, head: Head::new(own.der()) };
    let text = stranger.say(&stranger.claims(REQUEST, 2, world.clock.now()));
    assert_eq!(world.outcome(&text).await, Some(Refusal::Edge(Stranger::Certificate)), "it certified itself");
    let garbage = Speaker { head: Head::new(b"garbage"), ..stranger };
    let text = garbage.say(&garbage.claims(REQUEST, 2, world.clock.now()));
    assert_eq!(world.outcome(&text).await, Some(Refusal::Edge(Stranger::Certificate)));

    world.running.handle().revoke_edge(&edge.name).await.unwrap();
    assert_eq!(world.outcome(&say(3)).await, Some(Refusal::Edge(Stranger::Revoked)));
    world.clock.advance(Duration::from_secs(1));
    let again = world.edge("fra-1").await;
    assert_eq!(
        world.outcome(&say(4)).await,
        Some(Refusal::Edge(Stranger::Revoked)),
        "a certificate of an earlier join"
    );
    assert_eq!(world.outcome(&again.say(&again.claims(REQUEST, 5, world.clock.now()))).await, None);
    world.clock.advance(crate::publish::EDGE_LIFE + Duration::from_secs(1));
    world.running.handle().revoke_edge(&EdgeId::parse("fra-1").unwrap()).await.unwrap();
    let text = again.say(&again.claims(REQUEST, 6, world.clock.now()));
    assert_eq!(world.outcome(&text).await, Some(Refusal::Edge(Stranger::Certificate)), "it has expired");
}

async fn what_another_process_may_have_taken_is_not_taken(store: Store) {
    let world = World::new(store).await;
    let edge = world.edge("fra-1").await;
    let before = edge.say(&edge.claims(REQUEST, 1, world.clock.now()));
    world.clock.advance(Duration::from_millis(1));
    let restarted = Verifier::new(world.running.handle(), world.clock.now()).unwrap();
    let again = restarted.take(&before, REQUEST, world.clock.now()).await;
    assert_eq!(again.err().map(|refused| refused.refusal), Some(Refusal::BeforeStart));
    let after = edge.say(&edge.claims(REQUEST, 2, world.clock.now()));
    assert!(restarted.take(&after, REQUEST, world.clock.now()).await.is_ok());
}

async fn an_edge_serves_the_pools_of_its_enrolment(store: Store) {
    let world = World::new(store).await;
    let [ours, theirs] = ["eu_A", "eu_B"].map(|id| PoolId::parse(id).unwrap());
    let pools = Pools::Named(vec![ours.clone()]);
    let edge = Speaker::of(&world.running.handle(), "fra-1", pools, world.clock.now()).await;
    let vouched = world.take(&edge.say(&edge.claims(REQUEST, 1, world.clock.now()))).await.unwrap();
    assert!(vouched.edge.serves(&ours) && !vouched.edge.serves(&theirs));
}

on_both_engines!(
    a_word_counts_once,
    every_claim_that_is_wrong_has_its_reason,
    certificates_that_are_nobodys,
    what_another_process_may_have_taken_is_not_taken,
    an_edge_serves_the_pools_of_its_enrolment,
);

#[test]
fn what_the_next_try_may_turn_is_503_and_the_rest_is_final() {
    use cognito_model::Fault;
    let cases = [
        (Refusal::Absent, 400),
        (Refusal::Several, 400),
        (Refusal::Attestation(AttestError::Body), 400),
        (Refusal::Edge(Stranger::Revoked), 400),
        (Refusal::Edge(Stranger::Storage), 503),
        (Refusal::Pool, 400),
        (Refusal::NoWebAcl, 503),
        (Refusal::OtherWebAcl, 400),
        (Refusal::Replayed, 400),
        (Refusal::BeforeStart, 503),
        (Refusal::Full, 503),
    ];
    let mut names = std::collections::HashSet::new();
    for (refusal, status) in cases {
        let fault = Fault::from(refusal);
        assert_eq!((fault.status(), fault.retry_after.is_some()), (status, status == 503), "{refusal:?}");
        assert!(names.insert(refusal.metric()));
    }
}
