//! `tollgate admin export-key`, `export`, `export-read` and `import`: a pool from one deployment into another.

mod export;
mod import;
mod key;
mod progress;

pub use self::export::Export;
pub use self::import::Import;
pub use self::key::ExportKeyOptions;
pub use self::read::ExportRead;

pub(super) use self::export::run as export;
pub(super) use self::import::run as import;
pub(super) use self::key::run as export_key;
pub(super) use self::read::run as export_read;

mod read;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use issuer::transfer::ExportKey;

use super::AdminError;

/// Bytes that are read at once.
const BUFFER: usize = 1024 * 1024;

fn at(path: &Path, why: &dyn std::fmt::Display) -> AdminError {
    AdminError::File { path: path.display().to_string(), why: why.to_string() }
}

fn open(path: &Path) -> Result<BufReader<File>, AdminError> {
    Ok(BufReader::with_capacity(BUFFER, File::open(path).map_err(|e| at(path, &e))?))
}

fn read_key(path: &Path) -> Result<ExportKey, AdminError> {
    let text = std::fs::read_to_string(path).map_err(|e| at(path, &e))?;
    let line = text.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default();
    ExportKey::parse(line).map_err(|e| at(path, &e))
}
