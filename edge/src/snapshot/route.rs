//! Routes, upstreams and the rules of their gates, as data. The deciding is done by `routes`, `gates` and `forward`.

use std::sync::Arc;
use std::time::Duration;

use common::canonical::{Policy as CanonicalPolicy, Url};
use common::claims::TokenUse;
use common::dpop::NonceKey;
use common::jose::Alg;
use common::verify::{ClaimPath, ClaimRule};
use http::{HeaderName, Method};

use crate::geo::Databases;
use crate::snapshot::acl::AclRule;
use crate::snapshot::authorization::Authorization;
use crate::snapshot::cors::CorsRule;
use crate::snapshot::flow::Flow;
use crate::snapshot::limit::RouteLimits;
use crate::snapshot::meter::Meter;
use crate::snapshot::resource::Resource;
use crate::snapshot::sign_in::{SignIn, SignInAt};
use crate::snapshot::upstream::Upstream;

/// All routes in the order in which they are tried: the more exact before the less exact, then as written.
#[derive(Debug, Default)]
pub struct RouteTable {
    pub routes: Vec<Arc<Route>>,
    /// Every upstream of the configuration, in the order of the file.
    pub upstreams: Vec<Arc<Upstream>>,
    /// What a request head must be. It names every header that any route adds: none of them may come in from outside, on any route.
    pub heads: CanonicalPolicy,
    /// What the edge describes by itself (RFC 9728), each with the number of a route that is part of it.
    pub resources: Vec<(Arc<Resource>, usize)>,
    /// Where browsers sign in.
    pub sign_ins: Vec<SignInAt>,
    /// Some route's web ACL asks for challenges or captchas.
    pub asks: bool,
    /// What is known of addresses.
    pub databases: Arc<Databases>,
    /// What should be looked at in the configuration, though it serves: a line each.
    pub warnings: Vec<String>,
}

/// One route: which requests, to which upstream, through which gates.
#[derive(Debug)]
pub struct Route {
    /// The position in the table.
    pub number: usize,
    /// A short, stable name for logs and metrics: the upstream and the path pattern.
    pub name: Arc<str>,
    pub host: HostPattern,
    pub path: PathPattern,
    /// Empty: any method but CONNECT and TRACE.
    pub methods: Vec<Method>,
    pub upstream: Arc<Upstream>,
    pub certificate: CertificateRule,
    /// None: no rules are asked.
    pub acl: Option<Arc<AclRule>>,
    /// None: it may be used as often as anyone likes.
    pub limits: Option<Box<RouteLimits>>,
    /// None: anyone may pass.
    pub token: Option<TokenRule>,
    /// How browsers come by a session, whose token is judged in the place of one in `Authorization`; only beside a rule for tokens.
    pub sign_in: Option<Arc<SignIn>>,
    /// What Cedar policies say of it; only beside a rule for tokens.
    pub authorization: Option<Authorization>,
    pub revocation: RevocationRule,
    /// The resource that the route is part of.
    pub resource: Option<Arc<Resource>>,
    pub headers: Vec<AddedHeader>,
    pub flow: Flow,
    /// None: the edge says nothing of other origins, and leaves the upstream's word alone.
    pub cors: Option<CorsRule>,
    /// The edge vouches for requests with its own key: the upstream is the issuer.
    pub attest: bool,
    pub meter: Meter,
}

impl RouteTable {
    /// What is known of servers of the table that this one replaces stays known.
    pub fn adopt(&self, old: &Self) {
        for upstream in &self.upstreams {
            if let Some(old) = old.upstreams.iter().find(|old| old.name == upstream.name) {
                upstream.adopt(old);
            }
        }
    }
}

/// Which hosts, in the canonical lower-case form without port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    Any,
    Exact(String),
    /// `*.example.com`, kept as `.example.com`: one label or more before it.
    Suffix(String),
}

/// Which canonical paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    Exact(String),
    /// `/orders/*`, kept as `/orders/`: that path and all below it.
    Prefix(String),
}

/// What a route asks of client certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateRule {
    /// Only clients that have shown one pass.
    pub required: bool,
    /// The upstream gets it in `Client-Cert` (RFC 9440).
    pub forward: bool,
}

/// Which tokens open a route; see [`common::verify::Policy`] for what each list asks.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRule {
    /// Positions in the snapshot's list of issuers; never empty.
    pub issuers: Vec<usize>,
    pub token_use: TokenUse,
    /// Empty: any client of the issuers.
    pub clients: Vec<String>,
    /// `aud` must hold one of these (profile `rfc9068`, which refuses an empty list, and ID tokens).
    pub audiences: Vec<String>,
    pub scopes_all: Vec<String>,
    pub scopes_any: Vec<String>,
    pub groups_all: Vec<String>,
    pub groups_any: Vec<String>,
    pub claims: Arc<[ClaimRule]>,
    pub amr_all: Vec<String>,
    pub amr_any: Vec<String>,
    /// The preferred first.
    pub acr_any: Vec<String>,
    /// Whole seconds, at least one: how long ago the user may have authenticated.
    pub max_age: Option<Duration>,
    pub proof: ProofRule,
}

/// What a route asks of the senders of tokens. A bound token always needs what it is bound to; this says whether others pass, and how
/// proofs are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRule {
    /// The route's settings speak of DPoP, so its challenges do.
    pub offered: bool,
    /// Tokens that are not bound to a key are refused.
    pub required: bool,
    /// Tokens that are not bound to a client certificate are refused.
    pub certificate_bound: bool,
    pub algs: Vec<Alg>,
    /// How far `iat` may lie from now, either way, where no nonce is demanded.
    pub window: Duration,
    /// Every proof needs a nonce made with this.
    pub nonces: Option<Arc<NonceKey>>,
    /// Proofs go upstream.
    pub forward: bool,
    /// How clients write this edge, where that is not how requests arrive here.
    pub public_url: Option<Url<'static>>,
}

impl ProofRule {
    /// The names of the algorithms; Ed25519 has two (RFC 9864 §2.2).
    pub fn alg_names(&self) -> Vec<&'static str> {
        let names = self.algs.iter().map(|alg| if *alg == Alg::EdDSA { ["Ed25519", "EdDSA"] } else { [alg.name(); 2] });
        let mut names: Vec<&'static str> = names.flatten().collect();
        names.dedup();
        names
    }
}

impl Default for ProofRule {
    fn default() -> Self {
        Self {
            offered: false,
            required: false,
            certificate_bound: false,
            algs: Alg::ALL.to_vec(),
            window: Duration::from_secs(60),
            nonces: None,
            forward: false,
            public_url: None,
        }
    }
}

/// What happens when the news of revocations is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationRule {
    /// The issuer must be one that tells revocations, and must have told them.
    pub required: bool,
    /// Age from the issuer's clock in the last heartbeat.
    pub max_staleness: Duration,
    pub stale: Stale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    Deny,
    Allow,
}

/// A header that the upstream gets from verified facts.
#[derive(Clone, Debug)]
pub struct AddedHeader {
    pub name: HeaderName,
    pub template: Vec<Piece>,
}

/// A piece of a template such as `user-{sub}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// The claim there; a list is joined with commas.
    Claim(ClaimPath),
}

#[cfg(test)]
use crate::snapshot::upstream::settings::Settings;

#[cfg(test)]
impl Route {
    /// An open route for everything, for tests that change what they are about.
    pub fn fixture() -> Self {
        let second = Duration::from_secs(1);
        Self {
            number: 0,
            name: "r".into(),
            host: HostPattern::Any,
            path: PathPattern::Prefix("/".to_owned()),
            methods: Vec::new(),
            upstream: Arc::new(Upstream::fixture(&[1], Settings::default())),
            certificate: CertificateRule::default(),
            acl: None,
            limits: None,
            token: None,
            sign_in: None,
            authorization: None,
            revocation: RevocationRule { required: false, max_staleness: second, stale: Stale::Deny },
            resource: None,
            headers: Vec::new(),
            flow: Flow::default(),
            cors: None,
            attest: false,
            meter: Meter::default(),
        }
    }
}

#[cfg(test)]
impl TokenRule {
    /// Any access token of these issuers.
    pub fn fixture(issuers: Vec<usize>) -> Self {
        Self {
            issuers,
            token_use: TokenUse::Access,
            clients: Vec::new(),
            audiences: Vec::new(),
            scopes_all: Vec::new(),
            scopes_any: Vec::new(),
            groups_all: Vec::new(),
            groups_any: Vec::new(),
            claims: Arc::default(),
            amr_all: Vec::new(),
            amr_any: Vec::new(),
            acr_any: Vec::new(),
            max_age: None,
            proof: ProofRule::default(),
        }
    }
}
