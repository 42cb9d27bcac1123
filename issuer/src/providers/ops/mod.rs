//! One file an operation.

mod create_identity_provider;
mod delete_identity_provider;
mod describe_identity_provider;
mod get_identity_provider_by_identifier;
mod list_identity_providers;
mod update_identity_provider;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateIdentityProvider, create_identity_provider::handle),
        operation(op::DeleteIdentityProvider, delete_identity_provider::handle),
        operation(op::DescribeIdentityProvider, describe_identity_provider::handle),
        operation(op::GetIdentityProviderByIdentifier, get_identity_provider_by_identifier::handle),
        operation(op::ListIdentityProviders, list_identity_providers::handle),
        operation(op::UpdateIdentityProvider, update_identity_provider::handle),
    ]
}
