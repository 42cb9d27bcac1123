//! What the browser says of a ceremony: `clientDataJSON` (Web Authentication §5.8.1).

use serde::Deserialize;

use super::error::PasskeyError;

/// Bytes of `clientDataJSON`.
const LONGEST: usize = 8_192;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    #[serde(rename = "type")]
    pub kind: String,
    /// base64url
    pub challenge: String,
    pub origin: String,
    #[serde(default)]
    pub cross_origin: bool,
}

impl ClientData {
    /// Of a registration.
    pub fn of_creation(bytes: &[u8]) -> Result<Self, PasskeyError> {
        if bytes.len() > LONGEST {
            return Err(PasskeyError::Malformed("Credential: clientDataJSON is too long."));
        }
        let data: Self = serde_json::from_slice(bytes)
            .map_err(|_| PasskeyError::Malformed("Credential: clientDataJSON can't be read."))?;
        if data.kind != "webauthn.create" {
            return Err(PasskeyError::Malformed("Credential: clientDataJSON is not of a registration."));
        }
        Ok(data)
    }
}
