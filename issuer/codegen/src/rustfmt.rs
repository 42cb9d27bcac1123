//! Formats generated text as the workspace's rustfmt.toml would.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The text formatted by the toolchain's rustfmt.
pub fn format(text: &str) -> Result<String, Error> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // rustfmt reads all before it writes, so one write and one read cannot block each other.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(Error::Rustfmt(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| Error::Rustfmt(error.to_string()))
}
