//! What is told of a request that web ACLs have judged: samples of it for the issuer, a record for AWS WAF's log.

use pingora::prelude::Session;

use super::{Context, Gateway};
use crate::facts::Scheme;
use crate::samples::{Request, told};
use crate::snapshot::acl::{AclRule, Judged};
use crate::waf_log::{Logged, Said};

impl Gateway {
    /// Once a request, at its end; `body` is how many bytes of its body came.
    pub(super) fn tell_of_acls(&self, session: &Session, ctx: &Context, body: u64) {
        let asked = ctx.facts.pool_acl.as_deref();
        for (rule, judged) in ctx.acls() {
            let of_pool = asked.filter(|asked| std::ptr::eq(&asked.rule.rule, rule)).map(|asked| asked.pool.as_str());
            self.tell_of(session, ctx, (rule, judged), of_pool, body);
        }
    }

    fn tell_of(
        &self,
        session: &Session,
        ctx: &Context,
        (rule, judged): (&AclRule, &Judged),
        pool: Option<&str>,
        body: u64,
    ) {
        let (Some(verdict), progress) = (&judged.verdict, &judged.progress) else { return };
        if let Some(tally) = &rule.tells.samples {
            let tell = || {
                let request = request(session, ctx, rule, judged);
                told(&request, &rule.acl, progress, verdict, &rule.tells.redacted)
            };
            tally.note(&rule.acl, progress, verdict, tell);
        }
        let Some(log) = &rule.tells.log else { return };
        let said = Said { acl: &rule.acl, progress, verdict, noted: &judged.noted };
        if !log.keeps(said) {
            return;
        }
        let source = match pool {
            Some(pool) => ("COGNITOIDP", pool_arn(rule, pool)),
            None => ("-", ctx.route().map(|route| route.name.to_string()).unwrap_or_default()),
        };
        let logged = Logged {
            request: request(session, ctx, rule, judged),
            request_id: ctx.request_id.to_str().unwrap_or_default(),
            scheme: if ctx.connection.scheme == Scheme::Https { "https" } else { "http" },
            host: ctx.canonical.as_ref().map(|canonical| canonical.host_name(session.req_header())).unwrap_or_default(),
            source: (source.0, &source.1),
            body,
            ja3: ctx.connection.fingerprints().map(|prints| &*prints.ja3),
            ja4: ctx.connection.fingerprints().map(|prints| &*prints.ja4),
        };
        if let Some(line) = log.line(said, &logged) {
            self.waf_log.write(line);
        }
    }
}

fn request<'r>(session: &'r Session, ctx: &'r Context, rule: &AclRule, judged: &Judged) -> Request<'r> {
    let received = session.req_header();
    Request {
        at: ctx.now,
        client: ctx.connection.client,
        country: ctx.connection.client.and_then(|client| rule.locate.place(client).country),
        method: received.method.as_str(),
        path: ctx.canonical.as_ref().map(|canonical| canonical.path(received)).unwrap_or_default(),
        query: ctx.canonical.as_ref().and_then(|canonical| canonical.query(received)),
        version: if session.is_http2() { "HTTP/2.0" } else { "HTTP/1.1" },
        headers: &received.headers,
        clearance: judged.clearance,
        status: session.response_written().map_or(0, |response| response.status.as_u16()),
    }
}

/// In the region and the account of its web ACL, as the issuer names both.
fn pool_arn(rule: &AclRule, pool: &str) -> String {
    let mut parts = rule.acl.arn.as_deref().unwrap_or_default().split(':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("arn:aws:cognito-idp:{region}:{account}:userpool/{pool}")
}
