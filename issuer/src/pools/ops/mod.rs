//! One file an operation.

mod add_custom_attributes;
mod create_user_pool;
mod delete_user_pool;
mod describe_user_pool;
mod get_log_delivery_configuration;
mod get_signing_certificate;
mod get_user_pool_mfa_config;
mod get_user_pool_session_configuration;
mod list_tags_for_resource;
mod list_user_pools;
mod set_log_delivery_configuration;
mod set_user_pool_mfa_config;
mod set_user_pool_session_configuration;
mod tag_resource;
mod untag_resource;
mod update_user_pool;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AddCustomAttributes, add_custom_attributes::handle),
        operation(op::CreateUserPool, create_user_pool::handle),
        operation(op::DeleteUserPool, delete_user_pool::handle),
        operation(op::DescribeUserPool, describe_user_pool::handle),
        operation(op::GetLogDeliveryConfiguration, get_log_delivery_configuration::handle),
        operation(op::GetSigningCertificate, get_signing_certificate::handle),
        operation(op::GetUserPoolMfaConfig, get_user_pool_mfa_config::handle),
        operation(op::GetUserPoolSessionConfiguration, get_user_pool_session_configuration::handle),
        operation(op::ListTagsForResource, list_tags_for_resource::handle),
        operation(op::ListUserPools, list_user_pools::handle),
        operation(op::SetLogDeliveryConfiguration, set_log_delivery_configuration::handle),
        operation(op::SetUserPoolMfaConfig, set_user_pool_mfa_config::handle),
        operation(op::SetUserPoolSessionConfiguration, set_user_pool_session_configuration::handle),
        operation(op::TagResource, tag_resource::handle),
        operation(op::UntagResource, untag_resource::handle),
        operation(op::UpdateUserPool, update_user_pool::handle),
    ]
}
