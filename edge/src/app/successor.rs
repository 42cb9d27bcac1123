//! Starts the program that lies at our own path now, so that it takes over (SIGUSR2).

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const OPTION: &str = "--upgrade";
/// What Linux adds to the name of an executable that was replaced.
const DELETED: &[u8] = b" (deleted)";

/// Starts it with our own arguments and `--upgrade`.
pub fn start() -> io::Result<Child> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if !arguments.iter().any(|argument| argument == OPTION) {
        arguments.push(OPTION.into());
    }
    Command::new(installed(std::env::current_exe()?)).args(arguments).stdin(Stdio::null()).spawn()
}

/// Where the new version was installed: our own path.
fn installed(own: PathBuf) -> PathBuf {
    match own.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(path) => OsString::from_vec(path.to_vec()).into(),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_program_is_found_under_its_name() {
        assert_eq!(installed("/usr/bin/tollgate (deleted)".into()), PathBuf::from("/usr/bin/tollgate"));
        assert_eq!(installed("/usr/bin/tollgate".into()), PathBuf::from("/usr/bin/tollgate"));
    }
}
