//! Where an application has its sign-in or sign-up, compiled.

use common::waf::model::{Answers, AttemptFields, AttemptPlace, PathMatch, Payload};
use common::waf::pattern::{self, BadPattern};

#[derive(Debug)]
pub struct Place {
    path: Path,
    page: Option<Path>,
    /// How bodies are written; None: as their content type says.
    pub payload: Option<Payload>,
    pub fields: AttemptFields,
    pub answers: Option<Answers>,
}

#[derive(Debug)]
enum Path {
    Prefix(String),
    Pattern(regex::bytes::Regex),
}

impl Place {
    pub fn new(place: &AttemptPlace) -> Result<Self, BadPattern> {
        Ok(Self {
            path: Path::new(&place.path)?,
            page: place.page.as_ref().map(Path::new).transpose()?,
            payload: place.payload,
            fields: place.fields.clone(),
            answers: place.answers.clone(),
        })
    }

    /// AWS looks at POST alone.
    pub fn is_attempt(&self, method: &str, path: &str) -> bool {
        method == "POST" && self.path.is_on(path)
    }

    pub fn is_page(&self, method: &str, path: &str) -> bool {
        method == "GET" && self.page.as_ref().is_some_and(|page| page.is_on(path))
    }
}

impl Path {
    fn new(path: &PathMatch) -> Result<Self, BadPattern> {
        Ok(match path {
            PathMatch::Prefix(prefix) => Self::Prefix(prefix.clone()),
            PathMatch::Pattern(text) => Self::Pattern(pattern::compile(text)?),
        })
    }

    fn is_on(&self, path: &str) -> bool {
        match self {
            Self::Prefix(prefix) => path.starts_with(&**prefix),
            Self::Pattern(pattern) => pattern.is_match(path.as_bytes()),
        }
    }
}
