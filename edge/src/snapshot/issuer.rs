//! What the edge knows of one token issuer.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::claims::TokenUse;
use common::clock::UnixMillis;
use common::jose::KeySet;
use common::verify::{Leeway, Policy, Profile};

use crate::snapshot::deaths::Deaths;
use crate::snapshot::introspection::Introspection;
use crate::snapshot::route::{Route, RouteTable, TokenRule};
use crate::snapshot::source::FetchedKeys;
use crate::snapshot::verdicts::Verdicts;

/// One issuer that routes may name.
#[derive(Debug)]
pub struct Issuer {
    /// `corp`, or `pool:us-east-1_AbCdEf123`.
    pub name: Arc<str>,
    /// None: nothing has arrived yet, or never will, since the issuer is asked instead; no JWT of this issuer is accepted.
    pub trust: Option<Trust>,
    /// Of an issuer whose keys are fetched: how far `trust` can be believed.
    pub keys: Option<Arc<FetchedKeys>>,
    /// Of an issuer that is asked about its tokens.
    pub introspection: Option<Arc<Introspection>>,
    /// What each route asks of this issuer's tokens, by [`Route::number`]; empty without trust.
    pub policies: Arc<[Option<Policy>]>,
    pub deaths: Deaths,
    /// App clients that are switched off.
    pub disabled_clients: Arc<HashSet<String>>,
    /// None: an issuer that tells no revocations.
    pub news: Option<Arc<News>>,
    /// Verdicts under `trust`: replaced together with it.
    pub verdicts: Arc<Verdicts>,
}

/// Whom to believe: the rules of the tokens and the keys, which know their `iss`.
#[derive(Clone, Debug)]
pub struct Trust {
    pub profile: Profile,
    pub leeway: Leeway,
    pub access_keys: Arc<KeySet>,
    /// Keys apart from those for access tokens, as Cognito has them; the same set where an issuer makes no difference.
    pub id_keys: Arc<KeySet>,
    /// Claims that list groups, instead of the profile's own.
    pub groups: Option<Arc<[Box<str>]>>,
}

impl Trust {
    /// The exact `iss`.
    pub fn iss(&self) -> &Arc<str> {
        self.access_keys.issuer()
    }

    pub fn keys(&self, token_use: TokenUse) -> &KeySet {
        match token_use {
            TokenUse::Access => &self.access_keys,
            TokenUse::Id => &self.id_keys,
        }
    }

    /// The keys that sign the tokens of the other use.
    pub fn other_keys(&self, token_use: TokenUse) -> &KeySet {
        match token_use {
            TokenUse::Access => &self.id_keys,
            TokenUse::Id => &self.access_keys,
        }
    }
}

/// What every route asks of an issuer's tokens.
pub fn policies(profile: Profile, iss: &Arc<str>, leeway: Leeway, table: &RouteTable) -> Arc<[Option<Policy>]> {
    let of = |rule| policy(profile, iss, leeway, rule);
    table.routes.iter().map(|route| route.token.as_ref().map(of)).collect()
}

fn policy(profile: Profile, iss: &Arc<str>, leeway: Leeway, rule: &TokenRule) -> Policy {
    let boxed = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    Policy {
        profile,
        issuer: Arc::clone(iss),
        token_use: rule.token_use,
        clients: boxed(&rule.clients),
        audiences: boxed(&rule.audiences),
        for_anyone: false,
        scopes_all: boxed(&rule.scopes_all),
        scopes_any: boxed(&rule.scopes_any),
        groups_all: boxed(&rule.groups_all),
        groups_any: boxed(&rule.groups_any),
        claims: Arc::clone(&rule.claims),
        amr_all: boxed(&rule.amr_all),
        amr_any: boxed(&rule.amr_any),
        acr_any: boxed(&rule.acr_any),
        max_age: rule.max_age,
        leeway,
    }
}

impl Issuer {
    /// Whether its keys can be believed now. Those that the feed brings can as long as they are there.
    pub fn is_good(&self, now: UnixMillis) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.is_good(now))
    }

    /// Its exact `iss`, as far as it is known.
    pub fn iss(&self) -> Option<&Arc<str>> {
        let trusted = self.trust.as_ref().map(Trust::iss);
        let fetched = || self.keys.as_ref().map(|keys| &keys.source.reading.iss);
        let asked = || self.introspection.as_ref().map(|asked| &asked.settings.terms.iss);
        trusted.or_else(fetched).or_else(asked)
    }

    /// What `route` asks of this issuer's tokens.
    pub fn policy(&self, route: &Route) -> Option<&Policy> {
        self.policies.get(route.number)?.as_ref()
    }
}

/// The issuer's clock in the newest heartbeat: all up to here has been told.
#[derive(Debug, Default)]
pub struct News(AtomicU64);

impl News {
    pub fn as_of(at: UnixMillis) -> Self {
        Self(AtomicU64::new(at.0))
    }

    /// Heartbeats never run backwards.
    pub fn heard(&self, at: UnixMillis) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }

    /// None before the first heartbeat.
    pub fn age(&self, now: UnixMillis) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            at => Some(now.since(UnixMillis(at))),
        }
    }
}
