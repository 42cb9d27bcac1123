//! What the phases of one request hand on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::canonical::CanonicalRequest;
use common::clock::UnixMillis;
use common::reject::Reject;
use http::HeaderValue;
use pingora::ErrorType;
use pingora::http::RequestHeader;
use pingora::prelude::Error;

use crate::facts::{Connection, Facts};
use crate::gateway::held::Held;
use crate::gateway::peeked::Peeked;
use crate::gateway::trip::Trip;
use crate::observe::trace::Trace;
use crate::sign_in::Browser;
use crate::snapshot::Snapshot;
use crate::snapshot::acl::{AclRule, Judged};
use crate::snapshot::limit::RouteLimits;
use crate::snapshot::route::Route;
use crate::waf::Reader;

/// One request on its way.
pub struct Context {
    pub snapshot: Arc<Snapshot>,
    pub now: UnixMillis,
    pub started: Instant,
    pub request_id: HeaderValue,
    pub connection: Connection,
    pub canonical: Option<Canonical>,
    /// The chosen route's position in the snapshot.
    pub number: Option<usize>,
    pub facts: Facts,
    pub decision: Decision,
    /// On routes where browsers sign in.
    pub browser: Option<Box<Browser>>,
    /// The body, on routes that read it before they forward it.
    pub held: Option<Box<Held>>,
    /// The beginning of the body, where rules have asked for it.
    pub peeked: Option<Box<Peeked>>,
    /// The beginning of the answer's body, where it tells what came of an attempt.
    pub reading: Option<Box<Reader>>,
    /// The way to servers.
    pub trip: Trip,
    /// The server that was asked last; none that listens on a UNIX socket.
    pub server: Option<SocketAddr>,
    /// When the head of the upstream's answer came, after `started`.
    pub first_byte: Option<Duration>,
    /// None where nothing is traced.
    pub trace: Option<Trace>,
    /// Why a phase ended the request, where pingora's error can't say it.
    pub failure: Option<Reject>,
    /// The rest of the request can't be told from the next one, or is too long to read.
    pub must_close: bool,
    _in_flight: Entered,
}

/// The end of the story, for log and metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decision {
    pub reject: Option<Reject>,
    /// More about it; what policies said is in the facts.
    pub detail: Option<&'static str>,
}

impl Context {
    pub fn new(snapshot: Arc<Snapshot>, now: UnixMillis, request_id: HeaderValue, in_flight: Entered) -> Self {
        let started = Instant::now();
        Self {
            snapshot,
            now,
            started,
            request_id,
            connection: Connection::UNKNOWN,
            canonical: None,
            number: None,
            facts: Facts::default(),
            decision: Decision::default(),
            browser: None,
            held: None,
            peeked: None,
            reading: None,
            trip: Trip::new(started),
            server: None,
            first_byte: None,
            trace: None,
            failure: None,
            must_close: false,
            _in_flight: in_flight,
        }
    }

    /// The request ends here, and this is why.
    pub fn ended_by(&mut self, reject: Reject) -> Box<Error> {
        self.failure = Some(reject);
        Error::explain(ErrorType::Custom("ended"), reject.metric())
    }

    /// The head of an answer has come from a server; the last one counts where several were asked.
    pub fn first_byte(&mut self) {
        self.first_byte = Some(self.started.elapsed());
    }

    /// The web ACLs that have been asked, in their order: the route's, the pool's.
    pub fn acls(&self) -> impl Iterator<Item = (&AclRule, &Judged)> {
        let rule = self.route().and_then(|route| route.acl.as_deref());
        let of_pool = self.facts.pool_acl.as_deref().map(|asked| (&asked.rule.rule, &asked.judged));
        rule.zip(self.facts.acl.as_deref()).into_iter().chain(of_pool)
    }

    /// The one whose word counts: the first that refuses is the last that is asked.
    pub fn last_acl(&self) -> Option<(&AclRule, &Judged)> {
        self.acls().filter(|(_, judged)| judged.verdict.is_some()).last()
    }

    /// What limits its route.
    pub fn limits(&self) -> Option<&RouteLimits> {
        self.route()?.limits.as_deref()
    }

    pub fn route(&self) -> Option<&Arc<Route>> {
        self.snapshot.routes.routes.get(self.number?)
    }
}

/// The canonical form, as far as it differs from what came: what does not differ is forwarded as it is.
#[derive(Debug)]
pub struct Canonical {
    /// The origin-form target.
    pub target: Option<String>,
    /// The value of `Host`.
    pub host: Option<String>,
    /// Names came in that only the edge may say.
    pub has_own_headers: bool,
}

impl Canonical {
    pub fn of(request: &CanonicalRequest<'_>, received: &RequestHeader) -> Self {
        let host = received.headers.get(http::header::HOST).map(HeaderValue::as_bytes);
        let same_host = host.is_some_and(|host| request.host.is_written(host));
        let same_target = request.is_target(received.raw_path());
        Self {
            target: (!same_target).then(|| request.target().into_owned()),
            host: (!same_host).then(|| request.host.header_value().into_owned()),
            has_own_headers: request.identity_headers,
        }
    }

    /// The host, with the port as it was written.
    pub fn authority<'c>(&'c self, received: &'c RequestHeader) -> &'c str {
        match &self.host {
            Some(host) => host.as_str(),
            None => received.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        }
    }

    /// The host without the port, for log and spans.
    pub fn host_name<'c>(&'c self, received: &'c RequestHeader) -> &'c str {
        let host = self.authority(received);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host, // also a bare IPv6 address, whose last part stands before a bracket
        }
    }

    /// The path without the query, for the log.
    pub fn path<'c>(&'c self, received: &'c RequestHeader) -> &'c str {
        let target = self.target(received);
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    pub fn query<'c>(&'c self, received: &'c RequestHeader) -> Option<&'c str> {
        self.target(received).split_once('?').map(|(_, query)| query)
    }

    pub fn target<'c>(&'c self, received: &'c RequestHeader) -> &'c str {
        match &self.target {
            Some(target) => target.as_str(),
            None => std::str::from_utf8(received.raw_path()).unwrap_or_default(),
        }
    }
}

/// Counts the requests that are being served: shutdown waits for none.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<AtomicUsize>);

/// One of them.
#[derive(Debug)]
pub struct Entered(Arc<AtomicUsize>);

impl InFlight {
    pub fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(&self.0))
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
