//! Users and their identities at other providers (Cognito: AdminLinkProviderForUser). Nobody signs in by one yet: a link says whose account it will
//! be.
//!
//! Invariants: an identity belongs to one user at most; a user has five at most; `identities` among the user's attributes and the rows change in one
//! batch. A link is to a provider as it was made: one of the same name that is made later has none of its links, or whoever sets it up
//! would be everybody who was linked to the other.

pub mod ops;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
