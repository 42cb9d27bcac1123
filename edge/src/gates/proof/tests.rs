//! The gates over tokens of every kind of binding, schemes, proofs and certificates.

use std::sync::Arc;
use std::time::Duration;

use common::canonical::{RequestHead, Url, Version, canonical_request};
use common::clock::UnixMillis;
use common::dpop::NonceKey;
use common::jose::{Alg, Jwks, KeySet, SigningKey, Thumbprint};
use common::verify::{Leeway, Profile};
use http::{HeaderMap, HeaderValue, header};
use prometheus_client::metrics::gauge::Gauge;
use serde_json::{Value, json};

use super::prover::Prover;
use super::*;
use crate::challenge::config::Settings;
use crate::challenge::{Challenges, Meter};
use crate::facts::{ClientCertificate, Connection, TlsFacts};
use crate::gates::{Shared, pass};
use crate::rates::Limits;
use crate::snapshot::Snapshot;
use crate::snapshot::issuer::Trust;
use crate::snapshot::picture::{ConfiguredIssuer, Picture};
use crate::snapshot::route::{Route, RouteTable, TokenRule};
use crate::waf::Body;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const URI: &str = "https://api.test/orders";
const KEY: &[u8] = include_bytes!("../../../../common/vectors/keys/rsa-2048-a.pk8");

fn token(cnf: Option<Value>) -> String {
    let key = SigningKey::from_pkcs8(Alg::RS256, KEY).unwrap();
    let mut claims = json!({
        "iss": "https://a", "sub": "ada", "token_use": "access", "client_id": "web",
        "exp": NOW.seconds() + 600, "iat": NOW.seconds(),
    });
    if let Some(cnf) = cnf {
        claims["cnf"] = cnf;
    }
    key.sign_compact(&key.header(), &claims).unwrap()
}

/// An edge with one route.
struct Gates {
    snapshot: Arc<Snapshot>,
    replay: Replay,
    certificate: Option<Thumbprint>,
    now: UnixMillis,
}

impl Gates {
    fn with(proof: ProofRule) -> Self {
        let key = SigningKey::from_pkcs8(Alg::RS256, KEY).unwrap();
        let keys = Arc::new(KeySet::new("https://a", Jwks::new(vec![key.public_jwk().clone()]).unwrap()).unwrap());
        let trust = Trust {
            profile: Profile::Cognito,
            leeway: Leeway::default(),
            access_keys: Arc::clone(&keys),
            id_keys: keys,
            groups: None,
        };
        let rule = TokenRule { proof, ..TokenRule::fixture(vec![0]) };
        let route = Arc::new(Route { token: Some(rule), ..Route::fixture() });
        let picture = Picture::new(1 << 20);
        let table = RouteTable { routes: vec![route], ..RouteTable::default() };
        picture.configure(table, vec![ConfiguredIssuer { trust: Some(trust), ..ConfiguredIssuer::awaited("a") }]);
        Self {
            snapshot: picture.load(),
            replay: Replay::bounded(1 << 20, Gauge::default()),
            certificate: None,
            now: NOW,
        }
    }

    /// `GET https://api.test/orders?page=2` with this `Authorization` and these proofs.
    fn ask(&self, authorization: &str, proofs: &[&str]) -> (Outcome, Facts) {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        for proof in proofs {
            headers.append("dpop", HeaderValue::from_str(proof).unwrap());
        }
        let head = RequestHead {
            method: "GET",
            target: b"/orders?page=2",
            version: Version::Http2,
            authority: Some(b"api.test"),
        };
        let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
        let certificate =
            self.certificate.map(|name| ClientCertificate { sha256: *name.as_bytes(), der: Box::default() });
        let tls = TlsFacts { version: "TLSv1.3", cipher: "", server_name: None, certificate, fingerprints: None };
        let connection = &Connection { client: None, scheme: Scheme::Https, tls: Some(Arc::new(tls)) };
        let route = &self.snapshot.routes.routes[0];
        let moment = Default::default();
        let view = RequestView {
            canonical,
            connection,
            headers: &headers,
            session: None,
            route,
            body: Body::None,
            now: self.now,
            moment,
        };
        let mut facts = Facts::default();
        let limits = Limits::bounded(1 << 20, [0; 16], [0; 16], std::time::Instant::now());
        let challenges = Challenges::new(Settings::default(), Meter::default()).unwrap();
        let watch = crate::takeover::Watch::new(&[3; 32]);
        let shared = Shared { replay: &self.replay, challenges: &challenges, limits: &limits, watch: &watch };
        (pass(view, &mut facts, &self.snapshot, shared), facts)
    }

    fn outcome(&self, authorization: &str, proofs: &[&str]) -> Outcome {
        self.ask(authorization, proofs).0
    }
}

fn reject(reject: Reject) -> Outcome {
    Outcome::Reject(reject)
}

#[test]
fn a_bound_token_needs_its_scheme_its_key_and_a_proof_for_this_request() {
    let (gates, client, thief) = (Gates::with(ProofRule::default()), Prover::new(), Prover::new());
    let token = token(Some(json!({"jkt": client.jkt()})));
    let (bearer, dpop) = (format!("Bearer {token}"), format!("DPoP {token}"));
    let proof = |method, uri, token: &str| client.proof(method, uri, token, NOW);
    let good = || proof("GET", URI, &token);
    // The second round meets a known token.
    for round in 0..2 {
        let cases: [(&str, &[&str], Outcome); 10] = [
            (&dpop, &[&good()], Outcome::Continue),
            (&bearer, &[], reject(Reject::ProofRequired)),
            (&bearer, &[&good()], reject(Reject::ProofRequired)),
            (&dpop, &[], reject(Reject::ProofRequired)),
            (&dpop, &[&good(), &good()], reject(Reject::InvalidProof)),
            (&dpop, &[&thief.proof("GET", URI, &token, NOW)], reject(Reject::WrongProofKey)),
            (&dpop, &[&proof("POST", URI, &token)], reject(Reject::InvalidProof)),
            (&dpop, &[&proof("GET", "https://api.test/admin", &token)], reject(Reject::InvalidProof)),
            (&dpop, &[&proof("GET", URI, "another token")], reject(Reject::InvalidProof)),
            (&dpop, &["x"], reject(Reject::InvalidProof)),
        ];
        for (authorization, proofs, expected) in cases {
            assert_eq!(gates.outcome(authorization, proofs), expected, "{round}: {authorization} {proofs:?}");
        }
    }
    let late = client.proof("GET", URI, &token, UnixMillis(NOW.0 - 61_000));
    assert_eq!(gates.outcome(&dpop, &[&late]), reject(Reject::ProofStale));
    let (_, facts) = gates.ask(&dpop, &[&proof("POST", URI, &token)]);
    assert_eq!((facts.presented.flaw, facts.presented.scheme), (Some("proof_htm"), Some(TokenScheme::Dpop)));
}

#[test]
fn a_proof_passes_once_and_only_what_passes_is_used_up() {
    let (mut gates, client) = (Gates::with(ProofRule::default()), Prover::new());
    let token = token(Some(json!({"jkt": client.jkt()})));
    let dpop = format!("DPoP {token}");
    let proof = client.proof("GET", URI, &token, NOW);
    assert_eq!(gates.outcome(&format!("DPoP {token}x"), &[&proof]), reject(Reject::Malformed));
    assert_eq!(gates.outcome(&format!("Bearer {token}"), &[&proof]), reject(Reject::ProofRequired));
    assert_eq!(gates.outcome(&dpop, &[&proof]), Outcome::Continue, "refusals have not used it up");
    assert_eq!(gates.outcome(&dpop, &[&proof]), reject(Reject::ProofReplayed));
    gates.replay = Replay::bounded(0, Gauge::default());
    let outcomes: Vec<Outcome> =
        (0..2_000).map(|_| gates.outcome(&dpop, &[&client.proof("GET", URI, &token, NOW)])).collect();
    let passed = outcomes.iter().filter(|outcome| **outcome == Outcome::Continue).count();
    assert_eq!(passed, gates.replay.capacity());
    assert_eq!(outcomes.last(), Some(&reject(Reject::ReplayFull)));
}

#[test]
fn an_unbound_token_passes_as_a_bearer_where_nothing_more_is_asked() {
    let client = Prover::new();
    let token = token(None);
    let (bearer, dpop) = (format!("Bearer {token}"), format!("DPoP {token}"));
    let proof = || client.proof("GET", URI, &token, NOW);
    let open = Gates::with(ProofRule::default());
    assert_eq!(open.outcome(&bearer, &[]), Outcome::Continue);
    assert_eq!(open.outcome(&bearer, &[&proof()]), Outcome::Continue, "a proof for nothing");
    assert_eq!(open.outcome(&dpop, &[&proof()]), reject(Reject::UnboundToken));
    for rule in [
        ProofRule { required: true, ..ProofRule::default() },
        ProofRule { certificate_bound: true, ..ProofRule::default() },
    ] {
        let closed = Gates::with(rule);
        for _ in 0..2 {
            assert_eq!(closed.outcome(&bearer, &[]), reject(Reject::UnboundToken));
            assert_eq!(closed.outcome(&dpop, &[&proof()]), reject(Reject::UnboundToken));
        }
    }
}

#[test]
fn a_token_bound_to_a_certificate_needs_this_very_certificate() {
    let mut gates = Gates::with(ProofRule { certificate_bound: true, ..ProofRule::default() });
    let (own, other) = (Thumbprint::of(b"certificate"), Thumbprint::of(b"another"));
    let bearer = format!("Bearer {}", token(Some(json!({"x5t#S256": own.to_string()}))));
    for _ in 0..2 {
        for (certificate, expected) in [
            (None, reject(Reject::CertificateMissing)),
            (Some(other), reject(Reject::WrongCertificate)),
            (Some(own), Outcome::Continue),
        ] {
            gates.certificate = certificate;
            assert_eq!(gates.outcome(&bearer, &[]), expected);
        }
    }
}

#[test]
fn a_token_bound_to_both_needs_both() {
    let (mut gates, client) = (Gates::with(ProofRule::default()), Prover::new());
    let own = Thumbprint::of(b"certificate");
    let token = token(Some(json!({"x5t#S256": own.to_string(), "jkt": client.jkt()})));
    let proof = || client.proof("GET", URI, &token, NOW);
    assert_eq!(gates.outcome(&format!("DPoP {token}"), &[&proof()]), reject(Reject::CertificateMissing));
    gates.certificate = Some(own);
    assert_eq!(gates.outcome(&format!("Bearer {token}"), &[]), reject(Reject::ProofRequired));
    assert_eq!(gates.outcome(&format!("DPoP {token}"), &[&proof()]), Outcome::Continue);
}

#[test]
fn what_no_one_here_can_ask_for_is_refused() {
    let (gates, client) = (Gates::with(ProofRule::default()), Prover::new());
    let token = token(Some(json!({"jkt": client.jkt(), "kid": "k"})));
    let proof = client.proof("GET", URI, &token, NOW);
    assert_eq!(gates.outcome(&format!("DPoP {token}"), &[&proof]), reject(Reject::UnknownConfirmation));
}

#[test]
fn nonces_are_told_asked_for_and_told_anew() {
    let period = Duration::from_secs(60);
    let nonces = Some(Arc::new(NonceKey::new(b"secret", period)));
    let (mut gates, client) = (Gates::with(ProofRule { nonces, ..ProofRule::default() }), Prover::new());
    let token = token(Some(json!({"jkt": client.jkt()})));
    let dpop = format!("DPoP {token}");
    let with = |nonce: &HeaderValue| {
        let mut claims = client.claims("GET", URI, &token, NOW);
        claims["nonce"] = json!(nonce.to_str().unwrap());
        client.sign(&claims)
    };
    let (outcome, facts) = gates.ask(&dpop, &[&client.proof("GET", URI, &token, NOW)]);
    assert_eq!(outcome, reject(Reject::NonceRequired));
    let nonce = facts.presented.nonce.unwrap();
    let (outcome, facts) = gates.ask(&dpop, &[&with(&nonce)]);
    assert_eq!((outcome, facts.presented.nonce), (Outcome::Continue, None), "it is the newest");
    gates.now = NOW.plus(period);
    let (outcome, facts) = gates.ask(&dpop, &[&with(&nonce)]);
    assert_eq!(outcome, Outcome::Continue);
    let newer = facts.presented.nonce.unwrap();
    assert_ne!(newer, nonce);
    gates.now = NOW.plus(2 * period);
    assert_eq!(gates.outcome(&dpop, &[&with(&nonce)]), reject(Reject::NonceRequired));
    assert_eq!(gates.outcome(&dpop, &[&with(&newer)]), Outcome::Continue);
    // Other refusals bring one, too, so that the next try needs no round of its own.
    assert!(gates.ask("Bearer x", &[]).1.presented.nonce.is_some());
    assert!(gates.ask(&dpop, &[]).1.presented.nonce.is_some());
}

#[test]
fn the_public_url_and_the_algorithms_are_the_routes() {
    let public_url = Url::parse("https://public.test/v1").map(Url::into_owned);
    let gates = Gates::with(ProofRule { public_url, ..ProofRule::default() });
    let client = Prover::new();
    let token = token(Some(json!({"jkt": client.jkt()})));
    let dpop = format!("DPoP {token}");
    let proof = |uri| client.proof("GET", uri, &token, NOW);
    assert_eq!(gates.outcome(&dpop, &[&proof("https://public.test/v1/orders")]), Outcome::Continue);
    assert_eq!(gates.outcome(&dpop, &[&proof(URI)]), reject(Reject::InvalidProof));
    let picky = Gates::with(ProofRule { algs: vec![Alg::EdDSA], ..ProofRule::default() });
    assert_eq!(picky.outcome(&dpop, &[&proof(URI)]), reject(Reject::InvalidProof));
}
