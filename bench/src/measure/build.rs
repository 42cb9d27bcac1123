//! The build of Tollgate that a report is about.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// What was built, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    pub version: String,
    pub commit: Option<String>,
    /// `release` or `debug`.
    pub profile: String,
    /// Target and what the profile sets, in words.
    pub flags: String,
}

impl Build {
    /// This program.
    pub fn this() -> Self {
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        let (profile, how) = if cfg!(debug_assertions) {
            ("debug", "no optimisation of our crates")
        } else {
            ("release", "opt-level 3, fat LTO, one codegen unit, overflow checks, mimalloc")
        };
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            commit: commit(),
            profile: profile.into(),
            flags: format!("{target}, {how}"),
        }
    }
}

/// Named at build time by `TOLLGATE_COMMIT`, or asked of git while the source that this was built from is still there: the newest commit
/// that is no younger than this program, since more may have been committed after it was built.
fn commit() -> Option<String> {
    if let Some(commit) = option_env!("TOLLGATE_COMMIT") {
        return Some(commit.to_owned());
    }
    let built = std::fs::metadata(std::env::current_exe().ok()?).and_then(|found| found.modified()).ok()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let seconds = built.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let commit = git(source, &["log", "-1", "--format=%h", &format!("--until=@{seconds}")])?;
    let commit = commit.trim();
    let uncommitted = git(source, &["diff", "--name-only", "HEAD"]).unwrap_or_default();
    let built_in = |name: &str| {
        let changed = std::fs::metadata(source.join(name)).and_then(|found| found.modified());
        changed.is_ok_and(|changed| changed <= built)
    };
    let dirty = if uncommitted.lines().any(built_in) { "-dirty" } else { "" };
    (!commit.is_empty()).then(|| format!("{commit}{dirty}"))
}

fn git(source: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(source).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}
