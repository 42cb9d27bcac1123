//! One file an operation.

mod create_resource_server;
mod delete_resource_server;
mod describe_resource_server;
mod list_resource_servers;
mod update_resource_server;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateResourceServer, create_resource_server::handle),
        operation(op::DeleteResourceServer, delete_resource_server::handle),
        operation(op::DescribeResourceServer, describe_resource_server::handle),
        operation(op::ListResourceServers, list_resource_servers::handle),
        operation(op::UpdateResourceServer, update_resource_server::handle),
    ]
}
