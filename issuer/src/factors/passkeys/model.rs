//! One passkey.

use cognito_model::Timestamp;
use cognito_model::idp::types::WebAuthnCredentialDescription;
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

/// A credential of a user, as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    pub pool: PoolId,
    pub sub: Sub,
    /// The credential's id in base64url.
    pub credential: String,
    /// COSE_Key (RFC 9052 §7), as the authenticator wrote it.
    pub public_key: Vec<u8>,
    /// The signature counter; 0 of authenticators that have none.
    pub sign_count: u32,
    /// The flags of the registration: user verified, backup eligible, backed up.
    pub flags: u8,
    pub name: String,
    pub relying_party: String,
    pub transports: Vec<String>,
    /// `platform`, `cross-platform`
    pub attachment: Option<String>,
    pub created: UnixMillis,
}

impl Passkey {
    pub fn describe(self) -> WebAuthnCredentialDescription {
        WebAuthnCredentialDescription {
            authenticator_attachment: self.attachment,
            authenticator_transports: self.transports,
            created_at: Timestamp::from(self.created),
            credential_id: self.credential,
            friendly_credential_name: self.name,
            relying_party_id: self.relying_party,
        }
    }
}

/// What keeps passkeys, by its AAGUID (the list that passkey developers keep in common).
const PROVIDERS: &[(&str, &str)] = &[
    ("fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "iCloud Keychain"),
    ("dd4ec289-e01d-41c9-bb89-70fa845d4bf2", "iCloud Keychain (Managed)"),
    ("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4", "Google Password Manager"),
    ("adce0002-35bc-c60a-648b-0b25f1f05503", "Chrome on Mac"),
    ("08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello"),
    ("9ddd1817-af5a-4672-a2b9-3e3dd95000a9", "Windows Hello"),
    ("6028b017-b1d4-4c02-b4b3-afcdafc96bb2", "Windows Hello"),
    ("bada5566-a7aa-401f-bd96-45619a55120d", "1Password"),
    ("d548826e-79b4-db40-a3d8-11116f7e8349", "Bitwarden"),
    ("53414d53-554e-4700-0000-000000000000", "Samsung Pass"),
];

/// FriendlyCredentialName
pub fn friendly_name(aaguid: [u8; 16], attachment: Option<&str>) -> String {
    let id = uuid::Uuid::from_bytes(aaguid).to_string();
    let known = PROVIDERS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name);
    let by_kind = match attachment {
        Some("cross-platform") => "Security key",
        _ => "Passkey",
    };
    known.unwrap_or(by_kind).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_what_keeps_them() {
        let icloud = uuid::Uuid::parse_str("fbfc3007-154e-4ecc-8c0b-6e020557d7bd").unwrap().into_bytes();
        assert_eq!(friendly_name(icloud, None), "iCloud Keychain");
        assert_eq!(friendly_name([0; 16], Some("platform")), "Passkey");
        assert_eq!(friendly_name([0; 16], Some("cross-platform")), "Security key");
    }
}
