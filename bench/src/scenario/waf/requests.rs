//! What is sent, and what it is: attacks by family and by the level of the rule that they test, and clean traffic by class.

use std::path::{Path, PathBuf};

use crate::clean;
use crate::corpus::{self, CorpusError, Entry, Form, Label, Level, Levels};

/// The half of the regression corpus of OWASP CRS that is part of this program.
const OWN_CORPUS: &str = include_str!("../../../testdata/crs_corpus.jsonl");
const OWN_NAME: &str = "crs_corpus.jsonl";

/// Where requests come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This program's own.
    Own,
    Files(Vec<PathBuf>),
}

/// A request that can be sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub place: Place,
    pub kind: Kind,
    pub entry: Entry,
}

/// Where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that must be found; the level is that of the rule which it tests. The family is 0 where none is named.
    Attack {
        family: u64,
        level: Level,
    },
    /// A request of a corpus that one rule must not find, or that tests something else.
    Other,
    Clean {
        class: String,
    },
}

/// A request that can't be sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    pub place: Place,
    pub name: String,
    pub reason: String,
}

/// Everything, and the bytes of each request.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    pub all: Vec<Request>,
    pub bytes: Vec<Vec<u8>>,
    pub unsent: Vec<Unsent>,
}

impl Requests {
    /// Reads or makes what is wanted.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn gather(
        attacks: &Source,
        clean: &Source,
        seed: u64,
        form: Form,
        levels: &Levels,
    ) -> Result<Self, CorpusError> {
        let mut requests = Self::default();
        let kind = |entry: &Entry| match entry.label {
            Label::Attack => Kind::Attack { family: entry.family().unwrap_or_default(), level: levels.of(entry.rule) },
            Label::Clean => Kind::Clean { class: entry.fam.clone() },
            _ => Kind::Other,
        };
        match attacks {
            Source::Own => requests.add(OWN_NAME, corpus::parse(OWN_CORPUS.as_bytes()), form, kind),
            Source::Files(paths) => requests.add_files(paths, form, kind)?,
        }
        // Whatever a file of clean traffic calls its requests.
        let kind = |entry: &Entry| Kind::Clean { class: entry.fam.clone() };
        match clean {
            Source::Own => {
                let entries = (1..).zip(clean::traffic(seed)).collect();
                requests.add(&format!("seed {seed}"), corpus::Corpus { entries, broken: Vec::new() }, form, kind);
            }
            Source::Files(paths) => requests.add_files(paths, form, kind)?,
        }
        Ok(requests)
    }

    fn add_files(&mut self, paths: &[PathBuf], form: Form, kind: impl Fn(&Entry) -> Kind) -> Result<(), CorpusError> {
        paths.iter().try_for_each(|path| {
            self.add(&name_of(path), corpus::read(path)?, form, &kind);
            Ok(())
        })
    }

    fn add(&mut self, file: &str, corpus: corpus::Corpus, form: Form, kind: impl Fn(&Entry) -> Kind) {
        let place = |line| Place { file: file.to_owned(), line };
        for (line, entry) in corpus.entries {
            match entry.bytes(form) {
                Ok(bytes) => {
                    self.bytes.push(bytes);
                    self.all.push(Request { place: place(line), kind: kind(&entry), entry });
                }
                Err(error) => {
                    let (name, reason) = (entry.name(), error.to_string());
                    self.unsent.push(Unsent { place: place(line), name, reason });
                }
            }
        }
        let broken = corpus.broken.into_iter();
        self.unsent.extend(broken.map(|(line, reason)| Unsent { place: place(line), name: String::new(), reason }));
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_what_cannot_be_sent_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let lines = [
            r#"{"rule":942100,"fam":"REQUEST-942-APPLICATION-ATTACK-SQLI","test":1,"label":"attack","uri":"/a"}"#,
            r#"{"rule":942100,"fam":"REQUEST-942-APPLICATION-ATTACK-SQLI","test":2,"label":"benign_for_rule"}"#,
            r#"{"rule":942100,"fam":"REQUEST-942-APPLICATION-ATTACK-SQLI","test":3,"label":"attack","encoded":"!"}"#,
            "{",
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        let files = Source::Files(vec![path]);
        let found = Requests::gather(&files, &files, 1, Form::Ftw, &Levels::default()).unwrap();
        assert_eq!((found.all.len(), found.bytes.len(), found.unsent.len()), (4, 4, 4));
        assert_eq!(found.all[0].kind, Kind::Attack { family: 942, level: Level::Absent });
        assert_eq!(found.all[1].kind, Kind::Other);
        let class = "REQUEST-942-APPLICATION-ATTACK-SQLI".to_owned();
        assert_eq!(found.all[2].kind, Kind::Clean { class });
        assert_eq!((found.unsent[0].name.as_str(), found.unsent[1].place.line), ("942100-3", 4));
    }

    #[test]
    fn the_own_corpus_and_the_own_traffic_are_whole() {
        let found = Requests::gather(&Source::Own, &Source::Own, 1, Form::Ftw, &Levels::default()).unwrap();
        assert_eq!(found.unsent, []);
        let clean = found.all.iter().filter(|request| matches!(request.kind, Kind::Clean { .. })).count();
        assert_eq!((found.all.len() - clean, clean), (2578, 6600));
    }
}
