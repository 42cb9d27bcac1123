//! Which edges there are: enrolled by an operator, joined by a single-use secret, revoked.

use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::FeedName;
use common::ids::{EdgeId, PoolId};
use common::secret::SecretString;

use super::edges;
use super::error::EdgeError;
use crate::store::{Batch, CommitError, Query, Row, Rows, Statement, Store};

/// How long a join token is good.
pub const JOIN_TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);
const MAX_POOLS: usize = 1024;

/// Which pools an edge may follow. The global feed is always among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pools {
    /// All, those made later too.
    All,
    Named(Vec<PoolId>),
}

impl Pools {
    pub fn allows(&self, feed: &FeedName) -> bool {
        match (self, feed) {
            (_, FeedName::Global) | (Self::All, _) => true,
            (Self::Named(pools), FeedName::Pool(pool)) => pools.contains(pool),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Named(pools) => pools.iter().map(PoolId::as_str).collect::<Vec<_>>().join(","),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        text.split(',').map(|pool| PoolId::parse(pool).ok()).collect::<Option<_>>().map(Self::Named)
    }
}

/// A row of `edges` that is not revoked and has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub pools: Pools,
    /// Certificates issued before this are void.
    pub joined_at: UnixMillis,
}

/// Enrols an edge, or enrols it again: the secret for its join token, of which only the SHA-256 is kept.
pub(super) async fn enrol(
    store: &Store,
    name: &EdgeId,
    pools: &Pools,
    now: UnixMillis,
) -> Result<SecretString, EdgeError> {
    if let Pools::Named(named) = pools
        && (named.is_empty() || named.len() > MAX_POOLS)
    {
        return Err(EdgeError::Pools);
    }
    let secret = SecretString::new(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()));
    let mut batch = Batch::new();
    batch.add(
        Statement::new("INSERT INTO edges (edge, pools, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(name.as_str())
            .bind(pools.to_text())
            .bind(now),
    );
    batch.add(
        Statement::new("UPDATE edges SET pools = $1 WHERE edge = $2")
            .bind(pools.to_text())
            .bind(name.as_str())
            .expect(Rows::Exactly(1)),
    );
    batch.add(
        Statement::new("DELETE FROM enrolments WHERE edge = $1 OR expires_at <= $2").bind(name.as_str()).bind(now),
    );
    batch.add(
        Statement::new("INSERT INTO enrolments (secret_hash, edge, expires_at) VALUES ($1, $2, $3)")
            .bind(hash(&secret))
            .bind(name.as_str())
            .bind(now.plus(JOIN_TOKEN_LIFE))
            .expect(Rows::Exactly(1)),
    );
    store.commit(batch).await.map_err(|_| EdgeError::Storage)?;
    Ok(secret)
}

/// Uses up a secret. Whoever comes second, too late or with another name gets `false`.
pub(super) async fn redeem(
    store: &Store,
    name: &EdgeId,
    secret: &SecretString,
    now: UnixMillis,
) -> Result<bool, EdgeError> {
    let mut batch = Batch::new();
    batch.add(
        Statement::new("DELETE FROM enrolments WHERE secret_hash = $1 AND edge = $2 AND expires_at > $3")
            .bind(hash(secret))
            .bind(name.as_str())
            .bind(now)
            .expect(Rows::Exactly(1)),
    );
    batch.add(
        Statement::new("UPDATE edges SET joined_at = $1, revoked_at = NULL WHERE edge = $2")
            .bind(now)
            .bind(name.as_str())
            .expect(Rows::Exactly(1)),
    );
    match store.commit(batch).await {
        Ok(()) => Ok(true),
        Err(CommitError::Missed { .. }) => Ok(false),
        Err(_) => Err(EdgeError::Storage),
    }
}

/// Takes an edge's right away, with any join token that it has not used.
pub(super) async fn revoke(store: &Store, name: &EdgeId, now: UnixMillis) -> Result<(), EdgeError> {
    let mut batch = Batch::new();
    batch.add(edges::revocation(name, now));
    batch.add(Statement::new("DELETE FROM enrolments WHERE edge = $1").bind(name.as_str()));
    store.commit(batch).await.map_err(|error| match error {
        CommitError::Missed { .. } => EdgeError::Unknown,
        _ => EdgeError::Storage,
    })
}

/// What an edge may do now; `None`: unknown, never joined or revoked.
pub(super) async fn lookup(store: &Store, name: &EdgeId) -> Result<Option<Joined>, EdgeError> {
    let query =
        Query::new("SELECT pools, joined_at FROM edges WHERE edge = $1 AND revoked_at IS NULL").bind(name.as_str());
    let row = store.one(query).await.map_err(|_| EdgeError::Storage)?;
    Ok(row.as_ref().and_then(read))
}

fn read(row: &Row) -> Option<Joined> {
    Some(Joined { pools: Pools::parse(row.text(0).ok()?)?, joined_at: row.opt_millis(1).ok()?? })
}

fn hash(secret: &SecretString) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, secret.expose().as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_reads_its_pools_and_the_global_feed() {
        let pool = |id| PoolId::parse(id).unwrap();
        let named = Pools::Named(vec![pool("r_A"), pool("r_B")]);
        assert_eq!(Pools::parse(&named.to_text()), Some(named.clone()));
        assert!(named.allows(&FeedName::Global));
        assert!(named.allows(&pool("r_A").into()));
        assert!(!named.allows(&pool("r_C").into()));
        assert!(Pools::parse("*").unwrap().allows(&pool("r_C").into()));
        assert_eq!(Pools::parse(""), None);
    }
}
