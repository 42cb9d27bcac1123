//! Whether a token is good, as pure functions of the token, the keys, the policy and the time.
//!
//! The work is cut where a gateway caches it. [`Unverified::parse`] reads the text once; [`Unverified::authenticate`] checks
//! what depends on the token alone (signature, issuer, profile, times) and yields a [`Verified`] to keep; each later use of
//! the same token asks [`Verified::still_valid`], [`Verified::held_by`], [`Policy::admit`] and [`Policy::is_recent`], which do not touch the
//! signature. Revocation is the caller's next question, and is never answered from here.

mod authenticate;
mod claim;
mod confirmation;
mod introspection;
pub mod not_before;
mod policy;
mod profile;
mod providers;
mod times;
mod unverified;
mod verified;

use crate::clock::UnixMillis;
use crate::jose::KeySet;
use crate::reject::Reject;

pub use claim::{ClaimPath, ClaimRule, Condition, Number, Values};
pub use confirmation::{Confirmation, Held, Possession};
pub use introspection::{
    Introspected, IntrospectionTerms, MAX_INTROSPECTION_BYTES, MAX_OPAQUE_BYTES, UnreadableAnswer, is_opaque_token,
    looks_like_jws,
};
pub use policy::Policy;
pub use profile::Profile;
pub use times::Leeway;
pub use unverified::{Unverified, UnverifiedIssuer, peek_issuer};
pub use verified::Verified;

/// Everything at once: authenticates the token and applies the policy. The token is all that its sender has shown, so one that is bound to a key
/// or a certificate is refused.
pub fn verify(token: &str, keys: &KeySet, policy: &Policy, now: UnixMillis) -> Result<Verified, Reject> {
    let verified = authenticate(token, keys, policy.profile, policy.leeway, now)?;
    let held = verified.held_by(&Possession::NONE)?;
    policy.admit(&verified, &held)?;
    policy.is_recent(&verified, now)?;
    Ok(verified)
}

/// Checks signature, issuer, the claims that the profile requires, and the times.
pub fn authenticate(
    token: &str,
    keys: &KeySet,
    profile: Profile,
    leeway: Leeway,
    now: UnixMillis,
) -> Result<Verified, Reject> {
    Unverified::parse(token)?.authenticate(keys, profile, leeway, now)
}
