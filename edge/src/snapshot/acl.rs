//! The web ACLs of routes and of pools, with what is counted and written about their verdicts.

use std::sync::Arc;

use common::ids::PoolId;
use common::waf::Opened;
use common::waf::model::Redacted;
use prometheus_client::metrics::counter::Counter;

use crate::samples::Tally;
use crate::waf::{Acl, Clearance, Locate, Noted, Progress, Verdict};
use crate::waf_log::LogRules;

/// How the names of pools' web ACLs begin: no configuration's web ACL is called so.
pub const OF_POOLS: &str = "wafv2:";

/// A web ACL as a route or a pool has it. Several of them may share one.
#[derive(Debug)]
pub struct AclRule {
    /// For logs and metrics: the configuration's name for it, or that of a pool's.
    pub name: Box<str>,
    pub acl: Acl,
    pub meter: AclMeter,
    pub encoded: EncodedBodies,
    pub logs: AclLog,
    pub locate: Arc<dyn Locate>,
    /// Some rule asks for a challenge or a captcha, or what the client's token says of them.
    pub asks: bool,
    pub tells: AclTells,
}

/// What is told of the requests that a web ACL judges, beside the access log.
#[derive(Debug, Default)]
pub struct AclTells {
    /// Of those that an issuer knows.
    pub samples: Option<Tally>,
    /// Where requests are logged as AWS WAF logs them.
    pub log: Option<LogRules>,
    /// What neither tells.
    pub redacted: Redacted,
}

/// What becomes of a body whose `Content-Encoding` hides it from rules that would inspect it (SECURITY.md E23).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodedBodies {
    #[default]
    Refuse,
    /// As AWS WAF does: the encoded bytes are inspected.
    Inspect,
}

/// Which requests get a line in the access log for what the web ACL says of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AclLog {
    /// Refused ones.
    Refused,
    /// Those that some rule matched, also if it only counts.
    #[default]
    Matched,
}

/// The counters of a web ACL's rules. What counts nothing has no counters.
#[derive(Clone, Debug, Default)]
pub struct AclMeter {
    /// By the places of rules.
    pub rules: Vec<Option<RuleMeter>>,
    pub default: Option<Counter>,
}

/// What a rule did.
#[derive(Clone, Debug)]
pub struct RuleMeter {
    /// Its own action.
    pub acted: Counter,
    /// It matched and the evaluation went on.
    pub counted: Counter,
}

/// What a web ACL has said of a request so far.
#[derive(Debug, Default)]
pub struct Judged {
    pub progress: Progress,
    pub verdict: Option<Verdict>,
    /// What the client had solved.
    pub clearance: Clearance,
    /// More of what matched, where it is logged.
    pub noted: Noted,
}

/// The web ACL that a pool is associated with at its issuer (AWS WAFv2 `AssociateWebACL`).
#[derive(Clone, Debug)]
pub enum PoolAcl {
    Of(Arc<PoolRule>),
    /// The issuer has sent one that this edge can't use, and there is no earlier one: nobody knows what it would let through.
    Unreadable,
}

/// A pool's web ACL, with all that it refers to.
#[derive(Debug)]
pub struct PoolRule {
    pub rule: AclRule,
    /// What it was made of.
    pub opened: Arc<Opened>,
}

/// What a pool's web ACL has said of a request so far.
#[derive(Debug)]
pub struct PoolJudged {
    pub pool: PoolId,
    pub rule: Arc<PoolRule>,
    pub judged: Judged,
}

impl PoolAcl {
    /// Whether it asks for challenges or captchas.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Of(of) if of.rule.asks)
    }
}

impl AclRule {
    /// The full name of a rule for logs: `acl/rule`, or `acl/group/rule`.
    pub fn rule_name(&self, step: Option<usize>) -> String {
        match step.and_then(|step| self.acl.rule(step)) {
            None => format!("{}/(default)", self.name),
            Some(rule) => match &rule.group {
                None => format!("{}/{}", self.name, rule.name),
                Some(group) => format!("{}/{group}/{}", self.name, rule.name),
            },
        }
    }

    /// Counts a verdict, and every rule that matched before it.
    pub fn count(&self, judged: &Judged) {
        let Some(verdict) = &judged.verdict else { return };
        let meter = |step: usize| self.meter.rules.get(step).and_then(Option::as_ref);
        for matched in &judged.progress.matched {
            if let Some(meter) = meter(matched.step) {
                meter.counted.inc();
            }
        }
        let ended = match verdict.step {
            Some(step) => meter(step).map(|meter| &meter.acted),
            None => self.meter.default.as_ref(),
        };
        if let Some(counter) = ended {
            counter.inc();
        }
    }
}
