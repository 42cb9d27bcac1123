//! `bench report`: the page and the table of a run that has been written before.

use std::path::PathBuf;
use std::process::ExitCode;

use bench::{FileError, Page, Table};

use common::settings::EXIT_CONFIG;

use crate::commands;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// A report's JSON file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the page here instead of printing the table.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Reads, and prints or writes.
pub fn run(options: &Options) -> ExitCode {
    commands::report(draw(options), |_| EXIT_CONFIG)
}

fn draw(options: &Options) -> Result<(), FileError> {
    let found = bench::read(&options.file)?;
    match &options.html {
        Some(path) => bench::write_text(path, &Page(&found).to_string()),
        None => {
            commands::say(&Table(&found));
            Ok(())
        }
    }
}
