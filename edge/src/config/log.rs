//! `[log]`: which decisions are written, and where.

use std::path::{Path, PathBuf};

use common::settings::{Section, SettingError};

use crate::observe::{LogLevel, LogRules};

/// The access log's settings. A reload takes them into use, and opens the file anew.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSettings {
    pub rules: LogRules,
    /// None: standard error.
    pub file: Option<PathBuf>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { rules: LogRules { level: LogLevel::All, sample: 1.0, fingerprints: false }, file: None }
    }
}

pub fn read(mut section: Section, folder: &Path) -> Result<LogSettings, SettingError> {
    let level = match section.text("access")?.as_deref() {
        None | Some("all") => LogLevel::All,
        Some("refused") => LogLevel::Refused,
        Some("off") => LogLevel::Off,
        Some(_) => return Err(section.error("access", "must be \"all\", \"refused\" or \"off\"")),
    };
    let sample = section.share("sample")?.unwrap_or(1.0);
    let fingerprints = section.flag("fingerprints")?.unwrap_or(false);
    let file = section.file("file")?.map(|file| folder.join(file));
    if let Some(file) = &file
        && !file.parent().is_some_and(Path::is_dir)
    {
        return Err(section.error("file", format!("{}: there is no such folder", file.display())));
    }
    section.finish()?;
    Ok(LogSettings { rules: LogRules { level, sample, fingerprints }, file })
}
