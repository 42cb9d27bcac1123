//! What of a web ACL's requests is told to anybody: which are logged, and what is left out.

/// Which requests are logged, and without what (AWS WAFv2 `LoggingConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    pub redacted: Redacted,
    /// None: all are logged.
    pub filter: Option<LogFilter>,
}

/// Parts of a request that are not told (`RedactedFields`, `DataProtectionConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    pub method: bool,
    pub path: bool,
    /// The whole of it.
    pub query: bool,
    /// Names, in lower case.
    pub headers: Vec<String>,
    /// Names of arguments of the query, in lower case.
    pub arguments: Vec<String>,
}

/// `LoggingFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// In their order: the first that is met decides.
    pub filters: Vec<LogRule>,
    /// What becomes of requests that meet none.
    pub keeps_others: bool,
}

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRule {
    /// Requests that meet it are logged; else they are not.
    pub keeps: bool,
    /// All conditions have to be met, not just one.
    pub needs_all: bool,
    /// At least one.
    pub conditions: Vec<LogCondition>,
}

/// What a filter asks of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogCondition {
    /// A rule acted so on it, or the default action is that.
    Action(LogAction),
    /// It has this label, which is written with all its prefixes.
    Label(String),
}

/// What became of a request by one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogAction {
    Allow,
    Block,
    Count,
    Captcha,
    Challenge,
    /// It matched a rule that a web ACL lets count instead of what its group says.
    ExcludedAsCount,
}

impl Redacted {
    /// Leaves out what either leaves out.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.method |= other.method;
        self.path |= other.path;
        self.query |= other.query;
        self.headers.extend(other.headers.iter().cloned());
        self.arguments.extend(other.arguments.iter().cloned());
        self
    }
}

impl LogFilter {
    /// Whether a request is logged; `meets` says what is true of it.
    pub fn keeps(&self, meets: impl Fn(&LogCondition) -> bool) -> bool {
        let is_met = |rule: &&LogRule| match rule.needs_all {
            true => rule.conditions.iter().all(&meets),
            false => rule.conditions.iter().any(&meets),
        };
        self.filters.iter().find(is_met).map_or(self.keeps_others, |rule| rule.keeps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_filter_that_is_met_decides() {
        let action = LogCondition::Action(LogAction::Block);
        let label = LogCondition::Label("awswaf:1:webacl:a:x".into());
        let rule = |keeps, needs_all, conditions: &[&LogCondition]| LogRule {
            keeps,
            needs_all,
            conditions: conditions.iter().copied().cloned().collect(),
        };
        let filter = LogFilter {
            filters: vec![rule(false, true, &[&action, &label]), rule(true, false, &[&action, &label])],
            keeps_others: false,
        };
        let keeps = |met: &[&LogCondition]| filter.keeps(|one| met.contains(&one));
        assert!(!keeps(&[&action, &label]), "dropped by the first");
        assert!(keeps(&[&action]) && keeps(&[&label]), "kept by the second");
        assert!(!keeps(&[]));
        assert!(LogFilter { keeps_others: true, ..filter.clone() }.keeps(|_| false));
    }
}
