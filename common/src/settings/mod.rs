//! Settings as text: TOML in, typed values out. Every key that is read is remembered, so that whatever is left over is a
//! spelling mistake and the message can name the nearest key that exists. What a value *means* is decided by the module that owns it,
//! and reading the file and the environment is the caller's.

mod section;
mod values;

use std::path::Path;

pub use self::section::{Entry, Section, parse};
pub use self::values::{duration, nearest};
pub use toml::Value;

/// The folder to which relative paths in a settings file are relative: a file that is named without one lies in the current folder.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Exit code for configuration that can't be used (`EX_USAGE` of sysexits.h).
pub const EXIT_CONFIG: u8 = 64;

/// One thing that is wrong with the settings, in one line: where it is and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SettingError {
    /// Dotted path of the setting, as in `route[2].token.use`.
    pub place: String,
    pub problem: String,
}

impl SettingError {
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_in_some_folder() {
        for (file, folder) in [("edge.toml", "."), ("./edge.toml", "."), ("a/edge.toml", "a"), ("/edge.toml", "/")] {
            assert_eq!(folder_of(Path::new(file)), Path::new(folder), "{file}");
        }
    }
}
