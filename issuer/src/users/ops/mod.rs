//! One file an operation.

mod admin_add_user_to_group;
mod admin_create_user;
mod admin_delete_user_attributes;
mod admin_disable_user;
mod admin_enable_user;
mod admin_get_user;
mod admin_set_user_password;
mod admin_update_user_attributes;
mod create_group;
mod delete_user_attributes;
mod get_user;
mod get_user_attribute_verification_code;
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
        operation(op::AdminSetUserPassword, admin_set_user_password::handle),
        operation(op::AdminUpdateUserAttributes, admin_update_user_attributes::handle),
        operation(op::CreateGroup, create_group::handle),
        operation(op::DeleteUserAttributes, delete_user_attributes::handle),
        operation(op::GetUser, get_user::handle),
        operation(op::GetUserAttributeVerificationCode, get_user_attribute_verification_code::handle),
        operation(op::UpdateUserAttributes, update_user_attributes::handle),
        operation(op::VerifyUserAttribute, verify_user_attribute::handle),
    ]
}
