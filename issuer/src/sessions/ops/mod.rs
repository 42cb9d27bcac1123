//! One file an operation.

mod admin_user_global_sign_out;
mod global_sign_out;
mod revoke_token;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminUserGlobalSignOut, admin_user_global_sign_out::handle),
        operation(op::GlobalSignOut, global_sign_out::handle),
        operation(op::RevokeToken, revoke_token::handle),
    ]
}
