//! One file an operation.

mod create_user_pool_client;
mod delete_user_pool_client;
mod describe_user_pool_client;
mod list_user_pool_clients;
mod update_user_pool_client;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserPoolClient, create_user_pool_client::handle),
        operation(op::DeleteUserPoolClient, delete_user_pool_client::handle),
        operation(op::DescribeUserPoolClient, describe_user_pool_client::handle),
        operation(op::ListUserPoolClients, list_user_pool_clients::handle),
        operation(op::UpdateUserPoolClient, update_user_pool_client::handle),
    ]
}
