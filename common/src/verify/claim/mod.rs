//! What a route asks of any one claim: where it stands in the token, and how it must compare.
//!
//! A condition is about one type. A claim that is missing, or of another type than the condition's, does not meet it, whichever way the
//! comparison runs: `"3"` is not the number 3, and a claim that is not there is not "unequal" to anything.

mod condition;
mod number;
mod path;
mod values;

use std::fmt;

use serde_json::Value;

use crate::jose::json::Object;

pub use condition::Condition;
pub use number::Number;
pub use path::ClaimPath;
pub use values::Values;

/// One claim and one condition on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRule {
    pub path: ClaimPath,
    pub condition: Condition,
}

impl ClaimRule {
    /// Whether the claims of a verified token meet the rule. Claims at the top that are no lists are compared where they lie.
    pub fn is_met(&self, claims: &Object) -> bool {
        let Some(raw) = claims.raw(self.path.top()) else { return self.condition.is_met_without() };
        if self.path.is_nested() {
            let value: Option<Value> = serde_json::from_str(raw).ok();
            return self.condition.is_met_by(value.as_ref().and_then(|value| self.path.below(value)));
        }
        match self.condition.is_met_by_raw(raw) {
            Some(met) => met,
            None => self.condition.is_met_by(serde_json::from_str(raw).ok().as_ref()),
        }
    }
}

impl fmt::Display for ClaimRule {
    /// As an operator would say it: `"level" ge 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {}", self.path, self.condition)
    }
}

#[cfg(test)]
mod tests;
