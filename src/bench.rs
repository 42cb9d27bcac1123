//! `bench`: which benchmark, and how its report is printed.

mod compare;
mod edge;
mod load;
mod oauth;
mod report;
mod users;
mod values;
mod waf;

use std::process::ExitCode;

use clap::Subcommand;

use self::load::LoadError;
use crate::commands;

/// Which benchmark.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The edge beside nginx, HAProxy, Envoy and others: processor time a request, latency, and what happens under load.
    Edge(edge::Options),
    /// Draw a report anew from its JSON file.
    Report(report::Options),
    /// Two runs beside each other: exit code 1 when processor time became worse, 64 when they cannot be compared.
    Compare(compare::Options),
    /// What the unsigned operations tell about who exists: answers and times of known and unknown users.
    Attacks(crate::attacks::Options),
    /// Attacks and clean traffic through web ACLs of Tollgate and through ModSecurity with OWASP CRS: what each refuses.
    Waf(waf::Options),
    /// What users cost an issuer on SQLite and on PostgreSQL, with few of them and with many.
    Users(users::Options),
    /// What tokens cost an issuer at its OAuth endpoints, beside bare signatures and another issuer on the same core.
    Oauth(oauth::Options),
    /// Write rows of users into an issuer's database, all with one ready password hash.
    LoadUsers(users::Fill),
    /// Send requests to any server and report rate, latency and failures, to size a deployment.
    Load(load::Options),
}

/// Runs it and prints what it has found.
pub fn run(options: &Options) -> ExitCode {
    match &options.command {
        Command::Edge(options) => edge::run(options),
        Command::Waf(options) => waf::run(options),
        Command::Users(options) => users::run(options),
        Command::Oauth(options) => oauth::run(options),
        Command::LoadUsers(options) => users::fill(options),
        Command::Report(options) => report::run(options),
        Command::Compare(options) => compare::run(options),
        Command::Attacks(options) => match crate::attacks::run(options) {
            Ok(found) => print(&found, options.json.then(|| found.to_json())),
            Err(error) => commands::report::<(), _>(Err(error), |_| 1),
        },
        Command::Load(options) => match load::run(options) {
            Ok(found) => {
                let printed = print(&found, options.json.then(|| found.to_json()));
                if found.succeeded() == 0 {
                    commands::report::<(), _>(Err(LoadError::NoSuccess), LoadError::exit_code)
                } else {
                    printed
                }
            }
            Err(error) => commands::report::<(), _>(Err(error), LoadError::exit_code),
        },
    }
}

/// A report as a table, or as the JSON that was asked for.
fn print(table: &impl std::fmt::Display, json: Option<Result<String, serde_json::Error>>) -> ExitCode {
    match json.transpose() {
        Ok(Some(text)) => commands::say(&text),
        Ok(None) => commands::say(table),
        Err(error) => return commands::report::<(), _>(Err(error), |_| 1),
    }
    ExitCode::SUCCESS
}
