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
    pub const WEB_ACL_PART: Self = Self(13);
    pub const CHALLENGE_KEY: Self = Self(14);
    pub const LIMIT_KEY: Self = Self(15);
    pub const DOMAIN: Self = Self(16);
    /// Stands before a record that lies sealed in the issuer's log. It is never sent, and no record is of this kind.
    pub const SEALED: Self = Self(255);
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

/// A record that still lies in the bytes that it was read from: a snapshot has a million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct RawRef<'a> {
    pub kind: Kind,
    pub subject: &'a str,
    pub body: &'a [u8],
    pub leave_at: Option<UnixMillis>,
}

impl RawChange {
    /// The canonical encoding: postcard of the four fields in order. There is one encoding of a record, so equal digests mean
    /// equal records.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        self.borrowed().bounded()?;
        postcard::to_stdvec(self).map_err(|_| RecordError::Malformed)
    }

    /// The inverse of [`RawChange::encode`]; anything that it would not have written is refused.
    pub fn decode(record: &[u8]) -> Result<Self, RecordError> {
        RawRef::decode(record).map(Self::from)
    }

    /// Whether it removes its subject.
    pub fn is_removal(&self) -> bool {
        self.body.is_empty()
    }

    pub(super) fn borrowed(&self) -> RawRef<'_> {
        RawRef { kind: self.kind, subject: &self.subject, body: &self.body, leave_at: self.leave_at }
    }
}

impl From<RawRef<'_>> for RawChange {
    fn from(raw: RawRef<'_>) -> Self {
        let RawRef { kind, subject, body, leave_at } = raw;
        Self { kind, subject: subject.into(), body: body.into(), leave_at }
    }
}

impl<'a> RawRef<'a> {
    /// As [`RawChange::decode`].
    pub fn decode(record: &'a [u8]) -> Result<Self, RecordError> {
        if record.len() > MAX_SUBJECT + MAX_BODY + 64 {
            return Err(RecordError::Body);
        }
        let (change, rest) = postcard::take_from_bytes::<Self>(record).map_err(|_| RecordError::Malformed)?;
        change.bounded()?;
        // Numbers may be padded, nothing else is free: what is as short as can be is the canonical form.
        if rest.is_empty() && change.shortest() == record.len() { Ok(change) } else { Err(RecordError::Malformed) }
    }

    /// Bytes of the canonical encoding.
    fn shortest(&self) -> usize {
        let text = |length: usize| varint(length as u64) + length;
        let leave_at = self.leave_at.map_or(0, |at| varint(at.0));
        size_of::<Kind>() + text(self.subject.len()) + text(self.body.len()) + 1 + leave_at
    }

    fn bounded(&self) -> Result<(), RecordError> {
        if self.subject.is_empty() || self.subject.len() > MAX_SUBJECT {
            return Err(RecordError::Subject);
        }
        if self.body.len() > MAX_BODY { Err(RecordError::Body) } else { Ok(()) }
    }
}

/// Bytes of a number: seven bits each.
const fn varint(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
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
    fn a_number_takes_a_byte_for_each_seven_bits() {
        for number in (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]).chain([u64::MAX]) {
            assert_eq!(varint(number), postcard::to_stdvec(&number).unwrap().len(), "{number}");
        }
    }

    #[test]
    fn only_the_canonical_form_is_read() {
        let mut record = raw("s", b"x").encode().unwrap();
        record.push(0);
        assert_eq!(RawChange::decode(&record), Err(RecordError::Malformed));
        // kind, then the subject's length 1 as the two-byte varint 0x81 0x00
        assert_eq!(RawChange::decode(&[200, 0x81, 0x00, b's', 1, b'x', 0]), Err(RecordError::Malformed));
        assert_eq!(RawChange::decode(&[200, 0x01, b's', 1, b'x', 0]).unwrap(), raw("s", b"x"));
        // the same of the time at which it leaves
        assert_eq!(RawChange::decode(&[200, 0x01, b's', 1, b'x', 1, 0x85, 0x00]), Err(RecordError::Malformed));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(kind: u8, subject in ".{1,40}", body: Vec<u8>, leave: Option<u64>) {
            let change = RawChange { kind: Kind(kind), subject, body, leave_at: leave.map(UnixMillis) };
            prop_assert_eq!(RawChange::decode(&change.encode().unwrap()).unwrap(), change);
        }

        #[test]
        fn what_is_read_is_what_would_be_written(kind: u8, subject in ".{1,60}", body: Vec<u8>, leave: Option<u64>, at: usize, to: u8) {
            let change = RawChange { kind: Kind(kind), subject, body, leave_at: leave.map(UnixMillis) };
            let mut record = change.encode().unwrap();
            prop_assert_eq!(change.borrowed().shortest(), record.len());
            let at = at % record.len();
            record[at] = to;
            if let Ok(other) = RawChange::decode(&record) {
                prop_assert_eq!(other.encode().unwrap(), record);
            }
        }

        #[test]
        fn noise_is_refused_or_read_without_a_panic(record: Vec<u8>) {
            if let Ok(change) = RawChange::decode(&record) {
                prop_assert_eq!(change.encode().unwrap(), record);
            }
        }
    }
}
