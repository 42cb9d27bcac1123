//! What a restore changes before anybody uses the database.
//!
//! Nobody knows what happened after the backup was made: which tokens were revoked, which sessions ended, which refresh tokens were used up,
//! which keys were stolen and revoked. A backup that simply came back would revive all of it. So nothing that could be presented to the old
//! issuer is good at the new one:
//!
//! | what | afterwards |
//! |---|---|
//! | tokens | dead at the issuer by every user's `valid_after` and by their sessions, everywhere by their signing keys |
//! | sessions of apps and browsers, refresh tokens | ended; those from after the backup are unknown |
//! | devices | stay, and are trusted by nobody: one may have been forgotten since because it was stolen. A second factor is asked for once more |
//! | signing keys | revoked, and fresh ones in their place: one that was revoked after the backup, because it was stolen, must not sign or verify again. Edges and verifiers of the JWK set refuse everything that the old ones signed |
//! | sign-in attempts, one-time codes, authorization codes, pushed requests, device codes, challenges for passkeys | gone: those from before may have been used up since |
//! | secrets of clients, tokens that open a registration | stay, as passwords do: the clients of after the backup are gone with theirs |
//! | client assertions and DPoP proofs | those from before are refused: they may have been used since the backup |
//! | waiting messages | gone: they may have been sent since, and nothing is sent twice |
//! | join tokens of edges | gone |
//! | admin keys | gone, but for those that the operator names: one may have been deleted since because it leaked |
//! | edges | stay enrolled, so that they follow without being asked, and are listed; the operator names those that were revoked since |
//! | keys that edges share | ended, and a fresh one in their place; clients solve challenges once more |
//! | the feed | a new epoch for every feed, later than all before: edges take snapshots and never again accept the old lineage |
//!
//! What is lost with the time after the backup cannot be brought back: a password changed since is the old one again, and a user deleted or
//! disabled since is there and enabled.

use std::collections::BTreeSet;

use common::clock::UnixMillis;
use common::feed::{Change, FeedName, KeyUsage, Revoked};
use common::ids::{EdgeId, PoolId};

use super::error::RestoreError;
use super::frame::Header;
use super::restore::Progress;
use crate::audit::{Entry, NO_POOL};
use crate::envelope::{PoolKeys, RootKey};
use crate::keys::{self, Rotation};
use crate::publish::{DeploymentSealing, KeysError, Old, deployment_keys, edges};
use crate::store::{Batch, Loading, Row, RowError, Statement, Store};
use crate::{access, codes, devices, factors, messages, oauth, outbox, sessions, signin, users};

/// Pools that are read at once.
const POOLS: usize = 256;

/// What the operator says about the time after the backup.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Admin keys that are still good.
    pub admin_keys: BTreeSet<String>,
    /// Edges that were revoked, or that have leaked their key.
    pub revoked_edges: BTreeSet<EdgeId>,
}

/// An admin key of the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLeft {
    pub access_key_id: String,
    pub name: String,
    pub created: UnixMillis,
    pub kept: bool,
}

/// An edge of the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeLeft {
    pub name: String,
    pub joined: Option<UnixMillis>,
    /// Whether it may follow.
    pub enrolled: bool,
}

/// What was done.
pub(super) struct Settled {
    pub(super) at: UnixMillis,
    pub(super) pools: u64,
    pub(super) admin_keys: Vec<KeyLeft>,
    pub(super) edges: Vec<EdgeLeft>,
}

/// Makes the database fit for use; its last batch is what makes it one that issuers open.
pub(super) async fn settle(
    loading: &Loading<'_>,
    root: RootKey,
    header: &Header,
    now: UnixMillis,
    kept: &Kept,
    progress: &mut dyn FnMut(Progress),
) -> Result<Settled, RestoreError> {
    let store = loading.store();
    let sealing = root.deployment_key().map(DeploymentSealing::new).ok_or(KeysError::Sealed)?;
    let pool_keys = PoolKeys::new(root, store.clone());
    pool_keys.check_root().await?;
    let at = instant(store, now).await?;
    end_what_was_given_out(store, at).await?;
    let admin_keys = settle_admin_keys(store, kept).await?;
    let edges = settle_edges(store, kept, at).await?;
    let feeds = begin_epoch(store, at).await?;
    replace_edge_keys(store, &sealing, at).await?;
    let pools = replace_keys(store, &pool_keys, &feeds, at, progress).await?;
    loading.complete(one(entry(header, at).statement())).await?;
    Ok(Settled { at, pools, admin_keys, edges })
}

/// Later than everything that the backup knows of, whatever this machine's clock says.
async fn instant(store: &Store, now: UnixMillis) -> Result<UnixMillis, RestoreError> {
    let row = store.one(users::rows::newest_marks()).await?;
    let Some(row) = row else { return Ok(now) };
    Ok(now.max(row.millis(0)?).max(row.millis(1)?))
}

async fn end_what_was_given_out(store: &Store, at: UnixMillis) -> Result<(), RestoreError> {
    let statements = [
        users::rows::sign_out_all(at),
        sessions::rows::end_all(at),
        sessions::browser::end_all(at),
        devices::rows::distrust_all(),
        signin::rows::forget_all(),
        codes::forget_all(),
        oauth::codes::forget_all(),
        oauth::par::forget_all(),
        oauth::devices::forget_all(),
        oauth::used::forget_all(),
        oauth::used::mark_restored(at),
        factors::passkeys::rows::forget_challenges(),
        messages::rows::forget_all(),
    ];
    for statement in statements {
        store.commit(one(statement)).await?;
    }
    Ok(())
}

async fn settle_admin_keys(store: &Store, kept: &Kept) -> Result<Vec<KeyLeft>, RestoreError> {
    let mut left = Vec::new();
    for row in store.read(access::all()).await? {
        let key = access::key(&row)?;
        let is_kept = kept.admin_keys.contains(&key.access_key_id);
        if !is_kept {
            store.commit(one(access::delete(&key.access_key_id))).await?;
        }
        left.push(KeyLeft { access_key_id: key.access_key_id, name: key.name, created: key.created, kept: is_kept });
    }
    match kept.admin_keys.iter().find(|id| !left.iter().any(|key| key.access_key_id == **id)) {
        Some(absent) => Err(RestoreError::NoSuchAdminKey(absent.clone())),
        None => Ok(left),
    }
}

async fn settle_edges(store: &Store, kept: &Kept, at: UnixMillis) -> Result<Vec<EdgeLeft>, RestoreError> {
    store.commit(one(edges::forget_join_tokens())).await?;
    for edge in &kept.revoked_edges {
        let revoked = store.commit(one(edges::revocation(edge, at))).await;
        revoked.map_err(|_| RestoreError::NoSuchEdge(edge.to_string()))?;
    }
    let rows = store.read(edges::all()).await?;
    let edge = |row: &Row| {
        Ok(EdgeLeft {
            name: row.text(0)?.to_owned(),
            joined: row.opt_millis(1)?,
            enrolled: row.opt_millis(1)?.is_some() && row.opt_millis(2)?.is_none(),
        })
    };
    rows.iter().map(edge).collect()
}

/// A new lineage, and the feeds that there are.
async fn begin_epoch(store: &Store, at: UnixMillis) -> Result<BTreeSet<FeedName>, RestoreError> {
    let heads = outbox::read_heads(&store.read(outbox::heads()).await?)?;
    let newest = heads.values().map(|head| head.position.epoch).max();
    store.commit(one(outbox::new_epoch(newest, at))).await?;
    Ok(heads.into_keys().collect())
}

/// One that was replaced after the backup, because it leaked, must not count again.
async fn replace_edge_keys(store: &Store, sealing: &DeploymentSealing, at: UnixMillis) -> Result<(), RestoreError> {
    for usage in KeyUsage::ALL {
        if !deployment_keys::list(store, usage).await?.is_empty() {
            deployment_keys::rotate(store, sealing, usage, Old::Ended, at).await?;
        }
    }
    Ok(())
}

/// Pool by pool: the old keys revoked, for the edges too, and new ones active.
async fn replace_keys(
    store: &Store,
    pool_keys: &PoolKeys,
    feeds: &BTreeSet<FeedName>,
    at: UnixMillis,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, RestoreError> {
    let (mut done, mut last) = (0, String::new());
    loop {
        let rows = store.read(keys::pools_with_keys(&last, POOLS)).await?;
        for row in &rows {
            row.text(0)?.clone_into(&mut last);
            let pool = PoolId::parse(last.as_str()).map_err(|_| RowError::Range(0))?;
            let rotation = Rotation::start_over(at, &pool, (store, pool_keys)).await?;
            let mut batch = Batch::new();
            batch.extend(rotation.statements);
            let feed = FeedName::from(pool);
            for change in rotation.changes.into_iter().filter(|_| feeds.contains(&feed)) {
                let dead = (!change.state.is_published()).then(|| Revoked::Key { kid: change.kid.clone() });
                batch.extend(outbox::append(&feed, &Change::PublicKey(change.published()), at));
                batch.extend(dead.into_iter().flat_map(|dead| outbox::append(&feed, &Change::Revoked(dead), at)));
            }
            store.commit(batch).await?;
            done += 1;
        }
        if rows.is_empty() {
            return Ok(done);
        }
        progress(Progress::Keys { pools: done });
    }
}

fn entry(header: &Header, at: UnixMillis) -> Entry {
    Entry {
        at,
        request_id: uuid::Uuid::now_v7().to_string(),
        pool: NO_POOL.to_owned(),
        operation: "Restore",
        actor: "operator".to_owned(),
        subject: Some(format!("backup {} of {}", header.id, header.created_at.0)),
        source: "offline".to_owned(),
        user_agent: None,
        result: "ok",
    }
}

fn one(statement: Statement) -> Batch {
    let mut batch = Batch::new();
    batch.add(statement);
    batch
}
