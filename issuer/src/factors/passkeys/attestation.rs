//! What the authenticator says of a new credential: the attestation object, and the authenticator data in it (Web Authentication §6.1, §6.5.4).
//!
//! Attestation statements are not looked at: of whatever format, a credential counts as unattested. Nobody configures which makers of authenticators
//! a pool believes, as with Cognito.

use ciborium::Value;

use super::cose;
use super::error::PasskeyError;

/// Bytes of an attestation object, with the certificates that some formats bring.
const LONGEST: usize = 65_536;
/// Bytes of a credential's id (Web Authentication §4).
const LONGEST_ID: usize = 1_023;
const DEEPEST: usize = 16;

/// The user was there.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;

/// Authenticator data with a new credential.
#[derive(Debug, PartialEq, Eq)]
pub struct Attested {
    pub rp_id_hash: [u8; 32],
    pub flags: u8,
    pub sign_count: u32,
    pub aaguid: [u8; 16],
    pub id: Vec<u8>,
    /// COSE_Key, of a kind that can be verified.
    pub public_key: Vec<u8>,
}

impl Attested {
    /// Of an attestation object.
    pub fn read(object: &[u8]) -> Result<Self, PasskeyError> {
        let malformed = PasskeyError::Malformed("Credential: attestationObject can't be read.");
        if object.len() > LONGEST {
            return Err(malformed);
        }
        let (value, rest) = item(object).ok_or_else(|| malformed.clone())?;
        let map = value.as_map().filter(|_| rest.is_empty()).ok_or_else(|| malformed.clone())?;
        let member = |name: &str| map.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
        // Every format has its name and statement, if nothing in it.
        let complete = member("fmt").is_some_and(Value::is_text) && member("attStmt").is_some_and(Value::is_map);
        let data = member("authData").and_then(Value::as_bytes).filter(|_| complete).ok_or(malformed)?;
        Self::of_data(data)
    }

    fn of_data(data: &[u8]) -> Result<Self, PasskeyError> {
        let malformed = || PasskeyError::Malformed("Credential: the authenticator data can't be read.");
        let (rp_id_hash, rest) = data.split_first_chunk::<32>().ok_or_else(malformed)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or_else(malformed)?;
        let (sign_count, rest) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
        if flags & ATTESTED == 0 {
            return Err(PasskeyError::Malformed("Credential: the authenticator data has no credential."));
        }
        let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(malformed());
        }
        // Extensions may follow the key; they say nothing that is kept.
        let (key, after) = item(rest).ok_or_else(malformed)?;
        cose::check(&key)?;
        let public_key = rest.get(..rest.len() - after.len()).ok_or_else(malformed)?;
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            flags: *flags,
            sign_count: u32::from_be_bytes(*sign_count),
            aaguid: *aaguid,
            id: id.to_vec(),
            public_key: public_key.to_vec(),
        })
    }

    pub const fn user_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    pub const fn user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// The flags that are kept.
    pub const fn kept_flags(&self) -> u8 {
        self.flags & (USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP)
    }
}

/// One CBOR item, and what follows it.
fn item(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEEPEST).ok()?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::super::virtual_authenticator::{Authenticator, EC_KEY_BYTES};
    use super::*;

    #[test]
    fn what_a_browser_sends_is_read() {
        let read = Attested::read(&Authenticator::default().attestation("example.com")).unwrap();
        assert!(read.user_present() && read.user_verified());
        assert_eq!((read.id.len(), read.public_key.len(), read.sign_count), (32, EC_KEY_BYTES, 0));
    }

    #[test]
    fn what_is_cut_or_follows_is_refused() {
        let whole = Authenticator::default().attestation("example.com");
        for at in 0..whole.len() {
            assert!(Attested::read(&whole[..at]).is_err(), "cut at {at}");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(Attested::read(&longer).is_err());
        assert!(Attested::read(&vec![0x81; LONGEST]).is_err(), "arrays in arrays");
        assert!(Attested::read(&vec![0x5f; LONGEST + 1]).is_err());
    }

    #[test]
    fn extensions_may_follow_the_key() {
        let extended = Authenticator { extensions: vec![0xa0], ..Authenticator::default() };
        assert_eq!(Attested::read(&extended.attestation("example.com")).unwrap().public_key.len(), EC_KEY_BYTES);
    }
}
