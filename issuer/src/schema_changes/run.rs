//! A change from its beginning to its end, for one caller that listens.

use std::time::Duration;

use common::ids::PoolId;
use tokio::sync::mpsc;

use super::begin::{begin, plan};
use super::error::ChangeError;
use super::model::{Change, Event, Report};
use super::rows::{self, Running};
use super::scan::scan;
use super::step::{Step, step};
use crate::aws_json::Call;
use crate::pools::{self, Pool};
use crate::store::Store;

/// Between two looks at the clock while a pass may not begin yet.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two batches, so that other writers have their turn.
const BREATH: Duration = Duration::from_millis(2);

/// To whom it is told how far things are. Who has left need not have the work done.
pub struct Teller(mpsc::Sender<Event>);

impl Teller {
    pub fn new(listener: mpsc::Sender<Event>) -> Self {
        Self(listener)
    }

    /// For work of others that goes on in batches.
    pub async fn progress(&mut self, phase: &'static str, done: u64, total: u64) -> Result<(), ChangeError> {
        self.tell(Event::Progress { phase, done, total: total.max(done) }).await
    }

    pub(super) async fn tell(&mut self, event: Event) -> Result<(), ChangeError> {
        self.0.send(event).await.map_err(|_| ChangeError::Left)
    }
}

/// The change of a pool that is under way.
pub async fn running(store: &Store, pool: &PoolId) -> Result<Option<Running>, ChangeError> {
    let row = store.one(rows::of_pool(pool)).await?;
    Ok(row.map(|row| rows::running(&row)).transpose()?)
}

/// What a change would come to.
pub async fn dry_run(call: &Call, pool: &Pool, change: &Change, tell: &mut Teller) -> Result<Report, ChangeError> {
    let store = &call.services.store;
    let plan = plan(pool, change)?;
    if let Some(running) = running(store, &pool.id).await? {
        return Err(ChangeError::UnderWay(running.change.describe()));
    }
    let users = users(store, &pool.id).await?;
    scan(store, pool, &plan, users, tell).await
}

/// Looks, begins, and goes on to the end. `change`: `None` goes on with what is under way.
///
/// # Errors
/// [`ChangeError::InTheWay`] when nothing was changed, or all of it changed back; anything else leaves the change where it is, to be gone on with.
pub async fn run(call: &Call, pool: &PoolId, change: Option<&Change>, tell: &mut Teller) -> Result<(), ChangeError> {
    let store = &call.services.store;
    let mut running = match change {
        Some(change) => {
            let pool = pools::find(store, pool).await?;
            let report = dry_run(call, &pool, change, tell).await?;
            tell.tell(Event::Report(report.clone())).await?;
            if report.conflicts > 0 {
                return Err(ChangeError::InTheWay(Box::new(report)));
            }
            match begin(call, &pool, change, report.users).await? {
                Some(running) => running,
                None => return Ok(()),
            }
        }
        None => self::running(store, pool).await?.ok_or(ChangeError::None)?,
    };
    loop {
        match step(call, &running).await? {
            Step::Wait => tokio::time::sleep(PAUSE).await,
            Step::Over(None) => return Ok(()),
            Step::Over(Some(report)) => return Err(ChangeError::InTheWay(Box::new(report))),
            Step::Went(further) => {
                let (done, total) = (further.done, further.users.max(further.done));
                tell.tell(Event::Progress { phase: further.phase.as_str(), done, total }).await?;
                running = further;
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn users(store: &Store, pool: &PoolId) -> Result<u64, ChangeError> {
    let row = store.one(pools::rows::user_count(pool)).await?;
    Ok(row.map(|row| row.u64(0)).transpose()?.unwrap_or(0))
}
