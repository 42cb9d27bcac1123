//! `[waf_log]`: the file of AWS WAF's log.

use std::path::{Path, PathBuf};

use common::settings::{Section, SettingError};

/// A file that grows to this is begun anew; bytes.
const MOST: u64 = 1 << 30;
const LEAST: u64 = 64 << 10;

/// Its settings. A reload takes them into use, and opens the file anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WafLogSettings {
    pub file: PathBuf,
    /// Bytes. Its predecessor stays, as `….1`.
    pub most: u64,
}

pub fn read(mut section: Section, folder: &Path) -> Result<WafLogSettings, SettingError> {
    let file = section.file("file")?.map(|file| folder.join(file)).ok_or_else(|| section.missing("file"))?;
    if !file.parent().is_some_and(Path::is_dir) {
        return Err(section.error("file", format!("{}: there is no such folder", file.display())));
    }
    let most = section.size("max_size")?.unwrap_or(MOST);
    if most < LEAST {
        return Err(section.error("max_size", "must be 64KiB or more"));
    }
    section.finish()?;
    Ok(WafLogSettings { file, most })
}
