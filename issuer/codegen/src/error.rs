//! Why no code can be generated.

use std::fmt;

#[derive(Debug)]
pub enum Error {
    Spec { service: &'static str, source: serde_json::Error },
    MissingShape(String),
    IncompleteShape(String),
    RecursiveShape(String),
    UnknownTarget(String),
    Pattern { pattern: String, reason: &'static str },
    NameCollision(String),
    Rustfmt(String),
    Io(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec { service, source } => write!(f, "the model of {service} cannot be read: {source}"),
            Self::MissingShape(name) => write!(f, "shape {name} is used but not defined"),
            Self::IncompleteShape(name) => write!(f, "shape {name} lacks its member, key or value"),
            Self::RecursiveShape(name) => {
                write!(f, "shape {name} contains itself; the tables and types assume that none does")
            }
            Self::UnknownTarget(target) => write!(f, "no service variant is known for target {target}"),
            Self::Pattern { pattern, reason } => write!(f, "pattern {pattern} cannot be translated: {reason}"),
            Self::NameCollision(name) => write!(f, "two names in the model become {name}"),
            Self::Rustfmt(text) => write!(f, "rustfmt failed: {text}"),
            Self::Io(source) => write!(f, "{source}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::Io(source)
    }
}
