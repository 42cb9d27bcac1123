//! Passkeys of users (Web Authentication Level 2; Cognito: StartWebAuthnRegistration and its sisters): registered, listed, deleted. Nobody
//! signs in by one yet.
//!
//! Invariants: a registration answers a challenge of this user and app client, once; a credential is one user's of a pool; a user has at most
//! [`MOST`].

mod attestation;
mod client_data;
mod cose;
mod error;
mod model;
mod registration;
mod relying_party;
pub mod rows;
#[cfg(test)]
mod suite;
#[cfg(test)]
pub mod virtual_authenticator;

pub use self::error::PasskeyError;
pub use self::model::Passkey;
pub use self::registration::{Expected, options, verify};
pub use self::relying_party::of_pool as relying_party;

use std::time::Duration;

use cognito_model::idp::types::{AuthFactorType, UserVerificationType, WebAuthnFactorConfigurationType};

use crate::pools::model::Settings;

/// Passkeys of a user (Cognito's quota).
pub const MOST: u64 = 20;
/// How long a challenge is good: the minute that the browser is told, and what comes before and after it.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(300);

/// Whether users of the pool may have passkeys: as a first factor, or as a second one.
pub fn are_enabled(settings: &Settings) -> bool {
    let first = settings.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
    let first = first.and_then(|policy| policy.allowed_first_auth_factors.as_deref()).unwrap_or_default();
    first.contains(&AuthFactorType::WebAuthn) || are_second_factors(settings)
}

/// Whether an authenticator has to verify its user: by PIN or biometrics.
pub fn demand_verification(settings: &Settings) -> bool {
    let asked = settings.passkeys.as_ref().and_then(|passkeys| passkeys.user_verification);
    asked == Some(UserVerificationType::Required) || are_second_factors(settings)
}

fn are_second_factors(settings: &Settings) -> bool {
    let configured = settings.passkeys.as_ref().and_then(|passkeys| passkeys.factor_configuration);
    configured == Some(WebAuthnFactorConfigurationType::MultiFactorWithUserVerification)
}
