//! `bench users` and `bench load-users`: what users cost an issuer, and rows of them for whoever measures something else.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bench::{BenchError, Database, FillError, UsersOptions};
use common::settings::EXIT_CONFIG;

use crate::commands;

/// Users that one run can make.
const MOST_USERS: u64 = 100_000_000;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// The short form: 100,000 users, within three minutes.
    #[arg(long)]
    quick: bool,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Users of the large pool [default: 1000000; 100000 with --quick].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2_000..=MOST_USERS))]
    users: Option<u64>,
    /// How long each load lasts [default: 10; 3 with --quick].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: Option<u64>,
    /// Callers at a time.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
}

/// An issuer's database, and how many users it gets.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("database").required(true).args(["sqlite", "postgres_url_file"])))]
pub struct Fill {
    /// Users to write.
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_USERS))]
    count: u64,
    /// The user pool that gets them. It needs an attribute custom:ref to show all that they have.
    #[arg(long, value_name = "POOL")]
    pool: String,
    /// The issuer's SQLite file, such as DIR/tollgate.db of `tollgate up`.
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// A file that holds the URL of the issuer's PostgreSQL database.
    #[arg(long, value_name = "FILE")]
    postgres_url_file: Option<PathBuf>,
    /// Number of the first one: load-00000000 and so on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum UsersError {
    #[error("this program can't be found: {0}")]
    Program(std::io::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Fill(#[from] FillError),
    #[error("the report is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("neither engine could be measured")]
    Nothing,
}

impl UsersError {
    fn exit_code(&self) -> u8 {
        if matches!(self, Self::File { .. }) { EXIT_CONFIG } else { 1 }
    }
}

/// Measures and prints.
pub fn run(options: &Options) -> ExitCode {
    commands::report(measure(options), UsersError::exit_code)
}

fn measure(options: &Options) -> Result<(), UsersError> {
    let program = std::env::current_exe().map_err(UsersError::Program)?;
    let mut measured = UsersOptions::new(vec![program.into_os_string()]);
    if options.quick {
        measured = measured.quick();
    }
    measured.users = options.users.unwrap_or(measured.users);
    measured.span = options.seconds.map_or(measured.span, Duration::from_secs);
    measured.connections = usize::from(options.connections);
    let report = bench::users(&measured, &mut |what| eprintln!("{what}"))?;
    if options.json {
        commands::say(&report.to_json()?);
    } else {
        commands::say(&report);
    }
    if report.measured() { Ok(()) } else { Err(UsersError::Nothing) }
}

/// Writes rows and says what they are.
pub fn fill(options: &Fill) -> ExitCode {
    commands::report(write(options), UsersError::exit_code)
}

fn write(options: &Fill) -> Result<(), UsersError> {
    let database = match (&options.sqlite, &options.postgres_url_file) {
        (Some(file), _) => Database::Sqlite(file.clone()),
        (None, file) => {
            let path = file.clone().unwrap_or_default();
            let text = std::fs::read_to_string(&path).map_err(|source| UsersError::File { path, source })?;
            Database::Postgres(text.trim().to_owned())
        }
    };
    let begun = std::time::Instant::now();
    let mut tell = |done: u64| {
        if done.is_multiple_of(100_000) {
            eprintln!("{done} of {} users", options.count);
        }
    };
    bench::fill(&database, &options.pool, options.first, options.count, &mut tell)?;
    let seconds = begun.elapsed().as_secs_f64();
    commands::say(&format_args!(
        "{} users in {seconds:.1} s, all with one ready password hash and without SRP verifiers: they sign in by password, and not \
         by SRP",
        options.count
    ));
    Ok(())
}
