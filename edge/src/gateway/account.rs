//! What a request leaves at its end: counts, perhaps a line in the access log, perhaps a span.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::reject::Reject;
use pingora::prelude::Session;

use super::{Context, Gateway, connection, watch};
use crate::observe::trace::{Span, TRACEPARENT, TRACESTATE, Trace, hex};
use crate::observe::{AclRecord, Record, hash_subject};
use crate::snapshot::acl::{AclLog, AclRule, Judged};
use crate::snapshot::meter::{Meter, Served};

/// A longer `tracestate` goes on with the request, but not with the span: spans wait for a collector. So much must be propagated at least (W3C Trace
/// Context §3.3.1.5); bytes.
const MAX_TRACESTATE: usize = 512;

/// The figures of a request at its end.
struct End {
    status: u16,
    spent: Duration,
    received: u64,
    sent: u64,
}

impl Gateway {
    /// Where the request stands in a trace, if there are traces.
    pub(super) fn trace(&self, session: &Session) -> Option<Trace> {
        Some(self.tracer.as_ref()?.begin(&session.req_header().headers, connection::is_trusted()))
    }

    /// Counts, logs and traces a request that is over.
    pub(super) fn account(&self, session: &Session, ctx: &Context) {
        let end = End {
            status: session.response_written().map_or(0, |response| response.status.as_u16()),
            spent: ctx.started.elapsed(),
            received: wide(session.body_bytes_read()),
            sent: wide(session.body_bytes_sent()),
        };
        let meter = self.meter(ctx);
        meter.count(Served { status: end.status, spent: end.spent, received: end.received, sent: end.sent });
        if let Some(after) = ctx.first_byte {
            meter.first_byte(after);
        }
        self.tell_of_acls(session, ctx, end.received);
        let sampled = ctx.trace.filter(|trace| trace.sampled);
        // What a dry run would have refused is looked for among refusals.
        let passed = ctx.decision.reject.is_none() && end.status < 500;
        let well = passed && ctx.facts.limited.would_refuse.is_none() && !is_noted(ctx);
        if self.log.wants(well) || (sampled.is_some() && self.log.wants_traced()) {
            self.log.write(&self.record(session, ctx, &end));
        }
        if let (Some(trace), Some(tracer)) = (sampled, &self.tracer) {
            tracer.end(self.span(trace, session, ctx, &end));
        }
    }

    pub(super) fn refused(&self, ctx: &Context, reject: Reject) {
        self.meter(ctx).refused(reject);
    }

    fn meter<'m>(&'m self, ctx: &'m Context) -> &'m Meter {
        ctx.route().map_or(&self.metrics.unrouted, |route| &route.meter)
    }

    /// What is left to do when the watch ends a request that nobody can answer any more.
    /// Arms the watch over a request that something bounds which is not checked when pieces come.
    pub(super) fn watch_over(&self, session: &Session, ctx: &Context) {
        if ctx.trip.is_timed()
            && let Some(at) = ctx.trip.cut_at(Instant::now())
        {
            watch::arm(at, self.last_words(session, ctx));
        }
    }

    pub(super) fn last_words(&self, session: &Session, ctx: &Context) -> impl FnOnce() + Send + 'static {
        let (cut, meter, log) = (self.metrics.cut.clone(), self.meter(ctx).clone(), self.log.clone());
        let (at, request_id, client, started) = (ctx.now, ctx.request_id.clone(), ctx.connection.client, ctx.started);
        let (route, method, trace) = (ctx.route().map(Arc::clone), session.req_header().method.clone(), ctx.trace);
        let (upstream, attempts, protocol) = (ctx.server, ctx.trip.tries, protocol(session));
        move || {
            cut.inc();
            meter.refused(Reject::UpstreamTimeout);
            meter.count(Served { status: 0, spent: started.elapsed(), received: 0, sent: 0 });
            if !log.wants(false) {
                return;
            }
            log.write(&Record {
                trace_id: trace.map(|trace| hex(&trace.id)),
                reason: Some(Reject::UpstreamTimeout.metric()),
                detail: Some("cut_off"),
                route: route.as_ref().map(|route| &*route.name),
                micros: micros(started.elapsed()),
                upstream,
                attempts,
                protocol,
                client,
                ..Record::new(at, request_id.to_str().unwrap_or_default(), method.as_str())
            });
        }
    }

    fn record<'r>(&self, session: &'r Session, ctx: &'r Context, end: &End) -> Record<'r> {
        let token = ctx.facts.identity().map(|identity| &identity.token);
        let received = session.req_header();
        let fingerprints = ctx.connection.fingerprints().filter(|_| self.log.wants_fingerprints());
        Record {
            at: ctx.now,
            request_id: ctx.request_id.to_str().unwrap_or_default(),
            trace_id: ctx.trace.map(|trace| hex(&trace.id)),
            reason: ctx.decision.reject.map(Reject::metric),
            detail: ctx.decision.detail.or(ctx.facts.denial.as_deref()),
            acl: acl_record(ctx),
            limit: limit_name(ctx, ctx.facts.limited.refused_by),
            limit_dry_run: limit_name(ctx, ctx.facts.limited.would_refuse),
            route: ctx.route().map(|route| &*route.name),
            method: received.method.as_str(),
            host: ctx.canonical.as_ref().map(|canonical| canonical.host_name(received)),
            path: ctx.canonical.as_ref().map(|canonical| canonical.path(received)),
            status: end.status,
            micros: micros(end.spent),
            first_byte_micros: ctx.first_byte.map(micros),
            upstream: ctx.server,
            attempts: ctx.trip.tries,
            received: end.received,
            sent: end.sent,
            protocol: protocol(session),
            tls: ctx.connection.tls.as_ref().map(|tls| tls.version),
            ja3: fingerprints.map(|prints| &*prints.ja3),
            ja4: fingerprints.map(|prints| &*prints.ja4),
            client: ctx.connection.client,
            iss: token.map(|token| &*token.iss),
            sub_hash: token.map(|token| hash_subject(&token.iss, &token.sub)),
            client_id: token.map(|token| &*token.client_id),
            kid: token.map(|token| &*token.kid),
        }
    }

    /// Names after OpenTelemetry's semantic conventions for HTTP servers, 1.23 and later; what they have no name for begins with `tollgate.`.
    fn span(&self, trace: Trace, session: &Session, ctx: &Context, end: &End) -> Span {
        let received = session.req_header();
        let method = received.method.as_str();
        let name = match ctx.route() {
            Some(route) => format!("{method} {}", route.name),
            None => method.to_owned(),
        };
        let mut span = Span::new(trace, name, ctx.now, end.spent);
        span.failed = end.status >= 500;
        // What a caller who was not believed says of the trace goes nowhere.
        if trace.parent.is_some() {
            let state = received.headers.get(TRACESTATE).and_then(|state| state.to_str().ok());
            span.state = state.filter(|state| state.len() <= MAX_TRACESTATE).map(str::to_owned);
        }
        span.text("http.request.method", method);
        if end.status > 0 {
            span.number("http.response.status_code", u64::from(end.status));
        }
        if let Some(route) = ctx.route() {
            span.text("http.route", &*route.name);
            span.text("tollgate.upstream", &*route.upstream.name);
        }
        if let Some(canonical) = &ctx.canonical {
            span.text("server.address", canonical.host_name(received));
            span.text("url.path", canonical.path(received));
        }
        span.text("url.scheme", ctx.connection.scheme.as_str());
        span.text("network.protocol.version", if session.is_http2() { "2" } else { "1.1" });
        if let Some(client) = ctx.connection.client {
            span.text("client.address", client.to_string());
        }
        span.number("http.request.body.size", end.received);
        span.number("http.response.body.size", end.sent);
        if let Some(server) = ctx.server {
            span.text("tollgate.upstream.server", server.to_string());
            span.number("tollgate.upstream.attempts", wide(ctx.trip.tries));
        }
        if let Some(after) = ctx.first_byte {
            span.number("tollgate.upstream.first_byte_micros", micros(after));
        }
        if let Some(reject) = ctx.decision.reject {
            span.text("tollgate.reason", reject.metric());
            span.text("error.type", reject.metric());
        } else if span.failed {
            span.text("error.type", end.status.to_string());
        }
        if let Some(limit) = limit_name(ctx, ctx.facts.limited.refused_by) {
            span.text("tollgate.limit", limit);
        }
        if let Some(identity) = ctx.facts.identity() {
            span.text("tollgate.issuer", &*identity.token.iss);
            span.text("tollgate.client_id", &*identity.token.client_id);
        }
        span.text("tollgate.request_id", ctx.request_id.to_str().unwrap_or_default());
        span
    }
}

/// A rule matched, and the web ACL's matches are to be logged.
fn is_noted(ctx: &Context) -> bool {
    ctx.acls().any(|(rule, judged)| rule.logs == AclLog::Matched && !judged.progress.matched.is_empty())
}

fn acl_record(ctx: &Context) -> Option<AclRecord> {
    let (rule, judged) = ctx.last_acl()?;
    let verdict = judged.verdict.as_ref()?;
    let labels = ctx.acls().flat_map(|(_, judged)| judged.progress.labels.told());
    Some(AclRecord {
        rule: rule.rule_name(verdict.step),
        action: verdict.ending.name(),
        counted: ctx.acls().flat_map(|(rule, judged)| counted(rule, judged)).collect(),
        labels: labels.map(ToString::to_string).collect(),
    })
}

/// The rules that matched and only counted, and what they would have done.
fn counted(rule: &AclRule, judged: &Judged) -> impl Iterator<Item = String> {
    judged.progress.matched.iter().map(|matched| {
        let name = rule.rule_name(Some(matched.step));
        match rule.acl.rule(matched.step).and_then(|one| one.would_have(matched)) {
            Some(action) => format!("{name}:{action}"),
            None => name,
        }
    })
}

/// Replaces what a client said of a trace by what the edge says, where it traces.
pub fn pass_on(trace: Option<Trace>, headers: &mut http::HeaderMap) {
    let Some(trace) = trace else { return };
    if trace.parent.is_none() {
        headers.remove(TRACESTATE);
    }
    headers.insert(TRACEPARENT, trace.header());
}

fn limit_name(ctx: &Context, number: Option<u8>) -> Option<&str> {
    Some(&*ctx.limits()?.limits.get(usize::from(number?))?.name)
}

fn protocol(session: &Session) -> &'static str {
    if session.is_http2() { "HTTP/2" } else { "HTTP/1.1" }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
