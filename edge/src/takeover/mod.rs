//! What sign-ins, sign-ups and recoveries have in common lately: who tries how many names, how often that fails, and what else was tried with a name or a
//! password. It knows neither rules nor requests: rules of the account-takeover groups ask it ([`Signal`]), and who proxies an attempt tells it how it ended.
//!
//! **What is kept** are the last sixteen attempts of each address, network, session, name and password ([`Ring`]), in tables of bounded size ([`Ways`]),
//! and for a whole route whether an attack is on ([`Tide`]). It is in memory, of this process alone, and gone with it.
//!
//! **What is known of people** are keyed digests ([`Hasher`]), under a secret that never leaves the process.
//!
//! **How stuffing is told from people.** A person who mistypes fails, with one name, and then succeeds. Behind an office's one address many names succeed
//! and few fail. A list of stolen pairs makes different names fail that never succeed, from each address. So failed *names* are counted, not attempts, and
//! against those that succeeded; and the fewer are needed, the clearer it is that an attack is on: four in an hour (six in a day) by themselves, two where
//! the whole network behaves like that or an attack is on all over. Who has succeeded from the same address before is let through with the same name.

mod hasher;
mod password;
mod ring;
mod tide;
mod ways;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::waf::model::{Signal, Signals};

pub use self::hasher::Hasher;
use self::password::OfPassword;
use self::ring::{Ring, State, Tried};
use self::tide::Tide;
use self::ways::{Kept, Ways};
use crate::rates::{Digester, Key, Moment};

const MINUTE: Duration = Duration::from_secs(60);
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// For so long a success from an address speaks for the same name.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Names that fail, and never succeed, in an hour: nobody has so many.
const NAMES: u32 = 4;
/// The same in a day.
const NAMES_A_DAY: u32 = 6;
/// The same in a day where an attack is on, or the address's network is suspect; the next name is one too many.
const NAMES_UNDER_ATTACK: u32 = 2;
/// Addresses of a network that fail, and never succeed, in an hour, of the latest sixteen attempts in it.
const ADDRESSES: u32 = 6;
/// Names on their way at one address from which none has ever succeeded, while an attack is on: an office that opens has not so many at once.
const IN_FLIGHT: u32 = 6;
/// The same with those that failed, where one has; and while an attack is on.
const IN_FLIGHT_AFTER_FAILURE: (u32, u32) = (10, 4);
/// Names that one password fails for in an hour, wherever from, and that don't succeed with another.
const NAMES_OF_PASSWORD: u32 = 10;
/// Passwords that fail for one name: in ten minutes from one address, in an hour from all.
const PASSWORDS_OF_NAME_HERE: u32 = 6;
const PASSWORDS_OF_NAME: u32 = 10;
/// Names that one source tries with passwords that others know: nobody has two of them.
const COMPROMISED: u32 = 2;
/// Names that a password is asked to be recovered for, from one address in an hour.
const NAMES_RECOVERED: u32 = 10;
/// Addresses that use one session.
const ADDRESSES_OF_SESSION: u32 = 5;
/// An address counts for the tide once in so long a time.
const TELLS_EVERY: Duration = Duration::from_secs(2);
/// Groups whose tides are kept, those of pools' web ACLs too; a calm one makes room.
const SCOPES: usize = 1_024;

/// Addresses, networks and sessions that are remembered; some 20 MB when all are.
const SOURCES: usize = 65_536;
/// Names, passwords and pairs, each; some 20, 20 and 4 MB.
const NAMES_KEPT: usize = 65_536;

/// Whose attempts are counted together: those that one rule group judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(pub u32);

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    SignIn,
    SignUp,
    /// A password is asked to be replaced, or a code for that is tried.
    Recovery,
}

/// One attempt, as far as it is compared with others.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub kind: Kind,
    pub name: Option<Key>,
    pub password: Option<Key>,
}

/// Who makes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sender {
    pub address: Option<IpAddr>,
    /// Of the token that the client has for what it has solved.
    pub session: Option<[u8; 16]>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Rules have refused it.
    Refused,
    /// Nothing is known: no answer, or one that says neither.
    Unknown,
}

/// An attempt that has begun and whose end is awaited.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    scope: Scope,
    kind: Kind,
    name: Option<Key>,
    password: Option<Key>,
    address: Option<Key>,
    network: Option<Key>,
    session: Option<Key>,
    tried: Tried,
    /// This name has succeeded from this address before.
    is_known: bool,
}

impl Begun {
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

#[derive(Default)]
struct Source {
    ring: Ring,
    /// When it counted for the tide last.
    told: Option<Moment>,
}

impl Kept for Source {
    fn weight(&self) -> u32 {
        self.ring.weight()
    }
}

impl Kept for Ring {
    fn weight(&self) -> u32 {
        Self::weight(self)
    }
}

/// When something was so last.
#[derive(Default)]
struct Last(Option<Moment>);

impl Kept for Last {
    fn weight(&self) -> u32 {
        0
    }
}

/// Memory of attempts. All methods take `&self`, from any number of threads.
#[derive(Debug)]
pub struct Watch {
    pub hasher: Hasher,
    keys: Digester,
    sources: Ways<Source>,
    names: Ways<Ring>,
    passwords: Ways<OfPassword>,
    /// Names that succeeded from an address.
    known: Ways<Last>,
    /// Pairs of a name and a password that others know.
    compromised: Ways<Last>,
    tides: Mutex<HashMap<Scope, Tide>>,
    /// Tells attempts apart whose password nobody sees.
    unseen: AtomicU32,
}

impl Watch {
    /// `secret` is of this process, and of nothing else.
    pub fn new(secret: &[u8; 32]) -> Self {
        let hasher = Hasher::new(secret);
        Self {
            keys: Digester::new(hasher.secret()),
            sources: Ways::of(SOURCES),
            names: Ways::of(NAMES_KEPT),
            passwords: Ways::of(NAMES_KEPT),
            known: Ways::of(NAMES_KEPT),
            compromised: Ways::of(NAMES_KEPT),
            tides: Mutex::default(),
            unseen: AtomicU32::default(),
            hasher,
        }
    }

    /// What is to be said of an attempt before it is made. It counts as on its way from now on.
    pub fn begin(&self, now: Moment, scope: Scope, attempt: Attempt, sender: Sender) -> (Signals, Begun) {
        let begun = self.begun(now, scope, attempt, sender);
        let signals = self.judge(now, &begun, |ring| ring.push(begun.tried));
        (signals, begun)
    }

    /// The same, for who only wants to know.
    pub fn look(&self, now: Moment, scope: Scope, attempt: Attempt, sender: Sender) -> Signals {
        self.judge(now, &self.begun(now, scope, attempt, sender), |_| {})
    }

    /// How an attempt ended. `compromised`: the issuer says that others know this password.
    pub fn end(&self, now: Moment, begun: &Begun, outcome: Outcome, compromised: bool) {
        let state = match outcome {
            Outcome::Succeeded => State::Succeeded,
            Outcome::Failed => State::Failed,
            Outcome::Refused | Outcome::Unknown => State::Empty,
        };
        let may_tell = begun.address.is_some_and(|address| {
            let told = self.sources.with(now, address, |source| {
                source.ring.end(begun.tried, state, compromised);
                let may_tell = source.told.is_none_or(|last| last.until(now) >= TELLS_EVERY);
                if may_tell && outcome != Outcome::Unknown {
                    source.told = Some(now);
                }
                may_tell
            });
            told.unwrap_or_default()
        });
        if let Some(session) = begun.session {
            self.sources.with(now, session, |source| source.ring.end(begun.tried, state, compromised));
        }
        if outcome == Outcome::Unknown {
            return;
        }
        let (Some(name), Some(address)) = (begun.name, begun.address) else { return };
        let ended = if outcome == Outcome::Succeeded { State::Succeeded } else { State::Failed };
        if let Some(network) = begun.network.filter(|_| !begun.is_known) {
            let tried = Tried::new(now, short(address), 0, ended);
            self.sources.with(now, network, |source| source.ring.push(tried));
        }
        if outcome != Outcome::Refused {
            self.remember(now, begun, name, ended);
        }
        if compromised && let Some(pair) = self.pair(begun.scope, name, begun.password) {
            self.compromised.with(now, pair, |last| last.0 = Some(now));
        }
        if outcome == Outcome::Succeeded {
            let known = self.key(begun.scope, begun.kind, b"known", &[address, name]);
            self.known.with(now, known, |last| last.0 = Some(now));
        }
        if may_tell && begun.kind == Kind::SignIn {
            self.tide(now, begun.scope, |tide| match outcome {
                Outcome::Succeeded => tide.succeeded(now),
                Outcome::Failed | Outcome::Refused => tide.failed(now),
                Outcome::Unknown => {}
            });
        }
    }

    /// Whether an attack is on.
    pub fn is_under_attack(&self, now: Moment, scope: Scope) -> bool {
        self.tides().get_mut(&scope).is_some_and(|tide| tide.is_on(now))
    }

    /// How many groups see an attack.
    pub fn attacks(&self, now: Moment) -> usize {
        self.tides().values_mut().filter_map(|tide| tide.is_on(now).then_some(())).count()
    }

    /// How the name and the password fared.
    fn remember(&self, now: Moment, begun: &Begun, name: Key, state: State) {
        if begun.kind != Kind::SignIn {
            return;
        }
        let of_name = self.key(begun.scope, begun.kind, b"name", &[name]);
        let from = begun.address.map_or(0, short);
        // By its password; with the address in the place of the name.
        self.names.with(now, of_name, |ring| ring.push(Tried::new(now, from, begun.tried.password, state)));
        let name = begun.tried.name;
        if begun.password.is_some() {
            let key = self.of_password(begun, begun.tried.password);
            self.passwords.with(now, key, |of| of.tried(now, name, state));
        }
        // What the name failed with before, at the same address, was mistyped.
        let failed = |source: &Source| source.ring.failed_with(name).collect::<Vec<_>>();
        let address = begun.address.filter(|_| state == State::Succeeded);
        let mistyped = address.and_then(|address| self.sources.look(address, failed)).unwrap_or_default();
        for password in mistyped {
            let key = self.of_password(begun, password);
            self.passwords.with(now, key, |of| of.mistyped(name));
        }
    }

    fn of_password(&self, begun: &Begun, password: u32) -> Key {
        self.key(begun.scope, begun.kind, b"password", &[Key(password.into())])
    }

    fn begun(&self, now: Moment, scope: Scope, attempt: Attempt, sender: Sender) -> Begun {
        let Attempt { kind, name, password } = attempt;
        let of_address = |v4, v6| sender.address.map(|address| Key::of_address(address, v4, v6));
        let address = of_address(32, 64).map(|address| self.key(scope, kind, b"address", &[address]));
        let network = of_address(24, 48).map(|network| self.key(scope, kind, b"network", &[network]));
        let session = sender.session.map(|id| self.key(scope, kind, b"session", &[Key(u128::from_be_bytes(id))]));
        let unseen = || self.unseen.fetch_add(1, Ordering::Relaxed);
        let tried = Tried::new(now, name.map_or(0, short), password.map_or_else(unseen, short), State::Pending);
        let mut begun = Begun { scope, kind, name, password, address, network, session, tried, is_known: false };
        begun.is_known = self.is_known(now, &begun);
        begun
    }

    fn is_known(&self, now: Moment, begun: &Begun) -> bool {
        let (Some(name), Some(address)) = (begun.name, begun.address) else { return false };
        let known = self.key(begun.scope, begun.kind, b"known", &[address, name]);
        self.known.look(known, |last| is_recent(now, last, KNOWN_FOR)).unwrap_or_default()
    }

    fn judge(&self, now: Moment, begun: &Begun, push: impl Fn(&mut Ring)) -> Signals {
        let mut signals = Signals::default();
        if begun.name.is_none() {
            return signals;
        }
        let under_attack = begun.kind == Kind::SignIn && self.is_under_attack(now, begun.scope);
        signals.set(Signal::UnderAttack, under_attack);
        let of_network = |network| self.sources.look(network, |source| source.ring.standing(now, HOUR, 0));
        let suspect = begun.network.and_then(of_network).is_some_and(|standing| standing.fails_mostly(ADDRESSES));
        signals.set(Signal::SuspectNetwork, suspect);
        if let Some(address) = begun.address {
            let said = self.sources.with(now, address, |source| {
                let said = of_address(now, begun, &source.ring, (under_attack, suspect));
                push(&mut source.ring);
                said
            });
            signals = signals.and(said.unwrap_or_default());
        }
        if let Some(session) = begun.session {
            let said = self.sources.with(now, session, |source| {
                let said = of_session(now, begun, &source.ring);
                push(&mut source.ring);
                said
            });
            signals = signals.and(said.unwrap_or_default());
            self.reuse(now, begun, session, &mut signals);
        }
        self.of_others(now, begun, &mut signals);
        signals
    }

    /// What was tried with the name and the password from anywhere.
    fn of_others(&self, now: Moment, begun: &Begun, signals: &mut Signals) {
        let Some(name) = begun.name else { return };
        let pair = self.pair(begun.scope, name, begun.password);
        let recent = |pair| self.compromised.look(pair, |last| is_recent(now, last, DAY)).unwrap_or_default();
        signals.set(Signal::Compromised, pair.is_some_and(recent));
        if begun.kind != Kind::SignIn || begun.is_known {
            return;
        }
        let of_name = self.key(begun.scope, begun.kind, b"name", &[name]);
        let from = begun.address.map_or(0, short);
        let guessed = self.names.look(of_name, |ring| {
            // Who has not failed with it before is let in: else anybody could lock the owner out.
            ring.standing(now, HOUR, from).is_known && ring.passwords(now, HOUR) >= PASSWORDS_OF_NAME
        });
        if guessed.unwrap_or_default() {
            signals.set(Signal::PasswordsOfName, true);
        }
        if begun.password.is_some() {
            let key = self.of_password(begun, begun.tried.password);
            let sprayed = |of: &OfPassword| of.is_sprayed(now, NAMES_OF_PASSWORD, begun.tried.name);
            let sprayed = self.passwords.look(key, sprayed);
            signals.set(Signal::NamesOfPassword, sprayed.unwrap_or_default());
        }
    }

    /// A session that is used by many addresses is passed around.
    fn reuse(&self, now: Moment, begun: &Begun, session: Key, signals: &mut Signals) {
        let Some(address) = begun.address else { return };
        let users = self.key(begun.scope, begun.kind, b"users", &[session]);
        let tried = Tried::new(now, short(address), 0, State::Failed);
        let many = self.names.with(now, users, |ring| {
            if !ring.standing(now, HALF_HOUR, short(address)).is_known {
                ring.push(tried);
            }
            ring.standing(now, HALF_HOUR, 0).failed > ADDRESSES_OF_SESSION
        });
        signals.set(Signal::SessionReused, many.unwrap_or_default());
    }

    fn pair(&self, scope: Scope, name: Key, password: Option<Key>) -> Option<Key> {
        Some(self.key(scope, Kind::SignIn, b"pair", &[name, password?]))
    }

    fn key(&self, scope: Scope, kind: Kind, what: &[u8], parts: &[Key]) -> Key {
        let mut key = self.keys.parts();
        key.add(&scope.0.to_be_bytes());
        key.add(&[kind as u8]);
        key.add(what);
        parts.iter().for_each(|part| key.add(&part.0.to_be_bytes()));
        key.key()
    }

    /// Where there is no room, the calm one goes that has least to forget.
    fn tide(&self, now: Moment, scope: Scope, act: impl FnOnce(&mut Tide)) {
        let mut tides = self.tides();
        if !tides.contains_key(&scope) && tides.len() >= SCOPES {
            let calm = tides.iter_mut().filter_map(|(scope, tide)| (!tide.is_on(now)).then(|| (*scope, tide.level())));
            let Some((least, _)) = calm.min_by(|(_, one), (_, other)| one.total_cmp(other)) else { return };
            tides.remove(&least);
        }
        act(tides.entry(scope).or_default());
    }

    fn tides(&self) -> MutexGuard<'_, HashMap<Scope, Tide>> {
        self.tides.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an address has done.
fn of_address(now: Moment, begun: &Begun, ring: &Ring, (under_attack, suspect): (bool, bool)) -> Signals {
    let mut signals = Signals::default();
    let name = begun.tried.name;
    let hour = ring.standing(now, HOUR, name);
    if begun.kind == Kind::Recovery {
        let names = hour.failed + hour.succeeded + hour.pending;
        signals.set(Signal::NamesRecovered, !hour.is_known && names >= NAMES_RECOVERED);
        signals.set(Signal::FailedRatioIp, hour.fails_mostly(NAMES));
        return signals;
    }
    signals.set(Signal::CompromisedMany, hour.compromised >= COMPROMISED);
    if begun.kind == Kind::SignUp || begun.is_known {
        return signals;
    }
    let day = ring.standing(now, DAY, name);
    let (calm, tense) = IN_FLIGHT_AFTER_FAILURE;
    let awaited = |most| !day.is_known && day.succeeded == 0 && day.failed > 0 && day.failed + day.pending >= most;
    let fails = hour.fails_mostly(NAMES) || day.fails_mostly(NAMES_A_DAY);
    signals.set(Signal::FailedRatioIp, fails || awaited(calm));
    let many = !day.is_known && day.succeeded == 0 && day.pending >= IN_FLIGHT;
    let one_more = (!day.is_known && day.fails_often(NAMES_UNDER_ATTACK)) || awaited(tense) || many;
    signals.set(Signal::FailedUnderAttack, one_more && under_attack);
    signals.set(Signal::FailedRatioNetwork, one_more && suspect);
    signals.set(Signal::PasswordsOfName, ring.passwords_of(now, 10 * MINUTE, name) >= PASSWORDS_OF_NAME_HERE);
    let sprays = begun.password.is_some() && ring.names_with(now, HOUR, begun.tried.password) >= NAMES;
    signals.set(Signal::NamesOfPassword, sprays && !hour.is_known && hour.failed >= hour.succeeded);
    signals
}

/// What a session has done: who has solved a challenge and goes on with it.
fn of_session(now: Moment, begun: &Begun, ring: &Ring) -> Signals {
    let mut signals = Signals::default();
    let standing = ring.standing(now, HALF_HOUR, begun.tried.name);
    let names = standing.failed + standing.succeeded + standing.pending;
    signals.set(Signal::CompromisedMany, standing.compromised >= COMPROMISED);
    match begun.kind {
        Kind::SignIn => {
            signals.set(Signal::NamesOfSession, !begun.is_known && standing.fails_mostly(NAMES - 1));
            signals.set(Signal::FailedSession, !begun.is_known && standing.fails_mostly(NAMES));
        }
        Kind::SignUp => {
            signals.set(Signal::NamesOfSession, names > 10);
            signals.set(Signal::NamesOfSessionMedium, (6..=10).contains(&names));
            signals.set(Signal::NamesOfSessionLow, (2..=5).contains(&names));
        }
        Kind::Recovery => {}
    }
    signals
}

fn is_recent(now: Moment, last: &Last, span: Duration) -> bool {
    last.0.is_some_and(|at| at.until(now) <= span)
}

/// The part of a digest that rings keep.
fn short(key: Key) -> u32 {
    (key.0 >> 96) as u32
}

#[cfg(test)]
mod tests;
