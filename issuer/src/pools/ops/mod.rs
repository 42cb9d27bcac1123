//! One file an operation.

mod create_user_pool;
mod describe_user_pool;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserPool, create_user_pool::handle),
        operation(op::DescribeUserPool, describe_user_pool::handle),
    ]
}
