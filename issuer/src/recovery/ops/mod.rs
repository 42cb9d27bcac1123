//! One file an operation.

mod admin_reset_user_password;
mod change_password;
mod confirm_forgot_password;
mod forgot_password;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminResetUserPassword, admin_reset_user_password::handle),
        operation(op::ChangePassword, change_password::handle),
        operation(op::ConfirmForgotPassword, confirm_forgot_password::handle),
        operation(op::ForgotPassword, forgot_password::handle),
    ]
}
