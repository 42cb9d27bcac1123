//! What rules may see of a request.

use std::net::IpAddr;

use common::verify::Verified;
use http::HeaderMap;

/// A borrowed view: the canonical request and what is known around it.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    pub method: &'r str,
    /// The canonical path, escaped as it goes upstream.
    pub path: &'r str,
    /// Without `?`.
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
    pub body: Body<'r>,
    pub client: Option<IpAddr>,
    pub ja3: Option<&'r str>,
    pub ja4: Option<&'r str>,
    /// The verified token, where one was asked for and is good.
    pub token: Option<&'r Verified>,
    pub clearance: Clearance,
}

/// What has come of the body.
#[derive(Clone, Copy, Debug)]
pub enum Body<'r> {
    /// It may have one that nobody has read yet.
    Unread,
    None,
    /// Its first bytes; `more` says that there are others.
    Read {
        bytes: &'r [u8],
        more: bool,
    },
}

impl Body<'_> {
    /// At most so many bytes of it.
    pub fn first(self, most: usize) -> Self {
        match self {
            Self::Read { bytes, more } => match bytes.get(..most) {
                Some(first) => Self::Read { bytes: first, more: more || first.len() < bytes.len() },
                None => self,
            },
            Self::Unread | Self::None => self,
        }
    }
}

/// What the client's token says of puzzles and challenges that it has solved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clearance {
    pub captcha: Option<Solved>,
    pub challenge: Option<Solved>,
    pub standing: Standing,
    /// Of a token that counts: random, and the same while its client solves one thing after another.
    pub session: Option<[u8; 16]>,
}

/// The last puzzle, or challenge, that was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solved {
    /// Seconds.
    pub ago: u64,
    /// How hard it was.
    pub difficulty: u8,
}

/// Why a token counts or does not (AWS's `FailureReason`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Missing,
    Invalid,
    DomainMismatch,
    Good,
}
