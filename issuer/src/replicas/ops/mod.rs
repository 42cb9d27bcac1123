//! One file an operation.

mod create_user_pool_replica;
mod delete_user_pool_replica;
mod list_user_pool_replicas;
mod update_user_pool_replica;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateUserPoolReplica, create_user_pool_replica::handle),
        operation(op::DeleteUserPoolReplica, delete_user_pool_replica::handle),
        operation(op::ListUserPoolReplicas, list_user_pool_replicas::handle),
        operation(op::UpdateUserPoolReplica, update_user_pool_replica::handle),
    ]
}
