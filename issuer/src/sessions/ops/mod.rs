//! One file an operation.

mod admin_list_user_sessions;
mod admin_revoke_user_session;
mod admin_user_global_sign_out;
mod global_sign_out;
mod list_user_sessions;
mod revoke_token;
mod revoke_user_session;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminListUserSessions, admin_list_user_sessions::handle),
        operation(op::AdminRevokeUserSession, admin_revoke_user_session::handle),
        operation(op::AdminUserGlobalSignOut, admin_user_global_sign_out::handle),
        operation(op::GlobalSignOut, global_sign_out::handle),
        operation(op::ListUserSessions, list_user_sessions::handle),
        operation(op::RevokeToken, revoke_token::handle),
        operation(op::RevokeUserSession, revoke_user_session::handle),
    ]
}
