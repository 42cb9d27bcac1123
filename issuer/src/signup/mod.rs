//! Sign-up: the making of a user by the user, its confirmation by code, and new codes.

mod code;
pub mod ops;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
