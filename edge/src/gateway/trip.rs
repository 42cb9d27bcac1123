//! One request's way to servers: which is asked, and how long that may take. What tries meet is `gateway::outcome`'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::reject::Reject;
use http::header::UPGRADE;
use pingora::ErrorType;
use pingora::prelude::{Error, HttpPeer, Result, Session};

use crate::forward::balance::{By, choose, hash_of};
use crate::gateway::body::Received;
use crate::gateway::context::Context;
use crate::gateway::peer::{self, Wanted};
use crate::gateway::watch;
use crate::reply::grpc;
use crate::snapshot::flow::Flow;
use crate::snapshot::route::Route;
use crate::snapshot::upstream::server::{Counted, Server};
use crate::snapshot::upstream::settings::{Balance, HashKey, Protocol};
use crate::snapshot::upstream::{Outcome, Upstream};

/// What ends a request at its deadline with an answer comes first; what cuts it off follows that much later.
const CUT_AFTER: Duration = Duration::from_millis(500);
/// A request body up to this size may be on its way to an HTTP/2 server while the time for the answer runs already.
const SHORT_BODY: u64 = 64 * 1024;

/// Where a request stands.
#[derive(Debug)]
pub struct Trip {
    /// Tries so far.
    pub tries: usize,
    turn: usize,
    kind: Kind,
    /// The server of the current try; kept only where someone wants to know.
    pub server: Option<Arc<Server>>,
    place: Option<Counted>,
    at_server: Option<Counted>,
    pub(super) repeating: Option<Counted>,
    /// The end of the whole request.
    deadline: Option<Instant>,
    /// The longest silence that pingora does not watch over.
    silence: Option<Duration>,
    /// A server has answered, and its outcome is counted.
    pub(super) answered: bool,
    /// The answer is one after which another server is asked.
    pub(super) bad_status: bool,
    pub received: Received,
}

/// What a request asks of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Plain,
    /// HTTP/1.1 with `Upgrade: websocket`.
    Upgrade,
    Grpc,
    /// A body that takes its time, and perhaps HTTP/2 to the server.
    LongBody,
}

impl Trip {
    pub fn new(started: Instant) -> Self {
        Self {
            tries: 0,
            turn: 0,
            kind: Kind::default(),
            server: None,
            place: None,
            at_server: None,
            repeating: None,
            deadline: None,
            silence: None,
            answered: false,
            bad_status: false,
            received: Received::nothing(started),
        }
    }

    /// When the watch ends this request; `None`: never.
    pub fn cut_at(&self, now: Instant) -> Option<Instant> {
        let silent = self.silence.and_then(|span| now.checked_add(span));
        let late = self.deadline.and_then(|deadline| deadline.checked_add(CUT_AFTER));
        silent.into_iter().chain(late).min()
    }

    /// Whether time is looked at when something comes.
    pub fn is_timed(&self) -> bool {
        self.deadline.is_some() || self.silence.is_some()
    }

    pub fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Something came, from either side.
    pub fn alive(&self, now: Instant) {
        if self.silence.is_some()
            && let Some(at) = self.cut_at(now)
        {
            watch::move_to(at);
        }
    }
}

/// Chooses the server of the next try.
pub fn next_peer(session: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>, Reject> {
    choose_peer(session, ctx).inspect_err(|reject| {
        if let (Reject::CircuitOpen | Reject::NoHealthyUpstream, Some(route)) = (reject, ctx.route()) {
            route.upstream.meter.count(Outcome::Refused);
        }
    })
}

fn choose_peer(session: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>, Reject> {
    let Context { snapshot, number, trip, started, facts, connection, .. } = ctx;
    let route = number.and_then(|number| snapshot.routes.routes.get(number)).ok_or(Reject::Internal)?;
    let upstream = &*route.upstream;
    let live = upstream.live();
    let now = if trip.tries == 0 { *started } else { Instant::now() };
    if trip.tries == 0 {
        trip.begin(session, route, now);
        if upstream.is_tracked() {
            let most = upstream.settings.limits.requests;
            trip.place = Some(live.load.enter(most).ok_or(Reject::CircuitOpen)?);
        }
    } else if trip.is_late(now) {
        return Err(Reject::UpstreamTimeout);
    }
    let number = trip.turn.wrapping_add(trip.tries);
    let by = match &upstream.settings.balance {
        Balance::RoundRobin => By::Turn(number),
        Balance::LeastRequests => By::Load(number),
        Balance::Hash(HashKey::Header(name)) => {
            key(number, session.req_header().headers.get(name).map(|value| hash_of(value.as_bytes())))
        }
        Balance::Hash(HashKey::Claim(name)) => {
            let claim = facts.identity().and_then(|identity| identity.token.claim_text(name));
            key(number, claim.map(|text| hash_of(text.as_bytes())))
        }
        Balance::Hash(HashKey::Client) => {
            key(number, connection.client.map(|client| hash_of(client.to_string().as_bytes())))
        }
    };
    trip.at_server = None;
    let server = choose(upstream, &live, by, trip.server.as_deref(), now)?;
    trip.tries += 1;
    trip.received = Received::nothing(now);
    trip.bad_status = false;
    if upstream.is_tracked() {
        trip.at_server = Some(server.enter());
        trip.server = Some(Arc::clone(server));
    }
    let idempotent = session.req_header().method.is_idempotent();
    let read_timeout = trip.read_timeout(route, idempotent, now);
    let wanted = Wanted { read_timeout, upgrade: trip.kind == Kind::Upgrade };
    peer::describe(upstream, server, wanted)
}

fn key(number: usize, key: Option<u64>) -> By {
    key.map_or(By::Turn(number), By::Key)
}

impl Trip {
    fn begin(&mut self, session: &mut Session, route: &Route, now: Instant) {
        let upstream = &route.upstream;
        self.turn = upstream.next_turn();
        self.kind = kind(session, upstream);
        let of_call = match self.kind {
            Kind::Grpc => grpc::timeout(&session.req_header().headers),
            Kind::Plain | Kind::Upgrade | Kind::LongBody => None,
        };
        let span = route.flow.timeout.into_iter().chain(of_call).min();
        self.deadline = span.and_then(|span| now.checked_add(span));
        let read_timeout = route.flow.read_timeout.unwrap_or(upstream.settings.timeouts.read);
        self.silence = match self.kind {
            // Until it is upgraded, when the tunnel has a limit of its own.
            Kind::Upgrade | Kind::LongBody => read_timeout,
            Kind::Plain | Kind::Grpc => None,
        };
    }

    /// What pingora may wait for the server in this try.
    fn read_timeout(&self, route: &Route, idempotent: bool, now: Instant) -> Option<Duration> {
        let settings = &route.upstream.settings;
        let usual = route.flow.read_timeout.unwrap_or(settings.timeouts.read);
        let silence = match self.kind {
            Kind::Upgrade => route.flow.tunnel_timeout,
            // pingora counts from the end of the request's head. The watch counts from the last piece.
            Kind::LongBody => None,
            Kind::Plain | Kind::Grpc => usual,
        };
        let retries = &settings.retries;
        let another = idempotent && retries.on_reset && self.tries <= retries.attempts && self.kind == Kind::Plain;
        let of_try = retries.per_try_timeout.filter(|_| another);
        // A tunnel outlives the deadline, and pingora takes one value for both.
        let left = self.deadline.filter(|_| self.kind != Kind::Upgrade);
        let left = left.map(|deadline| deadline.saturating_duration_since(now));
        silence.into_iter().chain(of_try).chain(left).min()
    }
}

fn kind(session: &mut Session, upstream: &Upstream) -> Kind {
    if session.is_http2() {
        if grpc::is_call(&session.req_header().headers) {
            return Kind::Grpc;
        }
    } else if is_websocket(session) {
        return Kind::Upgrade;
    }
    if upstream.settings.protocol == Protocol::Http1 || session.is_body_empty() {
        return Kind::Plain;
    }
    let length = session.req_header().headers.get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length <= SHORT_BODY) { Kind::Plain } else { Kind::LongBody }
}

pub fn is_websocket(session: &Session) -> bool {
    let upgrade = session.req_header().headers.get(UPGRADE);
    upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The connection becomes a tunnel: its silence is watched by pingora, and it has no end. An error where nobody asked for that (RFC 9110
/// §7.8); pingora would pass such an answer on as a preliminary one.
pub fn upgraded(session: &mut Session, ctx: &mut Context) -> Result<Option<Duration>> {
    let Some((route, trip)) = parts(ctx) else { return Ok(None) };
    if trip.kind != Kind::Upgrade {
        return Err(
            Error::explain(ErrorType::InvalidHTTPHeader, "101 for a request that wanted no WebSocket").into_up()
        );
    }
    session.set_read_timeout(route.flow.tunnel_timeout);
    trip.deadline = None;
    trip.silence = None;
    watch::disarm();
    Ok(route.flow.tunnel_timeout)
}

/// How long a server may take to answer a handshake.
pub fn answer_within(ctx: &Context) -> Option<Duration> {
    let route = ctx.route()?;
    let silence = route.flow.read_timeout.unwrap_or(route.upstream.settings.timeouts.read);
    let left = ctx.trip.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    silence.into_iter().chain(left).min()
}

/// What the client's side of the connection is held to.
pub fn hold_client(session: &mut Session, flow: &Flow) {
    session.set_read_timeout(flow.body_timeout);
    session.set_write_timeout(flow.send_timeout);
}

/// What a phase works on, as long as there is a route.
pub(super) fn parts(ctx: &mut Context) -> Option<(&Arc<Route>, &mut Trip)> {
    let route = ctx.number.and_then(|number| ctx.snapshot.routes.routes.get(number))?;
    Some((route, &mut ctx.trip))
}
