//! The copy of every table, in one REPEATABLE READ transaction.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::Client;

use super::failure::Failure;
use super::types::row;
use crate::store::dump::{Chunk, Out, Piece, select_all};
use crate::store::error::StoreError;
use crate::store::value::Value;

/// Reading may take long, and so may whoever takes the copy away.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = '6h'; SET LOCAL idle_in_transaction_session_timeout = '1h'";

/// Why the copy stops.
enum Stop {
    /// Nobody reads it any more.
    Gone,
    Failed(StoreError),
}

impl From<tokio_postgres::Error> for Stop {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(match Failure::from(error) {
            Failure::Refused(detail) => StoreError::Refused(detail),
            Failure::RolledBack(detail) | Failure::Lost(detail) | Failure::Away(detail) => {
                StoreError::Unavailable(detail)
            }
        })
    }
}

/// Reads until the end, an error, or until nobody wants it. The connection closes with the client.
pub(super) async fn run(client: &Client, tables: &[String], out: &Out) {
    let last = match all(client, tables, out).await {
        Ok(()) => Ok(Piece::End),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Gone) => return,
    };
    let _gone = out.send(last).await;
}

async fn all(client: &Client, tables: &[String], out: &Out) -> Result<(), Stop> {
    client.batch_execute(BEGIN).await?;
    for name in tables {
        let statement = client.prepare(&select_all(name)).await?;
        let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        send(out, Piece::Table { name: name.clone(), columns }).await?;
        let mut chunk = Chunk::default();
        let none: &[Value] = &[];
        let mut answer = pin!(client.query_raw(&statement, none).await?);
        while let Some(found) = answer.try_next().await? {
            let row = row(&found).map_err(|error| Stop::Failed(error.into()))?;
            if let Some(full) = chunk.push(row) {
                send(out, full).await?;
            }
        }
        if let Some(rest) = chunk.rest() {
            send(out, rest).await?;
        }
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}

async fn send(out: &Out, piece: Piece) -> Result<(), Stop> {
    out.send(Ok(piece)).await.map_err(|_| Stop::Gone)
}
