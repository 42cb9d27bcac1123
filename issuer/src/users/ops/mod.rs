//! One file an operation.

mod admin_add_user_to_group;
mod admin_create_user;
mod admin_disable_user;
mod admin_set_user_password;
mod create_group;
mod get_user;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminAddUserToGroup, admin_add_user_to_group::handle),
        operation(op::AdminCreateUser, admin_create_user::handle),
        operation(op::AdminDisableUser, admin_disable_user::handle),
        operation(op::AdminSetUserPassword, admin_set_user_password::handle),
        operation(op::CreateGroup, create_group::handle),
        operation(op::GetUser, get_user::handle),
    ]
}
