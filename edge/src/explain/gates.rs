//! Each gate with the facts that it goes by, in the order in which a request meets them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::clock::UnixMillis;
use common::dpop::Flaw;
use common::reject::Reject;
use common::verify::{Unverified, Verified};
use http::HeaderMap;

use super::claims;
use super::story::{Explanation, Story};
use crate::challenge::Challenges;
use crate::facts::{Bearer, Facts, TokenScheme};
use crate::gates::{Outcome, RequestView, acl, limits as gates_limits, policy, session, token};
use crate::rates::Limits;
use crate::sign_in::is_navigation;
use crate::snapshot::Snapshot;
use crate::snapshot::acl::{AclRule, Judged};
use crate::snapshot::issuer::Issuer;
use crate::snapshot::limit::Stage;
use crate::snapshot::route::{Route, Stale, TokenRule};
use crate::snapshot::upstream::settings::Protocol;
use crate::takeover::Watch;
use crate::waf::{self, Clearance, Counting, Said, Solved, Standing};
use crate::{cors, forward, waf_log};

/// From the chosen route to the verdict.
pub fn explain(
    mut story: Story,
    snapshot: &Arc<Snapshot>,
    view: RequestView<'_>,
    challenges: &Challenges,
) -> Explanation {
    let route = view.route;
    if route.certificate.required {
        story.step("certificate", "is asked for at the TLS handshake, which a file does not tell");
    }
    let mut facts = Facts::default();
    let reads_claims = route.acl.as_ref().is_some_and(|rule| rule.acl.reads_claims);
    if !reads_claims && let Some(reject) = web_acls(&mut story, snapshot, view, &facts, challenges) {
        return story.refuse(reject);
    }
    limits(&mut story, view, &facts, Stage::Request);
    for issuer in named(route, snapshot) {
        story.step("issuer", format!("{}: {}", issuer.name, whence(issuer, view.now)));
    }
    let leads_away = signs_in(&mut story, view);
    let outcome = token::check(view, &mut facts, snapshot);
    story.step("token", describe(outcome, route.token.is_none()));
    proof(&mut story, view, &facts);
    match (&facts.bearer, &route.token) {
        (Some(bearer), _) => verified(&mut story, bearer, view.now),
        (None, Some(rule)) => unverified(&mut story, view, rule, snapshot),
        (None, None) => {}
    }
    match outcome {
        Outcome::Continue => {}
        Outcome::Reject(Reject::MissingToken) if leads_away => return story.own(),
        Outcome::Reject(reject) => {
            for what in token::unmet(view, snapshot).unwrap_or_default() {
                story.fact("lacks", what);
            }
            return story.refuse(reject);
        }
        Outcome::NeedIntrospection(_) | Outcome::NeedBody(_) => return story.depends("as the issuer answers"),
    }
    let outcome = session::check(view, &facts);
    story.step("session", describe(outcome, facts.bearer.is_none()));
    if let Some(bearer) = &facts.bearer {
        news(&mut story, route, bearer, view.now);
    }
    if let Outcome::Reject(reject) = outcome {
        return story.refuse(reject);
    }
    if reads_claims && let Some(reject) = web_acls(&mut story, snapshot, view, &facts, challenges) {
        return story.refuse(reject);
    }
    limits(&mut story, view, &facts, Stage::Identity);
    let outcome = policy::check(view, &mut facts);
    story.step("policy", describe(outcome, route.authorization.is_none()));
    if let Outcome::Reject(reject) = outcome {
        story.fact("because", facts.denial.as_deref().unwrap_or_default());
        return story.refuse(reject);
    }
    if let Err(reject) = route.flow.admits(view.canonical.framing) {
        return story.refuse(reject);
    }
    let mut added = HeaderMap::new();
    forward::add_headers(route, facts.identity(), &mut added);
    for (name, value) in &added {
        story.step("adds", format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    for (name, value) in route.cors.iter().flat_map(|rule| cors::headers(rule, view.headers)) {
        story.step("answers", format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    if route.attest {
        story.step("attests", "reads the whole body, and signs for the request");
    }
    explain_upstream(&mut story, route);
    story.forward(&route.upstream.name)
}

/// The route's web ACL, then that of the pool which a request to the issuer is for.
fn web_acls(
    story: &mut Story,
    snapshot: &Snapshot,
    view: RequestView<'_>,
    facts: &Facts,
    challenges: &Challenges,
) -> Option<Reject> {
    let token = facts.identity().map(|identity| &identity.token);
    let of_route = view.route.acl.as_ref().and_then(|rule| rules(story, view, rule, token, challenges));
    if of_route.is_some() || !view.route.attest {
        return of_route;
    }
    match acl::pool::find(view, snapshot) {
        Ok(Some(asked)) => {
            story.step("pool", asked.pool.to_string());
            rules(story, view, &asked.rule.rule, None, challenges)
        }
        Ok(None) => {
            story.step("pool", "none is known to have a web ACL before this request");
            None
        }
        Err(Outcome::Reject(reject)) => {
            story.step("pool", "its web ACL can't be used");
            Some(reject)
        }
        Err(_) => Some(Reject::Internal), // a file says whether there is a body
    }
}

/// What each rule of the web ACL says, and what comes of it. Nothing is counted, and nothing was counted before.
fn rules(
    story: &mut Story,
    view: RequestView<'_>,
    rule: &AclRule,
    token: Option<&Verified>,
    challenges: &Challenges,
) -> Option<Reject> {
    let limits = Limits::bounded(0, [0; 16], [0; 16], Instant::now());
    let (table, digester, watch) = (&limits.table, &limits.digester, &Watch::new(&[0; 32]));
    let counting = Counting { table, digester, watch, now: view.moment, only_looks: true };
    let mut judged = Judged::default();
    let clearance = acl::clearance(view, rule, challenges);
    let request = acl::view(view, rule, token, clearance);
    let (said, lines) = waf::explain(&rule.acl, request, &mut judged.progress, &*rule.locate, counting);
    let verdict = match said {
        Said::Done(verdict) => verdict,
        Said::NeedsBody(_) => return Some(Reject::Internal), // a file says whether there is one
    };
    let capacity = rule.acl.capacity;
    story.step(
        "web ACL",
        format!("{} of {capacity} WCU: {} by {}", rule.name, verdict.ending.name(), rule.rule_name(verdict.step)),
    );
    if rule.acl.reads_fingerprints {
        story
            .fact("fingerprints", "JA3 and JA4 are of the TLS handshake, which a file does not tell: rules go without");
    }
    if rule.asks {
        story.fact("has solved", solved(clearance));
    }
    for line in lines {
        story.fact("rule", format!("{}{}", "  ".repeat(line.depth), line.text));
    }
    for origin in judged.progress.origins.told() {
        story.fact("address", origin);
    }
    for label in judged.progress.labels.iter() {
        story.fact("label", label.to_string());
    }
    for header in &judged.progress.headers {
        story.fact("adds", format!("x-amzn-waf-{}: {}", header.name, header.value));
    }
    if let Some(log) = &rule.tells.log {
        let (acl, progress, noted) = (&rule.acl, &judged.progress, &judged.noted);
        let keeps = log.keeps(waf_log::Said { acl, progress, verdict: &verdict, noted });
        story.fact("WAF log", if keeps { "gets a record" } else { "gets none: its filter leaves it out" });
    }
    acl::refusal(&verdict)
}

/// The limits that would be asked at this stage, and by what. Nothing is counted: how often the key was seen is known to a running edge only.
fn limits(story: &mut Story, view: RequestView<'_>, facts: &Facts, stage: Stage) {
    let of_route = view.route.limits.iter().flat_map(|of_route| &of_route.limits);
    for limit in of_route.filter(|limit| limit.stage == stage) {
        let dry_run = if limit.dry_run { ", a dry run" } else { "" };
        let shared = if limit.shared { ", shared with other edges" } else { "" };
        let (rate, window) = (limit.quota.rate(), seconds(limit.quota.window()));
        story.step("limit", format!("{}: {rate} in {window}{shared}{dry_run}; counts nothing here", limit.name));
        if limit.is_for(view.canonical.method) {
            story.fact("key", gates_limits::told_key(view, facts, limit));
        } else {
            story.fact("key", "not for this method");
        }
    }
}

/// What a client's token says, or in AWS's words why it says nothing. Whether it counts depends on the rule.
fn solved(clearance: Clearance) -> String {
    let of = |name, solved: Option<Solved>| {
        solved.map(|solved| format!("a {name} of difficulty {} {} s ago", solved.difficulty, solved.ago))
    };
    match clearance.standing {
        Standing::Missing => "nothing: TOKEN_MISSING".to_owned(),
        Standing::Invalid => "nothing: TOKEN_INVALID".to_owned(),
        Standing::DomainMismatch => "nothing: TOKEN_DOMAIN_MISMATCH".to_owned(),
        Standing::Good => {
            let all = [of("challenge", clearance.challenge), of("captcha", clearance.captcha)];
            all.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    }
}

/// By which session a request without a token goes, and whether one without a session is led to sign in. Cookies are not opened here.
fn signs_in(story: &mut Story, view: RequestView<'_>) -> bool {
    let Some(sign_in) = &view.route.sign_in else { return false };
    story.step("sign-in", format!("{}, at {}", sign_in.name, sign_in.issuer));
    if view.headers.contains_key(http::header::AUTHORIZATION) {
        story.fact("session", "not asked for: the request has `Authorization`");
        return false;
    }
    story.fact("session", format!("in the cookie {}, which is not opened here", sign_in.cookie.as_str()));
    let leads_away = is_navigation(view.canonical.method, view.headers);
    let without =
        if leads_away { "302 to the provider: a page is asked for" } else { "a refusal: no page is asked for" };
    story.fact("without", without);
    leads_away
}

/// What a sender has shown, where the request speaks of DPoP. Whether a proof came before is known to a running edge only.
fn proof(story: &mut Story, view: RequestView<'_>, facts: &Facts) {
    let presented = &facts.presented;
    if presented.scheme != Some(TokenScheme::Dpop) {
        return;
    }
    match (&presented.proof, presented.flaw) {
        (Some(proof), _) => story.fact("proof", format!("good, by the key {}", proof.key)),
        (None, Some(flaw)) => story.fact("proof", flaw),
        (None, None) => story.fact("proof", "not looked at, or none"),
    }
    if presented.flaw == Some(Flaw::Uri.code()) {
        let public = view.route.token.as_ref().and_then(|rule| rule.proof.public_url.as_ref());
        let base = match public {
            Some(base) => format!("{}{}", base.origin(), base.path.as_str().trim_end_matches('/')),
            None => format!("{}://{}", view.connection.scheme.as_str(), view.canonical.host.header_value()),
        };
        story.fact("wants htu", format!("{base}{}", view.canonical.path.as_str()));
    }
}

fn describe(outcome: Outcome, nothing_asked: bool) -> String {
    match outcome {
        Outcome::Continue if nothing_asked => "asks nothing".to_owned(),
        Outcome::Continue => "passes".to_owned(),
        Outcome::Reject(reject) => format!("refuses: {}", reject.metric()),
        Outcome::NeedIntrospection(_) => "asks the issuer, which is not done here".to_owned(),
        Outcome::NeedBody(_) => "asks for the body".to_owned(),
    }
}

/// Who would be asked, and what holds for bodies and time. What is known of the servers' health is the running edge's alone.
fn explain_upstream(story: &mut Story, route: &Route) {
    let upstream = &route.upstream;
    story.step("upstream", &*upstream.name);
    for server in &upstream.live().servers {
        let tls = upstream.settings.tls.as_ref();
        let name = tls.map(|tls| tls.server_name.as_ref().unwrap_or(&server.host));
        let protocol = match upstream.settings.protocol {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
            Protocol::Auto => "HTTP/2 or HTTP/1.1",
        };
        let security = name.map_or_else(String::new, |name| format!(" over TLS as {name}"));
        story.fact("server", format!("{} by {protocol}{security}", server.address));
    }
    if upstream.live().servers.is_empty() {
        story.fact("server", "none: no name has an address now");
    }
    if let Some(most) = route.flow.max_body {
        story.step("max_body", format!("{most} bytes"));
    }
    if let Some(limit) = route.flow.timeout {
        story.step("timeout", format!("{limit:?}"));
    }
}

/// The issuers whose tokens a route takes.
fn named<'s>(route: &'s Route, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s Issuer> {
    let positions = route.token.iter().flat_map(|rule| &rule.issuers);
    positions.filter_map(|&position| snapshot.issuers.get(position).map(|issuer| &**issuer))
}

/// How an issuer's tokens are checked, and by what this explanation goes.
fn whence(issuer: &Issuer, now: UnixMillis) -> String {
    if let Some(introspection) = &issuer.introspection {
        return format!("is asked about its tokens at {}", introspection.settings.endpoint.address);
    }
    let Some(keys) = &issuer.keys else {
        let known = if issuer.trust.is_some() { "as an edge has saved it" } else { "of which nothing is saved" };
        return format!("comes by the feed, {known}");
    };
    let place = &keys.source.place;
    match (&issuer.trust, keys.age(now)) {
        (None, _) => format!("keys from {place}, which are not fetched here, and none are kept on disk"),
        (Some(_), Some(age)) => format!("keys from {place}, as kept on disk {} s ago", age.as_secs()),
        (Some(_), None) => format!("keys from {place}"),
    }
}

fn verified(story: &mut Story, bearer: &Bearer, now: UnixMillis) {
    let token = &bearer.identity.token;
    story.fact("issuer", &*bearer.issuer.name);
    story.fact("sub", &*token.sub);
    story.fact("kid", &*token.kid);
    story.fact("client", &*token.client_id);
    if !token.scope.is_empty() {
        story.fact("scope", &*token.scope);
    }
    if !token.groups.is_empty() {
        story.fact("groups", token.groups.join(", "));
    }
    story.fact("exp", from_now(token.exp, now));
}

/// What a token that did not pass says of itself, and what was wanted instead. Nothing of this is proven.
fn unverified(story: &mut Story, view: RequestView<'_>, rule: &TokenRule, snapshot: &Snapshot) {
    let accepted: Vec<_> = named(view.route, snapshot).filter(|issuer| issuer.introspection.is_none()).collect();
    if let Ok(text) = token::presented(view.headers) {
        let kid = Unverified::parse(text).ok().and_then(|token| token.kid().map(str::to_owned));
        if let Some(kid) = kid {
            story.fact("says kid", kid);
        }
        for (name, value) in claims::told(text, |at| from_now(at, view.now)) {
            story.fact(name, value);
        }
    }
    for issuer in accepted {
        match &issuer.trust {
            None => story.fact("wants iss", format!("that of {}, of which no keys are known", issuer.name)),
            Some(trust) => {
                story.fact("wants iss", format!("{} ({})", trust.iss(), issuer.name));
                for jwk in trust.keys(rule.token_use).jwks().keys() {
                    story.fact("knows kid", jwk.kid());
                }
            }
        }
    }
    let all = |texts: &[String], between: &str| texts.join(between);
    for (name, texts, between) in [
        ("wants aud", &rule.audiences, " or "),
        ("wants client", &rule.clients, " or "),
        ("wants scopes", &rule.scopes_all, " and "),
        ("wants groups", &rule.groups_any, " or "),
    ] {
        if !texts.is_empty() {
            story.fact(name, all(texts, between));
        }
    }
}

fn news(story: &mut Story, route: &Route, bearer: &Bearer, now: UnixMillis) {
    let issuer = &bearer.issuer;
    let age = match &issuer.news {
        None => "none: this issuer tells no revocations".to_owned(),
        Some(news) => news.age(now).map_or("none yet".to_owned(), |age| format!("{} old", seconds(age))),
    };
    story.fact("news", age);
    let rule = &route.revocation;
    if rule.required {
        let otherwise = match rule.stale {
            Stale::Deny => "refuses",
            Stale::Allow => "lets pass",
        };
        story.fact("wants news", format!("at most {} old, else it {otherwise}", seconds(rule.max_staleness)));
    }
    story.fact("revoked", format!("{} names are known", issuer.deaths.len()));
    story.fact("made", bearer.identity.minted.to_rfc3339());
}

fn from_now(at: UnixMillis, now: UnixMillis) -> String {
    let text = at.to_rfc3339();
    if at > now {
        format!("{text}, in {}", seconds(at.since(now)))
    } else {
        format!("{text}, {} ago", seconds(now.since(at)))
    }
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs())
}
