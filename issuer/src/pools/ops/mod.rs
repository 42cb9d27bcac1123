//! One file an operation.

mod create_user_pool;
mod delete_user_pool;
mod describe_user_pool;
mod list_user_pools;
mod update_user_pool;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserPool, create_user_pool::handle),
        operation(op::DeleteUserPool, delete_user_pool::handle),
        operation(op::DescribeUserPool, describe_user_pool::handle),
        operation(op::ListUserPools, list_user_pools::handle),
        operation(op::UpdateUserPool, update_user_pool::handle),
    ]
}
