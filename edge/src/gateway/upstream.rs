//! The upstream's side of a request: where it goes, what it carries, what comes back, what went wrong.

use std::fmt::Write;

use common::canonical::IdentityHeaders;
use common::reject::Reject;
use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, UPGRADE,
};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{Error, HttpPeer, Result, Session};
use pingora::{ErrorSource, ErrorType};

use crate::forward;
use crate::gateway::client_ip;
use crate::gateway::context::{Canonical, Context};
use crate::reply::REQUEST_ID;
use crate::snapshot::route::Upstream;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// The server to ask and how patiently.
pub fn peer(upstream: &Upstream, attempt: usize) -> Option<Box<HttpPeer>> {
    let mut peer = HttpPeer::new(forward::pick(upstream, attempt)?, false, String::new());
    let timeouts = &upstream.timeouts;
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.read_timeout = Some(timeouts.read);
    peer.options.write_timeout = Some(timeouts.write);
    peer.options.idle_timeout = Some(timeouts.idle);
    Some(Box::new(peer))
}

/// Makes the outgoing request the canonical one, with no identity from outside and the verified one added. pingora has removed
/// the hop-by-hop headers, and those that `Connection` named, before this; so nothing that is added here can be nominated away.
pub fn prepare(session: &Session, outgoing: &mut RequestHeader, ctx: &Context) -> Result<()> {
    let (Some(canonical), Some(route)) = (&ctx.canonical, ctx.route()) else {
        return Err(Error::explain(ErrorType::InternalError, "a request without a decision"));
    };
    if canonical.has_own_headers {
        strip(outgoing, &ctx.snapshot.routes.heads.identity);
    }
    canonicalise(outgoing, canonical)?;
    if let Some(client) = client_ip(session) {
        let mut text = String::with_capacity(40);
        let _ = write!(text, "{client}"); // writing to a String does not fail
        insert(outgoing, FORWARDED_FOR, HeaderValue::try_from(text).ok())?;
    }
    let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    insert(outgoing, FORWARDED_PROTO, Some(HeaderValue::from_static(if tls { "https" } else { "http" })))?;
    let host = outgoing.headers.get(HOST).cloned();
    insert(outgoing, FORWARDED_HOST, host)?;
    insert(outgoing, REQUEST_ID, Some(ctx.request_id.clone()))?;
    for (name, value) in forward::added_headers(route, ctx.facts.identity()) {
        insert(outgoing, name.clone(), Some(value))?;
    }
    Ok(())
}

/// Removes what is meant for this connection only (RFC 9110 §7.6.1), also what the upstream nominated.
pub fn clean_response(response: &mut ResponseHeader) {
    // Ours, not that of the origin (RFC 9110 §7.6.3).
    response.set_version(http::Version::HTTP_11);
    let nominated: Vec<HeaderName> = response
        .headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect();
    let switches = response.status == http::StatusCode::SWITCHING_PROTOCOLS;
    for name in
        nominated.iter().chain(&[KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER])
    {
        if !(switches && name == UPGRADE) {
            response.remove_header(name);
        }
    }
    if !switches {
        response.remove_header(&CONNECTION);
        response.remove_header(&UPGRADE);
    }
}

/// The refusal for a failure on the way.
pub fn failure(error: &Error) -> Reject {
    match (error.esource(), error.etype()) {
        (ErrorSource::Upstream, ErrorType::ConnectTimedout | ErrorType::ReadTimedout | ErrorType::WriteTimedout) => {
            Reject::UpstreamTimeout
        }
        (ErrorSource::Upstream, _) => Reject::UpstreamUnavailable,
        (ErrorSource::Downstream, _) => Reject::AmbiguousHeader,
        (ErrorSource::Internal | ErrorSource::Unset, _) => Reject::Internal,
    }
}

fn strip(outgoing: &mut RequestHeader, own: &IdentityHeaders) {
    for name in forward::identity_aliases(own, &outgoing.headers) {
        outgoing.remove_header(&name);
    }
}

fn canonicalise(outgoing: &mut RequestHeader, canonical: &Canonical) -> Result<()> {
    if let Some(target) = &canonical.target {
        outgoing.set_raw_path(target.as_bytes())?;
    }
    if let Some(host) = &canonical.host {
        outgoing.insert_header(HOST, host)?;
    }
    Ok(())
}

fn insert(outgoing: &mut RequestHeader, name: HeaderName, value: Option<HeaderValue>) -> Result<()> {
    match value {
        Some(value) => outgoing.insert_header(name, value),
        None => Ok(()),
    }
}
