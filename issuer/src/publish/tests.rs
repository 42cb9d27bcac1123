//! Strangers at the door: other authorities, no certificate, old ones, broken frames.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, SystemClock, UnixMillis};
use common::feed::{
    ALPN_FEED, ALPN_JOIN, Count, CountedRule, Counts, Decoder, FeedName, Hello, ISSUER_NAME, Message, Report, Resync,
    Scope, Share,
};
use common::ids::{EdgeId, PoolId};
use common::secret::SecretBytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::authority::Authority;
use super::*;
use crate::outbox::Wake;
use crate::store::{Migration, StoreConfig};

/// Seals nothing.
pub(crate) struct Plain;

impl Sealing for Plain {
    fn seal(&self, _: &str, plain: &[u8]) -> Option<Vec<u8>> {
        Some(plain.to_vec())
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Option<SecretBytes> {
        Some(SecretBytes::new(sealed))
    }

    fn reset_key(&self) -> ring::hmac::Key {
        ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"test")
    }
}

struct World {
    running: Running,
    store: Store,
    _dir: tempfile::TempDir,
}

async fn store(dir: &tempfile::TempDir) -> Store {
    let migrations: Vec<&Migration> = outbox::MIGRATIONS.iter().collect();
    Store::open(&StoreConfig::sqlite(dir.path().join("t.db")), &migrations).await.unwrap()
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        let config = PublishConfig { listen: (Ipv4Addr::LOCALHOST, 0).into(), advertise: String::new() };
        let running =
            start(store.clone(), Arc::new(SystemClock), config, Arc::new(Plain), Wake::default()).await.unwrap();
        Self { running, store, _dir: dir }
    }

    fn authority(&self) -> &Authority {
        &self.running.handle.shared.authority
    }

    /// Enrolled and joined, without the wire.
    async fn admit(&self, name: &str, pools: Pools, at: UnixMillis) {
        let name = EdgeId::parse(name).unwrap();
        let secret = enrolment::enrol(&self.store, &name, &pools, at).await.unwrap();
        assert!(enrolment::redeem(&self.store, &name, &secret, at).await.unwrap());
        assert!(!enrolment::redeem(&self.store, &name, &secret, at).await.unwrap(), "once");
    }

    async fn dial(
        &self,
        shown: Option<(Vec<CertificateDer<'static>>, KeyPair)>,
        alpn: &[u8],
    ) -> Result<Connection, String> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority().certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let mut crypto = match shown {
            Some((chain, key)) => {
                let key = PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()).into();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        crypto.alpn_protocols = vec![alpn.to_vec()];
        let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(crypto).unwrap()));
        let endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = self.running.local_addr().unwrap();
        endpoint.connect_with(config, address, ISSUER_NAME).unwrap().await.map_err(|error| error.to_string())
    }

    /// Says hello and then `more`; what comes first, or why the issuer hung up.
    async fn talk(&self, connection: &Connection, more: &[u8]) -> Result<Message, String> {
        let (mut send, mut recv) = connection.open_bi().await.map_err(|error| error.to_string())?;
        let hello = Message::Hello(Hello { software: "t".into(), positions: vec![] }).encode().unwrap();
        send.write_all(&[&hello, more].concat()).await.map_err(|error| error.to_string())?;
        let mut decoder = Decoder::default();
        let mut chunk = [0; 1024];
        loop {
            if let Some(frame) = decoder.next_frame().unwrap() {
                let first = Message::decode(&frame).unwrap();
                std::mem::forget((send, recv)); // an edge that drops its streams has hung up
                return Ok(first);
            }
            match recv.read(&mut chunk).await {
                Ok(Some(count)) => decoder.push(&chunk[..count]),
                _ => return Err(connection.closed().await.to_string()),
            }
        }
    }

    async fn enters(&self, shown: Option<(Vec<CertificateDer<'static>>, KeyPair)>) -> Result<Message, String> {
        let connection = self.dial(shown, ALPN_FEED).await?;
        self.talk(&connection, &[]).await
    }

    fn certify(&self, authority: &Authority, name: &str, at: UnixMillis) -> (Vec<CertificateDer<'static>>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        // The request asks for more than it gets: another name and to be an authority.
        let mut wish = CertificateParams::new(vec![ISSUER_NAME.to_owned(), "another-edge".to_owned()]).unwrap();
        wish.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let csr = wish.serialize_request(&key).unwrap();
        let leaf = authority.sign_edge(&EdgeId::parse(name).unwrap(), csr.der(), at).unwrap();
        (vec![leaf], key)
    }
}

#[tokio::test]
async fn only_a_live_certificate_of_our_authority_enters() {
    let world = World::new().await;
    let now = SystemClock.now();
    world.admit("fra-1", Pools::All, now).await;
    let good = world.certify(world.authority(), "fra-1", now);
    assert!(matches!(world.enters(Some(good)).await, Ok(Message::Welcome(_))));

    assert!(world.enters(None).await.unwrap_err().contains("certificate"), "none");
    let elsewhere = tempfile::tempdir().unwrap();
    let rogue = Authority::load(&store(&elsewhere).await, &Plain, now).await.unwrap();
    assert!(world.enters(Some(world.certify(&rogue, "fra-1", now))).await.is_err(), "another authority");
    let month = Duration::from_secs(30 * 24 * 3600);
    assert!(world.enters(Some(world.certify(world.authority(), "fra-1", now.minus(month)))).await.is_err(), "expired");
    let before = world.certify(world.authority(), "fra-1", now.minus(Duration::from_secs(60)));
    assert!(world.enters(Some(before)).await.unwrap_err().contains("revoked"), "from before it joined");
    let unknown = world.certify(world.authority(), "fra-2", now);
    assert!(world.enters(Some(unknown)).await.is_err(), "never enrolled");
    // A certificate of an edge signs nothing: it is no authority, whatever was asked for.
    let (chain, key) = world.certify(world.authority(), "fra-1", now);
    let signer = rcgen::Issuer::from_ca_cert_der(&chain[0], key).unwrap();
    let forged_key = KeyPair::generate().unwrap();
    let forged = CertificateParams::new(vec!["fra-1".to_owned()]).unwrap().signed_by(&forged_key, &signer).unwrap();
    assert!(
        world.enters(Some((vec![forged.der().clone(), chain[0].clone()], forged_key))).await.is_err(),
        "signed by an edge"
    );
}

#[tokio::test]
async fn a_broken_edge_is_cut_and_costs_nobody_else_anything() {
    let world = World::new().await;
    let now = SystemClock.now();
    world.admit("fra-1", Pools::Named(vec![PoolId::parse("r_A").unwrap()]), now).await;
    let not_served = FeedName::Pool(PoolId::parse("r_B").unwrap());
    let resync = Message::Resync(Resync { feed: not_served, position: None }).encode().unwrap();
    let renew = Message::Renew(common::feed::Renew { csr: vec![1; 100] }).encode().unwrap();
    let hello = Message::Hello(Hello { software: String::new(), positions: vec![] }).encode().unwrap();
    let mut noise = 1u64;
    let mut cases = vec![vec![0xff; 64], vec![0, 0, 0, 1, 9], vec![0, 0, 0, 2, 99, 1], resync, renew, hello];
    for _ in 0..20 {
        let bytes = (0..200).map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 56) as u8
        });
        cases.push([vec![0, 0, 0, 100, 1, 3], bytes.collect()].concat());
    }
    for (nth, case) in cases.iter().enumerate() {
        let connection = world.dial(Some(world.certify(world.authority(), "fra-1", now)), ALPN_FEED).await.unwrap();
        let _ = world.talk(&connection, case).await;
        let closed = tokio::time::timeout(Duration::from_secs(5), connection.closed()).await;
        assert!(closed.is_ok(), "case {nth} went on");
    }
    let good = world.enters(Some(world.certify(world.authority(), "fra-1", now))).await;
    assert!(matches!(good, Ok(Message::Welcome(_))), "{good:?}");
}

#[tokio::test]
async fn an_edge_has_two_connections_at_most_and_the_oldest_goes() {
    let world = World::new().await;
    let now = SystemClock.now();
    world.admit("fra-1", Pools::All, now).await;
    let mut connections = Vec::new();
    for _ in 0..3 {
        let connection = world.dial(Some(world.certify(world.authority(), "fra-1", now)), ALPN_FEED).await.unwrap();
        assert!(world.talk(&connection, &[]).await.is_ok());
        connections.push(connection);
    }
    assert!(connections[0].closed().await.to_string().contains("too many"));
    assert!(connections[1].close_reason().is_none() && connections[2].close_reason().is_none());
    assert_eq!(world.running.handle().edges().len(), 2);
}

#[tokio::test]
async fn a_join_without_a_good_secret_learns_nothing() {
    let world = World::new().await;
    let connection = world.dial(None, ALPN_JOIN).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    let csr =
        CertificateParams::new(Vec::<String>::new()).unwrap().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let join = common::feed::Join {
        name: EdgeId::parse("fra-1").unwrap(),
        secret: common::secret::SecretString::new("guess"),
        csr: csr.der().to_vec(),
    };
    send.write_all(&Message::Join(join).encode().unwrap()).await.unwrap();
    send.finish().unwrap();
    let mut decoder = Decoder::default();
    decoder.push(&recv.read_to_end(1024).await.unwrap());
    let answer = Message::decode(&decoder.next_frame().unwrap().unwrap()).unwrap();
    let refused = common::feed::JoinRefused { reason: common::feed::RefusedJoin::Token };
    assert_eq!(answer, Message::JoinRefused(refused));
}

/// Keeps what it is told.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<(EdgeId, Report)>>);

impl Receiver for Heard {
    fn receive(&self, edge: &EdgeId, report: &Report, _: UnixMillis) {
        self.0.lock().unwrap().push((edge.clone(), report.clone()));
    }
}

fn share(feed: FeedName) -> Report {
    Report::Share(Share { scope: Scope(feed), origin: 1, heard: None })
}

fn counts(key: u8, admitted: u32) -> Report {
    let mut counts = Counts::default();
    let count = Count { rule: 0, key: [key; 16], admitted, asked: admitted, ago_ms: 0 };
    counts.push(CountedRule { id: 1, window_s: 60 }, count);
    Report::Counts(counts)
}

impl World {
    /// A welcomed connection with a stream for reports on which `frames` were said, and why the issuer closes it, if it does.
    async fn reports(&self, frames: &[u8]) -> (Connection, Option<String>) {
        let certified = self.certify(self.authority(), "fra-1", SystemClock.now());
        let connection = self.dial(Some(certified), ALPN_FEED).await.unwrap();
        assert!(matches!(self.talk(&connection, &[]).await, Ok(Message::Welcome(_))));
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(frames).await.unwrap();
        std::mem::forget((send, recv));
        let closed = tokio::time::timeout(Duration::from_millis(300), connection.closed()).await;
        (connection.clone(), closed.ok().map(|error| error.to_string()))
    }
}

#[tokio::test]
async fn reports_come_with_the_name_of_their_edge_and_unknown_kinds_are_skipped() {
    let world = World::new().await;
    let pool: FeedName = PoolId::parse("r_A").unwrap().into();
    world.admit("fra-1", Pools::Named(vec![PoolId::parse("r_A").unwrap()]), SystemClock.now()).await;
    let heard = Arc::new(Heard::default());
    world.running.handle().report_to(heard.clone());
    let reports = [Report::Unknown(127), share(pool), counts(1, 5)];
    let frames: Vec<u8> = reports.iter().flat_map(|report| report.encode().unwrap()).collect();
    let (_connection, closed) = world.reports(&frames).await;
    assert_eq!(closed, None);
    let named = |report: &Report| (EdgeId::parse("fra-1").unwrap(), report.clone());
    assert_eq!(*heard.0.lock().unwrap(), reports.iter().map(named).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_edge_that_reports_what_it_may_not_is_cut() {
    let world = World::new().await;
    world.admit("fra-1", Pools::Named(vec![PoolId::parse("r_A").unwrap()]), SystemClock.now()).await;
    let heard = Arc::new(Heard::default());
    world.running.handle().report_to(heard.clone());
    let of_another = share(PoolId::parse("r_B").unwrap().into()).encode().unwrap();
    let of_the_issuer = Report::Shared(None).encode().unwrap();
    let all = |reports: &[Report]| -> Vec<u8> { reports.iter().flat_map(|report| report.encode().unwrap()).collect() };
    let twice = all(&[share(FeedName::Global), share(FeedName::Global)]);
    let Report::Counts(mut of_no_rule) = counts(1, 1) else { unreachable!() };
    of_no_rule.rules.clear();
    let of_no_rule = all(&[share(FeedName::Global), Report::Counts(of_no_rule)]);
    let too_long = u32::try_from(common::feed::MAX_REPORT + 1).unwrap().to_be_bytes().to_vec();
    let broken = vec![0, 0, 0, 3, common::feed::VERSION, 64, 9];
    let wrong = [
        (of_the_issuer, "only an issuer"),
        (too_long, "protocol"),
        (broken, "protocol"),
        (twice, "twice"),
        (of_no_rule, "malformed"),
        (counts(1, 5).encode().unwrap(), "does not share"),
    ];
    for (frames, why) in wrong {
        let closed = world.reports(&frames).await.1;
        assert!(closed.as_ref().is_some_and(|closed| closed.contains(why)), "{why}: {closed:?}");
    }
    let (third, closed) = world.reports(&of_another).await;
    assert_eq!(closed, None, "it shares with nobody, and goes on");
    let opened = tokio::time::timeout(Duration::from_millis(100), third.open_bi()).await;
    assert!(opened.is_err(), "there are two streams and no more");
    let heard = heard.0.lock().unwrap();
    assert!(heard.iter().all(|(_, report)| *report == share(FeedName::Global)), "{heard:?}");
}

/// The next report that the issuer tells on a stream.
async fn told(recv: &mut quinn::RecvStream, decoder: &mut Decoder) -> Report {
    let mut chunk = [0; 1024];
    loop {
        if let Some(frame) = decoder.next_frame().unwrap() {
            return Report::decode(&frame).unwrap();
        }
        let count = recv.read(&mut chunk).await.unwrap().unwrap();
        decoder.push(&chunk[..count]);
    }
}

#[tokio::test]
async fn edges_of_a_scope_get_the_counts_of_the_others() {
    let world = World::new().await;
    let now = SystemClock.now();
    let pool = PoolId::parse("r_A").unwrap();
    let mut edges = Vec::new();
    for (name, scope) in [("fra-1", FeedName::Global), ("fra-2", FeedName::Global), ("fra-3", pool.clone().into())] {
        world.admit(name, Pools::Named(vec![pool.clone()]), now).await;
        let connection = world.dial(Some(world.certify(world.authority(), name, now)), ALPN_FEED).await.unwrap();
        assert!(world.talk(&connection, &[]).await.is_ok());
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        let share = Report::Share(Share { scope: Scope(scope), origin: edges.len() as u64, heard: None });
        send.write_all(&share.encode().unwrap()).await.unwrap();
        let mut decoder = Decoder::default();
        assert!(matches!(told(&mut recv, &mut decoder).await, Report::Shared(Some(_))));
        edges.push((connection, send, recv, decoder));
    }
    edges[0].1.write_all(&counts(1, 5).encode().unwrap()).await.unwrap();
    let (_, _, recv, decoder) = &mut edges[1];
    let Report::Merged(merged) = told(recv, decoder).await else { panic!("then counts") };
    let of_others: Vec<_> = merged.of_others.with_rules().map(|(rule, count)| (rule.id, count.admitted)).collect();
    assert_eq!(of_others, [(1, 5)]);
    for other in [0, 2] {
        let (_, _, recv, decoder) = &mut edges[other];
        let more = tokio::time::timeout(Duration::from_millis(100), told(recv, decoder)).await;
        assert!(more.is_err(), "neither itself nor another scope");
    }
    edges.remove(1).0.close(quinn::VarInt::from_u32(0), b"");
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if world.running.handle().edges().len() == 2 {
            return;
        }
    }
    panic!("what has gone is forgotten");
}
