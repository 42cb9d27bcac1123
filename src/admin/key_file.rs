//! Files that hold an admin key: `AWS_ACCESS_KEY_ID=…` and `AWS_SECRET_ACCESS_KEY=…`, a line each, so that a shell or systemd can read them.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use common::secret::SecretString;
use common::sigv4::Credentials;

use super::AdminError;

/// A new file that its owner alone can read.
pub(super) fn create(path: &Path) -> Result<File, AdminError> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|e| at(path, &e))
}

pub(super) fn write(mut file: File, access_key_id: &str, secret: &SecretString) -> io::Result<()> {
    file.write_all(text(access_key_id, secret).as_bytes())?;
    file.sync_all()
}

pub(super) fn text(access_key_id: &str, secret: &SecretString) -> String {
    format!("AWS_ACCESS_KEY_ID={access_key_id}\nAWS_SECRET_ACCESS_KEY={}\n", secret.expose())
}

pub(super) fn read(path: &Path) -> Result<Credentials, AdminError> {
    let text = std::fs::read_to_string(path).map_err(|e| at(path, &e))?;
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key_id), Some(secret)) => {
            Ok(Credentials { access_key_id, secret_access_key: SecretString::new(secret), session_token: None })
        }
        _ => Err(at(path, &"it holds no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")),
    }
}

fn at(path: &Path, why: &dyn std::fmt::Display) -> AdminError {
    AdminError::File { path: path.display().to_string(), why: why.to_string() }
}
