//! `bench attacks`: which issuer is measured, and by which admin key.

use std::path::{Path, PathBuf};

use bench::{AttacksOptions, AttacksReport, BenchError};
use common::secret::SecretString;
use serde::Deserialize;

/// An issuer, and how often each operation is tried.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("target").required(true).args(["up", "issuer"])))]
pub struct Options {
    /// The up.json of a running `tollgate up`.
    #[arg(long, value_name = "FILE")]
    up: Option<PathBuf>,
    /// Base URL of an issuer, http://HOST:PORT; the admin key is in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Region that the issuer's signatures name.
    #[arg(long, default_value = "us-east-1", conflicts_with = "up")]
    region: String,
    /// Samples an operation and side, at most 10000. More than the default take more than two minutes.
    #[arg(long, value_name = "N", default_value_t = AttacksOptions::DEFAULT_SAMPLES)]
    samples: usize,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AttacksError {
    #[error("{}: {why}", path.display())]
    UpFile { path: PathBuf, why: String },
    #[error("{0} is not set")]
    Key(&'static str),
    #[error(transparent)]
    Bench(#[from] BenchError),
}

/// Measures, and returns what was found.
pub fn run(options: &Options) -> Result<AttacksReport, AttacksError> {
    let target = match (&options.up, &options.issuer) {
        (Some(file), _) => Target::read(file)?,
        (None, issuer) => Target {
            issuer: issuer.clone().unwrap_or_default(),
            region: options.region.clone(),
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
        },
    };
    let measured = AttacksOptions {
        issuer: target.issuer,
        region: target.region,
        access_key_id: target.access_key_id,
        secret_access_key: SecretString::new(target.secret_access_key),
        samples: options.samples,
    };
    Ok(bench::attacks(&measured)?)
}

/// What up.json says of the issuer.
#[derive(Deserialize)]
struct Target {
    issuer: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Target {
    fn read(path: &Path) -> Result<Self, AttacksError> {
        let wrong = |why: String| AttacksError::UpFile { path: path.to_owned(), why };
        let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
        serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))
    }
}

fn variable(name: &'static str) -> Result<String, AttacksError> {
    std::env::var(name).map_err(|_| AttacksError::Key(name))
}
