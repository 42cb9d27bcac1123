//! The token that a client gets for what it has solved: AWS's place for it, our own form.
//!
//! `base64url(1 ‖ session (16) ‖ issued (8) ‖ challenge (8) ‖ bits (1) ‖ captcha (8) ‖ bits (1) ‖ domain (1 + n) ‖ HMAC-SHA-256 (32))`; times are seconds since the
//! epoch, 0 for never. Whoever has the token may use it within its domain: it says that work was done, not who did it.

use common::clock::UnixMillis;

use super::bytes::{Reader, open, put_text, seal};
use super::keys::{Keys, Purpose};

/// The cookie, under AWS's name.
pub const COOKIE: &str = "aws-waf-token";
/// The header for clients that keep no cookies; AWS's name, too.
pub const HEADER: &str = "x-aws-waf-token";
/// The longest token: one of the longest host; bytes.
pub const LONGEST: usize = (1 + 16 + 8 + 9 + 9 + 1 + 253 + 32) * 4 / 3 + 1;

const VERSION: u8 = 1;
/// How far another edge's clock may be ahead; seconds.
const AHEAD: u64 = 60;

/// What is in a token that we have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Random; stays the same while a client solves one thing after another.
    pub session: [u8; 16],
    /// The host or the token domain that it was made for, in canonical form.
    pub domain: String,
    pub issued: u64,
    pub challenge: Option<Solved>,
    pub captcha: Option<Solved>,
}

/// The last challenge, or captcha, that was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solved {
    /// Seconds since the epoch.
    pub at: u64,
    /// How hard it was.
    pub difficulty: u8,
}

impl Token {
    pub fn seal(&self, keys: &Keys) -> String {
        seal(keys, Purpose::Token, self.payload())
    }

    /// None: not ours, or of another time than the past.
    pub fn open(text: &str, keys: &Keys, now: UnixMillis) -> Option<Self> {
        let token = Self::read(&open(keys, Purpose::Token, text, LONGEST)?)?;
        let latest = now.seconds().saturating_add(AHEAD);
        let solved = [token.challenge, token.captcha].into_iter().flatten().map(|solved| solved.at);
        solved.chain([token.issued]).all(|at| at <= latest).then_some(token)
    }

    /// What is signed.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(&self.session);
        payload.extend_from_slice(&self.issued.to_be_bytes());
        for solved in [self.challenge, self.captcha] {
            let Solved { at, difficulty } = solved.unwrap_or(Solved { at: 0, difficulty: 0 });
            payload.extend_from_slice(&at.to_be_bytes());
            payload.push(difficulty);
        }
        put_text(&mut payload, &self.domain);
        payload
    }

    /// The strict reading of a payload: one payload has one token, and one token one payload.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader(payload);
        if reader.byte()? != VERSION {
            return None;
        }
        let session = reader.array()?;
        let issued = reader.number()?;
        let (challenge, captcha) = (solved(&mut reader)?, solved(&mut reader)?);
        let domain = reader.text()?.to_owned();
        reader.end()?;
        Some(Self { session, domain, issued, challenge, captcha })
    }

    /// Whether it counts for a host: it was made for it, or for one of the token domains or a host below one (AWS's `TokenDomains`).
    pub fn counts_for(&self, host: &str, token_domains: &[String]) -> bool {
        self.domain == host || token_domains.iter().any(|domain| is_within(&self.domain, domain))
    }
}

/// The outer None is an error: no time, and yet a difficulty.
fn solved(reader: &mut Reader<'_>) -> Option<Option<Solved>> {
    match (reader.number()?, reader.byte()?) {
        (0, 0) => Some(None),
        (0, _) => None,
        (at, difficulty) => Some(Some(Solved { at, difficulty })),
    }
}

/// The domain that a token for `host` gets: the widest token domain that the host is in, or else the host itself (None).
pub fn domain_of<'d>(host: &str, token_domains: &'d [String]) -> Option<&'d str> {
    let around = token_domains.iter().filter(|domain| is_within(host, domain));
    around.min_by_key(|domain| domain.len()).map(String::as_str)
}

/// Whether a host is the domain or below it. Names are in lower case, without a dot at the end.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.')) && !domain.is_empty()
}
