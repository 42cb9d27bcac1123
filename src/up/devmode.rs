//! `--dev-mode`: the folder, the token and the baseline of an issuer for test suites.
//!
//! A folder is one for developer mode or it is not, from its first start on: its database has taken any key's word and given out a code that everybody knows.

use std::io;
use std::path::Path;

use http_body_util::BodyExt as _;
use ring::rand::{SecureRandom, SystemRandom};

use super::UpError;
use super::layout::{Folder, Ports, write_private};
use crate::wire::Wire;

const TOKEN: &str = "dev.token";
const BASELINE: &str = "first-start.backup";
/// What a first start leaves in any folder.
const DATABASE: &str = "tollgate.db";

/// What the start says, and cannot be overlooked.
pub(super) const BANNER: &str = "\
**********************************************************************
*  DEVELOPER MODE. For tests on this machine, and nothing else:      *
*  every access key is taken, every code is 123456.                  *
**********************************************************************";

/// Developer mode of this folder.
pub(super) struct DevMode {
    /// For `/dev`; another one at each start.
    pub(super) token: String,
}

impl DevMode {
    /// None without `--dev-mode`.
    ///
    /// # Errors
    /// The folder was made by the other kind of start.
    pub(super) fn settle(folder: &Folder, wanted: bool) -> Result<Option<Self>, UpError> {
        let (is_used, is_dev) = (folder.join(DATABASE).exists(), folder.join(TOKEN).exists());
        let other = |why| UpError::Mode { path: folder.root().to_owned(), why };
        match (wanted, is_dev) {
            (false, false) => Ok(None),
            (false, true) => Err(other("is of developer mode: add --dev-mode, take another folder, or --reset")),
            (true, false) if is_used => Err(other("is not of developer mode: take another folder, or --reset")),
            (true, _) => {
                let token = random_token()?;
                write_private(&folder.join(TOKEN), &token)?;
                Ok(Some(Self { token }))
            }
        }
    }

    /// The section of the issuer's settings.
    pub(super) fn settings(&self, folder: &Folder) -> String {
        let (token, baseline) = (folder.join(TOKEN), folder.join(BASELINE));
        format!("\n[dev_mode]\ntoken_file = {token:?}\nbaseline = {baseline:?}\n")
    }

    /// Keeps the state that a reset goes back to, once: nobody has used the issuer before.
    pub(super) async fn keep_first_start(&self, folder: &Folder, ports: Ports, wire: &Wire) -> Result<(), UpError> {
        let path = folder.join(BASELINE);
        if path.exists() {
            return Ok(());
        }
        let failed = |why: &dyn std::fmt::Display| UpError::Issuer(why.to_string());
        let admin = format!("http://{}", ports.issuer_admin());
        let body = wire.admin_stream(&admin, "/v1/backups", &serde_json::json!({})).await.map_err(|e| failed(&e))?;
        let whole = body.collect().await.map_err(|e| failed(&e))?.to_bytes();
        // What the issuer could not finish has no end.
        issuer::backup::outline(&*whole).map_err(|e| failed(&e))?;
        let draft = path.with_extension("draft");
        write_whole(&draft, &whole)?;
        Ok(std::fs::rename(&draft, &path)?)
    }
}

/// How to begin.
pub(super) fn hints(issuer: &str, up_json: &Path) -> String {
    format!(
        "Point a test suite at it:  AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=http://{issuer}  with any access key\n\
         Codes and messages:        curl -H \"Authorization: Bearer $DEV_TOKEN\" http://{issuer}/dev/outbox\n\
         Back to the first start:   curl -X POST -H \"Authorization: Bearer $DEV_TOKEN\" http://{issuer}/dev/reset\n\
         DEV_TOKEN is dev_token of  {}",
        up_json.display()
    )
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// 256 random bits in hexadecimal.
fn random_token() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stays_of_its_kind() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("dev")).unwrap();
        let first = DevMode::settle(&folder, true).unwrap().unwrap();
        assert_eq!(first.token.len(), 64);
        std::fs::write(folder.join(DATABASE), "").unwrap();
        let second = DevMode::settle(&folder, true).unwrap().unwrap();
        assert_ne!(first.token, second.token);
        let refused = DevMode::settle(&folder, false).err().unwrap();
        assert!(refused.to_string().contains("is of developer mode"), "{refused}");
        assert_eq!(refused.exit_code(), 64);

        let folder = Folder::open(&place.path().join("usual")).unwrap();
        assert!(DevMode::settle(&folder, false).unwrap().is_none());
        std::fs::write(folder.join(DATABASE), "").unwrap();
        let refused = DevMode::settle(&folder, true).err().unwrap();
        assert!(refused.to_string().contains("is not of developer mode"), "{refused}");
    }
}
