//! One request, and what became of it by one rule.

use std::net::IpAddr;
use std::sync::Arc;

use common::clock::UnixMillis;
use common::waf::model::{InsertedHeader, Redacted};
use http::HeaderMap;

use crate::redact::{self, Bounds};
use crate::samples::answered::{Answered, Asked};
use crate::waf::{Acl, Clearance, Ending, Match, Progress, Verdict};

const BOUNDS: Bounds = Bounds { fields: 64, value: 1_024, headers: 8_192 };
const MAX_LABELS: usize = 100;
const MAX_INSERTED: usize = 20;
/// Bytes of all labels, and of all inserted headers.
const MAX_LIST: usize = 2_048;

/// What is told of a request, without secrets.
#[derive(Debug)]
pub struct Told {
    pub at: UnixMillis,
    pub client: Option<IpAddr>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<[u8; 2]>,
    pub method: String,
    /// Path and query.
    pub uri: String,
    pub version: &'static str,
    pub headers: Vec<(String, String)>,
    pub labels: Vec<Arc<str>>,
    /// Headers that went upstream by the rules' word.
    pub inserted: Vec<(String, String)>,
    /// What was answered, where the web ACL itself answered.
    pub status: Option<u16>,
    pub captcha: Option<Answered>,
    pub challenge: Option<Answered>,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    pub action: &'static str,
    /// What it would have done, had it not been overridden.
    pub overridden: Option<&'static str>,
    /// The rule of the group, where that of the web ACL refers to one.
    pub within: Option<Arc<str>>,
}

/// A sample.
#[derive(Clone, Debug)]
pub struct Taken {
    pub told: Arc<Told>,
    pub acted: Acted,
    /// How many requests it stands for.
    pub weight: u64,
}

/// What is asked of a request to tell of it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    pub at: UnixMillis,
    pub client: Option<IpAddr>,
    pub country: Option<[u8; 2]>,
    pub method: &'r str,
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub version: &'static str,
    pub headers: &'r HeaderMap,
    pub clearance: Clearance,
    /// What was answered.
    pub status: u16,
}

/// Makes what is told. `redacted` beside what is secret anyway.
pub fn told(request: &Request<'_>, acl: &Acl, progress: &Progress, verdict: &Verdict, redacted: &Redacted) -> Told {
    let path = redact::path(request.path, redacted, BOUNDS);
    let query = request.query.map(|query| redact::query(query, redacted, BOUNDS));
    Told {
        at: request.at,
        client: request.client,
        country: request.country,
        method: redact::method(request.method, redacted),
        uri: query.map_or_else(|| path.clone(), |query| format!("{path}?{query}")),
        version: request.version,
        headers: redact::headers(request.headers, redacted, BOUNDS),
        labels: first(progress.labels.told().take(MAX_LABELS).cloned(), |label| label.len()),
        inserted: first(inserted(&progress.headers).take(MAX_INSERTED), |(name, value)| name.len() + value.len()),
        status: says_status(verdict).then_some(request.status),
        captcha: Asked::Captcha.last(acl, progress, verdict, request.clearance, request.at),
        challenge: Asked::Challenge.last(acl, progress, verdict, request.clearance, request.at),
    }
}

/// As many as make up so many bytes.
fn first<T>(items: impl Iterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Vec<T> {
    let mut sum = 0;
    let fits = |item: &T| {
        sum += bytes(item);
        sum <= MAX_LIST
    };
    items.take_while(fits).collect()
}

/// Names as they go upstream.
pub fn inserted(headers: &[InsertedHeader]) -> impl Iterator<Item = (String, String)> {
    headers.iter().map(|header| {
        (format!("x-amzn-waf-{}", header.name.to_ascii_lowercase()), redact::cut(&header.value, 1_024).into_owned())
    })
}

/// Whether the answer is the web ACL's own: not the upstream's, nor the edge's usual refusal.
pub fn says_status(verdict: &Verdict) -> bool {
    match &verdict.ending {
        Ending::Allow => false,
        Ending::Block(response) => response.is_some(),
        Ending::Captcha | Ending::Challenge => true,
    }
}

impl Acted {
    /// A rule that let the request go on.
    pub fn counted(acl: &Acl, matched: &Match) -> Self {
        let Some(rule) = acl.rule(matched.step) else {
            return Self { action: "COUNT", overridden: None, within: None };
        };
        let action = if matched.counted { "COUNT" } else { rule.act.name() };
        Self { action, overridden: rule.would_have(matched), within: within(acl, matched.step) }
    }

    /// What ended it.
    pub fn ended(acl: &Acl, verdict: &Verdict) -> Self {
        let rule = verdict.step.and_then(|step| acl.rule(step));
        Self {
            action: verdict.ending.name(),
            overridden: rule.and_then(|rule| rule.instead_of),
            within: verdict.step.and_then(|step| within(acl, step)),
        }
    }
}

fn within(acl: &Acl, step: usize) -> Option<Arc<str>> {
    let rule = acl.rule(step)?;
    rule.group.is_some().then(|| Arc::clone(&rule.name))
}

impl Taken {
    /// As far as it takes memory, and room in a report.
    pub fn bytes(&self) -> usize {
        let pairs =
            |list: &[(String, String)]| list.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
        let labels: usize = self.told.labels.iter().map(|label| label.len() + 4).sum();
        let within = self.acted.within.as_ref().map_or(0, |name| name.len());
        256 + self.told.uri.len() + pairs(&self.told.headers) + pairs(&self.told.inserted) + labels + within
    }
}
