//! What a gate or the forwarding asks for before the request can go on: more of its body, an issuer's word on its token, or another one.

use common::canonical::{Ambiguity, Framing};
use common::reject::Reject;
use pingora::prelude::Session;

use crate::gates;
use crate::gateway::context::Context;
use crate::gateway::{Gateway, attestation, connection, held, peeked, trip};
use crate::waf::Body;

/// Why a request does not go on now.
pub enum Halt {
    Reject(Reject),
    /// Before the issuer at this position has been asked about the token.
    Introspect(usize),
    /// Before the tokens of the browser's session have been refreshed.
    Refresh,
    /// Before so many bytes of the body have been read.
    Body(usize),
}

impl From<Reject> for Halt {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl Gateway {
    /// Reads the beginning of a body for rules; all of it where the edge will vouch for it anyway.
    pub(super) async fn peek(&self, session: &mut Session, ctx: &mut Context, bytes: usize) -> Result<(), Reject> {
        let route = ctx.route().ok_or(Reject::Internal)?;
        let flow = route.flow;
        trip::hold_client(session, &flow);
        if route.attest {
            return self.hold(session, ctx).await;
        }
        let client = ctx.connection.client.ok_or(Reject::NotReady)?;
        let peeked = peeked::peek(session, client, &flow, bytes, &self.bodies).await;
        ctx.must_close |= matches!(peeked, Err(Reject::RequestTimeout | Reject::AmbiguousBody | Reject::BodiesHeld));
        if connection::body_is_broken() {
            ctx.decision.detail = Some(Ambiguity::InvalidChunk.code());
        }
        ctx.peeked = Some(Box::new(peeked?));
        Ok(())
    }

    /// Reads the body of a request that the edge will vouch for.
    pub(super) async fn hold(&self, session: &mut Session, ctx: &mut Context) -> Result<(), Reject> {
        let flow = ctx.route().map(|route| route.flow).ok_or(Reject::Internal)?;
        attestation::check(&self.attester, session, ctx)?;
        let client = ctx.connection.client.ok_or(Reject::NotReady)?;
        let held = held::hold(session, client, &flow, &self.bodies).await;
        // What is left of a body that was given up belongs to nobody.
        ctx.must_close |= matches!(held, Err(Reject::RequestTimeout | Reject::AmbiguousBody | Reject::BodiesHeld));
        if connection::body_is_broken() {
            ctx.decision.detail = Some(Ambiguity::InvalidChunk.code());
        }
        ctx.held = Some(Box::new(held?));
        Ok(())
    }

    /// Asks the issuer about the request's token; its answer is a fact for the gates.
    pub(super) async fn introspect(&self, session: &Session, ctx: &mut Context, issuer: usize) -> Result<(), Reject> {
        let issuer = ctx.snapshot.issuers.get(issuer).ok_or(Reject::Internal)?;
        let token = match ctx.browser.as_ref().and_then(|browser| browser.token()) {
            Some(token) => token,
            None => gates::token::presented(&session.req_header().headers)?,
        };
        let answer = self.introspector.ask(issuer, token).await?;
        ctx.facts.introspected = Some(answer);
        Ok(())
    }
}

/// What has been read of the body so far.
pub fn body_of(ctx: &Context, framing: Framing) -> Body<'_> {
    let read = match (&ctx.peeked, &ctx.held) {
        (Some(peeked), _) => peeked.first(usize::MAX),
        (None, Some(held)) => held.first(usize::MAX),
        (None, None) if matches!(framing, Framing::NoBody | Framing::Length(0)) => return Body::None,
        (None, None) => return Body::Unread,
    };
    match read {
        ([], false) => Body::None,
        (bytes, more) => Body::Read { bytes, more },
    }
}
