//! Cognito: DescribeUserPoolDomain. It names no pool; a domain that is not there is an empty description, as with Cognito.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeUserPoolDomainRequest, DescribeUserPoolDomainResponse, DomainDescriptionType};

use crate::aws_json::Call;
use crate::domains::rows;

pub async fn handle(call: Call, input: DescribeUserPoolDomainRequest) -> Result<DescribeUserPoolDomainResponse, Fault> {
    let described = match call.services.store.one(rows::by_name(&input.domain)).await? {
        Some(row) => rows::domain(&row)?.describe(&call.services.deployment),
        None => DomainDescriptionType::default(),
    };
    Ok(DescribeUserPoolDomainResponse { domain_description: Some(described) })
}
