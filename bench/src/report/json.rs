//! Findings as a file: written by a run, read back by `bench report` and `bench compare`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::finding::{Findings, SCHEMA};

/// Why a file of findings cannot be used. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is no report of tollgate bench: {source}", path.display())]
    Form { path: PathBuf, source: serde_json::Error },
    #[error("{} has version {found} of the report's form, and this build reads version {SCHEMA} only", path.display())]
    Schema { path: PathBuf, found: u32 },
}

/// The one thing that every version of the form has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// Reads what a run wrote.
///
/// # Errors
/// When there is no such file, it is not JSON of this form, or of another version.
pub fn read(path: &Path) -> Result<Findings, FileError> {
    let text = fs::read_to_string(path).map_err(|source| FileError::Read { path: path.into(), source })?;
    let form = |source| FileError::Form { path: path.into(), source };
    let Version { schema } = serde_json::from_str(&text).map_err(form)?;
    if schema != SCHEMA {
        return Err(FileError::Schema { path: path.into(), found: schema });
    }
    serde_json::from_str(&text).map_err(form)
}

/// Writes findings as one JSON object on one line.
///
/// # Errors
/// When the file cannot be written.
pub fn write(findings: &Findings, path: &Path) -> Result<(), FileError> {
    let mut text = serde_json::to_string(findings).map_err(|source| FileError::Form { path: path.into(), source })?;
    text.push('\n');
    write_text(path, &text)
}

/// Writes a text to a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    fs::write(path, text).map_err(|source| FileError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        write(&sample::findings(), &path).unwrap();
        assert_eq!(read(&path).unwrap(), sample::findings());
    }

    #[test]
    fn every_refusal_names_the_file_and_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let refusal = |text: &str| {
            fs::write(&path, text).unwrap();
            let message = read(&path).unwrap_err().to_string();
            assert!(message.contains("run.json"), "{message}");
            message
        };
        assert!(refusal("not JSON").contains("no report of tollgate bench"));
        assert!(refusal("{}").contains("missing field `schema`"));
        assert!(refusal(r#"{"schema":1,"plain_us":16.0}"#).contains("version 1 of the report's form"));
        assert!(refusal(&format!(r#"{{"schema":{SCHEMA}}}"#)).contains("missing field"));
        fs::remove_file(&path).unwrap();
        assert!(read(&path).unwrap_err().to_string().starts_with("cannot read"));
        assert!(write(&sample::findings(), folder.path()).unwrap_err().to_string().starts_with("cannot write"));
    }
}
