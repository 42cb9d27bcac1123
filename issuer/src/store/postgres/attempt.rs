//! One attempt at a batch or a query on one connection.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use deadpool_postgres::Object;
use futures_util::TryStreamExt;
use futures_util::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Statement as Prepared};

use super::failure::Failure;
use super::types::{declared, row};
use crate::store::batch::{Batch, Query, Statement};
use crate::store::error::StoreError;
use crate::store::value::{Row, Value};

/// Past this a connection forgets its prepared statements: texts are few, but each also counts once for each pattern of NULLs.
const MAX_PREPARED: usize = 512;
/// In so many words, since a pooler or an administrator may have set another default.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

pub(super) enum Outcome {
    Done,
    Missed(usize),
}

/// A failure and the statement that it befell.
pub(super) struct Broken {
    pub(super) index: usize,
    pub(super) failure: Failure,
}

/// The outer error may be repeated, the inner one is the answer.
pub(super) async fn read(connection: &Object, query: &Query) -> Result<Result<Vec<Row>, StoreError>, Failure> {
    let prepared = prepare(connection, &query.sql, &query.values).await?;
    let mut answer = pin!(connection.query_raw(&prepared, &query.values).await?);
    let mut rows = Vec::new();
    while let Some(found) = answer.try_next().await? {
        if rows.len() == query.limit {
            return Ok(Err(StoreError::TooMany { limit: query.limit }));
        }
        match row(&found) {
            Ok(row) => rows.push(row),
            Err(error) => return Ok(Err(error.into())),
        }
    }
    Ok(Ok(rows))
}

/// Leaves no transaction open unless the failure spoils the connection.
pub(super) async fn batch(connection: &Object, batch: &Batch) -> Result<Outcome, Broken> {
    let statements = &batch.statements;
    let mut prepared = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter().enumerate() {
        let one = prepare(connection, &statement.sql, &statement.values).await;
        prepared.push(one.map_err(|error| Broken { index, failure: error.into() })?);
    }
    match pipeline(connection, statements, &prepared).await {
        Ok(Outcome::Done) => {
            let done = connection.batch_execute("COMMIT").await.map(|()| Outcome::Done);
            done.map_err(|error| Broken { index: statements.len() - 1, failure: Failure::from(error).at_commit() })
        }
        Err(broken) if broken.failure.spoils_connection() => Err(broken),
        undone => {
            let back = connection.batch_execute("ROLLBACK").await;
            back.map_err(|error| Broken { index: 0, failure: Failure::Lost(error.to_string()) })?;
            undone
        }
    }
}

/// Sends everything, then looks at the answers in order. After the first error the server runs none of the rest.
async fn pipeline(connection: &Object, statements: &[Statement], prepared: &[Prepared]) -> Result<Outcome, Broken> {
    let begin: BoxFuture<'_, Result<u64, Error>> = async { connection.batch_execute(BEGIN).await.map(|()| 0) }.boxed();
    let executions = statements.iter().zip(prepared).map(|(s, p)| connection.execute_raw(p, &s.values).boxed());
    let mut answers = in_order(std::iter::once(begin).chain(executions)).await.into_iter();
    if let Some(Err(error)) = answers.next() {
        return Err(Broken { index: 0, failure: error.into() });
    }
    for (index, (answer, statement)) in answers.zip(statements).enumerate() {
        let changed = answer.map_err(|error| Broken { index, failure: error.into() })?;
        if !statement.rows.allows(changed) {
            return Ok(Outcome::Missed(index)); // whatever befell later ones may have come of this
        }
    }
    Ok(Outcome::Done)
}

/// Starts all of them, each in its turn, before it waits for any: that is what makes the driver pipeline.
async fn in_order<F: Future + Unpin>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<MaybeDone<F>> = futures.map(maybe_done).collect();
    poll_fn(|context| {
        for future in &mut running {
            let _started = future.poll_unpin(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut outputs = Vec::with_capacity(running.len());
    for mut future in running {
        (&mut future).await;
        outputs.extend(std::pin::Pin::new(&mut future).take_output());
    }
    outputs
}

async fn prepare(connection: &Object, sql: &str, values: &[Value]) -> Result<Prepared, Error> {
    if connection.statement_cache.size() > MAX_PREPARED {
        connection.statement_cache.clear();
    }
    let types: Vec<Type> = values.iter().map(declared).collect();
    connection.prepare_typed_cached(sql, &types).await
}
