//! `bench waf`: which requests, which web ACLs, and where the lists go.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use bench::{BenchError, Form, Installing, OnStderr, Stop, WafOptions, WafReport, WafSource};
use common::settings::EXIT_CONFIG;

use super::edge::{EXIT_INTERRUPTED, SignalsError, stop_by_signal};
use crate::commands;

/// Longest run.
const MOST_MINUTES: u64 = 24 * 60;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Attacks: JSON lines as in the regression corpus of OWASP CRS; may be repeated; `none` for none [default: half of that corpus].
    #[arg(long = "corpus", value_name = "FILE")]
    corpora: Vec<PathBuf>,
    /// Clean traffic in the same form; may be repeated; `none` for none [default: 6,600 generated requests].
    #[arg(long = "clean", value_name = "FILE")]
    clean: Vec<PathBuf>,
    /// Seed of the generated traffic.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Tollgate's web ACL, in AWS WAF's JSON: for both paranoia levels, or 1=FILE and 2=FILE [default: the rule groups that come with Tollgate, the
    /// core one at level 1 and the strict one beside it at level 2].
    #[arg(long = "acl", value_name = "[LEVEL=]FILE")]
    acls: Vec<String>,
    /// Paranoia level of ModSecurity, 1 or 2 [default: both, one after the other].
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=2))]
    level: Option<u8>,
    /// Send the corpus's data as it is written, and not as go-ftw does.
    #[arg(long)]
    as_written: bool,
    /// Folder for waf.json and for lists of what only one side has found.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the generated traffic to this file, and end.
    #[arg(long, value_name = "FILE")]
    write_clean: Option<PathBuf>,
    /// Name the classes of the generated traffic, and end.
    #[arg(long)]
    list: bool,
    /// Time for sending everything.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=MOST_MINUTES))]
    minutes: Option<u64>,
    /// Program whose edge is measured instead of this one's.
    #[arg(long, value_name = "PROGRAM")]
    edge: Option<PathBuf>,
    /// Where compared products are kept [default: tollgate-bench in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    peers_folder: Option<PathBuf>,
    /// Measure what is installed, and install nothing.
    #[arg(long)]
    no_install: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum WafError {
    #[error("--acl {0}: FILE, 1=FILE or 2=FILE is wanted, each level once")]
    Acl(String),
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Signals(#[from] SignalsError),
    #[error("the report is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl WafError {
    /// 64 for arguments that make no sense.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Acl(_) | Self::Bench(BenchError::Options(_) | BenchError::Corpus(_)) => EXIT_CONFIG,
            Self::Bench(BenchError::Interrupted) => EXIT_INTERRUPTED,
            _ => 1,
        }
    }
}

/// Measures, prints and writes.
pub fn run(options: &Options) -> ExitCode {
    if options.list {
        for (name, about) in bench::clean_classes() {
            commands::say(&format_args!("  {name:<12} {about}"));
        }
        return ExitCode::SUCCESS;
    }
    let done = match &options.write_clean {
        Some(path) => write_clean(path, options.seed),
        None => measure(options),
    };
    commands::report(done, WafError::exit_code)
}

fn write_clean(path: &Path, seed: u64) -> Result<(), WafError> {
    write(path, &bench::clean_traffic(seed)?)
}

fn measure(options: &Options) -> Result<(), WafError> {
    let measured = options.measured()?;
    stop_by_signal(measured.stop.clone())?;
    let mut progress = OnStderr::begin();
    let found = bench::waf(&measured, &mut progress);
    progress.finish();
    let found = found?;
    if options.json {
        commands::say(&found.to_json()?);
    } else {
        commands::say(&found);
    }
    options.out.as_ref().map_or(Ok(()), |folder| keep(&found, folder))
}

/// Writes the report and its lists.
fn keep(found: &WafReport, folder: &Path) -> Result<(), WafError> {
    std::fs::create_dir_all(folder).map_err(|source| WafError::File { path: folder.to_owned(), source })?;
    write(&folder.join("waf.json"), &found.to_json()?)?;
    found.lists().iter().try_for_each(|list| write(&folder.join(&list.name), &list.text))?;
    eprintln!("written: {} and lists beside it", folder.join("waf.json").display());
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), WafError> {
    std::fs::write(path, text).map_err(|source| WafError::File { path: path.to_owned(), source })
}

impl Options {
    fn measured(&self) -> Result<WafOptions, WafError> {
        let defaults = WafOptions::default();
        let source = |files: &[PathBuf]| match files {
            [] => WafSource::Own,
            [none] if none.as_os_str() == "none" => WafSource::Files(Vec::new()),
            files => WafSource::Files(files.to_vec()),
        };
        Ok(WafOptions {
            attacks: source(&self.corpora),
            clean: source(&self.clean),
            seed: self.seed,
            form: if self.as_written { Form::AsWritten } else { Form::Ftw },
            acls: acls(&self.acls)?,
            levels: self.level.map_or(defaults.levels, |level| vec![level]),
            edge_command: self.edge.as_ref().map(|program| vec![OsString::from(program)]),
            peers_folder: self.peers_folder.clone(),
            installing: if self.no_install { Installing::Off } else { Installing::WherePossible },
            limit: self.minutes.map_or(defaults.limit, Duration::from_mins),
            stop: Stop::default(),
        })
    }
}

/// `FILE` is for both levels, `1=FILE` for one.
fn acls(texts: &[String]) -> Result<BTreeMap<u8, PathBuf>, WafError> {
    let mut acls = BTreeMap::new();
    for text in texts {
        let (levels, path): (&[u8], &str) = match text.split_once('=') {
            Some(("1", path)) => (&[1], path),
            Some(("2", path)) => (&[2], path),
            _ => (&[1, 2], text),
        };
        for level in levels {
            if path.is_empty() || acls.insert(*level, PathBuf::from(path)).is_some() {
                return Err(WafError::Acl(text.clone()));
            }
        }
    }
    Ok(acls)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn measured(arguments: &[&str]) -> Result<WafOptions, WafError> {
        Line::try_parse_from(["waf"].iter().chain(arguments)).unwrap().options.measured()
    }

    #[test]
    fn sources_and_levels() {
        let usual = measured(&[]).unwrap();
        assert_eq!((usual.attacks, usual.clean, usual.levels), (WafSource::Own, WafSource::Own, vec![1, 2]));
        let named = measured(&["--corpus", "a", "--corpus", "b", "--clean", "none", "--level", "2"]).unwrap();
        assert_eq!(named.attacks, WafSource::Files(vec!["a".into(), "b".into()]));
        assert_eq!((named.clean, named.levels), (WafSource::Files(Vec::new()), vec![2]));
    }

    #[test]
    fn a_web_acl_for_each_level() {
        let acls = |arguments: &[&str]| measured(arguments).map(|options| options.acls);
        let both = BTreeMap::from([(1, PathBuf::from("a")), (2, PathBuf::from("a"))]);
        assert_eq!(acls(&["--acl", "a"]).unwrap(), both);
        let each = BTreeMap::from([(1, PathBuf::from("a=b")), (2, PathBuf::from("c"))]);
        assert_eq!(acls(&["--acl", "1=a=b", "--acl", "2=c"]).unwrap(), each);
        for wrong in [&["--acl", "1="][..], &["--acl", "a", "--acl", "1=b"]] {
            assert_eq!(acls(wrong).unwrap_err().exit_code(), EXIT_CONFIG, "{wrong:?}");
        }
    }
}
