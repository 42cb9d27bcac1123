//! What edges report of requests that web ACLs judged: samples of them, and the addresses that rate-based rules hold back. In the memory of this
//! process alone and bounded in every direction: rules, samples of a rule, bytes, time. A restart forgets it, as AWS forgets it after three hours.
//!
//! Whoever receives the reports calls [`Sampled::report`] and [`Sampled::hold_back`]; `waf` answers from it.

mod held;
mod kept;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::EdgeId;

use self::held::Held;
use self::kept::Kept;

/// How long samples stay (AWS: three hours).
pub const SAMPLES_STAY: Duration = Duration::from_secs(3 * 3_600);
/// Rules that have samples, or that hold addresses back.
const MAX_RULES: usize = 10_000;
/// Bytes of all samples together.
const MAX_BYTES: usize = 32 << 20;
/// Bytes of one sample; a larger one is not kept.
const MAX_SAMPLE: usize = 16 << 10;
/// Addresses of all rules together.
const MAX_ADDRESSES: usize = 1_000_000;

/// One request, and what became of it. Whoever reports it has taken out what is to be redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub at: UnixMillis,
    /// How many requests it stands for.
    pub weight: u64,
    pub client: String,
    /// ISO 3166-1 alpha-2, where it is known.
    pub country: Option<String>,
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// `HTTP/1.1`
    pub version: String,
    pub headers: Vec<(String, String)>,
    /// `ALLOW`, `BLOCK`, `COUNT`, `CAPTCHA` or `CHALLENGE`.
    pub action: String,
    /// What the rule would have done, had its group's or its own action not been overridden.
    pub overridden: Option<String>,
    /// The rule of the group, where the rule of the web ACL is a reference to one.
    pub rule_within_group: Option<String>,
    pub labels: Vec<String>,
    pub status: Option<u16>,
    /// Headers that went upstream by the rule's word.
    pub inserted: Vec<(String, String)>,
    /// What came of the last captcha, and of the last challenge, that rules asked for.
    pub captcha: Option<Solved>,
    pub challenge: Option<Solved>,
}

/// What came of a captcha or a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solved {
    /// 0: it was solved.
    pub status: u16,
    /// Seconds since the epoch; 0: never.
    pub at: u64,
    /// AWS's `FailureReason`.
    pub failure: Option<String>,
}

/// Whose samples: a web ACL's ARN, and the metric of one of its rules or its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SampledRule {
    pub web_acl: String,
    pub metric: String,
}

/// Who holds addresses back: a web ACL's id and a rate-based rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RateRule {
    pub web_acl: String,
    pub rule: String,
    pub rule_within_group: Option<String>,
}

/// Requests of a window of time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// How many the rule matched.
    pub requests: u64,
    /// Newest first.
    pub samples: Vec<Sample>,
}

#[derive(Debug, Default)]
pub struct Sampled(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    samples: HashMap<SampledRule, Kept>,
    held: HashMap<RateRule, Held>,
}

impl Sampled {
    /// An edge has seen `requests` that a rule matched since it last said so, these among them. What there is no room for is forgotten.
    pub fn report(&self, now: UnixMillis, rule: SampledRule, requests: u64, samples: Vec<Sample>) {
        let mut inner = self.inner();
        let after = now.minus(SAMPLES_STAY);
        let full = inner.samples.len() >= MAX_RULES && !inner.samples.contains_key(&rule);
        if full || inner.samples.values().map(Kept::bytes).sum::<usize>() >= MAX_BYTES {
            inner.samples.retain(|_, kept| kept.forget(after));
        }
        let room = MAX_BYTES.saturating_sub(inner.samples.values().map(Kept::bytes).sum());
        if inner.samples.len() >= MAX_RULES && !inner.samples.contains_key(&rule) {
            return;
        }
        let kept = inner.samples.entry(rule).or_default();
        kept.forget(after);
        kept.add(now, requests, samples, room);
    }

    /// What is known of a rule between two instants, both included.
    pub fn population(&self, rule: &SampledRule, from: UnixMillis, to: UnixMillis, at_most: usize) -> Population {
        self.inner().samples.get(rule).map(|kept| kept.between(from, to, at_most)).unwrap_or_default()
    }

    /// All addresses that an edge holds back by a rule now. They count until it says otherwise, or says nothing for a while.
    pub fn hold_back(&self, now: UnixMillis, rule: RateRule, edge: EdgeId, addresses: Vec<IpAddr>) {
        let mut inner = self.inner();
        inner.held.retain(|_, held| held.forget(now));
        let others: usize = inner.held.values().map(Held::len).sum();
        let full = inner.held.len() >= MAX_RULES && !inner.held.contains_key(&rule);
        if full || others.saturating_add(addresses.len()) > MAX_ADDRESSES {
            return;
        }
        inner.held.entry(rule).or_default().set(now, edge, addresses);
    }

    /// The addresses that any edge holds back by a rule.
    pub fn held_back(&self, now: UnixMillis, rule: &RateRule) -> BTreeSet<IpAddr> {
        self.inner().held.get(rule).map(|held| held.addresses(now)).unwrap_or_default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sample {
    fn bytes(&self) -> usize {
        let pairs =
            |list: &[(String, String)]| list.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let labels: usize = self.labels.iter().map(String::len).sum();
        size_of::<Self>() + self.uri.len() + pairs(&self.headers) + pairs(&self.inserted) + labels
    }
}
