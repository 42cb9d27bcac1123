//! One file an operation.

mod get_client_token;
mod get_derived_token;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::GetClientToken, get_client_token::handle),
        operation(op::GetDerivedToken, get_derived_token::handle),
    ]
}
