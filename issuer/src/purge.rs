//! What is left of deleted pools: goes in small batches, so that a pool of a million users holds nobody up.
//!
//! DeleteUserPool ends a pool in one batch; nothing answers for it from then on. This deletes the rows that are left, by any issuer of
//! the deployment, at any time: a cut loses nothing, since the mark in `deleted_pools` goes last. The audit record stays. The pool's
//! feed stays until the last token that the pool signed has ended, so that edges which were away hear of its end.

use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{FeedName, LONGEST_TOKEN_LIFE};
use common::ids::PoolId;
use tokio::sync::watch;

use crate::services::Services;
use crate::store::{Batch, CommitError, Query, Row, Statement, Store, StoreError};

const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Between two batches: others write, too.
const PAUSE: Duration = Duration::from_millis(5);
/// How long after the deletion a pool's feed stays.
pub const FEED_STAYS: Duration = Duration::from_secs(2 * LONGEST_TOKEN_LIFE.as_secs());

/// A reset of developer mode brings a deleted pool back, and takes its mark away: nothing of it is deleted any more.
const MARKED: &str = "EXISTS (SELECT 1 FROM deleted_pools WHERE pool = $1)";

/// Every table with rows of pools, and its key after the pool. `tests::no_table_is_forgotten` holds it to the migrations.
const TABLES: &[(&str, &str)] = &[
    ("sessions", "origin_jti"),
    ("browser_sessions", "sid"),
    ("oauth_codes", "digest"),
    ("oauth_consents", "sub, client"),
    ("oauth_devices", "digest"),
    ("oauth_logout_notices", "id"),
    ("oauth_requests", "digest"),
    ("oauth_registrations", "client"),
    ("oauth_used_ids", "digest"),
    ("auth_events", "sub, id"),
    ("linked_identities", "provider, provider_made, attribute, value"),
    ("attempts", "digest"),
    ("one_time_codes", "purpose, subject"),
    ("budgets", "spender, kind"),
    ("lockouts", "subject"),
    ("messages", "id"),
    ("devices", "sub, device"),
    ("memberships", "sub, name"),
    ("groups", "name"),
    ("login_names", "name"),
    ("waiting_addresses", "sub, attribute"),
    ("software_tokens", "sub"),
    ("passkeys", "sub, credential"),
    ("passkey_challenges", "sub"),
    ("users", "sub"),
    ("derived_values", "attribute, value, sub"),
    ("search_indexes", "attribute"),
    ("schema_changes", "pool"),
    ("domains", "kind"),
    ("ui_customizations", "client"),
    ("login_brandings", "id"),
    ("terms", "id"),
    ("risk_configurations", "client"),
    ("import_jobs", "id"),
    ("pool_imports", "pool"),
    ("replicas", "region"),
    ("federation_keys", "pool"),
    ("provider_identifiers", "identifier"),
    ("identity_providers", "name"),
    ("resource_servers", "identifier"),
    ("clients", "client"),
    ("waf_associations", "web_acl"),
    ("signing_keys", "kid"),
    ("pool_keys", "pool"),
];

/// Deletes until it is told to finish.
pub async fn run(services: Arc<Services>, mut finish: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = purge(&services) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = finish.wait_for(|finishing| *finishing) => return,
        }
    }
}

async fn purge(services: &Services) {
    let deleted = match deleted(&services.store).await {
        Ok(deleted) => deleted,
        Err(error) => return tracing::warn!(%error, "deleted pools can't be read; their rows stay for now"),
    };
    for (pool, at) in deleted {
        if let Err(error) = purge_pool(&services.store, &pool, at, services.now()).await {
            tracing::warn!(%pool, %error, "rows of a deleted pool stay for now");
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum PurgeError {
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Deletes what there is of one pool, and in the end the mark.
async fn purge_pool(store: &Store, pool: &PoolId, deleted: UnixMillis, now: UnixMillis) -> Result<(), PurgeError> {
    for (table, key) in TABLES {
        let any = format!("SELECT 1 FROM {table} WHERE pool = $1 AND {MARKED} LIMIT 1");
        let some = format!(
            "DELETE FROM {table} WHERE pool = $1 AND ({key}) IN (SELECT {key} FROM {table} WHERE pool = $1 LIMIT 500)
             AND {MARKED}"
        );
        empty(store, &any, &some, pool.as_str()).await?;
    }
    if now < deleted.plus(FEED_STAYS) {
        return Ok(());
    }
    let feed = FeedName::from(pool.clone());
    let any = format!("SELECT 1 FROM feed_log WHERE feed = $1 AND {MARKED} LIMIT 1");
    let some = format!(
        "DELETE FROM feed_log WHERE feed = $1 AND seq IN (SELECT seq FROM feed_log WHERE feed = $1 LIMIT 500)
         AND {MARKED}"
    );
    empty(store, &any, &some, feed.as_str()).await?;
    let mut batch = Batch::new();
    batch.add(Statement::new(format!("DELETE FROM feed_head WHERE feed = $1 AND {MARKED}")).bind(feed.as_str()));
    batch.add(Statement::new("DELETE FROM deleted_pools WHERE pool = $1").bind(pool));
    Ok(store.commit(batch).await?)
}

/// Repeats a DELETE while there is something for it.
async fn empty(store: &Store, any: &str, some: &str, of: &str) -> Result<(), PurgeError> {
    while store.one(Query::new(any.to_owned()).bind(of)).await?.is_some() {
        let mut batch = Batch::new();
        batch.add(Statement::new(some.to_owned()).bind(of));
        store.commit(batch).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn deleted(store: &Store) -> Result<Vec<(PoolId, UnixMillis)>, StoreError> {
    let rows =
        store.read(Query::new("SELECT pool, deleted_at FROM deleted_pools ORDER BY deleted_at LIMIT 1000")).await?;
    let read = |row: &Row| Some((PoolId::parse(row.text(0).ok()?).ok()?, row.millis(1).ok()?));
    Ok(rows.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engines::on_both_engines;
    use crate::store::Migration;
    use crate::users::{self, User};
    use crate::{migrations, outbox, pools};

    on_both_engines!(a_pool_goes_to_the_last_row_and_no_other_loses_one);

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    /// Rows of pools that stay, or that are deleted otherwise.
    const KEPT: [&str; 3] = ["audit", "pools", "deleted_pools"];

    fn migrations() -> Vec<&'static Migration> {
        migrations::all()
    }

    #[test]
    fn no_table_is_forgotten() {
        let mut with_pool = BTreeSet::new();
        for migration in migrations() {
            for table in migration.sql.split("CREATE TABLE ").skip(1) {
                let (name, columns) = table.split_once('(').unwrap();
                if columns.trim_start().starts_with("pool TEXT") {
                    with_pool.insert(name.trim());
                }
            }
        }
        let known: BTreeSet<&str> = TABLES.iter().map(|(table, _)| *table).chain(KEPT).collect();
        assert_eq!(with_pool, known);
    }

    fn pool(id: &str) -> pools::Pool {
        pools::Pool {
            id: PoolId::parse(id).unwrap(),
            name: "p".into(),
            iss: format!("https://i/{id}"),
            settings: pools::model::Settings::default(),
            created: NOW,
            modified: NOW,
        }
    }

    async fn commit(store: &Store, statements: impl IntoIterator<Item = Statement>) {
        let mut batch = Batch::new();
        batch.extend(statements);
        store.commit(batch).await.unwrap();
    }

    async fn count(store: &Store, table: &str, column: &str, of: &str) -> u64 {
        let query = Query::new(format!("SELECT COUNT(*) FROM {table} WHERE {column} = $1")).bind(of);
        store.one(query).await.unwrap().unwrap().u64(0).unwrap()
    }

    async fn a_pool_goes_to_the_last_row_and_no_other_loses_one(store: Store) {
        for id in ["eu_a", "eu_b"] {
            let pool = pool(id);
            let feed = FeedName::from(pool.id.clone());
            commit(&store, [pools::rows::insert(&pool), outbox::create(&feed, NOW)]).await;
            let users = (0..1_200).map(|n| User {
                pool: pool.id.clone(),
                sub: common::ids::Sub::parse(format!("{n:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f")).unwrap(),
                ..User::sample()
            });
            commit(&store, users.map(|user| users::rows::insert(&user))).await;
            let change = common::feed::Change::Revoked(common::feed::Revoked::Key { kid: "k".into() });
            commit(&store, outbox::append(&feed, &change, NOW)).await;
        }
        let gone = pool("eu_a");
        commit(&store, pools::rows::delete(&gone, NOW)).await;
        assert!(pools::find(&store, &gone.id).await.is_err(), "a half-deleted pool is no pool");
        assert_eq!(deleted(&store).await.unwrap(), [(gone.id.clone(), NOW)]);

        purge_pool(&store, &gone.id, NOW, NOW).await.unwrap();
        assert_eq!(count(&store, "users", "pool", "eu_a").await, 0);
        assert_eq!(count(&store, "users", "pool", "eu_b").await, 1_200);
        let feed = FeedName::from(gone.id.clone());
        assert_eq!(count(&store, "feed_log", "feed", feed.as_str()).await, 1, "edges that were away may ask yet");
        assert_eq!(deleted(&store).await.unwrap().len(), 1);

        purge_pool(&store, &gone.id, NOW, NOW.plus(FEED_STAYS)).await.unwrap();
        assert_eq!(count(&store, "feed_log", "feed", feed.as_str()).await, 0);
        assert_eq!(count(&store, "feed_head", "feed", feed.as_str()).await, 0);
        assert_eq!(deleted(&store).await.unwrap(), []);
        assert!(pools::find(&store, &pool("eu_b").id).await.is_ok());
        let other = FeedName::from(PoolId::parse("eu_b").unwrap());
        assert_eq!(count(&store, "feed_log", "feed", other.as_str()).await, 1);
    }
}
