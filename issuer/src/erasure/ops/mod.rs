//! One file an operation.

mod admin_delete_user;
mod delete_user;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![operation(op::AdminDeleteUser, admin_delete_user::handle), operation(op::DeleteUser, delete_user::handle)]
}
