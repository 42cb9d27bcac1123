//! The `ProxyHttp` implementation: maps pingora's phases to the modules that decide, and decides nothing itself.

mod account;
mod attempts;
mod attestation;
mod body;
mod challenge;
pub mod connection;
mod context;
mod forwarded;
mod head;
mod held;
mod needs;
mod outcome;
mod peeked;
mod peer;
mod preflight;
mod sign_in;
mod told;
mod trip;
mod tunnel;
mod upstream;
pub mod watch;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use common::canonical::{Ambiguity, Framing};
use common::clock::Clock;
use common::reject::Reject;
use http::{HeaderValue, Method, StatusCode};
use pingora::ErrorSource;
use pingora::connectors::TransportConnector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::{Error, HttpPeer, Result, Session};
use pingora::protocols::Digest;
use pingora::protocols::http::ServerSession;
use pingora::proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext};
use pingora::upstreams::peer::Peer;

pub use self::context::{Context, InFlight};
pub use self::head::take_apart;
pub use self::held::Bodies;
pub use self::peer::{Wanted, describe};
pub use self::preflight::answer as preflight;
use crate::attest::Slot;
use crate::challenge::{self as challenges, Challenges};
use crate::cors;
use crate::gates::{self, Outcome as Verdict, RequestView, Shared};
use crate::gateway::context::{Canonical, Decision};
use crate::gateway::needs::{Halt, body_of};
use crate::introspection::Introspector;
use crate::observe::trace::Tracer;
use crate::observe::{AccessLog, Lines, Metrics};
use crate::rates::{Limits, Moment};
use crate::replay::Replay;
use crate::reply::limits::Spent;
use crate::reply::{self, Asked, Form, Reply, grpc};
use crate::resource;
use crate::routes::{self, Choice};
use crate::sign_in::{self as sign_ins, Own, SignIns};
use crate::snapshot::Snapshot;
use crate::snapshot::picture::Picture;
use crate::snapshot::resource::Resource;
use crate::snapshot::sign_in::SignIn;
use crate::takeover::Watch;
use crate::waf::{Ending, Response};

/// Bodies of refused requests up to this size are read and thrown away before the answer, so that the connection can be used again
/// and no reset overtakes the answer; a longer one closes it. Either way nothing of it is ever read as the next request
/// (SECURITY.md T29).
const DRAIN_BYTES: u64 = 64 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// What every request needs.
pub struct Gateway {
    pub picture: Arc<Picture>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<Metrics>,
    pub log: AccessLog,
    /// AWS WAF's.
    pub waf_log: Lines,
    /// None: nothing is traced.
    pub tracer: Option<Tracer>,
    pub in_flight: InFlight,
    /// To servers, for what pingora does not carry itself.
    pub connector: TransportConnector,
    pub replay: Replay,
    pub limits: Arc<Limits>,
    pub challenges: Arc<Challenges>,
    /// Who attempts to sign in.
    pub watch: Watch,
    /// The operator's own text in challenges.
    pub realm: String,
    pub request_ids: RequestIds,
    pub introspector: Arc<Introspector>,
    pub sign_ins: Arc<SignIns>,
    /// Signs for requests to the issuer; empty until this edge has joined one.
    pub attester: Arc<Slot>,
    /// The bodies that are read before they are forwarded.
    pub bodies: Bodies,
}

/// What becomes of a request that no one refuses.
enum Decided {
    Forward,
    Answer(Reply),
    /// It is for one of the edge's own paths, which may want its body.
    Own,
    /// It is for one of those of a sign-in.
    SignIn(Arc<SignIn>, Own),
}

/// Numbers requests: a random part of this process, and a count.
#[derive(Debug)]
pub struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub fn new(random: u64) -> Self {
        Self { process: random, count: AtomicU64::new(0) }
    }

    fn next(&self) -> HeaderValue {
        let number = (u128::from(self.process) << 64) | u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        // By hand: `format!` takes ten times as long, and every request needs one.
        let digits: Vec<u8> = (0..32).rev().map(|place| hex_digit((number >> (place * 4)) & 15)).collect();
        HeaderValue::from_maybe_shared(Bytes::from(digits)).unwrap_or(HeaderValue::from_static("0"))
    }
}

fn hex_digit(nibble: u128) -> u8 {
    let nibble = (nibble & 15) as u8;
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Context;

    /// None: the usual one compresses answers, which an edge leaves to the upstream.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    fn new_ctx(&self) -> Context {
        Context::new(self.picture.load(), self.clock.now(), self.request_ids.next(), self.in_flight.enter())
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        connection::head_is_complete();
        ctx.connection = connection::facts_of(&session.req_header().headers);
        ctx.trace = self.trace(session);
        session.set_total_drain_timeout(Some(DRAIN_TIME));
        if let (Some(_), Some(keepalive)) = (session.get_keepalive(), connection::keepalive()) {
            session.set_keepalive(Some(keepalive.as_secs().max(1))); // 0 would mean for ever
        }
        let mut decided = self.decide(session, ctx);
        // Each is wanted once at most: what was brought is there when the gates are asked again.
        for _ in 0..3 {
            let brought = match decided {
                Err(Halt::Introspect(issuer)) => self.introspect(session, ctx, issuer).await,
                Err(Halt::Body(bytes)) => Box::pin(self.peek(session, ctx, bytes)).await,
                Err(Halt::Refresh) => Box::pin(self.refresh(session, ctx)).await,
                _ => break,
            };
            decided = match brought {
                Ok(()) => self.decide(session, ctx),
                Err(reject) => Err(Halt::Reject(reject)),
            };
        }
        if matches!(decided, Ok(Decided::Forward))
            && let Some(route) = ctx.route()
        {
            trip::hold_client(session, &route.flow);
            // On the heap, so that other routes carry nothing of it.
            if route.attest
                && ctx.held.is_none()
                && let Err(reject) = Box::pin(self.hold(session, ctx)).await
            {
                decided = Err(Halt::Reject(reject));
            }
        }
        match decided {
            Ok(Decided::Forward) => {
                upstream::forget_case(session.req_header_mut());
                if ctx.held.is_some() || !tunnel::is_wanted(session) {
                    return Ok(false);
                }
                // An error goes on: an answer that breaks off must not be given an end.
                tunnel::open(self, session, ctx).await?;
                session.set_keepalive(None);
                Ok(true)
            }
            Ok(Decided::Answer(reply)) => {
                self.answer(session, ctx, reply).await?;
                Ok(true)
            }
            Ok(Decided::Own) => {
                match Box::pin(self.answer_own(session, ctx)).await {
                    Ok(reply) => self.answer(session, ctx, reply).await?,
                    Err(reject) => self.refuse(session, ctx, reject).await?,
                }
                Ok(true)
            }
            Ok(Decided::SignIn(sign_in, own)) => {
                match Box::pin(self.answer_sign_in(session, ctx, &sign_in, own)).await {
                    Ok(reply) => self.answer(session, ctx, reply).await?,
                    Err(reject) => self.refuse(session, ctx, reject).await?,
                }
                Ok(true)
            }
            Err(halt) => {
                let mut reject = match halt {
                    Halt::Reject(reject) => reject,
                    Halt::Introspect(_) | Halt::Body(_) | Halt::Refresh => Reject::Internal, // it is there
                };
                if ctx.browser.is_some() {
                    match Box::pin(self.lead_to_sign_in(session, ctx, reject)).await {
                        Ok(None) => {}
                        Ok(Some(reply)) => {
                            self.answer(session, ctx, reply).await?;
                            return Ok(true);
                        }
                        Err(other) => reject = other,
                    }
                }
                self.refuse(session, ctx, reject).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(&self, session: &mut Session, ctx: &mut Context) -> Result<Box<HttpPeer>> {
        let peer = trip::next_peer(session, ctx).map_err(|reject| ctx.ended_by(reject))?;
        ctx.server = peer.address().as_inet().copied();
        if let Some(peeked) = &mut ctx.peeked {
            peeked.begin();
        }
        self.watch_over(session, ctx);
        Ok(peer)
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        reused: bool,
        _peer: &HttpPeer,
        _fd: std::os::fd::RawFd,
        _digest: Option<&Digest>,
        ctx: &mut Context,
    ) -> Result<()> {
        if !reused {
            outcome::connected(ctx);
        }
        Ok(())
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        if let Some(held) = &ctx.held {
            *body = held.instead_of(end_of_stream);
            return Ok(());
        }
        if let Some(peeked) = &mut ctx.peeked {
            *body = peeked.sent_as(body.take());
        }
        let Some(piece) = body.as_ref().filter(|_| !session.was_upgraded()) else { return Ok(()) };
        let Some(flow) = ctx.route().map(|route| route.flow) else { return Ok(()) };
        let now = Instant::now();
        let received = ctx.trip.received.more(&flow, piece.len(), now);
        ctx.trip.alive(now);
        match received {
            Err(reject) => Err(ctx.ended_by(reject)),
            Ok(()) if ctx.trip.is_late(now) => Err(ctx.ended_by(Reject::UpstreamTimeout)),
            Ok(()) => Ok(()),
        }
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        upstream_request: &mut RequestHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        upstream::prepare(upstream_request, ctx)?;
        match &ctx.held {
            None => Ok(()),
            Some(held) => attestation::add(upstream_request, session, ctx, held, &self.attester, self.clock.now()),
        }
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        let switches = response.status == StatusCode::SWITCHING_PROTOCOLS;
        if session.is_process_shutting_down() && !switches {
            session.set_keepalive(None); // says `Connection: close`, so that the client's next request goes to whoever serves then
        }
        if switches {
            trip::upgraded(session, ctx)?;
        }
        if upstream::is_final(response.status) {
            ctx.first_byte();
            outcome::answered(session, response.status.as_u16(), ctx)?;
            self.attempt_answered(session, response, ctx);
            if let Some(held) = &mut ctx.held {
                held.release();
            }
        }
        upstream::answer(response, &session.req_header().headers, ctx)
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        self.attempt_told(body.as_ref(), end_of_stream, ctx);
        if ctx.trip.is_timed() {
            let now = Instant::now();
            ctx.trip.alive(now);
            if ctx.trip.is_late(now) {
                return Err(ctx.ended_by(Reject::UpstreamTimeout));
            }
        }
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        peer: &HttpPeer,
        ctx: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        error.set_retry(outcome::not_connected(peer, ctx));
        error
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        ctx: &mut Context,
        client_reused: bool,
    ) -> Box<Error> {
        error.set_retry(outcome::broke_off(session, peer, &error, client_reused, ctx));
        error
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut Context) -> FailToProxy {
        let answered = session.response_written().is_some_and(|response| upstream::is_final(response.status));
        // In a gRPC call both sides may be silent while it is open.
        let client_done = session.is_body_done() || form(session, ctx) == Form::Grpc;
        let broken = connection::body_is_broken();
        let failure = ctx.failure.take().unwrap_or_else(|| upstream::failure(error, client_done));
        let reject = if broken { Reject::AmbiguousBody } else { failure };
        if answered {
            // Too late for another status; the log says why the answer breaks off.
            ctx.decision.reject = (*error.esource() != ErrorSource::Downstream).then_some(reject);
            return FailToProxy { error_code: 0, can_reuse_downstream: false };
        }
        if upstream::is_gone(error) && !broken {
            return FailToProxy { error_code: 0, can_reuse_downstream: false };
        }
        if broken {
            ctx.decision.detail = Some(Ambiguity::InvalidChunk.code());
        }
        session.set_keepalive(None);
        ctx.must_close = true;
        // The client may be gone by now; there is no one left to tell.
        let _ = self.refuse(session, ctx, reject).await;
        FailToProxy { error_code: reject.status(), can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, ctx: &mut Context) {
        connection::request_is_over();
        if ctx.trip.is_timed() {
            watch::disarm();
        }
        self.attempt_is_over(ctx);
        self.account(session, ctx);
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _ctx: &Context,
        _error: &Error,
        _context: ProxyWarnLogContext,
    ) -> bool {
        true // counted as a retry
    }

    fn suppress_error_log(&self, _session: &Session, _ctx: &Context, _error: &Error) -> bool {
        true // the access log tells it once, without the request's bytes
    }
}

impl Gateway {
    /// Canonical form, own documents, route, gates: in this order, and the first refusal stands.
    fn decide(&self, session: &Session, ctx: &mut Context) -> Result<Decided, Halt> {
        let snapshot = Arc::clone(&ctx.snapshot);
        let raw = head::raw(session);
        let one_form = connection::check_line()
            .and_then(|()| head::canonical(session, raw.as_deref(), &snapshot.routes.heads))
            .and_then(|request| connection::body_begins(request.framing).map(|()| request));
        let request = one_form.map_err(|ambiguity| {
            ctx.decision.detail = Some(ambiguity.code());
            ctx.must_close = true;
            reply::ambiguous(ambiguity)
        })?;
        ctx.must_close = !is_drainable(request.framing);
        if let Some((resource, route)) = resource::asked(&snapshot.routes, &request) {
            ctx.canonical = Some(Canonical::of(&request, session.req_header()));
            ctx.number = Some(*route);
            return Ok(Decided::Answer(describe_resource(request.method, resource, &snapshot, &ctx.request_id)?));
        }
        if let Some((sign_in, own, route)) =
            sign_ins::asked(&snapshot.routes, request.host.name(), request.path.as_str())
        {
            ctx.canonical = Some(Canonical::of(&request, session.req_header()));
            ctx.number = Some(route);
            return Ok(Decided::SignIn(Arc::clone(sign_in), own));
        }
        if snapshot.asks() && challenges::is_reserved(request.path.as_str()) {
            ctx.canonical = Some(Canonical::of(&request, session.req_header()));
            return Ok(Decided::Own);
        }
        let decoded = request.path.decoded();
        let headers = &session.req_header().headers;
        let preflight = preflight(&snapshot.routes, (request.host.name(), &decoded, request.method), headers);
        if let Some(told) = preflight {
            ctx.canonical = Some(Canonical::of(&request, session.req_header()));
            ctx.number = Some(told.route.number);
            ctx.decision.detail = Some("preflight");
            return Ok(Decided::Answer(reply::preflight(told.headers, &ctx.request_id)));
        }
        let chosen = match routes::choose(&snapshot.routes, request.host.name(), &decoded, request.method) {
            Choice::Route(route) => Ok(route.number),
            Choice::WrongMethod => Err(Reject::MethodNotAllowed),
            Choice::NoRoute => Err(Reject::NoRoute),
        };
        drop(decoded);
        ctx.canonical = Some(Canonical::of(&request, session.req_header()));
        ctx.number = Some(chosen?);
        let signs_in = ctx.route().and_then(|route| route.sign_in.clone());
        if let Some(sign_in) = signs_in
            && self.meet_browser(session, ctx, &request, &sign_in)?
        {
            return Err(Halt::Refresh);
        }
        let mut facts = ctx.facts.asked_again();
        let route = ctx.route().ok_or(Reject::Internal)?;
        let body = body_of(ctx, request.framing);
        let of_pools = route.attest && snapshot.tenants.has_web_acls();
        let counts = route.limits.is_some() || route.acl.is_some() || of_pools;
        let moment = if counts { self.limits.moment(Instant::now()) } else { Moment::default() };
        let connection = &ctx.connection;
        let token = ctx.browser.as_ref().and_then(|browser| browser.token());
        let (now, canonical) = (ctx.now, &request);
        let view = RequestView { canonical, connection, headers, session: token, route, body, now, moment };
        let shared =
            Shared { replay: &self.replay, challenges: &self.challenges, limits: &self.limits, watch: &self.watch };
        let outcome = gates::pass(view, &mut facts, &snapshot, shared);
        let (flow, attest) = (route.flow, route.attest);
        ctx.decision.detail = facts.presented.flaw;
        ctx.facts = facts;
        match outcome {
            Verdict::Continue => Ok(flow.admits(request.framing).map(|()| Decided::Forward)?),
            Verdict::Reject(reject) => Err(reject.into()),
            Verdict::NeedIntrospection(issuer) => Err(Halt::Introspect(issuer)),
            // All of it is read there, so one that is too long is refused by its head.
            Verdict::NeedBody(_) if attest => {
                Err(flow.admits(request.framing).map_or_else(Halt::Reject, |()| Halt::Body(0)))
            }
            Verdict::NeedBody(bytes) => Err(Halt::Body(bytes)),
        }
    }

    async fn refuse(&self, session: &mut Session, ctx: &mut Context, reject: Reject) -> Result<()> {
        ctx.decision = Decision { reject: Some(reject), detail: ctx.decision.detail };
        self.refused(ctx, reject);
        let asked = Asked {
            realm: &self.realm,
            request_id: &ctx.request_id,
            form: form(session, ctx),
            token: ctx.route().and_then(|route| route.token.as_ref()),
            resource: ctx.route().and_then(|route| route.resource.as_deref()),
            presented: &ctx.facts.presented,
            spent: Spent::of(ctx.limits(), &ctx.facts.limited),
        };
        let mut reply = match (blocked_with(ctx, reject), self.asks_to_solve(session, ctx, reject)) {
            (Some(response), _) => reply::blocked(response, asked.form, &ctx.request_id),
            (None, Some(reply)) => reply,
            (None, None) => reply::refusal(reject, asked),
        };
        let cookies = ctx.browser.iter_mut().flat_map(|browser| browser.cookies.drain(..));
        reply.headers.extend(cookies.map(|cookie| (http::header::SET_COOKIE, cookie)));
        reply.headers.extend(reply::limits::fields(ctx.limits(), &ctx.facts.limited).into_iter().flatten());
        if let Some(rule) = ctx.route().and_then(|route| route.cors.as_ref()) {
            reply.headers.retain(|(name, _)| !cors::is_answer(name));
            reply.headers.extend(cors::headers(rule, &session.req_header().headers));
        }
        self.answer(session, ctx, reply).await
    }

    /// Sends what the edge itself says, after what is left of the request was read or the connection was given up.
    async fn answer(&self, session: &mut Session, ctx: &Context, reply: Reply) -> Result<()> {
        if ctx.must_close || !drained(session).await {
            session.set_keepalive(None);
        }
        let mut response = ResponseHeader::build(reply.status, Some(reply.headers.len()))?;
        for (name, value) in reply.headers {
            response.append_header(name, value)?;
        }
        // RFC 9110 §9.3.2: by HTTP/2 nothing else would hold the body back.
        let body = if session.req_header().method == Method::HEAD { Bytes::new() } else { reply.body };
        if let ServerSession::H2(stream) = session.as_mut()
            && body.is_empty()
        {
            return stream.write_response_header(Box::new(response), true);
        }
        session.write_response_header(Box::new(response), false).await?;
        session.write_response_body(Some(body), true).await
    }
}

/// The response that a rule has for those whom it blocks.
fn blocked_with(ctx: &Context, reject: Reject) -> Option<&Response> {
    let (_, judged) = ctx.last_acl()?;
    match &judged.verdict.as_ref()?.ending {
        Ending::Block(response) if reject == Reject::AclBlocked => response.as_deref(),
        _ => None,
    }
}

/// A resource's own document (RFC 9728 §3.2).
fn describe_resource(
    method: &str,
    resource: &Resource,
    snapshot: &Snapshot,
    request_id: &HeaderValue,
) -> Result<Reply, Reject> {
    match method {
        "GET" | "HEAD" => Ok(reply::document(resource::document(resource, snapshot), request_id)),
        "OPTIONS" => Ok(reply::document_preflight(request_id)),
        _ => Err(Reject::MethodNotAllowed),
    }
}

/// Whether nothing of the body is left. A client that waits for `100 Continue` sends none before it has the answer.
async fn drained(session: &mut Session) -> bool {
    let waits = session.req_header().headers.contains_key(http::header::EXPECT);
    session.is_http2() || (!waits && session.drain_request_body().await.is_ok())
}

/// gRPC is told apart where it can be spoken: by HTTP/2. Calls of Cognito's API, on routes to an issuer, name their operation.
fn form(session: &Session, ctx: &Context) -> Form {
    let headers = &session.req_header().headers;
    if session.is_http2() && grpc::is_call(headers) {
        Form::Grpc
    } else if headers.contains_key("x-amz-target") && ctx.route().is_some_and(|route| route.attest) {
        Form::Aws
    } else {
        Form::Json
    }
}

fn is_drainable(framing: Framing) -> bool {
    match framing {
        Framing::NoBody | Framing::Stream => true,
        Framing::Length(bytes) => bytes <= DRAIN_BYTES,
        Framing::Chunked => false,
    }
}
