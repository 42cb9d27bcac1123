//! Cognito: CreateUserPoolDomain.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserPoolDomainRequest, CreateUserPoolDomainResponse};

use crate::aws_json::{Call, Write};
use crate::domains::model::{Domain, Settings};
use crate::domains::{published, rows, rules};
use crate::pools::{self, PoolError};
use crate::store::{Batch, CommitError};

pub async fn handle(call: Call, input: CreateUserPoolDomainRequest) -> Result<CreateUserPoolDomainResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let settings = Settings {
        custom: input.custom_domain_config,
        managed_login_version: rules::login_version(input.managed_login_version),
        routing: input.routing,
    };
    rules::check(&input.domain, &settings).map_err(Fault::invalid_parameter)?;
    rules::check_not_ours(&input.domain, &services.deployment.public_url).map_err(Fault::invalid_parameter)?;
    let domain = Domain { pool: pool.id.clone(), name: input.domain, settings, created: call.now, modified: call.now };
    let mut batch = Batch::new();
    let gone = batch.add(pools::rows::hold(&pool.id));
    let taken = batch.add(rows::insert(&domain));
    let changes = vec![published::change(&services.deployment, &domain)];
    match call.commit(Write::new(&pool.id, batch).about(&domain.name).changes(changes)).await {
        Ok(()) => {}
        Err(CommitError::Missed { index }) if index == gone => return Err(PoolError::Absent(pool.id).into()),
        Err(CommitError::Missed { index }) if index == taken => {
            let has_one = services.store.one(rows::of_kind(&domain)).await?.is_some();
            let text = if has_one { HAS_ONE } else { TAKEN };
            return Err(Fault::invalid_parameter(text));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(CreateUserPoolDomainResponse {
        cloud_front_domain: domain.target(&services.deployment),
        managed_login_version: Some(domain.settings.managed_login_version),
        routing: domain.settings.routing,
    })
}

const HAS_ONE: &str = "User pool already has a domain configured.";
const TAKEN: &str = "Domain already associated with another user pool.";
