//! The admin key of `up`'s folder: made at the first start, by way of a first key as everywhere.

use std::io;

use common::secret::SecretString;
use common::sigv4::Credentials;
use serde::{Deserialize, Serialize};

use super::layout::{Folder, Ports, write_private};
use super::{REGION, UpError};
use crate::admin;
use crate::wire::{Signer, Wire};

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AdminKey {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
}

/// What there is before the issuer runs.
pub(super) enum Prepared {
    Known(AdminKey),
    /// Good for making the key.
    First(Credentials),
}

impl AdminKey {
    /// The key of an earlier start, or else a first key, made offline. One of a start that was cut off is lost, so a new one is made.
    pub(super) async fn prepare(folder: &Folder) -> Result<Prepared, UpError> {
        let path = folder.join("admin-key.json");
        if let Ok(text) = std::fs::read_to_string(&path) {
            let key = serde_json::from_str(&text).map_err(|e| UpError::Issuer(format!("{}: {e}", path.display())))?;
            return Ok(Prepared::Known(key));
        }
        let config = issuer::Config::load(&folder.issuer_config(), []).map_err(|e| UpError::Issuer(e.to_string()))?;
        let made = issuer::first_key(&config, issuer::Recovery::Yes).await;
        let made = made.map_err(|e| UpError::Issuer(e.to_string()))?;
        Ok(Prepared::First(Credentials {
            access_key_id: made.access_key_id,
            secret_access_key: made.secret_access_key,
            session_token: None,
        }))
    }

    /// A client that signs with this key.
    pub(super) fn wire(&self) -> Wire {
        wire(Credentials {
            access_key_id: self.access_key_id.clone(),
            secret_access_key: SecretString::new(self.secret_access_key.clone()),
            session_token: None,
        })
    }
}

impl Prepared {
    /// Asks the issuer, which runs by now, for the key.
    pub(super) async fn settle(self, folder: &Folder, ports: Ports) -> Result<AdminKey, UpError> {
        let first = match self {
            Self::Known(key) => return Ok(key),
            Self::First(credentials) => wire(credentials),
        };
        let admin = format!("http://{}", ports.issuer_admin());
        super::answers(folder, &first, &format!("{admin}/healthz")).await?;
        let made = admin::exchange(&first, &admin, "up").await.map_err(|e| UpError::Issuer(e.to_string()))?;
        let key = AdminKey { access_key_id: made.0, secret_access_key: made.1 };
        let text = serde_json::to_string_pretty(&key).map_err(io::Error::other)?;
        write_private(&folder.join("admin-key.json"), &text)?;
        Ok(key)
    }
}

fn wire(credentials: Credentials) -> Wire {
    Wire::new(Some(Signer { credentials, region: REGION.to_owned() }))
}
