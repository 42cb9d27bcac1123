//! Cognito: DeleteUserPool.
//!
//! One batch ends the pool: from its commit on nothing answers for it here, and edges refuse its tokens as soon as the feed has told
//! them that every key of it is revoked. (They could be told that the pool is switched off, too; but then they would answer 503, and
//! clients would come again and again.) The pool's other rows, however many, go after that in batches (`crate::purge`); whoever asks
//! in between finds no pool.

use cognito_model::idp::types::DeleteUserPoolRequest;
use cognito_model::{Fault, NoOutput};
use common::feed::{Change, Revoked};

use crate::aws_json::{Call, Write};
use crate::keys::Rotation;
use crate::pools::{self, PoolError, rows};
use crate::store::{Batch, CommitError};

/// How often it is tried again when the pool, or a key of it, is changed meanwhile.
const TRIES: usize = 5;

pub async fn handle(call: Call, input: DeleteUserPoolRequest) -> Result<NoOutput, Fault> {
    let services = &call.services;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let pool = pools::named(&services.store, &input.user_pool_id).await?;
        if pool.settings.is_protected() {
            return Err(PoolError::Protected.into());
        }
        if !services.store.read(rows::domains(&pool.id)).await?.is_empty() {
            return Err(PoolError::HasDomain.into());
        }
        let keys = Rotation::end(call.now, &pool.id, &services.store).await?;
        let mut batch = Batch::new();
        batch.extend(rows::delete(&pool, call.now));
        batch.extend(keys.statements);
        let revoked = keys.changes.into_iter().flat_map(|key| {
            let gone = Change::Revoked(Revoked::Key { kid: key.kid.clone() });
            [gone, Change::PublicKey(key.published())]
        });
        let write = Write::new(&pool.id, batch).about(pool.id.as_str()).changes(revoked.collect());
        outcome = call.commit(write).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            services.keys.forget(&pool.id);
            services.pool_keys.forget(&pool.id);
            break;
        }
    }
    outcome?;
    Ok(NoOutput)
}
