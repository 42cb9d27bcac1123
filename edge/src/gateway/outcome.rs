//! How tries at servers end: what is counted, what is noted at the server, and whether another try follows.

use std::sync::Arc;
use std::time::Instant;

use pingora::prelude::{Error, HttpPeer, Result, Session};
use pingora::{ErrorSource, ErrorType, RetryType};

use crate::forward::retry::{Cause, Failed, may_repeat};
use crate::gateway::context::Context;
use crate::gateway::trip::{Trip, parts};
use crate::gateway::upstream::is_final;
use crate::snapshot::route::Route;
use crate::snapshot::upstream::server::{Address, Server};
use crate::snapshot::upstream::{Outcome, Upstream};

/// A new connection to a server has been made.
pub fn connected(ctx: &Context) {
    if let Some(route) = ctx.route() {
        route.upstream.meter.connected.inc();
    }
}

/// No connection could be made. Answers whether another try follows.
pub fn not_connected(peer: &HttpPeer, ctx: &mut Context) -> bool {
    let Some((route, trip)) = parts(ctx) else { return false };
    if trip.server.is_none() {
        trip.server = find(&route.upstream, peer);
    }
    note(trip, &route.upstream, Outcome::ConnectError);
    repeats(trip, route, failed(trip, Cause::Connect, true, true, false))
}

/// A try failed after its connection was made. Answers whether another follows.
pub fn broke_off(session: &Session, peer: &HttpPeer, error: &Error, reused: bool, ctx: &mut Context) -> bool {
    let refused = ctx.failure.is_some();
    let Some((route, trip)) = parts(ctx) else { return false };
    if refused || *error.esource() != ErrorSource::Upstream {
        return false; // ours or the client's
    }
    if trip.bad_status {
        return true; // decided when it came
    }
    let cause = cause(error, reused);
    match cause {
        Cause::Timeout => note(trip, &route.upstream, Outcome::Timeout),
        Cause::Reset => note(trip, &route.upstream, Outcome::Reset),
        Cause::Connect | Cause::Unprocessed | Cause::Stale | Cause::Status => {}
    }
    if trip.server.is_none() && cause != Cause::Stale {
        trip.server = find(&route.upstream, peer);
    }
    let answered = session.response_written().is_some_and(|response| is_final(response.status));
    let idempotent = session.req_header().method.is_idempotent();
    let replayable = !session.retry_buffer_truncated();
    repeats(trip, route, failed(trip, cause, idempotent, replayable, answered))
}

/// The head of an answer has come. An error means that another server is asked instead.
pub fn answered(session: &Session, status: u16, ctx: &mut Context) -> Result<()> {
    let Some((route, trip)) = parts(ctx) else { return Ok(()) };
    let upstream = &route.upstream;
    if trip.is_timed() {
        trip.alive(Instant::now());
    }
    let outcome = if status < 500 { Outcome::Answered } else { Outcome::ServerError };
    if matches!(status, 502..=504) {
        note(trip, upstream, outcome);
        let idempotent = session.req_header().method.is_idempotent();
        let replayable = !session.retry_buffer_truncated();
        if repeats(trip, route, failed(trip, Cause::Status, idempotent, replayable, false)) {
            trip.bad_status = true;
            return Err(Error::explain(ErrorType::HTTPStatus(status), "another server may know better").into_up());
        }
    } else {
        upstream.meter.count(outcome);
        if let Some(server) = &trip.server {
            server.condition.succeeded();
        }
    }
    trip.answered = true;
    Ok(())
}

fn find(upstream: &Upstream, peer: &HttpPeer) -> Option<Arc<Server>> {
    let asked = peer._address.as_inet()?;
    let is_asked = |server: &&Arc<Server>| matches!(&server.address, Address::Inet(address) if address == asked);
    upstream.live().servers.iter().find(is_asked).map(Arc::clone)
}

/// Counts how a try ended, and what it says of the server.
fn note(trip: &Trip, upstream: &Upstream, outcome: Outcome) {
    if !trip.answered {
        upstream.meter.count(outcome);
    }
    let (Some(server), Some(rule)) = (&trip.server, &upstream.settings.outlier) else { return };
    let now = Instant::now();
    if let Some(span) = server.condition.failed(now, rule, || upstream.may_eject(now)) {
        upstream.meter.ejected.inc();
        tracing::warn!(upstream = &*upstream.name, server = %server.address, ?span, "ejected: requests fail");
    }
}

fn failed(trip: &Trip, cause: Cause, idempotent: bool, replayable: bool, answered: bool) -> Failed {
    Failed { cause, tries: trip.tries, idempotent, replayable, answered }
}

fn repeats(trip: &mut Trip, route: &Route, failed: Failed) -> bool {
    let settings = &route.upstream.settings;
    if !may_repeat(&settings.retries, &failed) || trip.is_late(Instant::now()) {
        return false;
    }
    trip.repeating = None;
    trip.repeating = route.upstream.live().load.repeat(settings.retries.budget);
    if trip.repeating.is_some() {
        route.upstream.meter.repeated.inc();
    }
    trip.repeating.is_some()
}

fn cause(error: &Error, reused: bool) -> Cause {
    match (error.etype(), error.retry) {
        // What came was no HTTP/2: nobody knows what was done. pingora speaks HTTP/1.1 from now on.
        (ErrorType::InvalidH2, _) => Cause::Stale,
        (_, RetryType::Decided(true)) => Cause::Unprocessed,
        (_, RetryType::ReusedOnly) if reused => Cause::Stale,
        (ErrorType::ReadTimedout | ErrorType::WriteTimedout | ErrorType::ConnectTimedout, _) => Cause::Timeout,
        _ => Cause::Reset,
    }
}
