//! Adds the edge's word for a request, once the request is what goes out.

use std::borrow::Cow;

use common::attest::{ClientTls, MAX_TARGET_BYTES, Octets, digest_of_fields};
use common::clock::UnixMillis;
use common::reject::Reject;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use pingora::ErrorType;
use pingora::http::RequestHeader;
use pingora::prelude::{Error, OrErr, Result, Session};

use crate::attest::{HEADER, Request, Slot};
use crate::facts::TlsFacts;
use crate::gateway::context::Context;
use crate::gateway::held::Held;

/// Refuses what could not be attested, before its body is read.
pub fn check(attester: &Slot, session: &Session, ctx: &Context) -> Result<(), Reject> {
    if attester.load().is_none() || ctx.connection.client.is_none() {
        return Err(Reject::NotReady);
    }
    let canonical = ctx.canonical.as_ref().and_then(|canonical| canonical.target.as_ref());
    let length = canonical.map_or(session.req_header().raw_path().len(), String::len);
    if length > MAX_TARGET_BYTES { Err(Reject::HeadersTooLarge) } else { Ok(()) }
}

/// Signs for the request as it is now, and gives its body the length that is known. Each attempt is signed anew: an attestation is good once.
pub fn add(
    outgoing: &mut RequestHeader,
    session: &Session,
    ctx: &Context,
    held: &Held,
    attester: &Slot,
    now: UnixMillis,
) -> Result<()> {
    frame(outgoing, held)?;
    let cannot = |what| Error::explain(ErrorType::InternalError, what);
    let signer = attester.load_full().ok_or_else(|| cannot("the edge has no key to attest with"))?;
    let client = ctx.connection.client.ok_or_else(|| cannot("a client without address"))?;
    let host = outgoing.headers.get(HOST).and_then(|host| host.to_str().ok());
    // To a server by HTTP/2.
    let host = host.or_else(|| outgoing.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    let target =
        std::str::from_utf8(outgoing.raw_path()).or_err(ErrorType::InternalError, "a target of other bytes")?;
    let request = Request {
        method: outgoing.method.as_str(),
        host,
        target,
        fields: digest_of_fields(|name| outgoing.headers.get_all(name).iter().map(HeaderValue::as_bytes)),
        body: held.sha256,
        client,
        tls: tls(session, ctx.connection.tls.as_deref()),
        id: ctx.request_id.to_str().unwrap_or_default(),
        web_acl: ctx.facts.pool_acl.as_ref().map(|asked| &asked.pool),
    };
    let value = signer.attest(now, request).ok_or_else(|| cannot("the attestation could not be signed"))?;
    outgoing.insert_header(HEADER, value)
}

/// The whole body follows at once, so it has a length, and nobody is asked whether to send it.
fn frame(outgoing: &mut RequestHeader, held: &Held) -> Result<()> {
    for name in [EXPECT, TRANSFER_ENCODING, UPGRADE] {
        outgoing.remove_header(&name);
    }
    // What came chunked, or by HTTP/2 without a length.
    if held.len() > 0 && !outgoing.headers.contains_key(CONTENT_LENGTH) {
        outgoing.insert_header(CONTENT_LENGTH, HeaderValue::from(held.len()))?;
    }
    Ok(())
}

fn tls<'a>(session: &Session, facts: Option<&'a TlsFacts>) -> Option<ClientTls<'a>> {
    let facts = facts.filter(|facts| !facts.version.is_empty() && !facts.cipher.is_empty())?;
    Some(ClientTls {
        version: Cow::Borrowed(facts.version),
        cipher: Cow::Borrowed(facts.cipher),
        alpn: session.is_http2().then_some(Cow::Borrowed("h2")),
        sni: facts.server_name.as_deref().map(Cow::Borrowed),
        certificate: facts.certificate.as_ref().map(|certificate| Octets(certificate.sha256)),
        ja3: facts.fingerprints.as_ref().map(|prints| Cow::Borrowed(&*prints.ja3)),
        ja4: facts.fingerprints.as_ref().map(|prints| Cow::Borrowed(&*prints.ja4)),
    })
}
