//! InitiateAuth and RespondToAuthChallenge: join the challenge machine, sessions and tokens.

pub mod ops;
mod parameters;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
