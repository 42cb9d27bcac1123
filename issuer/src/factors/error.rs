//! Cognito's words for what is wrong with a factor.

use cognito_model::{Exception, Fault};

use super::software_token::TokenError;

impl From<TokenError> for Fault {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Absent => {
                Self::new(Exception::SoftwareTokenMFANotFound, "Software Token MFA does not exist for the user.")
            }
            TokenError::Internal(detail) => Self::internal(detail),
            TokenError::Unavailable(detail) => Self::unavailable(detail),
        }
    }
}

/// The pool has no software tokens.
pub fn not_offered() -> Fault {
    Fault::new(Exception::SoftwareTokenMFANotFound, "Software Token MFA has not been enabled by the userPool")
}

/// A first code that is wrong.
pub fn mismatch() -> Fault {
    Fault::new(Exception::EnableSoftwareTokenMFA, "Code mismatch and fail enable Software Token MFA")
}
