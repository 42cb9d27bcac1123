//! One file an operation.

mod admin_list_user_auth_events;
mod admin_update_auth_event_feedback;
mod update_auth_event_feedback;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminListUserAuthEvents, admin_list_user_auth_events::handle),
        operation(op::AdminUpdateAuthEventFeedback, admin_update_auth_event_feedback::handle),
        operation(op::UpdateAuthEventFeedback, update_auth_event_feedback::handle),
    ]
}
