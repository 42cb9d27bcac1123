//! One step of one pool: the statements of [`Rotation`], audited and told to the edges.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, FeedName, Revoked};
use common::ids::PoolId;
use common::jose::Alg;

use crate::audit::Entry;
use crate::keys::{self, KeyError, KeyState, Rotation, RotationPolicy};
use crate::outbox;
use crate::services::Services;
use crate::store::{Batch, CommitError, StoreError};

/// Why keys did not change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    #[error("User pool {0} does not exist.")]
    NoPool(PoolId),
    #[error("The pool has no published key {0}.")]
    NoKey(String),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<SigningError> for Fault {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::NoPool(_) | SigningError::NoKey(_) => Self::resource_not_found(error.to_string()),
            SigningError::Key(KeyError::TooManyKeys | KeyError::Algorithm) => {
                Self::invalid_parameter(error.to_string())
            }
            SigningError::Key(KeyError::Storage(StoreError::Unavailable(why)))
            | SigningError::Key(KeyError::Commit(CommitError::Unavailable(why))) => Self::unavailable(why),
            SigningError::Key(other) => Self::internal(other),
        }
    }
}

/// Who asked, for the audit row.
#[derive(Clone, Debug)]
pub struct Who {
    /// An access key id, or `schedule`.
    pub actor: String,
    /// An address, or `issuer`.
    pub source: String,
}

/// A signing key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyView {
    pub kid: String,
    pub purpose: String,
    pub alg: String,
    pub state: String,
    /// When it came into this state.
    pub since: UnixMillis,
    pub created_at: UnixMillis,
}

/// The pool's keys, the newest first; those of the past too.
pub async fn list(services: &Services, pool: &PoolId) -> Result<Vec<KeyView>, SigningError> {
    let rows = services.store.read(keys::all_keys(pool)).await.map_err(KeyError::from)?;
    let view = |row: &crate::store::Row| {
        Ok(KeyView {
            kid: row.text(0)?.to_owned(),
            purpose: row.text(1)?.to_owned(),
            alg: row.text(2)?.to_owned(),
            state: row.text(3)?.to_owned(),
            since: row.millis(4)?,
            created_at: row.millis(5)?,
        })
    };
    let keys: Vec<KeyView> = rows.iter().map(view).collect::<Result<_, _>>().map_err(KeyError::Storage)?;
    if keys.is_empty() { Err(SigningError::NoPool(pool.clone())) } else { Ok(keys) }
}

/// Publishes keys that will sign later, of `alg` or else of their predecessors' algorithm. Answers whether it made any: there may be some already.
pub async fn begin(services: &Services, pool: &PoolId, alg: Option<Alg>, who: &Who) -> Result<bool, SigningError> {
    list(services, pool).await?;
    let both = (&services.store, &*services.pool_keys);
    let rotation = Rotation::begin(services.now(), pool, both, alg).await?;
    apply(services, pool, rotation, ("RotateSigningKeys", who)).await
}

/// Lets the pending keys sign from now.
pub async fn promote(services: &Services, pool: &PoolId, who: &Who) -> Result<bool, SigningError> {
    let rotation = Rotation::promote(services.now(), pool, &services.store).await?;
    apply(services, pool, rotation, ("RotateSigningKeys", who)).await
}

/// Ends a key and everything that it signed, here and at the edges; another is active from the same moment on.
pub async fn revoke(services: &Services, pool: &PoolId, kid: &str, who: &Who) -> Result<(), SigningError> {
    /// Steps of the schedule, or of another operator, that may come in between.
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let both = (&services.store, &*services.pool_keys);
        let rotation = Rotation::revoke(services.now(), pool, both, kid).await.map_err(|error| match error {
            KeyError::Forbidden => SigningError::NoKey(kid.to_owned()),
            other => other.into(),
        })?;
        if apply(services, pool, rotation, ("RevokeSigningKey", who)).await? {
            return Ok(());
        }
    }
    Err(KeyError::Commit(CommitError::Unavailable("other changes of the pool's keys came in between".to_owned()))
        .into())
}

/// What is due in one pool.
pub(super) async fn due(
    services: &Services,
    pool: &PoolId,
    policy: &RotationPolicy,
    who: &Who,
) -> Result<bool, SigningError> {
    let both = (&services.store, &*services.pool_keys);
    let rotation = Rotation::due(services.now(), pool, both, policy).await?;
    apply(services, pool, rotation, ("RotateSigningKeys", who)).await
}

/// One batch. Answers false when there was nothing to do, or another issuer did it.
async fn apply(
    services: &Services,
    pool: &PoolId,
    rotation: Rotation,
    (operation, who): (&'static str, &Who),
) -> Result<bool, SigningError> {
    if rotation.statements.is_empty() {
        return Ok(false);
    }
    let now = services.now();
    let mut batch = Batch::new();
    batch.extend(rotation.statements);
    let told: Vec<String> =
        rotation.changes.iter().map(|change| format!("{} {}", change.kid, change.state.name())).collect();
    batch.add(entry(pool, now, (operation, who), &told).statement());
    let feed = FeedName::from(pool.clone());
    for change in rotation.changes {
        let revoked = (change.state == KeyState::Revoked).then(|| Revoked::Key { kid: change.kid.clone() });
        batch.extend(outbox::append(&feed, &Change::PublicKey(change.published()), now));
        if let Some(revoked) = revoked {
            batch.extend(outbox::append(&feed, &Change::Revoked(revoked), now));
        }
    }
    let done = services.store.commit(batch).await;
    services.keys.forget(pool);
    match done {
        Ok(()) => {
            services.feed.ring();
            tracing::info!(%pool, actor = who.actor, keys = told.join(", "), "signing keys changed");
            Ok(true)
        }
        Err(CommitError::Missed { .. }) => Ok(false),
        Err(error) => Err(KeyError::from(error).into()),
    }
}

fn entry(pool: &PoolId, now: UnixMillis, (operation, who): (&'static str, &Who), keys: &[String]) -> Entry {
    Entry {
        at: now,
        request_id: uuid::Uuid::now_v7().to_string(),
        pool: pool.to_string(),
        operation,
        actor: who.actor.clone(),
        subject: Some(keys.join(", ")),
        source: who.source.clone(),
        user_agent: None,
        result: "ok",
    }
}
