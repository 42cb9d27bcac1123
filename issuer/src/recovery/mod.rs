//! Another password: forgotten and recovered by a code, changed by the user, reset by an administrator.
//!
//! Invariants: a code is for one user, one address and the password that is to be replaced, so any change of either ends it; it works
//! once, for an hour. Tries are taken from a budget before anything is looked at. Clients that hide who exists get one answer for names
//! that are nobody's and for users who get no code (SECURITY.md I41).
//!
//! **What ends.** A recovered or reset password ends every token of the user, here and at the edges, in the same transaction: the old one may
//! be in wrong hands. A change by the user who knows the old one does not, as in Cognito: apps go on with the tokens that they hold, and
//! offer GlobalSignOut where other sessions are to end (I43).

mod code;
mod error;
pub mod ops;
mod rules;
#[cfg(test)]
mod tests;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
