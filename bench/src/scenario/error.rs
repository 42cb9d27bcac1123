//! Why a measurement could not be made.

use std::io;
use std::path::PathBuf;

use crate::load::{ApiError, FixtureError};
use crate::peers::PeerError;
use crate::scenario::proof::ProofError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("cannot {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot make tokens: {0}")]
    Fixture(#[from] FixtureError),
    #[error("cannot start the upstream: {0}")]
    Upstream(io::Error),
    #[error("the edge under test did not start: {0}")]
    EdgeStart(PeerError),
    #[error("the edge under test does not do its work: {0}")]
    EdgeProof(ProofError),
    #[error("cannot read the processor time of process {pid}: {source}")]
    Accounting { pid: u32, source: io::Error },
    #[error("cannot run the load generator: {0}")]
    Generator(io::Error),
    #[error("the issuer under test: {0}")]
    Issuer(#[from] ApiError),
    #[error("the random source failed")]
    Random,
    #[error("{0}")]
    Options(&'static str),
}
