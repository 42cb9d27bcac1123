//! Provisioned limits: request rates of the deployment by category (Cognito: UpdateProvisionedLimit). They are kept and shown; what counts
//! requests goes by the operator's `[quotas]`.

mod limit;
pub mod ops;
pub mod rows;
#[cfg(test)]
mod suite;

use crate::aws_json::Registered;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}
