//! One file an operation.

mod admin_add_user_to_group;
mod admin_create_user;
mod admin_disable_user;
mod admin_list_groups_for_user;
mod admin_remove_user_from_group;
mod admin_set_user_password;
mod create_group;
mod delete_group;
mod get_group;
mod get_user;
mod list_groups;
mod list_users;
mod list_users_in_group;
mod update_group;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminAddUserToGroup, admin_add_user_to_group::handle),
        operation(op::AdminCreateUser, admin_create_user::handle),
        operation(op::AdminDisableUser, admin_disable_user::handle),
        operation(op::AdminListGroupsForUser, admin_list_groups_for_user::handle),
        operation(op::AdminRemoveUserFromGroup, admin_remove_user_from_group::handle),
        operation(op::AdminSetUserPassword, admin_set_user_password::handle),
        operation(op::CreateGroup, create_group::handle),
        operation(op::DeleteGroup, delete_group::handle),
        operation(op::GetGroup, get_group::handle),
        operation(op::GetUser, get_user::handle),
        operation(op::ListGroups, list_groups::handle),
        operation(op::ListUsers, list_users::handle),
        operation(op::ListUsersInGroup, list_users_in_group::handle),
        operation(op::UpdateGroup, update_group::handle),
    ]
}
