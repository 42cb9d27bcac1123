//! One file an operation.

mod create_terms;
mod delete_terms;
mod describe_terms;
mod describe_terms_by_client;
mod list_terms;
mod update_terms;

use cognito_model::idp::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateTerms, create_terms::handle),
        operation(op::DeleteTerms, delete_terms::handle),
        operation(op::DescribeTerms, describe_terms::handle),
        operation(op::DescribeTermsByClient, describe_terms_by_client::handle),
        operation(op::ListTerms, list_terms::handle),
        operation(op::UpdateTerms, update_terms::handle),
    ]
}
