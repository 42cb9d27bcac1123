//! The command line. Each command hands over to a library and turns its error into an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Token gateway at the edge, identity issuer in the middle.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine: issuer, edge, demo pool, sample API.
    #[cfg(all(feature = "issuer", feature = "edge"))]
    Up(crate::up::Options),
    /// Run the central issuer.
    #[cfg(feature = "issuer")]
    Issuer(RoleOptions),
    /// Run an edge, check its settings, or explain what it would do with a request.
    #[cfg(feature = "edge")]
    Edge(EdgeOptions),
    /// What Cognito's API does not have.
    #[cfg(feature = "issuer")]
    Admin(crate::admin::Options),
    /// Load and comparison reports.
    #[cfg(feature = "bench")]
    Bench(BenchOptions),
    /// The echoing API of `up`.
    #[cfg(all(feature = "issuer", feature = "edge"))]
    #[command(hide = true)]
    SampleApi(SampleApiOptions),
}

#[derive(Debug, clap::Args)]
struct RoleOptions {
    /// Settings file (docs/CONFIG.md).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Check the settings and exit: 0, or 64 with one line that says what is wrong.
    #[arg(long)]
    check_config: bool,
    /// End when standard input ends.
    #[arg(long, hide = true)]
    until_eof: bool,
}

#[cfg(feature = "edge")]
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
struct EdgeOptions {
    #[command(subcommand)]
    command: Option<EdgeCommand>,
    #[command(flatten)]
    run: Option<RoleOptions>,
}

#[cfg(feature = "edge")]
#[derive(Debug, Subcommand)]
enum EdgeCommand {
    /// Print route, gates and verdict for a request, without sending it anywhere.
    Explain {
        /// Settings file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A file with a raw HTTP/1.1 request, or '-' for standard input.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
    },
}

#[cfg(feature = "bench")]
#[derive(Debug, clap::Args)]
struct BenchOptions {
    #[command(subcommand)]
    command: BenchCommand,
}

#[cfg(feature = "bench")]
#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// CPU a request of the edge beside nginx, HAProxy and Envoy.
    Edge {
        /// The short form: under two minutes.
        #[arg(long, required = true)]
        quick: bool,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
}

#[cfg(all(feature = "issuer", feature = "edge"))]
#[derive(Debug, clap::Args)]
struct SampleApiOptions {
    #[arg(long)]
    listen: std::net::SocketAddr,
    #[arg(long, hide = true)]
    until_eof: bool,
}

/// Parses the command line and runs it.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        #[cfg(all(feature = "issuer", feature = "edge"))]
        Command::Up(options) => up(options),
        #[cfg(feature = "issuer")]
        Command::Issuer(options) => issuer(&options),
        #[cfg(feature = "edge")]
        Command::Edge(options) => edge(&options),
        #[cfg(feature = "issuer")]
        Command::Admin(options) => crate::admin::run(options),
        #[cfg(feature = "bench")]
        Command::Bench(options) => bench(&options),
        #[cfg(all(feature = "issuer", feature = "edge"))]
        Command::SampleApi(options) => sample_api(&options),
    }
}
