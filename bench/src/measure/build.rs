//! The build of Tollgate that a report is about.

use std::path::Path;
use std::process::{Command, Stdio};

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

/// Named at build time by `TOLLGATE_COMMIT`, or asked of git while the source that this was built from is still there.
fn commit() -> Option<String> {
    if let Some(commit) = option_env!("TOLLGATE_COMMIT") {
        return Some(commit.to_owned());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut git = Command::new("git");
    git.arg("-C").arg(source).args(["describe", "--always", "--dirty", "--exclude=*"]).stderr(Stdio::null());
    let output = git.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}
