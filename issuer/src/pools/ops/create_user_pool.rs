//! Cognito: CreateUserPool.
//!
//! One batch makes the pool whole ([`founding`]).

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserPoolRequest, CreateUserPoolResponse};
use common::ids::PoolId;

use crate::aws_json::{Call, Write};
use crate::entropy;
use crate::pools::model::Pool;
use crate::pools::{founding, rules, triggers};

/// Cognito's own suffixes have nine characters of this alphabet.
const SUFFIX_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SUFFIX_LENGTH: usize = 9;

pub async fn handle(call: Call, input: CreateUserPoolRequest) -> Result<CreateUserPoolResponse, Fault> {
    let services = &call.services;
    let name = input.pool_name.clone();
    let settings = rules::settings(input)?;
    let suffix = entropy::text::<SUFFIX_LENGTH>(SUFFIX_ALPHABET).map_err(Fault::internal)?;
    let region = call.caller.region().unwrap_or(&services.deployment.region);
    let id = PoolId::parse(format!("{region}_{suffix}")).map_err(Fault::internal)?;
    let iss = format!("{}/{id}", services.deployment.public_url);
    let pool = Pool { id, name, iss, settings, created: call.now, modified: call.now };

    let (batch, _, changes) = founding::of(services, &pool, call.now).await?;
    call.commit(Write::new(&pool.id, batch).about(pool.id.as_str()).changes(changes)).await?;
    triggers::warn(&pool.id, &pool.settings);
    Ok(CreateUserPoolResponse { user_pool: Some(pool.describe(&services.deployment.account_id, 0)) })
}
