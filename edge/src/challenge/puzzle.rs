//! Puzzles that no one has to remember: what was asked is signed and comes back with the solution.
//!
//! `base64url(1 ‖ action (1) ‖ difficulty (1) ‖ made (8, ms) ‖ nonce (16) ‖ network (8) ‖ host (1 + n) ‖ domain (1 + n) ‖ HMAC-SHA-256 (32))`. The work: for
//! each `i` below 16 a number `n` such that SHA-256(seed ‖ i ‖ n) begins with `difficulty - 4` zero bits, where the seed is SHA-256 of the puzzle's
//! text, and `i` and `n` are 32 bits in network order. Sixteen small searches instead of one large take the same work, but nearly the same time at
//! every try, and say how far they are.

use std::net::IpAddr;
use std::time::Duration;

use common::clock::UnixMillis;
use common::dpop::ProofId;
use ring::digest::{Context, SHA256, digest};

use super::bytes::{Reader, open, put_text, seal};
use super::keys::{KeyError, Keys, Purpose};
use crate::files::keys::random;

/// Searches in a puzzle.
pub const SEARCHES: usize = 16;
/// Leading zero bits of each search are so many fewer than the difficulty: 16 searches are four bits of work.
pub const SHARED_BITS: u8 = 4;
/// The longest puzzle: of the longest host and domain; bytes.
pub const LONGEST: usize = (1 + 1 + 1 + 8 + 16 + 8 + 2 * (1 + 253) + 32) * 4 / 3 + 1;

const VERSION: u8 = 1;
/// How far another edge's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// What a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Challenge,
    Captcha,
}

impl Action {
    /// As `x-amzn-waf-action`, metrics and the API say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Captcha => "captcha",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Challenge, Self::Captcha].into_iter().find(|action| action.name() == name)
    }
}

/// A puzzle as it was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    pub action: Action,
    /// The work is 2^difficulty hashes on average.
    pub difficulty: u8,
    pub made: UnixMillis,
    pub nonce: [u8; 16],
    /// Tag of the client's network.
    pub network: [u8; 8],
    pub host: String,
    /// What the token will be for; None: the host, and no other.
    pub domain: Option<String>,
}

/// A puzzle with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub puzzle: Puzzle,
    pub text: String,
}

/// Numbers that a client has found.
pub type Solution = [u32; SEARCHES];

impl Puzzle {
    /// A new one.
    pub fn make(
        now: UnixMillis,
        action: Action,
        difficulty: u8,
        (host, domain): (&str, Option<&str>),
        network: [u8; 8],
    ) -> Result<Self, KeyError> {
        let (host, domain) = (host.to_owned(), domain.map(str::to_owned));
        Ok(Self { action, difficulty, made: now, nonce: random()?, network, host, domain })
    }

    pub fn seal(self, keys: &Keys) -> Sealed {
        Sealed { text: seal(keys, Purpose::Puzzle, self.payload()), puzzle: self }
    }

    /// None: not ours.
    pub fn open(text: &str, keys: &Keys) -> Option<Self> {
        Self::read(&open(keys, Purpose::Puzzle, text, LONGEST)?)
    }

    /// What is signed.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = vec![VERSION, self.action as u8, self.difficulty];
        payload.extend_from_slice(&self.made.0.to_be_bytes());
        payload.extend_from_slice(&self.nonce);
        payload.extend_from_slice(&self.network);
        put_text(&mut payload, &self.host);
        put_text(&mut payload, self.domain.as_deref().unwrap_or_default());
        payload
    }

    /// The strict reading of a payload: one payload has one puzzle, and one puzzle one payload.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader(payload);
        if reader.byte()? != VERSION {
            return None;
        }
        let action = match reader.byte()? {
            0 => Action::Challenge,
            1 => Action::Captcha,
            _ => return None,
        };
        let difficulty = reader.byte()?;
        let made = UnixMillis(reader.number()?);
        let (nonce, network) = (reader.array()?, reader.array()?);
        let host = reader.text()?.to_owned();
        let domain = Some(reader.text()?).filter(|domain| !domain.is_empty()).map(str::to_owned);
        reader.end()?;
        Some(Self { action, difficulty, made, nonce, network, host, domain })
    }

    /// Under which it is remembered when it has been used.
    pub fn id(&self) -> ProofId {
        ProofId(self.nonce)
    }

    /// How long ago it was made; None: in a future that no clock of ours is in.
    pub fn age(&self, now: UnixMillis) -> Option<Duration> {
        (self.made <= now.plus(AHEAD)).then(|| now.since(self.made))
    }

    /// Zero bits that the hash of each search begins with.
    pub fn bits(&self) -> u8 {
        self.difficulty.saturating_sub(SHARED_BITS)
    }
}

/// What the searches of a puzzle begin with.
pub fn seed(puzzle: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    seed.copy_from_slice(digest(&SHA256, puzzle.as_bytes()).as_ref());
    seed
}

/// Whether every search has found what it must.
pub fn is_solved(seed: &[u8; 32], bits: u8, solution: &Solution) -> bool {
    (0..).zip(solution).all(|(index, number)| leading_zeros(seed, index, *number) >= u32::from(bits))
}

fn leading_zeros(seed: &[u8; 32], index: u32, number: u32) -> u32 {
    let mut hash = Context::new(&SHA256);
    hash.update(seed);
    hash.update(&index.to_be_bytes());
    hash.update(&number.to_be_bytes());
    let hash = hash.finish();
    hash.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head).leading_zeros())
}

/// Tags of the network that a client is in, one for each key: an IPv4 /24, an IPv6 /64. Its address may change within it.
pub fn networks<'k>(keys: &'k Keys, client: Option<IpAddr>) -> impl Iterator<Item = [u8; 8]> + 'k {
    let network = network(client);
    let tags: Vec<[u8; 8]> = keys.tags(Purpose::Network, &network).map(|tag| first_eight(tag.as_ref())).collect();
    tags.into_iter()
}

/// Of the network under the key that signs.
pub fn network_tag(keys: &Keys, client: Option<IpAddr>) -> [u8; 8] {
    networks(keys, client).next().unwrap_or_default()
}

fn first_eight(bytes: &[u8]) -> [u8; 8] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// A byte for the family, then the network's.
fn network(client: Option<IpAddr>) -> [u8; 9] {
    let mut network = [0; 9];
    let (family, bytes) = match client.map(|client| client.to_canonical()) {
        None => (0, [0; 8]),
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            (4, [a, b, c, 0, 0, 0, 0, 0])
        }
        Some(IpAddr::V6(ip)) => (6, first_eight(&ip.octets())),
    };
    if let Some((head, rest)) = network.split_first_mut() {
        *head = family;
        rest.copy_from_slice(&bytes);
    }
    network
}

/// The numbers, found as a client would.
#[cfg(test)]
pub fn solve(text: &str, bits: u8) -> Solution {
    let seed = seed(text);
    std::array::from_fn(|index| {
        let index = u32::try_from(index).unwrap();
        (0..).find(|number| leading_zeros(&seed, index, *number) >= u32::from(bits)).unwrap()
    })
}
