//! Identifiers as types, each parsed once at the border (limits: Cognito's service model).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct InvalidId {
    pub kind: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if $valid(&text) { Ok(Self(text)) } else { Err(InvalidId { kind: $kind }) }
            }

            /// Whether [`Self::parse`] would take it.
            pub fn accepts(text: &str) -> bool {
                $valid(text)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// A user pool: `<region>_<suffix>`, 1–55 characters, `[\w-]+_[0-9a-zA-Z]+`.
    PoolId,
    "user pool id",
    is_pool_id
);
text_id!(
    /// An app client: 1–128 characters of `[\w+]`.
    ClientId,
    "client id",
    is_client_id
);
text_id!(
    /// The immutable subject of a user: a UUID in lower-case hyphenated form.
    Sub,
    "subject",
    is_uuid
);
text_id!(
    /// An edge's name, chosen at enrolment: 1–63 of `[a-z0-9-]`, no hyphen at the ends. It is the SAN of its certificate.
    EdgeId,
    "edge name",
    is_edge_id
);

impl PoolId {
    /// The part after `_`: the pool name that SRP and Cognito's signatures use.
    pub fn suffix(&self) -> &str {
        self.0.rsplit_once('_').map_or("", |(_, suffix)| suffix)
    }

    /// The part before the last `_`: the region.
    pub fn region(&self) -> &str {
        self.0.rsplit_once('_').map_or("", |(region, _)| region)
    }
}

fn is_pool_id(text: &str) -> bool {
    let Some((region, suffix)) = text.rsplit_once('_') else { return false };
    text.len() <= 55
        && !region.is_empty()
        && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !suffix.is_empty()
        && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_client_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'+')
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn is_edge_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_ids() {
        let id = PoolId::parse("us-east-1_AbCdEf123").unwrap();
        assert_eq!(id.suffix(), "AbCdEf123");
        assert_eq!(id.region(), "us-east-1");
        for bad in ["", "_x", "us-east-1_", "us-east-1", "us east_1", "a_b/c", &"a_b".repeat(30)] {
            assert!(PoolId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_ids() {
        assert!(ClientId::parse("4kfu1abc").is_ok());
        assert!(ClientId::parse("no spaces").is_err());
        assert!(Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").is_ok());
        assert!(Sub::parse("0B6E5B4E-6B3D-4B0E-9F0E-1A2B3C4D5E6F").is_err());
        assert!(EdgeId::parse("fra-1").is_ok());
        assert!(EdgeId::parse("-fra").is_err());
    }

    #[test]
    fn deserialising_validates() {
        assert!(serde_json::from_str::<PoolId>("\"nonsense\"").is_err());
    }
}
