//! One file an operation.

mod create_user_pool_client;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![operation(op::CreateUserPoolClient, create_user_pool_client::handle)]
}
