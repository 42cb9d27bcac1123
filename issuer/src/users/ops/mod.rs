//! One file an operation.

mod admin_add_user_to_group;
mod admin_create_user;
mod admin_delete_user_attributes;
mod admin_disable_user;
mod admin_enable_user;
mod admin_get_user;
mod admin_list_groups_for_user;
mod admin_remove_user_from_group;
mod admin_set_user_password;
mod admin_update_user_attributes;
mod create_group;
mod delete_group;
mod delete_user_attributes;
mod get_group;
mod get_user;
mod get_user_attribute_verification_code;
mod list_groups;
mod list_users;
mod list_users_in_group;
mod update_group;
mod update_user_attributes;
mod verify_user_attribute;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminAddUserToGroup, admin_add_user_to_group::handle),
        operation(op::AdminCreateUser, admin_create_user::handle),
        operation(op::AdminDeleteUserAttributes, admin_delete_user_attributes::handle),
        operation(op::AdminDisableUser, admin_disable_user::handle),
        operation(op::AdminEnableUser, admin_enable_user::handle),
        operation(op::AdminGetUser, admin_get_user::handle),
        operation(op::AdminListGroupsForUser, admin_list_groups_for_user::handle),
        operation(op::AdminRemoveUserFromGroup, admin_remove_user_from_group::handle),
        operation(op::AdminSetUserPassword, admin_set_user_password::handle),
        operation(op::AdminUpdateUserAttributes, admin_update_user_attributes::handle),
        operation(op::CreateGroup, create_group::handle),
        operation(op::DeleteGroup, delete_group::handle),
        operation(op::DeleteUserAttributes, delete_user_attributes::handle),
        operation(op::GetGroup, get_group::handle),
        operation(op::GetUser, get_user::handle),
        operation(op::GetUserAttributeVerificationCode, get_user_attribute_verification_code::handle),
        operation(op::ListGroups, list_groups::handle),
        operation(op::ListUsers, list_users::handle),
        operation(op::ListUsersInGroup, list_users_in_group::handle),
        operation(op::UpdateGroup, update_group::handle),
        operation(op::UpdateUserAttributes, update_user_attributes::handle),
        operation(op::VerifyUserAttribute, verify_user_attribute::handle),
    ]
}
