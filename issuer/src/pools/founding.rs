//! What a new pool begins with.

use std::sync::Arc;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, PoolSettings};
use common::jose::Alg;

use super::{Pool, rows};
use crate::envelope::PoolKey;
use crate::keys::Rotation;
use crate::outbox;
use crate::services::Services;
use crate::store::Batch;

/// Cognito: 1–86,400 s for ID and access tokens.
const LONGEST_TOKEN_LIFE_S: u64 = 86_400;

/// The batch that makes a pool, its data key, its two signing keys and its feed, so that a pool is whole or not there; its key; and what edges
/// learn of it. The first statement misses when the id or the `iss` is taken.
pub async fn of(
    services: &Services,
    pool: &Pool,
    now: UnixMillis,
) -> Result<(Batch, Arc<PoolKey>, Vec<Change>), Fault> {
    let mut batch = Batch::new();
    batch.add(rows::insert(pool));
    batch.add(outbox::create(&pool.id.clone().into(), now));
    let (pool_key, stored_key) = services.pool_keys.create(now, &pool.id).map_err(Fault::internal)?;
    batch.add(stored_key);
    let signing = Rotation::of_new_pool(now, &pool.id, &pool_key, Alg::RS256).await?;
    batch.extend(signing.statements);
    let mut changes = vec![Change::Pool(PoolSettings {
        pool: pool.id.clone(),
        iss: pool.iss.clone(),
        enabled: true,
        max_token_life_s: LONGEST_TOKEN_LIFE_S,
    })];
    changes.extend(signing.changes.into_iter().map(|key| Change::PublicKey(key.published())));
    Ok((batch, pool_key, changes))
}
