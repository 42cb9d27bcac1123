//! Challenges and captchas: what clients are asked to solve, and the edge's own paths, where they come with what they have found.

use std::net::IpAddr;

use common::canonical::CanonicalPath;
use common::cognito;
use common::reject::Reject;
use pingora::prelude::Session;

use super::{Context, Gateway, connection, form, peeked};
use crate::challenge::{Action, Answer, Call, Client, Demand, MAX_BODY};
use crate::facts::Scheme;
use crate::reply::{Form, REQUEST_ID, Reply};
use crate::routes::{self, Choice};
use crate::snapshot::Snapshot;
use crate::snapshot::acl::{AclRule, PoolAcl};
use crate::snapshot::flow::Flow;

/// Of which one must lead to a web ACL, where a program asks for the puzzle of a path.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

impl Gateway {
    /// The answer to a request that a rule lets through only when something has been solved; none where that is not why it is refused, or where the
    /// client takes refusals in another form.
    pub(super) fn asks_to_solve(&self, session: &Session, ctx: &Context, reject: Reject) -> Option<Reply> {
        let action = match reject {
            Reject::ChallengeRequired => Action::Challenge,
            Reject::CaptchaRequired => Action::Captcha,
            _ => return None,
        };
        if form(session, ctx) != Form::Json {
            return None;
        }
        let (AclRule { acl, .. }, judged) = ctx.last_acl()?;
        let step = judged.verdict.as_ref()?.step?;
        let received = session.req_header();
        let canonical = ctx.canonical.as_ref()?;
        let target = canonical.target.as_deref().or_else(|| std::str::from_utf8(received.raw_path()).ok())?;
        let demand = Demand { action, difficulty: Some(acl.rule(step)?.difficulty), token_domains: &acl.token_domains };
        let client = client(ctx, canonical.host_name(received));
        let answer = self.challenges.answer(demand, client, received.method.as_str(), target, &received.headers);
        Some(reply(answer, ctx))
    }

    /// Answers on the edge's own paths.
    pub(super) async fn answer_own(&self, session: &mut Session, ctx: &mut Context) -> Result<Reply, Reject> {
        let from = ctx.connection.client.ok_or(Reject::NotReady)?;
        let body =
            if session.req_header().method == "POST" { self.own_body(session, ctx, from).await? } else { Vec::new() };
        let received = session.req_header();
        let canonical = ctx.canonical.as_ref().ok_or(Reject::Internal)?;
        let target = canonical.target.as_deref().or_else(|| std::str::from_utf8(received.raw_path()).ok());
        let target = target.ok_or(Reject::Internal)?;
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let host = canonical.host_name(received);
        let call = Call {
            method: received.method.as_str(),
            path,
            query,
            headers: &received.headers,
            body: &body,
            client: client(ctx, host),
        };
        let answer = self.challenges.handle(call, |path| token_domains(&ctx.snapshot, host, path));
        ctx.decision.detail = Some(answer.code);
        Ok(reply(answer, ctx))
    }

    async fn own_body(&self, session: &mut Session, ctx: &mut Context, from: IpAddr) -> Result<Vec<u8>, Reject> {
        let peeked = peeked::peek(session, from, &Flow::default(), MAX_BODY, &self.bodies).await;
        ctx.must_close |= connection::body_is_broken() || peeked.is_err();
        let peeked = peeked?;
        match peeked.first(MAX_BODY) {
            (bytes, false) => Ok(bytes.to_vec()),
            (_, true) => Err(Reject::BodyTooLarge),
        }
    }
}

fn client<'c>(ctx: &Context, host: &'c str) -> Client<'c> {
    Client { host, address: ctx.connection.client, secure: ctx.connection.scheme == Scheme::Https, now: ctx.now }
}

fn reply(answer: Answer, ctx: &Context) -> Reply {
    let Answer { status, mut headers, body, .. } = answer;
    headers.push((REQUEST_ID, ctx.request_id.clone()));
    Reply { status, headers, body }
}

/// Those of the web ACL that a path of this host is behind.
fn token_domains(snapshot: &Snapshot, host: &str, path: &str) -> Option<Vec<String>> {
    let path = CanonicalPath::parse(path.as_bytes()).ok()?;
    let decoded = path.decoded();
    let of_pool = || match snapshot.tenants.web_acl(&cognito::pool_of_path(path.as_str())?)? {
        PoolAcl::Of(of) => Some(of.rule.acl.token_domains.clone()),
        PoolAcl::Unreadable => None,
    };
    METHODS.into_iter().find_map(|method| match routes::choose(&snapshot.routes, host, &decoded, method) {
        Choice::Route(route) => match &route.acl {
            Some(rule) => Some(rule.acl.token_domains.clone()),
            None => route.attest.then(of_pool).flatten(),
        },
        Choice::WrongMethod | Choice::NoRoute => None,
    })
}
