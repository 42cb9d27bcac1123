//! Challenges and captchas of web ACLs: what clients are asked to do, how they show that they have done it, and the token that they get for it.
//!
//! Everything that is asked is signed and comes back with the answer, so asking takes no memory. A challenge is work that the browser does by itself; a
//! captcha is more work, begun by a person who presses a button. Neither tells people from programs: they make automatic requests cost something, and a
//! client without them stays out. Why there are no pictures or sounds to recognise, docs/WAF.md says.

mod answer;
mod api;
mod bytes;
pub mod config;
mod failure;
mod keys;
mod meter;
mod pace;
mod page;
mod puzzle;
mod token;
mod verify;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use common::clock::UnixMillis;
use http::HeaderMap;

pub use self::answer::Answer;
pub use self::api::Call;
use self::config::{KeySource, Settings};
pub use self::failure::Failure;
pub use self::keys::{KeyError, Keys};
pub use self::meter::Meter;
use self::pace::Pace;
#[cfg(test)]
pub use self::puzzle::solve;
pub use self::puzzle::{Action, Puzzle, SEARCHES, SHARED_BITS};
pub use self::token::{COOKIE, HEADER, Solved, Token};
use crate::replay::Replay;

/// The folder of paths that the edge answers itself where a route has a web ACL. No route may begin in it.
pub const RESERVED: &str = "/.tollgate";
/// Where programs get a puzzle.
pub const PUZZLE: &str = "/.tollgate/challenge";
/// Where answers to puzzles go.
pub const VERIFY: &str = "/.tollgate/challenge/verify";
/// The longest body that is sent there; bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// Tokens that are looked at in one request: a client may hold some of the same name, of its host and of the domains above it.
const MOST_TOKENS: usize = 4;

/// Whether a path is the edge's own. `path` is canonical.
pub fn is_reserved(path: &str) -> bool {
    path.strip_prefix(RESERVED).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Asks and verifies.
pub struct Challenges {
    current: ArcSwap<Current>,
    /// Used while no other keys are there; it lives as long as the process.
    own: Keys,
    /// What the issuer has brought, the newest first; who changes it, or the settings, holds it until both fit.
    shared: Mutex<Vec<[u8; 32]>>,
    spent: Replay,
    pace: Pace,
    meter: Meter,
}

struct Current {
    settings: Settings,
    keys: Keys,
    /// Without those that edges share.
    local: Keys,
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Client<'r> {
    /// The canonical name of the host, without port.
    pub host: &'r str,
    pub address: Option<IpAddr>,
    /// The request came by TLS.
    pub secure: bool,
    pub now: UnixMillis,
}

/// What a rule demands.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'r> {
    pub action: Action,
    /// None: as the settings say.
    pub difficulty: Option<u8>,
    /// AWS's `TokenDomains` of the web ACL.
    pub token_domains: &'r [String],
}

/// What a client's token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Missing,
    /// Not ours, or of a version that we don't know.
    Invalid,
    /// Ours, for another host.
    DomainMismatch,
    Good(Token),
}

impl Challenges {
    /// Reads or makes the keys.
    pub fn new(settings: Settings, meter: Meter) -> Result<Self, KeyError> {
        let own = Keys::random()?;
        let spent = Replay::bounded(usize::try_from(settings.memory).unwrap_or(usize::MAX), meter.held.clone());
        let local = keys_of(&settings.keys, &own)?;
        let current = ArcSwap::from_pointee(Current::new(settings, local, &[]));
        Ok(Self { current, own, shared: Mutex::default(), spent, pace: Pace::default(), meter })
    }

    /// Goes on with other settings; the memory stays as it is.
    pub fn configure(&self, settings: Settings) -> Result<(), KeyError> {
        let local = keys_of(&settings.keys, &self.own)?;
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(Arc::new(Current::new(settings, local, &shared)));
        Ok(())
    }

    /// Takes the keys that all edges of the deployment share, the newest first. They sign unless the settings name a file.
    pub fn share(&self, keys: Vec<[u8; 32]>) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = keys;
        let current = self.current.load();
        self.current.store(Arc::new(Current::new(current.settings.clone(), current.local.clone(), &shared)));
    }

    /// What a client's token says. Of several the best counts.
    pub fn standing(&self, headers: &HeaderMap, host: &str, token_domains: &[String], now: UnixMillis) -> Standing {
        let current = self.current.load();
        let mut standing = Standing::Missing;
        for text in tokens(headers).take(MOST_TOKENS) {
            let token = Token::open(text, &current.keys, now);
            standing = match (token, standing) {
                (Some(token), Standing::Good(known)) if token.counts_for(host, token_domains) => {
                    Standing::Good(if token.issued > known.issued { token } else { known })
                }
                (_, Standing::Good(known)) => Standing::Good(known),
                (Some(token), _) if token.counts_for(host, token_domains) => Standing::Good(token),
                (Some(_), _) => Standing::DomainMismatch,
                (None, Standing::DomainMismatch) => Standing::DomainMismatch,
                (None, _) => Standing::Invalid,
            };
        }
        standing
    }

    /// The answer to a request of which a rule demands something that its token does not say. `target` is its canonical target.
    pub fn answer(
        &self,
        demand: Demand<'_>,
        client: Client<'_>,
        method: &str,
        target: &str,
        headers: &HeaderMap,
    ) -> Answer {
        let current = self.current.load();
        let difficulty = current.settings.difficulty_of(demand);
        if method != "GET" || !answer::takes_html(headers) {
            self.meter.asked(demand.action, "plain");
            return Answer::plain(demand.action, difficulty, target);
        }
        let domain = token::domain_of(client.host, demand.token_domains);
        let network = puzzle::network_tag(&current.keys, client.address);
        let made = Puzzle::make(client.now, demand.action, difficulty, (client.host, domain), network);
        let Ok(made) = made else { return Answer::plain(demand.action, difficulty, target) };
        self.meter.asked(demand.action, "page");
        let page = page::ask(page::Facts {
            puzzle: &made.seal(&current.keys),
            target,
            wait: current.settings.wait(demand.action),
            life: current.settings.life,
            unscripted: current.settings.unscripted,
        });
        Answer::page(demand.action, page)
    }
}

impl Current {
    fn new(settings: Settings, local: Keys, shared: &[[u8; 32]]) -> Self {
        let keys = match settings.keys {
            KeySource::Given(_) => local.clone(),
            KeySource::State(_) | KeySource::Own => Keys::shared(shared, &local),
        };
        Self { settings, keys, local }
    }
}

impl Settings {
    fn difficulty_of(&self, demand: Demand<'_>) -> u8 {
        demand.difficulty.unwrap_or(match demand.action {
            Action::Challenge => self.difficulty,
            Action::Captcha => self.captcha_difficulty,
        })
    }

    fn wait(&self, action: Action) -> std::time::Duration {
        match action {
            Action::Challenge => std::time::Duration::ZERO,
            Action::Captcha => self.captcha_wait,
        }
    }
}

fn keys_of(source: &KeySource, own: &Keys) -> Result<Keys, KeyError> {
    match source {
        KeySource::Given(keys) => Ok(keys.clone()),
        KeySource::State(path) => Keys::read_or_make(path),
        KeySource::Own => Ok(own.clone()),
    }
}

/// The tokens of a request: in the header, or else in cookies.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let given = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
    let cookies = headers.get_all(http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';'));
    let named = pairs.filter_map(|pair| pair.trim_start().strip_prefix(COOKIE)?.strip_prefix('='));
    given.chain(named.map(|value| value.trim_end().trim_matches('"')))
}

impl std::fmt::Debug for Challenges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenges").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
