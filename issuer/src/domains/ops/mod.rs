//! One file an operation.

mod create_user_pool_domain;
mod delete_user_pool_domain;
mod describe_user_pool_domain;
mod update_user_pool_domain;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserPoolDomain, create_user_pool_domain::handle),
        operation(op::DeleteUserPoolDomain, delete_user_pool_domain::handle),
        operation(op::DescribeUserPoolDomain, describe_user_pool_domain::handle),
        operation(op::UpdateUserPoolDomain, update_user_pool_domain::handle),
    ]
}
