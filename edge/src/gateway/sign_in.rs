//! Browser sign-in: a session in the place of a token, the way to the provider instead of a refusal, and the edge's own paths for both.

use std::sync::Arc;

use common::canonical::CanonicalRequest;
use common::reject::Reject;
use http::header::{AUTHORIZATION, SET_COOKIE};
use pingora::prelude::Session;

use super::{Context, Gateway, form};
use crate::facts::Scheme;
use crate::reply::{Form, REQUEST_ID, Reply};
use crate::sign_in::{self, Again, Own, Visit};
use crate::snapshot::sign_in::SignIn;

impl Gateway {
    /// Brings the browser's session, once a request. It must be refreshed first where this says so.
    pub(super) fn meet_browser(
        &self,
        session: &Session,
        ctx: &mut Context,
        request: &CanonicalRequest<'_>,
        sign_in: &SignIn,
    ) -> Result<bool, Reject> {
        if ctx.browser.is_none() {
            let visit = Visit {
                authority: &request.host.header_value(),
                host: request.host.name(),
                secure: ctx.connection.scheme == Scheme::Https,
                method: request.method,
                target: "/",
                headers: &session.req_header().headers,
                now: ctx.now,
            };
            let browser = self.sign_ins.browser(sign_in, visit).ok_or(Reject::SignInUnavailable)?;
            ctx.browser = Some(Box::new(browser));
        }
        Ok(ctx.browser.as_ref().is_some_and(|browser| browser.wants_refresh(ctx.now).is_some()))
    }

    /// Refreshes the session's tokens, or waits for another request that does.
    pub(super) async fn refresh(&self, session: &Session, ctx: &mut Context) -> Result<(), Reject> {
        let mut browser = ctx.browser.take().ok_or(Reject::Internal)?;
        let outcome = match browser.wants_refresh(ctx.now) {
            None => Ok(()),
            Some(known) => {
                let refreshed = self.sign_ins.refresh(&browser.desk, known).await;
                let visit = visit(session, ctx).ok_or(Reject::Internal)?;
                browser.refreshed(refreshed, visit)
            }
        };
        ctx.browser = Some(browser);
        outcome
    }

    /// Answers on one of the sign-in's own paths.
    pub(super) async fn answer_sign_in(
        &self,
        session: &Session,
        ctx: &mut Context,
        sign_in: &Arc<SignIn>,
        own: Own,
    ) -> Result<Reply, Reject> {
        let visit = visit(session, ctx).ok_or(Reject::Internal)?;
        let answered = self.sign_ins.answer(sign_in, own, visit).await;
        ctx.decision.detail = Some(answered.code);
        Ok(numbered(answered.reply, ctx))
    }

    /// The way to the provider, where a person wants a page and a sign-in would help; else the refusal stands. `Err` is another one.
    pub(super) async fn lead_to_sign_in(
        &self,
        session: &Session,
        ctx: &mut Context,
        reject: Reject,
    ) -> Result<Option<Reply>, Reject> {
        let Some(route) = ctx.route().map(Arc::clone) else { return Ok(None) };
        let (Some(sign_in), Some(rule)) = (&route.sign_in, &route.token) else { return Ok(None) };
        let received = session.req_header();
        let is_page = form(session, ctx) == Form::Json
            && sign_in::is_navigation(received.method.as_str(), &received.headers)
            && !received.headers.contains_key(AUTHORIZATION);
        let Some(again) = Again::after(reject).filter(|_| is_page) else { return Ok(None) };
        let now = ctx.now;
        let Some(browser) = &mut ctx.browser else { return Ok(None) };
        let mut dead = Vec::new();
        if again == Again::Anew && browser.session.is_some() {
            // Nothing will make it good again.
            dead = browser.desk.cleared(&received.headers);
        }
        if browser.has_just_signed_in(now) {
            browser.cookies = dead;
            return Ok(None);
        }
        let Some(visit) = visit(session, ctx) else { return Ok(None) };
        let mut reply = self.sign_ins.lead(sign_in, visit, rule, again).await.map_err(|_| Reject::SignInUnavailable)?;
        reply.headers.extend(dead.into_iter().map(|line| (SET_COOKIE, line)));
        ctx.decision.detail = Some("sign_in");
        Ok(Some(numbered(reply, ctx)))
    }
}

/// The origin by which the browser reached the edge.
pub fn origin(ctx: &Context, received: &pingora::http::RequestHeader) -> Option<String> {
    let canonical = ctx.canonical.as_ref()?;
    let secure = ctx.connection.scheme == Scheme::Https;
    Some(sign_in::origin(canonical.authority(received), canonical.host_name(received), secure))
}

fn visit<'v>(session: &'v Session, ctx: &'v Context) -> Option<Visit<'v>> {
    let received = session.req_header();
    let canonical = ctx.canonical.as_ref()?;
    Some(Visit {
        authority: canonical.authority(received),
        host: canonical.host_name(received),
        secure: ctx.connection.scheme == Scheme::Https,
        method: received.method.as_str(),
        target: canonical.target(received),
        headers: &received.headers,
        now: ctx.now,
    })
}

fn numbered(mut reply: Reply, ctx: &Context) -> Reply {
    reply.headers.retain(|(name, _)| *name != REQUEST_ID);
    reply.headers.push((REQUEST_ID, ctx.request_id.clone()));
    reply
}
