//! One file an operation.

mod admin_confirm_sign_up;
mod confirm_sign_up;
mod resend_confirmation_code;
mod sign_up;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminConfirmSignUp, admin_confirm_sign_up::handle),
        operation(op::ConfirmSignUp, confirm_sign_up::handle),
        operation(op::ResendConfirmationCode, resend_confirmation_code::handle),
        operation(op::SignUp, sign_up::handle),
    ]
}
