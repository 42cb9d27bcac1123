//! One file an operation.

mod get_provisioned_limit;
mod update_provisioned_limit;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::GetProvisionedLimit, get_provisioned_limit::handle),
        operation(op::UpdateProvisionedLimit, update_provisioned_limit::handle),
    ]
}
