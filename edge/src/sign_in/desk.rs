//! What one sign-in works with, as long as its settings stay the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::clock::UnixMillis;
use common::secret::SecretBytes;
use http::{HeaderMap, HeaderValue};
use moka::sync::Cache;
use ring::digest::{SHA256, digest};

use super::assertion::Signer;
use super::cookies::{self, Found};
use super::provider::Provider;
use super::refresh::Refreshes;
use super::seal::{Place, Purpose, Seals};
use super::session::Session;
use super::{SignInError, transaction};
use crate::snapshot::sign_in::SignIn;

/// States of sign-ins that have come back, so that none is exchanged twice here.
const MOST_SPENT: u64 = 100_000;
/// One line of the log says that a provider does not do as it should, not one for each browser.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

pub struct Desk {
    pub settings: Arc<SignIn>,
    pub provider: Provider,
    pub refreshes: Refreshes,
    pub signer: Option<Signer>,
    seals: Seals,
    spent: Cache<[u8; 32], ()>,
    complained: AtomicU64,
}

impl Desk {
    /// Reads or makes the keys.
    pub fn new(settings: Arc<SignIn>) -> Result<Self, SignInError> {
        let trouble = |error: String| SignInError { name: settings.name.to_string(), error };
        let seals = Seals::of(&settings.keys).map_err(|error| trouble(error.to_string()))?;
        let signer = match &settings.identity {
            None => None,
            Some(identity) => Some(Signer::of(&identity.key).map_err(|error| trouble(error.to_string()))?),
        };
        let spent = Cache::builder().max_capacity(MOST_SPENT).time_to_live(transaction::LIFE).build();
        let (provider, refreshes) = (Provider::new(&settings.provider), Refreshes::default());
        Ok(Self { settings, provider, refreshes, signer, seals, spent, complained: AtomicU64::new(0) })
    }

    pub fn seal(&self, purpose: Purpose, host: &str, cookie: &str, plain: &[u8]) -> Option<String> {
        self.seals.seal(purpose, self.place(host, cookie), plain)
    }

    pub fn open(&self, purpose: Purpose, host: &str, cookie: &str, text: &str) -> Option<SecretBytes> {
        self.seals.open(purpose, self.place(host, cookie), text)
    }

    /// The session that a browser brings; none where there is none, or none that is good here and now.
    pub fn session(&self, host: &str, headers: &HeaderMap, now: UnixMillis) -> Option<Session> {
        let name = &self.settings.cookie;
        let Found::Text(text) = cookies::session(headers, name) else { return None };
        let plain = self.open(Purpose::Session, host, name.as_str(), &text)?;
        Session::from_bytes(plain.expose()).filter(|session| !session.is_over(&self.settings, now))
    }

    /// The lines that give a browser this session in the place of what it has; none where it is too long for cookies.
    pub fn cookies(
        &self,
        session: &Session,
        host: &str,
        headers: &HeaderMap,
        now: UnixMillis,
    ) -> Option<Vec<HeaderValue>> {
        let name = &self.settings.cookie;
        let parts = cookies::divided(&self.seal(Purpose::Session, host, name.as_str(), &session.to_bytes()?)?)?;
        let left = session.left(&self.settings, now);
        let seconds = self.settings.idle.map_or(left, |idle| left.min(idle.as_secs()));
        let mut lines = Vec::with_capacity(parts.len());
        for (number, part) in parts.iter().enumerate() {
            lines.push(cookies::set(&name.part(number), part, seconds)?);
        }
        lines.extend(cookies::cleared_from(headers, name, parts.len()));
        Some(lines)
    }

    /// The lines that take a browser's session away.
    pub fn cleared(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        cookies::cleared_from(headers, &self.settings.cookie, 0)
    }

    /// Uses a `state` up; false where it was used before.
    pub fn spend(&self, state: &str) -> bool {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, state.as_bytes()).as_ref());
        self.spent.entry(key).or_insert(()).is_fresh()
    }

    /// Tells the operator what is wrong with the provider, now and then.
    pub fn complain(&self, error: &dyn std::fmt::Display, now: UnixMillis) {
        let last = UnixMillis(self.complained.load(Ordering::Relaxed));
        if now < last || now.since(last) >= COMPLAIN_EVERY {
            self.complained.store(now.0, Ordering::Relaxed);
            tracing::warn!(sign_in = &*self.settings.name, %error, "the provider could not be used");
        }
    }

    fn place<'p>(&'p self, host: &'p str, cookie: &'p str) -> Place<'p> {
        let SignIn { name, issuer, client, .. } = &*self.settings;
        Place { sign_in: name, issuer, client_id: &client.id, host, cookie }
    }
}
