//! `POST /dev/reset`: the database goes back to what it was after the first start, in one batch.
//!
//! 1. The baseline is read, and new signing keys are made for its pools: what was signed before the reset must verify nowhere after it.
//! 2. Requests in flight end, and new ones wait.
//! 3. One batch empties every table that is not [`KEPT`], fills it from the baseline, and begins a new lineage of the feed, by which edges take snapshots.
//!    *A cut before its commit leaves everything as it was; after it, everything is gone.*
//! 4. What is held in memory is dropped, and what lies in the outbox folder deleted. Messages from before are not shown, deleted or not.
//! 5. The answer waits until connected edges have followed.
//!
//! The feed of a pool that is gone stays for [`FEEDS_STAY`], empty: an edge then knows no key of that pool, so it refuses its tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, FeedName, Kind};
use common::ids::PoolId;
use common::jose::Alg;

use super::{DevMode, outbox as messages};
use crate::audit::{Entry, NO_POOL};
use crate::backup;
use crate::keys::{KeyChange, Rotation};
use crate::outbox;
use crate::publish::PublishHandle;
use crate::services::Services;
use crate::store::{Batch, Content, MAX_STATEMENTS, Statement, Value};

/// What is not state of users and pools: who may follow, what was done, which requests came.
const KEPT: &[&str] =
    &["audit", "admin_requests", "edges", "enrolments", "feed_ca", "deleted_pools", FEED_HEAD, FEED_LOG];
const FEED_HEAD: &str = "feed_head";
const FEED_LOG: &str = "feed_log";
const SIGNING_KEYS: &str = "signing_keys";
/// Longer than a connected edge takes to follow. A head a pool is read 50 times a second.
pub(super) const FEEDS_STAY: Duration = Duration::from_secs(60);
const EDGES_LIMIT: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What was done.
#[derive(Debug, serde::Serialize)]
pub(super) struct Done {
    /// Pools that there are now.
    pub(super) pools: usize,
    /// Connected edges that have not followed yet; usually none.
    edges_behind: Vec<String>,
}

/// A pool of the baseline, with keys that nobody has seen.
struct Renewed {
    pool: PoolId,
    statements: Vec<Statement>,
    changes: Vec<KeyChange>,
}

impl DevMode {
    pub(super) async fn reset(
        &self,
        services: &Services,
        edges: &PublishHandle,
        request_id: &str,
    ) -> Result<Done, Fault> {
        let copy = self.copy(services).await?;
        let pools = renewed(services, &copy).await?;
        let turn = self.turn.write().await;
        // Messages bear the instant of their request: those from before are then older than this.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let now = services.now();
        let batch = batch(services, copy, &pools, (now, request_id)).await?;
        services.store.commit(batch).await?;
        services.keys.forget_all();
        services.pool_keys.forget_all();
        self.since.store(now.0, std::sync::atomic::Ordering::Release);
        services.feed.ring();
        if let Err(error) = messages::empty(&self.outbox) {
            // They are from before, so nobody is shown them.
            tracing::warn!(request_id, %error, "developer mode: messages from before the reset stay in the outbox folder");
        }
        drop(turn);
        tracing::warn!(request_id, pools = pools.len(), "developer mode: everything was reset");
        let edges_behind = await_edges(services, edges).await?;
        Ok(Done { pools: pools.len(), edges_behind })
    }

    async fn copy(&self, services: &Services) -> Result<Vec<Content>, Fault> {
        if !self.baseline.exists() {
            return Err(Fault::unavailable("there is no baseline: the first start is not done yet"));
        }
        let (path, pool_keys) = (self.baseline.clone(), services.pool_keys.clone());
        let read = tokio::task::spawn_blocking(move || backup::tables(&path, pool_keys.root()));
        Ok(read.await.map_err(Fault::internal)?.map_err(Fault::internal)?.contents)
    }
}

/// The pools of the copy, and their new keys.
async fn renewed(services: &Services, copy: &[Content]) -> Result<Vec<Renewed>, Fault> {
    let table = copy.iter().find(|content| content.table == "pool_keys");
    let table = table.ok_or_else(|| Fault::internal("the baseline has no pool_keys"))?;
    let mut pools = Vec::new();
    for (pool, wrapped) in table.column("pool").zip(table.column("wrapped")) {
        let (Value::Text(pool), Value::Bytes(wrapped)) = (pool, wrapped) else {
            return Err(Fault::internal("the baseline has a pool without a key"));
        };
        let pool = PoolId::parse(pool.as_str()).map_err(Fault::internal)?;
        let key = services.pool_keys.root().open_pool_key(&pool, wrapped).map_err(Fault::internal)?;
        let rotation = Rotation::of_new_pool(services.now(), &pool, &key.into(), Alg::RS256).await?;
        pools.push(Renewed { pool, statements: rotation.statements, changes: rotation.changes });
    }
    pools.sort_by(|a, b| a.pool.cmp(&b.pool));
    Ok(pools)
}

async fn batch(
    services: &Services,
    copy: Vec<Content>,
    pools: &[Renewed],
    (now, request_id): (UnixMillis, &str),
) -> Result<Batch, Fault> {
    let store = &services.store;
    let heads = outbox::read_heads(&store.read(outbox::heads()).await?)?;
    let newest = heads.values().map(|head| head.position.epoch).max();
    let feeds: BTreeSet<FeedName> = std::iter::once(FeedName::Global)
        .chain(pools.iter().map(|renewed| FeedName::from(renewed.pool.clone())))
        .collect();
    let is_filled = |table: &str| match table {
        SIGNING_KEYS => false,
        FEED_HEAD | FEED_LOG => true,
        other => !KEPT.contains(&other),
    };
    let copy: Vec<Content> = copy.into_iter().filter(|content| is_filled(&content.table)).collect();

    let mut batch = Batch::new();
    batch.extend(gone(pools, now));
    batch.add(Statement::new("DELETE FROM feed_log"));
    batch.extend(feeds.iter().map(|feed| Statement::new("DELETE FROM feed_head WHERE feed = $1").bind(feed.as_str())));
    batch.extend(store.emptied(KEPT));
    batch.extend(store.filled(&copy).map_err(Fault::internal)?);
    // Old keys are in the log of the baseline, too. Nobody goes on by deltas from before this.
    batch.add(Statement::new("DELETE FROM feed_log WHERE kind = $1").bind(u32::from(Kind::PUBLIC_KEY.0)));
    batch.add(Statement::new("UPDATE feed_head SET floor = seq"));
    batch.add(outbox::new_epoch(newest, now));
    batch.extend(pools.iter().flat_map(|renewed| renewed.statements.iter().cloned()));
    batch.add(entry(now, request_id).statement());
    for renewed in pools {
        let feed = FeedName::from(renewed.pool.clone());
        for change in &renewed.changes {
            batch.extend(outbox::append(&feed, &Change::PublicKey(change.clone().published()), now));
        }
    }
    if batch.len() > MAX_STATEMENTS {
        return Err(Fault::internal("the seed has more rows than one batch takes"));
    }
    Ok(batch)
}

/// Marks the pools that are not of the baseline as deleted, so that [`crate::purge`] ends their feeds if no later reset does; and ends those that connected
/// edges have followed long since.
fn gone(pools: &[Renewed], now: UnixMillis) -> Vec<Statement> {
    let before = now.minus(FEEDS_STAY);
    let mut statements = vec![
        Statement::new("DELETE FROM feed_head WHERE feed IN (SELECT pool FROM deleted_pools WHERE deleted_at < $1)")
            .bind(before),
        Statement::new("DELETE FROM deleted_pools WHERE deleted_at < $1").bind(before),
        Statement::new(
            "INSERT INTO deleted_pools (pool, deleted_at) SELECT pool, $1 FROM pools WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(now),
    ];
    let back = |renewed: &Renewed| Statement::new("DELETE FROM deleted_pools WHERE pool = $1").bind(&renewed.pool);
    statements.extend(pools.iter().map(back));
    statements
}

fn entry(at: UnixMillis, request_id: &str) -> Entry {
    Entry {
        at,
        request_id: request_id.to_owned(),
        pool: NO_POOL.to_owned(),
        operation: "DevReset",
        actor: "dev_token".to_owned(),
        subject: None,
        source: "loopback".to_owned(),
        user_agent: None,
        result: "ok",
    }
}

/// Waits for the edges that are connected, and names those that took too long.
async fn await_edges(services: &Services, publish: &PublishHandle) -> Result<Vec<String>, Fault> {
    let heads = outbox::read_heads(&services.store.read(outbox::heads()).await?)?;
    let behind = || {
        let late = |edge: &crate::publish::EdgeStatus| {
            edge.acked.iter().any(|(feed, at)| heads.get(feed).is_some_and(|head| at.epoch < head.position.epoch))
        };
        publish.edges().into_iter().filter(late).map(|edge| edge.edge.to_string()).collect::<Vec<_>>()
    };
    let until = tokio::time::Instant::now() + EDGES_LIMIT;
    while !behind().is_empty() && tokio::time::Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(behind())
}
