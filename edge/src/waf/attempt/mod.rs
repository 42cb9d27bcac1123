//! Attempts to sign in, to sign up and to recover a password: found in requests ([`find`]), judged by what was seen before ([`crate::takeover`]), and their
//! ends read from answers ([`answer`]). For the groups of `common::waf::managed` against account takeover and account creation.

mod answer;
mod fields;
mod find;
mod json;
mod measure;
mod place;

use std::sync::Arc;

use common::waf::model::{AttemptPlace, Signal, Signals, Watched, Watching};

pub use self::answer::{Answer, Reader, by_body, by_head, may_read_body};
use self::find::Found;
pub use self::find::How;
use self::measure::{Event, Measures};
use self::place::Place;
use crate::rates::{Key, RuleId};
use crate::takeover::{Attempt, Begun, Kind, Outcome, Scope, Sender};
use crate::waf::rate::Counting;
use crate::waf::request::{Request, Standing};

/// What a rule group watches, compiled.
#[derive(Debug)]
pub struct Watcher {
    scope: Scope,
    kind: Watching,
    place: Option<Place>,
    measures: Measures,
    /// With their namespace.
    labels: Vec<(Signal, Arc<str>)>,
}

/// An attempt whose end is awaited.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// Where the watcher stands among the steps of its web ACL.
    pub step: usize,
    begun: Begun,
    pub how: How,
    counted: Counted,
}

/// By what an attempt is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    address: Option<Key>,
    network: Option<Key>,
    session: Option<Key>,
    phone: Option<Key>,
    postal: Option<Key>,
}

impl Watcher {
    /// `name` tells the group's reference from all others: what was seen counts on as long as it stays the same.
    pub fn new(name: &str, watched: &Watched, namespace: &str, place: Option<&AttemptPlace>) -> Option<Self> {
        let scope = Scope(RuleId::of(&format!("attempts {name}")).0);
        Some(Self {
            scope,
            kind: watched.kind,
            place: place.map(Place::new).transpose().ok()?,
            measures: Measures::new(watched.kind, &format!("attempts {name}"))?,
            labels: watched.labels.iter().map(|(of, label)| (*of, format!("{namespace}{label}").into())).collect(),
        })
    }

    /// Whether the body is needed to know what is attempted.
    pub fn wants_body(&self, request: &Request<'_>) -> bool {
        find::wants_body(self.kind, self.place.as_ref(), request)
    }

    /// What is to be said of the request. It counts, and its end is awaited, unless nobody is to be counted.
    pub fn watch(&self, request: &Request<'_>, counting: Counting<'_>, step: usize) -> (Signals, Option<Awaited>) {
        let mut signals = Signals::default();
        let rejected = matches!(request.clearance.standing, Standing::Invalid | Standing::DomainMismatch);
        let found = match find::find(self.kind, self.place.as_ref(), request) {
            Found::Nothing => return (signals, None),
            Found::Page => {
                signals.set(Signal::Page, true);
                signals.set(Signal::TokenRejected, rejected);
                return (signals, None);
            }
            Found::Unreadable => {
                signals.set(Signal::Unreadable, true);
                return (signals, None);
            }
            Found::Attempt(says) => says,
        };
        signals.set(Signal::TokenRejected, rejected);
        signals.set(Signal::Missing, found.is_missing);
        let hasher = &counting.watch.hasher;
        let attempt = Attempt {
            kind: found.kind,
            name: found.name.as_deref().and_then(|name| hasher.name(name)),
            password: found.password.as_ref().and_then(|password| hasher.password(password.expose())),
        };
        signals.set(Signal::Nameless, attempt.name.is_none());
        let sender = Sender { address: request.client, session: request.clearance.session };
        let counted = Counted {
            address: request.client.map(|client| Key::of_address(client, 32, 64)),
            network: request.client.map(|client| Key::of_address(client, 24, 48)),
            session: sender.session.map(|session| Key(u128::from_be_bytes(session))),
            phone: found.phone.as_deref().and_then(|phone| hasher.other(b"phone", phone)),
            postal: found.postal.as_deref().and_then(|postal| hasher.other(b"postal", postal)),
        };
        let counts = !counting.only_looks;
        if found.kind != Kind::Recovery {
            self.measures.ask(&counted, counting, counts, &mut signals);
        }
        // A name alone proves nothing: a page that goes on to ask for the password has not let anybody in.
        let is_first_step = found.kind == Kind::SignIn && found.is_missing && attempt.name.is_some();
        if !counts || is_first_step {
            return (signals.and(counting.watch.look(counting.now, self.scope, attempt, sender)), None);
        }
        let (said, begun) = counting.watch.begin(counting.now, self.scope, attempt, sender);
        (signals.and(said), Some(Awaited { step, begun, how: found.how, counted }))
    }

    /// What the request attempts, in words, and without what it says.
    pub fn describe(&self, request: &Request<'_>) -> String {
        let says = match find::find(self.kind, self.place.as_ref(), request) {
            Found::Nothing => return "no attempt that this group judges".to_owned(),
            Found::Page => return "the page that has the form".to_owned(),
            Found::Unreadable => return "an attempt that can't be read".to_owned(),
            Found::Attempt(says) => says,
        };
        let kind = match says.kind {
            Kind::SignIn => "sign in",
            Kind::SignUp => "sign up",
            Kind::Recovery => "recover a password",
        };
        let with = |is_there: bool| if is_there { "with" } else { "without" };
        let (name, password) = (with(says.name.is_some()), with(says.password.is_some()));
        format!("an attempt to {kind}, {name} a name, {password} a password that can be seen")
    }

    /// Labels for what is said, whatever rules do.
    pub fn labels(&self, signals: Signals) -> impl Iterator<Item = &Arc<str>> {
        self.labels.iter().filter(move |(signal, _)| signals.has(*signal)).map(|(_, label)| label)
    }

    /// How the answer to an attempt at a configured place is read.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The end of an attempt.
    pub fn end(&self, awaited: &Awaited, outcome: Outcome, is_compromised: bool, counting: Counting<'_>) {
        counting.watch.end(counting.now, &awaited.begun, outcome, is_compromised);
        let event = match outcome {
            Outcome::Succeeded => Event::Succeeded,
            Outcome::Failed => Event::Failed,
            Outcome::Refused | Outcome::Unknown => return,
        };
        if awaited.begun.kind() != Kind::Recovery {
            self.measures.tell(&awaited.counted, event, counting);
        }
    }
}

impl Awaited {
    pub const fn kind(&self) -> Kind {
        self.begun.kind()
    }
}

impl Counted {
    fn of(&self, by: measure::By) -> Option<Key> {
        match by {
            measure::By::Address => self.address,
            measure::By::Network => self.network,
            measure::By::Session => self.session,
            measure::By::Phone => self.phone,
            measure::By::Postal => self.postal,
        }
    }
}
