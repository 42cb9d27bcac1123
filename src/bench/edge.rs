//! `bench edge`: which systems and scenarios, and where the report goes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bench::{BenchError, Choice, FileError, Findings, Installing, OnStderr, Page, Pinning, Quick, Stop, Table};

use common::settings::EXIT_CONFIG;

use tokio::signal::unix::{SignalKind, signal};

use crate::commands;

/// Of a process that a person has ended by Ctrl-C.
pub(super) const EXIT_INTERRUPTED: u8 = 130;
/// Folder of a full report unless another one is named.
const DEFAULT_OUT: &str = "bench-report";
/// Longest run; a full one takes about a quarter of an hour.
const MOST_MINUTES: u64 = 24 * 60;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The short form: the figures of the budgets, in less than two minutes.
    #[arg(long)]
    quick: bool,
    /// One JSON object on standard output instead of a table.
    #[arg(long)]
    json: bool,
    /// Folder for edge.json and edge.html [default: bench-report; none with --quick].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only this scenario; may be repeated. See --list.
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<String>,
    /// Only this product beside the edge; may be repeated; `none` for the edge alone. See --list.
    #[arg(long = "peer", value_name = "NAME")]
    peers: Vec<String>,
    /// Name scenarios and products, and end.
    #[arg(long)]
    list: bool,
    /// How often every system is measured.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Requests a system, scenario and round.
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// Connections in the closed loop.
    #[arg(long, value_name = "N")]
    connections: Option<usize>,
    /// Revoked sessions that the edge knows.
    #[arg(long, value_name = "N")]
    revocations: Option<usize>,
    /// Time for everything.
    #[arg(long, value_name = "MINUTES")]
    minutes: Option<u64>,
    /// Web ACL in AWS WAF's JSON that waf_shipped compares with ModSecurity [default: the core rule group that comes with Tollgate].
    #[arg(long, value_name = "FILE")]
    acl: Option<PathBuf>,
    /// Program whose edge is measured instead of this one's.
    #[arg(long, value_name = "PROGRAM")]
    edge: Option<PathBuf>,
    /// Another build of Tollgate, measured beside it in the same run.
    #[arg(long, value_name = "PROGRAM")]
    baseline: Option<PathBuf>,
    /// Where compared products are kept [default: tollgate-bench in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    peers_folder: Option<PathBuf>,
    /// Measure what is installed, and install nothing.
    #[arg(long)]
    no_install: bool,
    /// Let generator and measured process share processors.
    #[arg(long)]
    no_pinning: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum EdgeError {
    #[error("there is no product {name} to compare with; there are {known}")]
    UnknownPeer { name: String, known: String },
    #[error("--minutes must be 1 to {MOST_MINUTES}")]
    Minutes,
    #[error("cannot make {}: {source}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Signals(#[from] SignalsError),
    #[error("the report is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Why a run can't be ended early.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for signals: {0}")]
pub(super) struct SignalsError(std::io::Error);

impl EdgeError {
    /// 64 for arguments that make no sense.
    fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownPeer { .. } | Self::Minutes => EXIT_CONFIG,
            Self::Bench(BenchError::Interrupted) => EXIT_INTERRUPTED,
            Self::Bench(BenchError::UnknownScenario { .. } | BenchError::Options(_)) => EXIT_CONFIG,
            _ => 1,
        }
    }
}

/// Measures, prints and writes.
pub fn run(options: &Options) -> ExitCode {
    if options.list {
        list();
        return ExitCode::SUCCESS;
    }
    commands::report(measure(options), EdgeError::exit_code)
}

fn measure(options: &Options) -> Result<(), EdgeError> {
    let measured = options.measured()?;
    stop_by_signal(measured.stop.clone())?;
    let mut progress = OnStderr::begin();
    let found = bench::edge(&measured, &mut progress);
    progress.finish();
    let found = found?;
    if options.json {
        commands::say(&serde_json::to_string(&Quick::new(&found))?);
    } else {
        commands::say(&Table(&found));
    }
    let default = (!options.quick).then(|| PathBuf::from(DEFAULT_OUT));
    options.out.clone().or(default).map_or(Ok(()), |folder| keep(&found, folder))
}

/// SIGINT and SIGTERM end the run in good order, which takes some seconds; a second one ends this process at once.
pub(super) fn stop_by_signal(stop: Stop) -> Result<(), SignalsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(SignalsError)?;
    let wait = async move {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        eprintln!("ending what was started");
        stop.now();
        next().await;
        Ok::<(), std::io::Error>(())
    };
    let run = move || match runtime.block_on(wait) {
        Ok(()) => std::process::exit(i32::from(EXIT_INTERRUPTED)),
        Err(error) => eprintln!("tollgate: signals are not listened for: {error}"),
    };
    std::thread::Builder::new().name("signals".into()).spawn(run).map(drop).map_err(SignalsError)
}

/// Writes both files of a report.
fn keep(found: &Findings, folder: PathBuf) -> Result<(), EdgeError> {
    if let Err(source) = std::fs::create_dir_all(&folder) {
        return Err(EdgeError::Folder { folder, source });
    }
    let (json, html) = (folder.join("edge.json"), folder.join("edge.html"));
    bench::write(found, &json)?;
    bench::write_text(&html, &Page(found).to_string())?;
    eprintln!("written: {} and {}", json.display(), html.display());
    Ok(())
}

fn list() {
    commands::say(&"Scenarios");
    for (name, about) in bench::edge_scenarios() {
        commands::say(&format_args!("  {name:<18} {about}"));
    }
    commands::say(&"\nProducts");
    for (name, title) in bench::peers() {
        commands::say(&format_args!("  {name:<18} {title}"));
    }
}

impl Options {
    fn measured(&self) -> Result<bench::Options, EdgeError> {
        let mut measured = if self.quick { bench::Options::quick() } else { bench::Options::default() };
        let command = |program: &PathBuf| vec![OsString::from(program)];
        measured.edge_command = self.edge.as_ref().map(command);
        measured.baseline_command = self.baseline.as_ref().map(command);
        if !self.scenarios.is_empty() {
            measured.scenarios = Choice::of(self.scenarios.iter().cloned());
        }
        if !self.peers.is_empty() {
            let known: Vec<&str> = bench::peers().into_iter().map(|(name, _)| name).chain(["none"]).collect();
            if let Some(name) = self.peers.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(EdgeError::UnknownPeer { name: name.clone(), known: known.join(", ") });
            }
            measured.peers = Choice::of(self.peers.iter().cloned());
        }
        measured.rounds = self.rounds.unwrap_or(measured.rounds);
        measured.requests = self.requests.unwrap_or(measured.requests);
        measured.connections = self.connections.unwrap_or(measured.connections);
        measured.revocations = self.revocations.unwrap_or(measured.revocations);
        if let Some(minutes) = self.minutes {
            let minutes = Some(minutes).filter(|minutes| (1..=MOST_MINUTES).contains(minutes));
            measured.limit = Duration::from_mins(minutes.ok_or(EdgeError::Minutes)?);
        }
        measured.peers_folder.clone_from(&self.peers_folder);
        measured.acl.clone_from(&self.acl);
        if self.no_install {
            measured.installing = Installing::Off;
        }
        if self.no_pinning {
            measured.pinning = Pinning::Off;
        }
        Ok(measured)
    }
}
