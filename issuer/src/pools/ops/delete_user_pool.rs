//! Cognito: DeleteUserPool.
//!
//! One batch ends the pool: from its commit on nothing answers for it here, and edges refuse its tokens as soon as the feed has told
//! them that the pool is switched off and every key of it revoked. The pool's other rows, however many, go after that in batches
//! (`crate::purge`); whoever asks in between finds no pool.

use cognito_model::idp::types::DeleteUserPoolRequest;
use cognito_model::{Fault, NoOutput};
use common::feed::{Change, PoolSettings, Revoked};

use crate::aws_json::{Call, Write};
use crate::keys::Rotation;
use crate::pools::{self, Pool, PoolError, rows};
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
        let keys = Rotation::end(call.now, &pool.id, &services.store).await?;
        let mut batch = Batch::new();
        batch.extend(rows::delete(&pool, call.now));
        batch.extend(keys.statements);
        let revoked = keys.changes.into_iter().flat_map(|key| {
            let gone = Change::Revoked(Revoked::Key { kid: key.kid.clone() });
            [gone, Change::PublicKey(key.published())]
        });
        let changes = revoked.chain([switched_off(&pool)]).collect();
        outcome = call.commit(Write::new(&pool.id, batch).about(pool.id.as_str()).changes(changes)).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            services.keys.forget(&pool.id);
            services.pool_keys.forget(&pool.id);
            break;
        }
    }
    outcome?;
    Ok(NoOutput)
}

fn switched_off(pool: &Pool) -> Change {
    Change::Pool(PoolSettings {
        pool: pool.id.clone(),
        iss: pool.iss.clone(),
        enabled: false,
        max_token_life_s: pools::LONGEST_TOKEN_LIFE_S,
    })
}
