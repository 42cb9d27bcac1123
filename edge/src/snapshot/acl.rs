//! The web ACL of a route, with what is counted and written about its verdicts.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use crate::waf::{Acl, Locate, Progress, Verdict};

/// A web ACL as a route has it. Routes share one.
#[derive(Debug)]
pub struct AclRule {
    /// The configuration's name for it.
    pub name: Box<str>,
    pub acl: Acl,
    pub meter: AclMeter,
    pub encoded: EncodedBodies,
    pub logs: AclLog,
    pub locate: Arc<dyn Locate>,
    /// Some rule asks for a challenge or a captcha.
    pub asks: bool,
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
