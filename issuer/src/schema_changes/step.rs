//! One batch of users of a change under way, or the moment that a pass over all of them leads to.

use common::clock::UnixMillis;

use super::error::ChangeError;
use super::model::{Change, Conflict, Report};
use super::rows::{self, Phase, Running};
use super::scan::{Members, page};
use super::{SETTLE, begin};
use crate::aws_json::{Call, Write};
use crate::pools::model::{Changing, Settings};
use crate::pools::{self, Pool};
use crate::store::{Batch, CommitError, Statement};
use crate::users::attributes::names;
use crate::users::{self, TRIES, User};

/// Users in one batch: some milliseconds, for which other writers wait.
const USERS: u64 = 50;

/// What a step came to.
#[derive(Debug, PartialEq)]
pub enum Step {
    Went(Running),
    /// The pass that counts begins when [`SETTLE`] is over.
    Wait,
    /// With what stood in the way, if that is why.
    Over(Option<Report>),
}

/// Brings a change one step further.
pub async fn step(call: &Call, running: &Running) -> Result<Step, ChangeError> {
    let store = &call.services.store;
    let now = call.services.now();
    if running.pass_at > now {
        return Ok(Step::Wait);
    }
    for tries in 0..TRIES {
        let pool = pools::find(store, &running.pool).await?;
        // One at a time where they run into others, and perhaps into each other.
        let users = if tries == 0 { USERS } else { 1 };
        let Some(members) = page(store, &pool, &running.reached, users).await? else {
            return end_of_pass(call, &pool, running, now).await;
        };
        let work = match work(call, &pool, running, &members).await? {
            Ok(work) => work,
            Err(report) => return refuse(call, &pool, running, report, now).await,
        };
        let further = Running {
            reached: members.last.clone(),
            done: running.done + members.users.len() as u64,
            dirty: running.dirty + work.users,
            ..running.clone()
        };
        let mut batch = Batch::new();
        batch.add(rows::replace(running, &further));
        batch.extend(work.statements);
        match store.commit(batch).await {
            Ok(()) => return Ok(Step::Went(further)),
            Err(CommitError::Missed { index: 0 }) => return Err(ChangeError::Busy),
            // A user, or a name, changed meanwhile: the page is read again.
            Err(CommitError::Missed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ChangeError::Busy)
}

#[derive(Default)]
struct Work {
    statements: Vec<Statement>,
    /// Users that they are about.
    users: u64,
}

/// What there is to do for these users; the inner error is what stands in the way.
async fn work(
    call: &Call,
    pool: &Pool,
    running: &Running,
    members: &Members,
) -> Result<Result<Work, Report>, ChangeError> {
    let mut work = Work::default();
    for (user, own) in &members.users {
        let statements = match (running.phase, own) {
            (Phase::Moving, _) => moved(pool, user),
            (Phase::Checking, _) => match misfits(pool, user) {
                Some(report) => return Ok(Err(report)),
                None => Vec::new(),
            },
            (Phase::Claiming | Phase::Tidying, None) => Vec::new(),
            (Phase::Claiming | Phase::Tidying, Some(own)) => {
                let aligned = names::align(&call.services.store, pool, user, own).await?;
                match aligned.conflict.filter(|_| running.phase == Phase::Claiming) {
                    Some((name, why)) => {
                        let mut report = Report::default();
                        report.add(Conflict::new(&name, why, vec![user.username.clone()]));
                        return Ok(Err(report));
                    }
                    None if aligned.statements.is_empty() => Vec::new(),
                    // The names follow the attributes, so they must be what was read.
                    None => [users::rows::has_attributes(user)].into_iter().chain(aligned.statements).collect(),
                }
            }
        };
        work.users += u64::from(!statements.is_empty());
        work.statements.extend(statements);
    }
    Ok(Ok(work))
}

fn moved(pool: &Pool, user: &User) -> Vec<Statement> {
    let seen = user.clone().seen_in(pool);
    if seen.attributes == user.attributes {
        return Vec::new();
    }
    // Nobody changed the user: the time of the last change stays.
    vec![users::rows::update_profile(&seen, user.status, &seen.attributes, user.modified)]
}

fn misfits(pool: &Pool, user: &User) -> Option<Report> {
    let changing = pool.settings.changing.as_ref()?;
    let (value, why) = changing.misfit(&user.attributes)?;
    let mut report = Report::default();
    report.add(Conflict::new(value, why, vec![user.username.clone()]));
    Some(report)
}

async fn end_of_pass(call: &Call, pool: &Pool, running: &Running, now: UnixMillis) -> Result<Step, ChangeError> {
    let settled = running.phase_at.plus(SETTLE);
    if running.dirty > 0 || running.pass_at < settled {
        let again = Running {
            reached: String::new(),
            done: 0,
            dirty: 0,
            // The row's old state must be another than the new one: it is the guard.
            pass_at: settled.max(now).max(UnixMillis(running.pass_at.0.saturating_add(1))),
            ..running.clone()
        };
        let mut batch = Batch::new();
        batch.add(rows::replace(running, &again));
        commit(call, batch).await?;
        return Ok(Step::Went(again));
    }
    let settings = pool.settings.clone();
    let over = Ok(Step::Over(running.refusal.clone()));
    match (running.phase, settings.changing.clone()) {
        (Phase::Tidying, _) => {
            let mut batch = Batch::new();
            batch.add(rows::delete(running));
            record(call, pool, running, batch, 2).await?;
            over
        }
        (Phase::Moving, _) => finish(call, pool, running, Settings { changing: None, ..settings }).await,
        (Phase::Checking, Some(Changing::Retyped { definition })) => {
            let mut custom_attributes = settings.custom_attributes.clone();
            for attribute in custom_attributes.iter_mut().filter(|attribute| attribute.name == definition.name) {
                attribute.clone_from(&definition);
            }
            finish(call, pool, running, Settings { custom_attributes, changing: None, ..settings }).await
        }
        (Phase::Claiming, Some(Changing::SignIn(after))) => {
            let settings = after.settings(Settings { changing: None, ..settings });
            switch(call, pool, running, &settings, None, now).await
        }
        // An issuer of an older build has changed the pool, and does not know what this is: the settings say it again.
        (Phase::Checking | Phase::Claiming, _) => {
            let plan = begin::plan(pool, &running.change)?;
            switch_back(call, pool, running, &plan.settings, now).await
        }
    }
}

async fn finish(call: &Call, pool: &Pool, running: &Running, settings: Settings) -> Result<Step, ChangeError> {
    let mut batch = Batch::new();
    batch.add(rows::delete(running));
    batch.add(pools::rows::update(pool, &pool.name, &settings, call.services.now()));
    record(call, pool, running, batch, 2).await?;
    Ok(Step::Over(None))
}

/// The moment of a change of how people sign in, or of its refusal; what is no name any more goes then.
async fn switch(
    call: &Call,
    pool: &Pool,
    running: &Running,
    settings: &Settings,
    refusal: Option<Report>,
    now: UnixMillis,
) -> Result<Step, ChangeError> {
    let tidying = Running { refusal, ..Running::new(&pool.id, &running.change, Phase::Tidying, running.users, now) };
    let mut batch = Batch::new();
    batch.add(rows::replace(running, &tidying));
    batch.add(pools::rows::update(pool, &pool.name, settings, now));
    record(call, pool, running, batch, 1).await?;
    Ok(Step::Went(tidying))
}

async fn switch_back(
    call: &Call,
    pool: &Pool,
    running: &Running,
    settings: &Settings,
    now: UnixMillis,
) -> Result<Step, ChangeError> {
    let again = Running::new(&pool.id, &running.change, running.phase, running.users, now);
    let mut batch = Batch::new();
    batch.add(rows::replace(running, &again));
    batch.add(pools::rows::update(pool, &pool.name, settings, now));
    commit(call, batch).await?;
    Ok(Step::Went(again))
}

/// A writer was quicker than the look at all users: the change ends as if it had not been begun.
async fn refuse(
    call: &Call,
    pool: &Pool,
    running: &Running,
    report: Report,
    now: UnixMillis,
) -> Result<Step, ChangeError> {
    let settings = Settings { changing: None, ..pool.settings.clone() };
    if matches!(running.change, Change::SignIn { .. }) {
        return switch(call, pool, running, &settings, Some(report), now).await;
    }
    finish(call, pool, running, settings).await?;
    Ok(Step::Over(Some(report)))
}

/// Commits a moment with its audit row. `number`: each of a call has another instant in the record.
async fn record(call: &Call, pool: &Pool, running: &Running, batch: Batch, number: u64) -> Result<(), ChangeError> {
    let mut later = call.clone();
    later.now = call.services.now().max(UnixMillis(call.now.0.saturating_add(number)));
    let subject = running.change.describe();
    match later.commit(Write::new(&pool.id, batch).about(&subject)).await {
        Err(CommitError::Missed { .. }) => Err(ChangeError::Busy),
        outcome => Ok(outcome?),
    }
}

async fn commit(call: &Call, batch: Batch) -> Result<(), ChangeError> {
    match call.services.store.commit(batch).await {
        Err(CommitError::Missed { .. }) => Err(ChangeError::Busy),
        outcome => Ok(outcome?),
    }
}
