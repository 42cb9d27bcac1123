//! The headers that say who the caller is, and every name that an origin could take for one of them (E11, T19, T20).

/// The configured name can't be an identity header: not a token, or a name with a meaning of its own in HTTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} can't be set as an identity header")]
pub struct InvalidIdentityHeader {
    pub name: String,
}

/// The names of the headers that the edge sets from verified facts.
///
/// CGI, WSGI, Rack and PHP turn `X-User-Id` into `HTTP_X_USER_ID`, and some servers fold every character but letters and digits,
/// so `x_user_id` and `X.User.Id` arrive at the application under the same name. Two names are therefore aliases when they are
/// equal after folding case and taking all other characters than letters and digits for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// Lower-case, as configured.
    names: Vec<Box<[u8]>>,
    /// Folded: lower-case letters, digits and `-`. A handful, so a scan beats a hash.
    folded: Vec<Box<[u8]>>,
    /// Folded beginnings: every name under one of them is meant.
    families: Vec<Box<[u8]>>,
    /// Bit n: some name has n bytes (bit 63: 63 or more). Most headers of a request end here.
    lengths: u64,
}

impl IdentityHeaders {
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, InvalidIdentityHeader> {
        let mut set = Self::default();
        for name in names {
            let name = name.as_ref();
            let folded: Box<[u8]> = name.bytes().map(fold).collect();
            let token = !name.is_empty() && name.bytes().all(crate::canonical::fields::is_token_byte);
            if !token || RESERVED.contains(&folded.as_ref()) {
                return Err(InvalidIdentityHeader { name: name.to_owned() });
            }
            set.lengths |= length_bit(folded.len());
            set.names.push(name.to_ascii_lowercase().into_bytes().into());
            if !set.folded.contains(&folded) {
                set.folded.push(folded);
            }
        }
        Ok(set)
    }

    /// The same set and, beside it, every name that begins like one of these: `x-forwarded-`.
    pub fn and_families<S: AsRef<str>>(mut self, beginnings: impl IntoIterator<Item = S>) -> Self {
        self.families.extend(beginnings.into_iter().map(|beginning| beginning.as_ref().bytes().map(fold).collect()));
        self
    }

    pub fn is_empty(&self) -> bool {
        self.folded.is_empty() && self.families.is_empty()
    }

    /// Whether `name` is one of the headers or could be taken for one. Such a field is stripped from requests and trailers.
    pub fn is_alias(&self, name: &[u8]) -> bool {
        (self.lengths & length_bit(name.len()) != 0 && self.folded.iter().any(|own| begins(name, own, name.len())))
            || self.families.iter().any(|beginning| begins(name, beginning, beginning.len()))
    }

    /// Whether `name` is one of the headers itself, in any case.
    pub fn is_own_name(&self, name: &[u8]) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether the value of a `Connection` field names one of the headers, which would make the next hop remove it
    /// (RFC 9110 §7.6.1).
    pub fn is_nominated_by(&self, connection: &[u8]) -> bool {
        !self.is_empty() && connection.split(|&b| b == b',').any(|option| self.is_alias(option.trim_ascii()))
    }
}

/// Folded names that keep their meaning: an edge that set them would break the message or the connection.
const RESERVED: &[&[u8]] = &[
    b"connection",
    b"content-length",
    b"expect",
    b"host",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

/// Whether the first `length` bytes of the name are these when they are folded.
fn begins(name: &[u8], folded: &[u8], length: usize) -> bool {
    name.get(..length).is_some_and(|start| {
        start.len() == folded.len() && start.iter().zip(folded).all(|(byte, own)| fold(*byte) == *own)
    })
}

fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> IdentityHeaders {
        IdentityHeaders::new(["X-User-Id", "x-groups", "X-Client", "x-user-id"]).unwrap()
    }

    #[test]
    fn every_spelling_is_an_alias() {
        for name in
            ["x-user-id", "X-USER-ID", "x_user_id", "X_User-iD", "x.user.id", "x!user|id", "x-groups", "X_GROUPS"]
        {
            assert!(set().is_alias(name.as_bytes()), "{name}");
        }
        for name in
            ["", "x-user", "x-user-id-", "xuserid", "x-user-idd", "y-user-id", "x--user-id", "xx-groups", "x-group"]
        {
            assert!(!set().is_alias(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_family_has_every_name_that_begins_like_it() {
        let set = set().and_families(["X-Forwarded-"]);
        for name in ["x-forwarded-", "x-forwarded-for", "X_Forwarded.Client_Cert", "x-forwarded-whatever", "x-user-id"]
        {
            assert!(set.is_alias(name.as_bytes()), "{name}");
        }
        for name in ["", "x-forwarded", "xx-forwarded-for", "x-forwardedfor", "x-forward-for"] {
            assert!(!set.is_alias(name.as_bytes()), "{name}");
        }
        assert!(set.is_nominated_by(b"close, X-Forwarded-Ssl"));
        assert!(!IdentityHeaders::default().and_families(["x-"]).is_empty());
    }

    #[test]
    fn nominations_are_seen_in_any_place_and_spelling() {
        for value in ["x-user-id", "close, X-User-Id", "keep-alive,x_groups ,foo", "\tX-CLIENT\t"] {
            assert!(set().is_nominated_by(value.as_bytes()), "{value}");
        }
        for value in ["", "close", "upgrade, keep-alive", "x-user-id x", ",,"] {
            assert!(!set().is_nominated_by(value.as_bytes()), "{value}");
        }
        assert!(!IdentityHeaders::default().is_nominated_by(b"x-user-id"));
    }

    #[test]
    fn names_with_a_meaning_of_their_own_are_refused() {
        for name in ["", "Host", "content_length", "Transfer-Encoding", "connection", "x user", "x:user", "x-ü"] {
            assert!(IdentityHeaders::new([name]).is_err(), "{name}");
        }
    }
}
