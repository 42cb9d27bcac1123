//! Why a measurement could not be made.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::corpus::CorpusError;
use crate::feed::FeedError;
use crate::limit::LimitError;
use crate::load::{ApiError, Failure, FillError, FixtureError, PlanError, RequestError, TlsError};
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
    #[error("there is no home to keep the compared products in; name a folder")]
    NoPeersFolder,
    #[error("the compared products can't be installed: {0}")]
    Install(PeerError),
    #[error("the edge under test did not start: {0}")]
    EdgeStart(PeerError),
    #[error("the edge under test does not do its work: {0}")]
    EdgeProof(ProofError),
    #[error("cannot read the processor time of process {pid}: {source}")]
    Accounting { pid: u32, source: io::Error },
    #[error("cannot run the load generator: {0}")]
    Generator(#[from] PlanError),
    #[error("cannot make requests: {0}")]
    Request(#[from] RequestError),
    #[error("the issuer under test: {0}")]
    Issuer(#[from] ApiError),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("the edge's admin listener {admin}: {source}")]
    Admin { admin: SocketAddr, source: io::Error },
    #[error("the edge under test gives no answer: {0}")]
    Probe(io::Error),
    #[error("the issuer under test did not start: {0}")]
    IssuerStart(PeerError),
    #[error("the issuer under test does not sign a user in by its pages: {0}")]
    SignIn(String),
    #[error("issuer and edge together did not start: {0}")]
    StackStart(PeerError),
    #[error("issuer and edge together: {0}")]
    Stack(&'static str),
    #[error("none of the systems that it compares was started")]
    NothingToMeasure,
    #[error("the random source failed")]
    Random,
    #[error("a limit: {0}")]
    Limit(#[from] LimitError),
    #[error("the feed of the bench: {0}")]
    Feed(#[from] FeedError),
    #[error("it does not pass an honest request: {0}")]
    HonestRefused(Failure),
    #[error("it does not refuse a plain attack: {0}")]
    AttackPassed(String),
    #[error("cannot start it: {0}")]
    Beside(PeerError),
    #[error("neither side can be measured: {0}")]
    NoSide(String),
    #[error("cannot read requests: {0}")]
    Corpus(#[from] CorpusError),
    #[error("cannot send requests: {0}")]
    Sending(io::Error),
    #[error("there is no scenario {name}; there are {known}")]
    UnknownScenario { name: String, known: String },
    #[error("there was no time left for it")]
    TimeOver,
    #[error("it was interrupted; everything that it had started is ended")]
    Interrupted,
    #[error("cannot write users: {0}")]
    Fill(#[from] FillError),
    #[error("{0}")]
    Options(&'static str),
}
