//! One file an operation.

mod add_user_pool_client_secret;
mod create_user_pool_client;
mod delete_user_pool_client;
mod delete_user_pool_client_secret;
mod describe_user_pool_client;
mod get_user_pool_client_session_configuration;
mod list_user_pool_client_secrets;
mod list_user_pool_clients;
mod set_user_pool_client_session_configuration;
mod update_user_pool_client;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AddUserPoolClientSecret, add_user_pool_client_secret::handle),
        operation(op::CreateUserPoolClient, create_user_pool_client::handle),
        operation(op::DeleteUserPoolClient, delete_user_pool_client::handle),
        operation(op::DeleteUserPoolClientSecret, delete_user_pool_client_secret::handle),
        operation(op::DescribeUserPoolClient, describe_user_pool_client::handle),
        operation(op::GetUserPoolClientSessionConfiguration, get_user_pool_client_session_configuration::handle),
        operation(op::ListUserPoolClientSecrets, list_user_pool_client_secrets::handle),
        operation(op::ListUserPoolClients, list_user_pool_clients::handle),
        operation(op::SetUserPoolClientSessionConfiguration, set_user_pool_client_session_configuration::handle),
        operation(op::UpdateUserPoolClient, update_user_pool_client::handle),
    ]
}
