//! One file an operation.

mod admin_disable_provider_for_user;
mod admin_link_provider_for_user;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminDisableProviderForUser, admin_disable_provider_for_user::handle),
        operation(op::AdminLinkProviderForUser, admin_link_provider_for_user::handle),
    ]
}
