//! A committed list of what is not shown yet. It may only shrink: what is shown must leave it, and what is not shown and not in it fails.
//!
//! `TOLLGATE_BLESS=1` writes the list anew where it shrinks. An operation that is added makes it grow once: `TOLLGATE_BLESS=grow`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(super) struct Ledger {
    pub file: &'static str,
    /// What it lists, and by which criterion: its first lines.
    pub head: &'static str,
}

impl Ledger {
    /// Compares the list with what was found: entry and reason.
    pub(super) fn check(&self, found: &BTreeMap<String, String>) {
        let path = path(self.file);
        let (text, listed) = (self.text(found), std::fs::read_to_string(&path).unwrap_or_default());
        let entries = |text: &str| -> BTreeSet<String> {
            text.lines().filter(|line| is_entry(line)).map(str::to_owned).collect()
        };
        let (before, now) = (entries(&listed), entries(&text));
        let (shown, missing) = (before.difference(&now), now.difference(&before));
        let (shown, missing): (Vec<_>, Vec<_>) = (shown.collect(), missing.collect());
        let bless = super::setting("TOLLGATE_BLESS");
        let may_grow = bless.as_deref() == Some("grow");
        assert!(
            missing.is_empty() || may_grow,
            "{}: no test shows these, and the list may only shrink: {missing:#?}",
            self.file
        );
        if bless.is_some() {
            std::fs::write(&path, text).unwrap();
            return;
        }
        let how = "TOLLGATE_BLESS=1 cargo test -p issuer --lib proof::";
        assert!(shown.is_empty(), "{}: a test shows these now, so they leave the list ({how}): {shown:#?}", self.file);
        assert_eq!(listed, text, "{} was changed by hand, or reasons have changed: {how}", self.file);
    }

    fn text(&self, found: &BTreeMap<String, String>) -> String {
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (entry, reason) in found {
            by_reason.entry(reason).or_default().push(entry);
        }
        let mut text = String::new();
        for line in self.head.lines() {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "# {} entries.", found.len());
        for (reason, entries) in by_reason {
            let _ = writeln!(text, "\n## {reason} ({})", entries.len());
            text.push_str(&entries.iter().map(|entry| format!("{entry}\n")).collect::<String>());
        }
        text
    }
}

fn is_entry(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// In the folder of the integration tests' lists.
fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it/golden").join(file)
}

/// What the ledgers say of each operation, for docs/API.md.
pub(super) struct Ledgers {
    members: Entries,
    exceptions: Entries,
}

/// Entries by operation, each with its reason.
type Entries = BTreeMap<String, Vec<(String, String)>>;

impl Ledgers {
    pub(super) fn read() -> Self {
        Self { members: entries("members.txt"), exceptions: entries("exceptions.txt") }
    }

    /// One line each for members without effect and for exceptions that are never raised. What is merely not shown is no property of the operation.
    pub(super) fn describe(&self, page: &mut String, operation: &str, is_there: bool) {
        for (what, entries) in [("No effect", &self.members), ("Never", &self.exceptions)] {
            let known = entries.get(operation).into_iter().flatten();
            let told = known.filter(|(_, reason)| is_there && !reason.starts_with("not shown yet"));
            let names: Vec<String> = told.map(|(name, _)| format!("`{name}`")).collect();
            if !names.is_empty() {
                let _ = writeln!(page, "{what}: {}.\n", names.join(", "));
            }
        }
    }
}

fn entries(file: &str) -> Entries {
    let text = std::fs::read_to_string(path(file)).unwrap_or_default();
    let (mut all, mut reason) = (Entries::new(), String::new());
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("## ") {
            reason = head.rsplit_once(" (").map_or(head, |(reason, _)| reason).to_owned();
        } else if let Some((operation, rest)) = line.split_once(' ').filter(|_| is_entry(line)) {
            all.entry(operation.to_owned()).or_default().push((rest.to_owned(), reason.clone()));
        }
    }
    all
}
