//! How attempts to sign in and to sign up end: the groups of web ACLs that judge them are told ([`crate::waf::Awaited`]). What came is read from the answer as
//! it passes; on routes to the issuer, from what the issuer says of it to edges alone.

use std::time::Instant;

use bytes::Bytes;
use common::attest::{SIGN_IN, Told, Word};
use common::reject::Reject;
use pingora::http::ResponseHeader;
use pingora::prelude::Session;

use crate::gateway::Gateway;
use crate::gateway::context::Context;
use crate::snapshot::acl::{AclRule, Judged};
use crate::takeover::Outcome;
use crate::waf::{Answer, Awaited, Counting, How, Reader, by_body, by_head, may_read_body};

impl Gateway {
    /// The head of the answer has come.
    pub(super) fn attempt_answered(&self, session: &Session, response: &mut ResponseHeader, ctx: &mut Context) {
        // Before anything else is asked: most requests are on neither kind of route.
        let says = ctx.route().is_some_and(|route| route.attest).then(|| response.remove_header(SIGN_IN)).flatten();
        if !is_awaited(ctx) {
            return;
        }
        let word = says.and_then(|text| Word::read(text.to_str().ok()?));
        let path = ctx.canonical.as_ref().map(|canonical| canonical.path(session.req_header()).to_owned());
        let path = path.unwrap_or_default();
        let mut reader = None;
        self.settle(ctx, |rule, awaited| {
            if let Some(word) = word.filter(|_| matches!(awaited.how, How::Cognito | How::Page)) {
                return Some(of_word(word));
            }
            let answer = Answer { status: response.status, headers: &response.headers, path: &path };
            match by_head(awaited.how, rule.acl.watcher(awaited.step)?.place(), answer) {
                Ok(outcome) => Some((outcome, false)),
                Err(needed) => {
                    reader = Reader::larger(reader.take(), needed);
                    None
                }
            }
        });
        ctx.reading = reader.map(Box::new);
    }

    /// A piece of the answer's body passes, or its end.
    pub(super) fn attempt_told(&self, piece: Option<&Bytes>, end: bool, ctx: &mut Context) {
        let Some(reader) = &mut ctx.reading else { return };
        let is_enough = piece.is_some_and(|piece| reader.take(piece));
        if is_enough || end {
            self.settle_by_body(ctx);
        }
    }

    fn settle_by_body(&self, ctx: &mut Context) {
        if let Some(reader) = ctx.reading.take() {
            self.settle(ctx, |rule, awaited| {
                let place = rule.acl.watcher(awaited.step)?.place();
                Some((by_body(awaited.how, place, reader.seen()), false))
            });
        }
    }

    /// The request is over: of what has not ended, nothing is known, unless a rule has refused it for what is known of attempts.
    pub(super) fn attempt_is_over(&self, ctx: &mut Context) {
        // A client that hangs up before the answer's end has its outcome all the same.
        self.settle_by_body(ctx);
        if !is_awaited(ctx) {
            return;
        }
        let is_refused = matches!(
            ctx.decision.reject,
            Some(Reject::AclBlocked | Reject::CaptchaRequired | Reject::ChallengeRequired)
        );
        self.settle_judged(ctx, |rule, judged, _| {
            let step = judged.verdict.as_ref().and_then(|verdict| verdict.step);
            let by_attempts = step.and_then(|step| rule.acl.rule(step)).is_some_and(|rule| rule.judges_attempts());
            let outcome = if is_refused && by_attempts { Outcome::Refused } else { Outcome::Unknown };
            Some((outcome, false))
        });
    }

    fn settle(&self, ctx: &mut Context, mut ended: impl FnMut(&AclRule, &Awaited) -> Option<(Outcome, bool)>) {
        self.settle_judged(ctx, |rule, _, awaited| ended(rule, awaited));
    }

    /// Tells of those whose outcome, and whether their password is compromised, is known by now; the others wait on.
    fn settle_judged(
        &self,
        ctx: &mut Context,
        mut ended: impl FnMut(&AclRule, &Judged, &Awaited) -> Option<(Outcome, bool)>,
    ) {
        let (table, digester) = (&self.limits.table, &self.limits.digester);
        let now = self.limits.moment(Instant::now());
        let counting = Counting { table, digester, watch: &self.watch, now, only_looks: false };
        let mut tell = |rule: &AclRule, judged: &mut Judged| {
            let mut waiting = std::mem::take(&mut judged.progress.awaited);
            waiting.retain(|awaited| {
                let Some((outcome, is_compromised)) = ended(rule, judged, awaited) else { return true };
                if let Some(watcher) = rule.acl.watcher(awaited.step) {
                    watcher.end(awaited, outcome, is_compromised, counting);
                }
                self.metrics.attempts.ended(awaited.kind(), outcome);
                false
            });
            judged.progress.awaited = waiting;
        };
        let of_route = ctx.route().and_then(|route| route.acl.clone());
        if let (Some(rule), Some(judged)) = (of_route, ctx.facts.acl.as_deref_mut()) {
            tell(&rule, judged);
        }
        if let Some(asked) = ctx.facts.pool_acl.as_deref_mut() {
            tell(&asked.rule.rule, &mut asked.judged);
        }
        self.metrics.attempts.under_attack(self.watch.attacks(now));
    }
}

/// Whether what comes of an attempt may have to be read from the answer's body.
pub(super) fn may_read_answer(ctx: &Context) -> bool {
    ctx.acls().any(|(rule, judged)| {
        let reads =
            |one: &Awaited| may_read_body(one.how, rule.acl.watcher(one.step).and_then(|watcher| watcher.place()));
        judged.progress.awaited.iter().any(reads)
    })
}

fn is_awaited(ctx: &Context) -> bool {
    let of_route = ctx.facts.acl.as_deref();
    let of_pool = ctx.facts.pool_acl.as_deref().map(|asked| &asked.judged);
    of_route.into_iter().chain(of_pool).any(|judged| !judged.progress.awaited.is_empty())
}

fn of_word(word: Word) -> (Outcome, bool) {
    let outcome = match word.result {
        Told::Succeeded => Outcome::Succeeded,
        Told::Failed => Outcome::Failed,
        Told::Neither => Outcome::Unknown,
    };
    (outcome, word.is_compromised)
}
