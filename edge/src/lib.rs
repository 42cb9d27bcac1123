//! The gateway: validates tokens at the edge and forwards what it has judged, without a call home.
//!
//! ```text
//! app -> front -> gateway -> {gates, routes, forward, reply, cors, observe, resource} -> {facts, snapshot} -> {replay, samples, waf_log, geo}
//! -> {rates, waf, redact} -> common
//! app -> feed, which hands its states to the picture through a trait that app implements
//! app -> keys, which fetches key sets of others and writes them into the picture
//! gateway -> introspection, which asks an issuer about a token where a gate said so, and sign_in, which gives browsers a session; all three ask
//! by outbound
//! config assembles what the modules read out of `settings`; admin and explain are assembled by app and the binary
//! ```
//! The gates import neither pingora nor the feed. A request takes one snapshot and decides by it to its end.

mod admin;
pub mod app;
mod attest;
pub mod challenge;
pub mod config;
mod cors;
pub mod explain;
mod facts;
pub mod feed;
mod files;
mod forward;
mod front;
mod gates;
mod gateway;
mod geo;
mod introspection;
mod keys;
mod observe;
mod outbound;
pub mod rates;
mod redact;
mod replay;
mod reply;
mod resource;
mod routes;
mod samples;
mod sign_in;
pub mod snapshot;
mod takeover;
mod tenant;
mod tls;
pub mod uplink;
mod waf;
mod waf_log;

use std::path::Path;

use common::settings::{EXIT_CONFIG, SettingError};

pub use crate::app::{Phase, Running, Shutdown, ShutdownHandle, Start, StartError, start};
pub use crate::config::ConfigError;
pub use crate::explain::{Explain, ExplainError, Explanation};

/// Why a command of the edge ended early, in one line.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Explain(ExplainError),
}

impl EdgeError {
    /// 64 for a bad configuration, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => EXIT_CONFIG,
            Self::Start(_) | Self::Explain(_) => 1,
        }
    }
}

impl From<StartError> for EdgeError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => Self::Config(error),
            other => Self::Start(other),
        }
    }
}

impl From<ExplainError> for EdgeError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Config(error) => Self::Config(error),
            other => Self::Explain(other),
        }
    }
}

/// Runs an edge until it is asked to stop and has drained. Call it on a plain thread, never inside a tokio runtime, and let the
/// process end when it returns: pingora's threads are not joined.
pub fn run(config: &Path, start: Start, shutdown: Shutdown, tell: impl Fn(Phase)) -> Result<(), EdgeError> {
    Ok(app::run_blocking(config, start, shutdown, tell)?)
}

/// Reads and validates a configuration, with the files that it names, and starts nothing. Answers what should be looked at in it, a line each.
pub fn check_config(config: &Path) -> Result<Vec<String>, EdgeError> {
    Ok(app::check(config)?)
}

/// Validates a configuration's text as [`check_config`] does a file, with its relative paths in `folder` and without the environment.
pub fn check_text(text: &str, folder: &Path) -> Result<(), SettingError> {
    config::read_text(text, &[], folder, &observe::Metrics::default()).map(drop)
}

/// Says which route the request in a file would take and what the gates would answer.
pub fn explain(asked: &Explain) -> Result<Explanation, EdgeError> {
    Ok(explain::explain(asked)?)
}
