//! Cognito: CreateUserPool.
//!
//! One batch makes the pool, its data key, its two signing keys and its feed, so that a pool is whole or not there.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserPoolRequest, CreateUserPoolResponse};
use common::feed::{Change, PoolSettings};
use common::ids::PoolId;
use common::jose::Alg;

use crate::aws_json::{Call, Write};
use crate::entropy;
use crate::keys::Rotation;
use crate::outbox;
use crate::pools::model::Pool;
use crate::pools::{rows, rules};
use crate::store::Batch;

/// Cognito's own suffixes have nine characters of this alphabet.
const SUFFIX_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SUFFIX_LENGTH: usize = 9;
/// Cognito: 1–86,400 s for ID and access tokens.
const LONGEST_TOKEN_LIFE_S: u64 = 86_400;

pub async fn handle(call: Call, input: CreateUserPoolRequest) -> Result<CreateUserPoolResponse, Fault> {
    let services = &call.services;
    let name = input.pool_name.clone();
    let settings = rules::settings(input)?;
    let suffix = entropy::text::<SUFFIX_LENGTH>(SUFFIX_ALPHABET).map_err(Fault::internal)?;
    let id = PoolId::parse(format!("{}_{suffix}", services.deployment.region)).map_err(Fault::internal)?;
    let iss = format!("{}/{id}", services.deployment.public_url);
    let pool = Pool { id, name, iss, settings, created: call.now, modified: call.now };

    let mut batch = Batch::new();
    batch.add(rows::insert(&pool));
    batch.add(outbox::create(&pool.id.clone().into(), call.now));
    let (pool_key, stored_key) = services.pool_keys.create(call.now, &pool.id).map_err(Fault::internal)?;
    batch.add(stored_key);
    let signing = Rotation::of_new_pool(call.now, &pool.id, &pool_key, Alg::RS256).await?;
    batch.extend(signing.statements);

    let mut changes = vec![Change::Pool(PoolSettings {
        pool: pool.id.clone(),
        iss: pool.iss.clone(),
        enabled: true,
        max_token_life_s: LONGEST_TOKEN_LIFE_S,
    })];
    changes.extend(signing.changes.into_iter().map(|key| Change::PublicKey(key.published())));
    call.commit(Write::new(&pool.id, batch).about(pool.id.as_str()).changes(changes)).await?;
    Ok(CreateUserPoolResponse { user_pool: Some(pool.describe(&services.deployment.account_id, 0)) })
}
