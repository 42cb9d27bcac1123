//! AWS WAF's log: which requests of a web ACL get a record, and what is in it.
//!
//! One JSON object a line, as AWS writes them ("Log fields for web ACL traffic" of the Developer Guide). What is secret is left out always, and what the logging
//! configuration and the web ACL's data protection name besides ([`crate::redact`]). Bodies are in no record.

mod record;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use common::waf::model::{LogAction, LogCondition, LogFilter, Logging, Redacted};

use crate::samples::Request;
use crate::waf::{Acl, Act, Noted, Progress, Verdict};

use self::record::Record;

/// What of a web ACL's requests is logged.
#[derive(Clone, Debug, Default)]
pub struct LogRules {
    pub redacted: Redacted,
    pub filter: Option<LogFilter>,
}

/// What a web ACL has said of a request.
#[derive(Clone, Copy, Debug)]
pub struct Said<'s> {
    pub acl: &'s Acl,
    pub progress: &'s Progress,
    pub verdict: &'s Verdict,
    pub noted: &'s Noted,
}

/// More of a request than a sample has.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'r> {
    pub request: Request<'r>,
    pub request_id: &'r str,
    pub scheme: &'static str,
    pub host: &'r str,
    /// What the web ACL stands before: AWS's `httpSourceName` and `httpSourceId`.
    pub source: (&'r str, &'r str),
    /// Bytes of the body, as far as it came.
    pub body: u64,
    pub ja3: Option<&'r str>,
    pub ja4: Option<&'r str>,
}

impl LogRules {
    /// As a logging configuration says, and with what the web ACL itself protects.
    pub fn new(logging: Logging, acl: &Acl) -> Self {
        Self { redacted: logging.redacted.and(&acl.protected), filter: logging.filter }
    }

    /// Whether the request gets a record.
    pub fn keeps(&self, said: Said<'_>) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.keeps(|condition| said.meets(condition)))
    }

    /// The record's line.
    pub fn line(&self, said: Said<'_>, logged: &Logged<'_>) -> Option<Vec<u8>> {
        let record = Record::new(said, logged, &self.redacted);
        let mut line = serde_json::to_vec(&record).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

impl Said<'_> {
    /// Whether a condition of a filter is true of the request.
    fn meets(&self, condition: &LogCondition) -> bool {
        match condition {
            LogCondition::Label(label) => self.progress.labels.iter().any(|one: &Arc<str>| **one == **label),
            LogCondition::Action(action) => self.has_acted(*action),
        }
    }

    fn has_acted(&self, action: LogAction) -> bool {
        let mut counted =
            self.progress.matched.iter().filter_map(|matched| Some((matched, self.acl.rule(matched.step)?)));
        let name = match action {
            LogAction::Allow => "ALLOW",
            LogAction::Block => "BLOCK",
            LogAction::Count => "COUNT",
            LogAction::Captcha => "CAPTCHA",
            LogAction::Challenge => "CHALLENGE",
            LogAction::ExcludedAsCount => {
                return counted.any(|(_, rule)| rule.instead_of.is_some() && matches!(rule.act, Act::Count(_)));
            }
        };
        let acted = |(matched, rule): (&crate::waf::Match, &crate::waf::Rule)| match matched.counted {
            true => name == "COUNT",
            false => rule.act.name() == name,
        };
        self.verdict.ending.name() == name || counted.any(acted)
    }
}
