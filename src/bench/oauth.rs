//! `bench oauth`: what tokens cost an issuer.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bench::{BenchError, OauthOptions};

use crate::commands;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The short form: three rounds, within half a minute.
    #[arg(long)]
    quick: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Rounds over all loads [default: 7; 3 with --quick].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: Option<u32>,
    /// How long each load lasts in each round [default: 2000; 1000 with --quick].
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(50..=600_000))]
    milliseconds: Option<u64>,
    /// Callers at a time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
    /// Where the compared product is installed [default: ~/.cache/tollgate-bench]. scripts/bench-peers installs it.
    #[arg(long, value_name = "FOLDER")]
    peers_folder: Option<PathBuf>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum OauthError {
    #[error("this program can't be found: {0}")]
    Program(std::io::Error),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("the report is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Measures and prints.
pub fn run(options: &Options) -> ExitCode {
    commands::report(measure(options), |_: &OauthError| 1)
}

fn measure(options: &Options) -> Result<(), OauthError> {
    let program = std::env::current_exe().map_err(OauthError::Program)?;
    let mut measured = OauthOptions::new(vec![program.into_os_string()]);
    if options.quick {
        measured = measured.quick();
    }
    measured.rounds = options.rounds.unwrap_or(measured.rounds);
    measured.span = options.milliseconds.map_or(measured.span, Duration::from_millis);
    measured.connections = usize::from(options.connections);
    measured.peers_folder.clone_from(&options.peers_folder);
    let report = bench::oauth(&measured, &mut |what| eprintln!("{what}"))?;
    if options.json {
        commands::say(&report.to_json()?);
    } else {
        commands::say(&report);
    }
    Ok(())
}
