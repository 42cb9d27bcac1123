//! Why a file is no export that can be used. Each text is one line for an operator.

/// What is wrong with the file as a whole.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0}")]
    Unreadable(std::io::Error),
    #[error("this is no export of a Tollgate pool")]
    NoExport,
    #[error("the export has format {0}, which this program does not know: a newer one made it")]
    Format(String),
    #[error("the export is sealed to {sealed_to}, and the key is that of {given}")]
    WrongKey { sealed_to: String, given: String },
    /// Cut off, not yet copied whole, or an export that was not finished.
    #[error("the export is cut short: it is whole up to byte {0}")]
    Truncated(u64),
    #[error("the export was altered or damaged: frame {0} does not open")]
    Damaged(u32),
    #[error("the export is out of order: where frame {expected} should be, there is frame {found}")]
    Order { expected: u32, found: u32 },
    #[error("the export goes on after its end")]
    Trailing,
    #[error("line {line}: {why}")]
    Line { line: u64, why: String },
    #[error("the export holds {0}, which this program does not know: a newer one made it")]
    Contents(String),
    #[error("the export's last line tells of {told} {what}, and there are {found}")]
    Count { what: &'static str, told: u64, found: u64 },
    #[error("the export's digest is {found}, and {expected} was expected: it is another file")]
    Digest { found: String, expected: String },
}
