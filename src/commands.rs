//! The command line. Each command hands over to a library and turns its error into an exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
#[cfg(feature = "edge")]
use common::clock::UnixMillis;
use common::settings::EXIT_CONFIG;

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
    Bench(Box<crate::bench::Options>),
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
    /// Take over the listeners of the edge that runs on the same folder; it drains when this one serves.
    #[arg(long)]
    upgrade: bool,
}

#[cfg(feature = "edge")]
#[derive(Debug, Subcommand)]
enum EdgeCommand {
    /// Print route, gates and verdict for a request, without sending it anywhere.
    Explain {
        /// Settings file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// A file with a raw HTTP/1.1 request, with its body behind an empty line, or '-' for standard input.
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
        /// Ask about another moment than now, such as 2026-11-30T08:00:00Z.
        #[arg(long, value_name = "TIME", value_parser = moment)]
        at: Option<UnixMillis>,
        /// The address of the client that sends it.
        #[arg(long, value_name = "ADDRESS")]
        client: Option<std::net::IpAddr>,
        /// Print JSON.
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
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return usage(&error),
    };
    match command {
        #[cfg(all(feature = "issuer", feature = "edge"))]
        Command::Up(options) => up(options),
        #[cfg(feature = "issuer")]
        Command::Issuer(options) => issuer(&options),
        #[cfg(feature = "edge")]
        Command::Edge(options) => edge(options),
        #[cfg(feature = "issuer")]
        Command::Admin(options) => report(on_runtime(crate::admin::run(options)), |error| error.exit_code()),
        #[cfg(feature = "bench")]
        Command::Bench(options) => crate::bench::run(&options),
        #[cfg(all(feature = "issuer", feature = "edge"))]
        Command::SampleApi(options) => sample_api(&options),
    }
}

/// Help and version are printed whole; what is wrong with a command line is one line, without the tips and the usage below it.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    let wrong = text.split("\n\n").next().and_then(|first| first.strip_prefix("error: "));
    let Some(wrong) = wrong.filter(|_| error.use_stderr()) else { error.exit() };
    let line = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("tollgate: {line}");
    ExitCode::from(EXIT_CONFIG)
}

#[cfg(all(feature = "issuer", feature = "edge"))]
fn up(options: crate::up::Options) -> ExitCode {
    report(on_runtime(crate::up::run(options)), crate::up::UpError::exit_code)
}

#[cfg(feature = "issuer")]
fn issuer(options: &RoleOptions) -> ExitCode {
    let config = match issuer::Config::load(&options.config, crate::environment::texts()) {
        Ok(config) => config,
        Err(error) => return report::<(), _>(Err(error), |_| EXIT_CONFIG),
    };
    if config.dev_mode.is_some() && !options.until_eof {
        let why = format!("{}: dev_mode: only `tollgate up --dev-mode` may set it", options.config.display());
        return report::<(), _>(Err(why), |_| EXIT_CONFIG);
    }
    if options.check_config {
        return ExitCode::SUCCESS;
    }
    crate::log::to_stderr();
    report(crate::roles::issuer(config, options.until_eof), |error| if error.configuration { EXIT_CONFIG } else { 1 })
}

#[cfg(feature = "edge")]
fn edge(options: EdgeOptions) -> ExitCode {
    if let Some(EdgeCommand::Explain { config, request, at, client, json }) = options.command {
        let standard_input = request.as_os_str() == "-";
        let request = if standard_input { PathBuf::from("/dev/stdin") } else { request };
        return match edge::explain(&edge::Explain { config, request, at, client }) {
            Ok(explanation) if json => {
                say(&explanation.json());
                ExitCode::SUCCESS
            }
            Ok(explanation) => {
                say(&explanation.text());
                ExitCode::SUCCESS
            }
            Err(error) => report::<(), _>(Err(error), edge::EdgeError::exit_code),
        };
    }
    let Some(run) = options.run else {
        eprintln!("tollgate edge: --config FILE is needed");
        return ExitCode::from(EXIT_CONFIG);
    };
    if run.check_config {
        let checked = edge::check_config(&run.config);
        checked.iter().flatten().for_each(|warning| eprintln!("tollgate: warning: {warning}"));
        return report(checked, edge::EdgeError::exit_code);
    }
    crate::log::to_stderr();
    let start = if options.upgrade { edge::Start::TakingOver } else { edge::Start::Fresh };
    report(crate::roles::edge(&run.config, start, run.until_eof), edge::EdgeError::exit_code)
}

#[cfg(feature = "edge")]
fn moment(text: &str) -> Result<UnixMillis, String> {
    UnixMillis::parse_rfc3339(text).ok_or_else(|| "is no time such as 2026-11-30T08:00:00Z".to_owned())
}

#[cfg(all(feature = "issuer", feature = "edge"))]
fn sample_api(options: &SampleApiOptions) -> ExitCode {
    if options.until_eof {
        std::thread::spawn(|| {
            crate::stdin_guard::wait_for_eof();
            std::process::exit(0);
        });
    }
    report(on_runtime(crate::sample_api::serve(options.listen)).map(|_| ()), |_| 1)
}

/// Writes a line or more to standard output. Who has closed it (`| head`) wants no more, and that is no failure.
pub fn say(text: &impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// One line on standard error, and the exit code that belongs to the error.
pub fn report<T, E: std::fmt::Display>(outcome: Result<T, E>, code: impl FnOnce(&E) -> u8) -> ExitCode {
    match outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tollgate: {error}");
            ExitCode::from(code(&error))
        }
    }
}

#[cfg(feature = "issuer")]
fn on_runtime<T, E: From<std::io::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    crate::roles::small_runtime()?.block_on(work)
}
