//! Settings as text: TOML in, typed values out. Every key that is read is remembered, so that whatever is left over is a
//! spelling mistake and the message can name the nearest key that exists. What a value *means* is decided by the module that owns it,
//! and reading the file and the environment is the caller's.

mod section;
mod values;

pub use self::section::{Entry, Section, parse};
pub use self::values::duration;
pub use toml::Value;

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
