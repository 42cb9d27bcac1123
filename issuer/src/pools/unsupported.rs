//! Settings that ask for features which are not there yet. They are refused: a pool that asks for MFA must not silently sign people
//! in without it.

use cognito_model::idp::types::{CreateUserPoolRequest, UserPoolMfaType};

/// One of them.
pub struct Missing(&'static str);

/// There are no factors yet, so nobody could be asked for a second one.
pub const MFA: Missing = Missing("MfaConfiguration other than OFF");

impl Missing {
    /// The words of the refusal.
    pub fn refusal(&self) -> String {
        format!("{} is not supported by this issuer yet.", self.0)
    }
}

/// Whether it asks for second factors.
pub fn is_mfa(configuration: Option<UserPoolMfaType>) -> bool {
    !matches!(configuration, None | Some(UserPoolMfaType::Off))
}

/// The first such setting, in the words of the refusal.
pub fn first(request: &CreateUserPoolRequest) -> Option<String> {
    is_mfa(request.mfa_configuration).then(|| MFA.refusal())
}
