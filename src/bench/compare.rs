//! `bench compare`: two runs beside each other.

use std::path::PathBuf;
use std::process::ExitCode;

use bench::{Comparison, FileError, NothingInCommon};
use common::settings::EXIT_CONFIG;

use crate::commands;

/// Exit code of a comparison that found a regression.
const EXIT_REGRESSION: u8 = 1;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// JSON of the older run.
    #[arg(value_name = "A.json")]
    old: PathBuf,
    /// JSON of the newer run.
    #[arg(value_name = "B.json")]
    new: PathBuf,
    /// Least change of a processor time that counts.
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    threshold: String,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Why two files were not compared.
#[derive(Debug, thiserror::Error)]
enum CompareError {
    #[error("--threshold is a percentage between 0 and 100, such as 5%")]
    Threshold,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    NothingInCommon(#[from] NothingInCommon),
    #[error("the comparison is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// 0 without a regression, 1 with one, 64 when the files cannot be compared.
pub fn run(options: &Options) -> ExitCode {
    match compare(options) {
        Ok(comparison) if comparison.regressed() => ExitCode::from(EXIT_REGRESSION),
        outcome => commands::report(outcome, |_| EXIT_CONFIG),
    }
}

fn compare(options: &Options) -> Result<Comparison, CompareError> {
    let threshold = percent(&options.threshold).ok_or(CompareError::Threshold)?;
    let comparison = bench::compare(&bench::read(&options.old)?, &bench::read(&options.new)?, threshold)?;
    if options.json {
        commands::say(&comparison.to_json()?);
    } else {
        commands::say(&comparison);
    }
    Ok(comparison)
}

/// "5%" or "5" as a share.
fn percent(text: &str) -> Option<f64> {
    let number: Option<f64> = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    number.filter(|percent| *percent > 0.0 && *percent < 100.0).map(|percent| percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        assert_eq!(percent("5%"), Some(0.05));
        assert_eq!(percent("12.5"), Some(0.125));
        for bad in ["", "%", "0", "-5%", "100%", "NaN", "five"] {
            assert!(percent(bad).is_none(), "{bad}");
        }
    }
}
