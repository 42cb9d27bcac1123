//! Why a limit has no figure.

use std::io;

use crate::cluster::ClusterError;

/// Why bare work could not be prepared or done.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    #[error("{0} is not installed")]
    Missing(&'static str),
    #[error("no key could be made for {0}")]
    Key(&'static str),
    #[error("{0} failed")]
    Arithmetic(&'static str),
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("cannot read processor time: {0}")]
    Accounting(io::Error),
    #[error("cannot start the client's runtime: {0}")]
    Runtime(io::Error),
}
