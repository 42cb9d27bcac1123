//! Requests that two readers may read in two ways, and how RFC 9110 and 9112 read them.
//!
//! A template holds `@P`, the path of the request itself; `@E`, a whole request for a protected path that somebody may take for the next one; `@L`
//! and `@X`, the length of that in decimal and hexadecimal; `@@`, an at sign.

mod bodies;
mod framing;
mod heads;

/// How the bytes are read by the RFC, or where an edge may be stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One request with so many bytes of body.
    Passes(&'static str, u64),
    /// The same, or refused: the RFC lets a server choose, or we are stricter than it.
    MayPass(&'static str, u64),
    /// No request.
    Malformed,
    /// The body goes on: what follows is part of it.
    Unfinished,
}

/// One of the table.
#[derive(Clone, Debug)]
pub struct Payload {
    pub name: String,
    template: Vec<u8>,
    pub reading: Reading,
}

impl Payload {
    fn new(name: impl Into<String>, template: impl Into<Vec<u8>>, reading: Reading) -> Self {
        Self { name: name.into(), template: template.into(), reading }
    }

    /// The bytes for a tag of [`TAG_LENGTH`] characters, which every target in them ends in.
    pub fn bytes(&self, tag: &str) -> Vec<u8> {
        assert_eq!(tag.len(), TAG_LENGTH);
        let inner = smuggled(tag);
        let mut bytes = Vec::with_capacity(self.template.len() + inner.len());
        let mut rest = self.template.as_slice();
        while let Some(at) = rest.iter().position(|byte| *byte == b'@') {
            bytes.extend_from_slice(&rest[..at]);
            match rest.get(at + 1) {
                Some(b'P') => bytes.extend_from_slice(own(tag).as_bytes()),
                Some(b'E') => bytes.extend_from_slice(inner.as_bytes()),
                Some(b'L') => bytes.extend_from_slice(inner.len().to_string().as_bytes()),
                Some(b'X') => bytes.extend_from_slice(format!("{:x}", inner.len()).as_bytes()),
                Some(b'@') => bytes.push(b'@'),
                other => panic!("@ before {other:?} in {}", self.name),
            }
            rest = &rest[at + 2..];
        }
        bytes.extend_from_slice(rest);
        bytes
    }
}

pub const TAG_LENGTH: usize = 6;
/// The bytes of `@E`.
const INNER: u64 = 60;

/// The target of the request itself.
pub fn own(tag: &str) -> String {
    format!("/p-{tag}")
}

fn smuggled(tag: &str) -> String {
    format!("GET /api/evil-{tag} HTTP/1.1\r\nHost: origin.test\r\nX-Y: z\r\n\r\n")
}

/// The whole table.
pub fn all() -> Vec<Payload> {
    [
        framing::encodings(),
        framing::lengths(),
        bodies::chunks(),
        bodies::trailers(),
        heads::lines(),
        heads::fields(),
        heads::upgrades(),
    ]
    .concat()
}

/// A POST with these field lines (each ended by CRLF) and this body.
fn post(lines: &str, body: &str) -> String {
    format!("POST @P HTTP/1.1\r\nHost: origin.test\r\n{lines}\r\n{body}")
}

#[test]
fn there_are_enough_and_each_has_a_name_of_its_own() {
    let all = all();
    let names: std::collections::HashSet<&str> = all.iter().map(|payload| payload.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.len() >= 250, "{}", all.len());
    assert_eq!(smuggled("000000").len() as u64, INNER);
}
