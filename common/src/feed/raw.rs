//! A record of the log: a kind, a subject and a body that only the kind's decoder understands.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;

/// Longest subject, in bytes.
pub const MAX_SUBJECT: usize = 256;
/// Longest body, in bytes: a record always fits into one frame.
pub const MAX_BODY: usize = 512 * 1024;

/// The kind of a record. Numbers are wire format: never reuse one. A change of a body's shape is a new kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u8);

impl Kind {
    pub const PUBLIC_KEY: Self = Self(1);
    pub const TOKEN_REVOKED: Self = Self(2);
    pub const SESSION_REVOKED: Self = Self(3);
    pub const USER_NOT_BEFORE: Self = Self(4);
    pub const DEVICE_FORGOTTEN: Self = Self(5);
    pub const CLIENT_REVOKED: Self = Self(6);
    pub const KEY_REVOKED: Self = Self(7);
    pub const POOL_SETTINGS: Self = Self(8);
    pub const CLIENT_SETTINGS: Self = Self(9);
    pub const NAME_KEY: Self = Self(10);
    pub const ROUTES: Self = Self(11);
    pub const WEB_ACL: Self = Self(12);
}

/// One record as it is stored, hashed and sent. The newest record of a (kind, subject) replaces the older ones; an empty body
/// removes the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawChange {
    pub kind: Kind,
    /// What it is about: at most [`MAX_SUBJECT`] bytes.
    pub subject: String,
    /// At most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
    /// When it stops to matter, by the issuer's clock.
    pub leave_at: Option<UnixMillis>,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the bytes are not one record")]
    Malformed,
    #[error("the subject is empty or longer than 256 bytes")]
    Subject,
    #[error("the body is longer than 512 KiB")]
    Body,
}

impl RawChange {
    /// The canonical encoding: postcard of the four fields in order. There is one encoding of a record, so equal digests mean
    /// equal records.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        self.bounded()?;
        postcard::to_stdvec(self).map_err(|_| RecordError::Malformed)
    }

    /// The inverse of [`RawChange::encode`]; anything that it would not have written is refused.
    pub fn decode(record: &[u8]) -> Result<Self, RecordError> {
        if record.len() > MAX_SUBJECT + MAX_BODY + 64 {
            return Err(RecordError::Body);
        }
        let (change, rest) = postcard::take_from_bytes::<Self>(record).map_err(|_| RecordError::Malformed)?;
        change.bounded()?;
        // A varint may be padded: only the shortest form is canonical.
        if !rest.is_empty() || change.encode()? != record { Err(RecordError::Malformed) } else { Ok(change) }
    }

    /// Whether it removes its subject.
    pub fn is_removal(&self) -> bool {
        self.body.is_empty()
    }

    fn bounded(&self) -> Result<(), RecordError> {
        if self.subject.is_empty() || self.subject.len() > MAX_SUBJECT {
            return Err(RecordError::Subject);
        }
        if self.body.len() > MAX_BODY { Err(RecordError::Body) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(subject: &str, body: &[u8]) -> RawChange {
        RawChange { kind: Kind(200), subject: subject.into(), body: body.into(), leave_at: None }
    }

    #[test]
    fn bounds_hold_both_ways() {
        assert_eq!(raw("", b"x").encode(), Err(RecordError::Subject));
        assert_eq!(raw(&"s".repeat(257), b"x").encode(), Err(RecordError::Subject));
        assert_eq!(raw("s", &vec![0; MAX_BODY + 1]).encode(), Err(RecordError::Body));
        let too_long = postcard::to_stdvec(&raw(&"s".repeat(257), b"x")).unwrap();
        assert_eq!(RawChange::decode(&too_long), Err(RecordError::Subject));
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let mut record = raw("s", b"x").encode().unwrap();
        record.push(0);
        assert_eq!(RawChange::decode(&record), Err(RecordError::Malformed));
        // kind, then the subject's length 1 as the two-byte varint 0x81 0x00
        assert_eq!(RawChange::decode(&[200, 0x81, 0x00, b's', 1, b'x', 0]), Err(RecordError::Malformed));
        assert_eq!(RawChange::decode(&[200, 0x01, b's', 1, b'x', 0]).unwrap(), raw("s", b"x"));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(kind: u8, subject in ".{1,40}", body: Vec<u8>, leave: Option<u64>) {
            let change = RawChange { kind: Kind(kind), subject, body, leave_at: leave.map(UnixMillis) };
            prop_assert_eq!(RawChange::decode(&change.encode().unwrap()).unwrap(), change);
        }

        #[test]
        fn noise_is_refused_or_read_without_a_panic(record: Vec<u8>) {
            if let Ok(change) = RawChange::decode(&record) {
                prop_assert_eq!(change.encode().unwrap(), record);
            }
        }
    }
}
