//! The upstream's side of a request: where it goes, what it carries, what comes back, what went wrong.

use std::mem;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::canonical::IdentityHeaders;
use common::reject::Reject;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, UPGRADE,
};
use http::{StatusCode, request, response};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{Error, OrErr, Result};
use pingora::{ErrorSource, ErrorType};

use crate::cors;
use crate::facts::Connection;
use crate::forward;
use crate::gates::proof::PROOF;
use crate::gateway::context::Context;
use crate::gateway::{account, attempts, connection, sign_in};
use crate::reply::{self, REQUEST_ID};
use crate::snapshot::upstream::settings::HostHeader;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// What a response has for the edge only.
pub const HOP_BY_HOP: [HeaderName; 8] =
    [CONNECTION, UPGRADE, KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER];
/// What a request by HTTP/2 may have for the edge only. `TE: trailers` stays: the answer's trailers are passed on (RFC 9110 §6.5.1).
const CLIENTS_HOP: [HeaderName; 3] = [PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TRAILER];
/// Headers that every request gets, at most.
const ADDED_HEADERS: usize = 4;

/// Forgets in which case a client wrote its header names. pingora keeps that in a second map, for which every copy and every insertion pays;
/// names have no case (RFC 9110 §5.1), and requests that came by HTTP/2 never had one.
pub fn forget_case(received: &mut RequestHeader) {
    if received.has_case() {
        *received = RequestHeader::from(take(received));
    }
}

/// Makes the outgoing request the canonical one, with no identity from outside and the verified one added. pingora has removed
/// the hop-by-hop headers, and those that `Connection` named, before this; so nothing that is added here can be nominated away.
pub fn prepare(outgoing: &mut RequestHeader, ctx: &Context) -> Result<()> {
    let (Some(canonical), Some(route)) = (&ctx.canonical, ctx.route()) else {
        return Err(Error::explain(ErrorType::InternalError, "a request without a decision"));
    };
    let origin = ctx.browser.as_ref().and_then(|_| sign_in::origin(ctx, outgoing));
    let mut parts = take(outgoing);
    let headers = &mut parts.headers;
    if canonical.has_own_headers {
        strip(headers, &ctx.snapshot.routes.heads.identity);
    }
    let sign_ins = &ctx.snapshot.routes.sign_ins;
    if !sign_ins.is_empty() {
        forward::cookies::hold_back(headers, sign_ins);
    }
    if let Some(host) = &canonical.host {
        let host =
            HeaderValue::try_from(host).or_err(ErrorType::InternalError, "a canonical host is no header value")?;
        headers.insert(HOST, host);
    }
    if forward::holds_proof_back(route, &ctx.facts.presented) {
        headers.remove(PROOF);
    }
    headers.reserve(ADDED_HEADERS + route.headers.len());
    insert(headers, FORWARDED_FOR, connection::client_text(ctx.connection.client));
    insert(headers, FORWARDED_PROTO, Some(HeaderValue::from_static(ctx.connection.scheme.as_str())));
    let host = headers.get(HOST).cloned();
    insert(headers, FORWARDED_HOST, host);
    match &route.upstream.settings.host {
        HostHeader::Pass => {}
        HostHeader::Server => {
            insert(headers, HOST, ctx.trip.server.as_ref().and_then(|server| server.authority.clone()))
        }
        HostHeader::Fixed(host) => insert(headers, HOST, Some(host.clone())),
    }
    if parts.version == http::Version::HTTP_2 {
        // From HTTP/2 to HTTP/2 pingora takes nothing away.
        CLIENTS_HOP.iter().for_each(|name| drop(headers.remove(name)));
    }
    if attempts::may_read_answer(ctx) {
        // Without the header any encoding would do (RFC 9110 §12.5.3).
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    insert(headers, REQUEST_ID, Some(ctx.request_id.clone()));
    account::pass_on(ctx.trace, headers);
    if route.certificate.forward {
        insert(headers, CLIENT_CERT, certificate_text(&ctx.connection));
    }
    forward::add_headers(route, ctx.facts.identity(), headers);
    if let (Some(browser), Some(origin)) = (&ctx.browser, origin) {
        browser.add_to(headers, ctx.facts.identity(), &origin, ctx.now);
    }
    for (_, judged) in ctx.acls() {
        forward::add_inserted(&judged.progress.headers, headers);
    }
    *outgoing = RequestHeader::from(parts);
    // After that, since the conversion keeps the target as the URI has it.
    canonical.target.as_ref().map_or(Ok(()), |target| outgoing.set_raw_path(target.as_bytes()))
}

/// What pingora's header holds, for changes without its second map; the header is empty until it is made anew.
fn take(header: &mut RequestHeader) -> request::Parts {
    let (nothing, ()) = http::Request::new(()).into_parts();
    mem::replace(header, RequestHeader::from(nothing)).into()
}

/// The client's certificate as a byte sequence of structured fields (RFC 9440 §2.2).
fn certificate_text(connection: &Connection) -> Option<HeaderValue> {
    let certificate = connection.tls.as_ref()?.certificate.as_ref()?;
    HeaderValue::try_from(format!(":{}:", BASE64.encode(&certificate.der))).ok()
}

/// The answer as it leaves: without what is meant for this connection only (RFC 9110 §7.6.1), also what the upstream nominated, with the
/// request's id, with what the route says of the origin that `request` names, and like requests without the case of its names
/// ([`forget_case`]).
pub fn answer(response: &mut ResponseHeader, request: &HeaderMap, ctx: &Context) -> Result<()> {
    let usual = response.status.canonical_reason();
    let reason = response.get_reason_phrase().filter(|reason| Some(*reason) != usual).map(str::to_owned);
    let (nothing, ()) = http::Response::new(()).into_parts();
    let mut parts: response::Parts = mem::replace(response, ResponseHeader::from(nothing)).into();
    // Ours, not that of the origin (RFC 9110 §7.6.3).
    parts.version = http::Version::HTTP_11;
    if parts.headers.keys().any(is_hop_by_hop) {
        clean(&mut parts);
    }
    parts.headers.insert(REQUEST_ID, ctx.request_id.clone());
    if let Some(rule) = ctx.route().and_then(|route| route.cors.as_ref()) {
        cors::replace(rule, request, &mut parts.headers);
    }
    if let Some(told) = reply::limits::fields(ctx.limits(), &ctx.facts.limited) {
        // Beside what the upstream says of limits of its own: both fields are lists.
        for (name, value) in told {
            parts.headers.append(name, value);
        }
    }
    if let Some(nonce) = &ctx.facts.presented.nonce {
        // RFC 9449 §8.2: an answer that brings one must not be kept for another request.
        parts.headers.insert(reply::NONCE, nonce.clone());
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let browser = ctx.browser.as_ref().filter(|browser| !browser.cookies.is_empty());
    if let Some(browser) = browser.filter(|_| is_final(parts.status)) {
        for cookie in &browser.cookies {
            parts.headers.append(SET_COOKIE, cookie.clone());
        }
        // A cache would give this browser's session to others.
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    *response = ResponseHeader::from(parts);
    reason.map_or(Ok(()), |reason| response.set_reason_phrase(Some(&reason)))
}

fn clean(response: &mut response::Parts) {
    let nominated: Vec<HeaderName> = response
        .headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect();
    let switches = response.status == http::StatusCode::SWITCHING_PROTOCOLS;
    for name in nominated.iter().chain(&HOP_BY_HOP) {
        if !(switches && (name == UPGRADE || name == CONNECTION)) {
            response.headers.remove(name);
        }
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Whether nothing but its body follows the head with this status. 101 is one of them: after it HTTP has ended.
pub fn is_final(status: StatusCode) -> bool {
    !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS
}

/// The refusal for a failure on the way. `body_done`: nothing more was to come from the client.
pub fn failure(error: &Error, body_done: bool) -> Reject {
    match (error.esource(), error.etype()) {
        (ErrorSource::Upstream, ErrorType::ReadTimedout) if !body_done => Reject::RequestTimeout, // it waited for the client
        (ErrorSource::Upstream, ErrorType::ConnectTimedout | ErrorType::ReadTimedout | ErrorType::WriteTimedout) => {
            Reject::UpstreamTimeout
        }
        (ErrorSource::Upstream, _) => Reject::UpstreamUnavailable,
        (ErrorSource::Downstream, ErrorType::ReadTimedout) => Reject::RequestTimeout,
        (ErrorSource::Downstream, _) => Reject::AmbiguousHeader,
        (ErrorSource::Internal | ErrorSource::Unset, _) => Reject::Internal,
    }
}

/// Whether the client has left, or takes nothing any more.
pub fn is_gone(error: &Error) -> bool {
    *error.esource() == ErrorSource::Downstream
        && matches!(
            error.etype(),
            ErrorType::ReadError
                | ErrorType::WriteError
                | ErrorType::WriteTimedout
                | ErrorType::ConnectionClosed
                | ErrorType::H2Error
        )
}

fn strip(headers: &mut HeaderMap, own: &IdentityHeaders) {
    for name in forward::identity_aliases(own, headers) {
        headers.remove(&name);
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}
