//! Changes of a pool's schema, and its search indexes (`tollgate admin schema`).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::PoolId;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Admin;
use super::signed::{Command, answer, answer_with, read};
use crate::aws_json::{Call, Write};
use crate::pools::{self, Pool};
use crate::schema_changes::{self, Change, Event, Teller};
use crate::store::{Batch, CommitError};
use crate::users::search::indexes::{self, Index, IndexError, MOST, State as IndexState};

/// Events that wait for whoever listens.
const WAITING: usize = 16;
/// Between two batches of an index, so that other writers have their turn.
const BREATH: Duration = Duration::from_millis(2);

/// What is to be done.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum Ask {
    Change {
        change: Change,
        #[serde(default)]
        dry_run: bool,
    },
    /// Goes on with the change that is under way.
    Resume,
    /// Makes a search index of an attribute, or goes on with it.
    Index {
        attribute: String,
    },
    Unindex {
        attribute: String,
    },
}

/// `GET /v1/pools/{pool}/schema` → `{"change": …, "search_indexes": […]}`: what is under way and what there is.
pub async fn show(State(admin): State<Admin>, Path(pool): Path<String>, request: Request) -> Response {
    let pool = PoolId::parse(pool.as_str());
    let command = pool.as_ref().map_or(Command::reads("ShowSchema"), |pool| Command::reads("ShowSchema").on(pool));
    answer(&admin, command, request, async move |call, _| {
        let pool = pools::find(&call.services.store, &pool.map_err(|_| no_pool())?).await?;
        let running = schema_changes::running(&call.services.store, &pool.id).await?;
        let change = running.map(|running| {
            json!({
                "change": running.change, "phase": running.phase.as_str(), "done": running.done, "users": running.users,
            })
        });
        let indexes = indexes::list(&call.services.store, &pool.id).await.map_err(refusal)?;
        Ok(json!({ "change": change, "search_indexes": indexes.iter().map(describe).collect::<Vec<_>>() }))
    })
    .await
}

/// `POST /v1/pools/{pool}/schema {"do": …}` → lines of JSON as things go on; the last is `{"done": …}` or `{"error": …}`. Who leaves
/// before it ends the work where it is; `resume` goes on.
pub async fn run(State(admin): State<Admin>, Path(pool): Path<String>, request: Request) -> Response {
    let pool = PoolId::parse(pool.as_str());
    let command =
        pool.as_ref().map_or(Command::changes("ChangeSchema"), |pool| Command::changes("ChangeSchema").on(pool));
    answer_with(&admin, command, request, async move |call, body| {
        let ask: Ask = read(&body)?;
        let pool = pools::find(&call.services.store, &pool.map_err(|_| no_pool())?).await?;
        match &ask {
            Ask::Change { change, .. } => drop(schema_changes::plan(&pool, change)?),
            Ask::Index { attribute } | Ask::Unindex { attribute } => check_indexable(&pool, attribute)?,
            Ask::Resume => {}
        }
        let (out, lines) = mpsc::channel(WAITING);
        // The record has one row of this request at this instant: that it was let in. What comes of it has rows of its own.
        let mut later = call.clone();
        later.now = UnixMillis(call.now.0.saturating_add(1));
        tokio::spawn(work(later, pool, ask, out));
        let lines = stream::unfold(lines, async |mut lines| lines.recv().await.map(|line| (line, lines)));
        Ok(([("content-type", "application/x-ndjson")], Body::from_stream(lines)).into_response())
    })
    .await
}

type Line = Result<Bytes, Infallible>;

async fn work(call: Call, pool: Pool, ask: Ask, out: mpsc::Sender<Line>) {
    let (told, mut events) = mpsc::channel::<Event>(1);
    let forward = async {
        while let Some(event) = events.recv().await {
            let line = serde_json::to_value(&event).unwrap_or_default();
            if out.send(Ok(as_line(&line))).await.is_err() {
                break;
            }
        }
        // Drops the events: the work finds that nobody listens.
        drop(events);
    };
    let (outcome, ()) = tokio::join!(act(&call, &pool, ask, Teller::new(told)), forward);
    let last = match outcome {
        Ok(done) => json!({ "done": done }),
        Err(fault) => {
            if let Some(cause) = fault.cause() {
                tracing::error!(request_id = call.origin.request_id, cause, "a change of a schema failed");
            }
            json!({ "error": { "type": fault.exception.name(), "message": fault.message } })
        }
    };
    let _gone = out.send(Ok(as_line(&last))).await;
}

async fn act(call: &Call, pool: &Pool, ask: Ask, mut tell: Teller) -> Result<Value, Fault> {
    match ask {
        Ask::Change { change, dry_run: true } => {
            let report = schema_changes::dry_run(call, pool, &change, &mut tell).await?;
            Ok(json!({ "report": report }))
        }
        Ask::Change { change, dry_run: false } => {
            schema_changes::run(call, &pool.id, Some(&change), &mut tell).await?;
            Ok(json!({}))
        }
        Ask::Resume => {
            schema_changes::run(call, &pool.id, None, &mut tell).await?;
            Ok(json!({}))
        }
        Ask::Index { attribute } => index(call, pool, &attribute, &mut tell).await,
        Ask::Unindex { attribute } => unindex(call, pool, &attribute, &mut tell).await,
    }
}

async fn index(call: &Call, pool: &Pool, attribute: &str, tell: &mut Teller) -> Result<Value, Fault> {
    let store = &call.services.store;
    let there = indexes::list(store, &pool.id).await.map_err(refusal)?;
    if !there.iter().any(|index| index.attribute == attribute) {
        if there.len() as u64 >= MOST {
            return Err(refusal(IndexError::TooMany));
        }
        let mut batch = Batch::new();
        batch.add(pools::rows::hold(&pool.id));
        let made = batch.add(indexes::create(&pool.id, attribute, call.services.now()));
        let about = format!("index {attribute}");
        match call.commit(Write::new(&pool.id, batch).about(&about)).await {
            Err(CommitError::Missed { index }) if index == made => return Err(refusal(IndexError::Busy)),
            outcome => outcome?,
        }
    }
    let total = store.one(pools::rows::user_count(&pool.id)).await?.map_or(Ok(0), |row| row.u64(0));
    let total = total.map_err(Fault::internal)?;
    let mut index = indexes::named(store, &pool.id, attribute).await.map_err(refusal)?;
    while index.state == IndexState::Building {
        let further = indexes::build(store, &pool.id, &index, call.services.now()).await.map_err(refusal)?;
        tell.progress("indexing", further.done, total).await?;
        let waits = further == index;
        index = further;
        tokio::time::sleep(if waits { Duration::from_millis(100) } else { BREATH }).await;
    }
    if index.state == IndexState::Dropping {
        return Err(Fault::invalid_parameter(format!("{attribute}: its search index is being dropped.")));
    }
    Ok(describe(&index))
}

async fn unindex(call: &Call, pool: &Pool, attribute: &str, tell: &mut Teller) -> Result<Value, Fault> {
    let store = &call.services.store;
    loop {
        let index = match indexes::named(store, &pool.id, attribute).await {
            Ok(index) => index,
            Err(IndexError::Absent(_)) => return Ok(json!({})),
            Err(error) => return Err(refusal(error)),
        };
        if !indexes::drop_some(store, &pool.id, &index).await.map_err(refusal)? {
            return Ok(json!({}));
        }
        tell.progress("dropping", 0, 0).await?;
        tokio::time::sleep(BREATH).await;
    }
}

fn check_indexable(pool: &Pool, attribute: &str) -> Result<(), Fault> {
    let known = attribute == "username" || pool.schema().has(attribute);
    if known && indexes::can_have_one(attribute) {
        return Ok(());
    }
    Err(Fault::invalid_parameter(format!(
        "{attribute}: only user names, custom attributes and the attributes that Cognito searches can have a search index."
    )))
}

fn describe(index: &Index) -> Value {
    json!({ "attribute": index.attribute, "state": index.state.as_str(), "done": index.done })
}

fn refusal(error: IndexError) -> Fault {
    match error {
        IndexError::Read(error) => error.into(),
        IndexError::Commit(error) => error.into(),
        IndexError::Absent(_) => Fault::resource_not_found(error.to_string()),
        other => Fault::invalid_parameter(other.to_string()),
    }
}

fn no_pool() -> Fault {
    Fault::invalid_parameter("pool: a user pool id")
}

fn as_line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}
