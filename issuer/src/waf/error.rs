//! What can be wrong, and how AWS says it.

use cognito_model::{Exception, Fault};
use common::waf::Invalid;

#[derive(Debug, thiserror::Error)]
pub enum WafError {
    #[error("{0}")]
    Nonexistent(String),
    #[error("there is another one of the name {0}")]
    Duplicate(String),
    #[error("the lock token is not the present one")]
    Stale,
    #[error("{0}")]
    InUse(String),
    #[error("{0}")]
    Limit(String),
    #[error("{reason}")]
    Invalid { field: &'static str, parameter: String, reason: String },
    /// Something that a deployment of one's own does not have.
    #[error("{0}")]
    Operation(&'static str),
    #[error("{0}")]
    KeyType(&'static str),
    #[error("{0}")]
    Policy(&'static str),
    /// Others keep changing web ACLs.
    #[error("others are changing web ACLs")]
    Busy,
}

impl WafError {
    /// `field`: one of the model's `ParameterExceptionField`.
    pub fn invalid(field: &'static str, parameter: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field, parameter: parameter.into(), reason: reason.into() }
    }
}

impl From<Invalid> for WafError {
    fn from(invalid: Invalid) -> Self {
        let Invalid { field, place, parameter, reason } = invalid;
        let reason = if place.is_empty() { reason } else { format!("{place} {reason}") };
        Self::Invalid { field, parameter, reason }
    }
}

impl From<WafError> for Fault {
    fn from(error: WafError) -> Self {
        match error {
            WafError::Nonexistent(what) => Self::new(Exception::WAFNonexistentItem, what),
            WafError::Duplicate(name) => {
                Self::new(Exception::WAFDuplicateItem, format!("There is another one of the name {name}."))
            }
            WafError::Stale => Self::new(
                Exception::WAFOptimisticLock,
                "It was changed since you have read it: the LockToken is not the present one. Read it again.",
            ),
            WafError::InUse(what) => Self::new(Exception::WAFAssociatedItem, what),
            WafError::Limit(what) => Self::new(Exception::WAFLimitsExceeded, what),
            WafError::Invalid { field, parameter, reason } => {
                let text = format!("Error reason: {reason}, field: {field}, parameter: {parameter}");
                Self::new(Exception::WAFInvalidParameter, text)
                    .with_detail("Field", field)
                    .with_detail("Parameter", parameter)
                    .with_detail("Reason", reason)
            }
            WafError::Operation(why) => Self::new(Exception::WAFInvalidOperation, why),
            WafError::KeyType(why) => Self::new(Exception::WAFUnsupportedAggregateKeyType, why),
            WafError::Policy(why) => Self::new(Exception::WAFInvalidPermissionPolicy, why),
            WafError::Busy => {
                Self::new(Exception::WAFUnavailableEntity, "Others are changing web ACLs at this moment. Try again.")
            }
        }
    }
}
