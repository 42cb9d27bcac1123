//! Metrics of issuers of others. Labels are names of configured issuers and words of ours.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Fetches of keys and questions about tokens.
#[derive(Clone, Debug, Default)]
pub struct IssuerMetrics {
    age: Family<IssuerLabel, Gauge<f64, AtomicU64>>,
    fetches: Family<ResultLabels, Counter>,
    unknown: Family<IssuerLabel, Counter>,
    introspections: Family<ResultLabels, Counter>,
}

/// How a fetch of keys ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Other keys than before are in use.
    Changed,
    Unchanged,
    /// Nothing came.
    Failed,
    /// What came is no key set to believe; the last good one stays. Somebody should look.
    Refused,
}

/// How a question about a token ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Active,
    Inactive,
    /// Active, and not what an access token of this issuer is.
    Refused,
    /// No answer that could be read.
    Failed,
    /// Not asked: too many are waiting.
    Shed,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerLabel {
    issuer: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    issuer: String,
    result: &'static str,
}

impl IssuerMetrics {
    /// The counter of tokens of this issuer whose `kid` is not known.
    pub fn unknown_kids(&self, issuer: &str) -> Counter {
        self.unknown.get_or_create_owned(&IssuerLabel { issuer: issuer.to_owned() })
    }

    pub fn fetched(&self, issuer: &str, result: Fetched) {
        let result = match result {
            Fetched::Changed => "changed",
            Fetched::Unchanged => "unchanged",
            Fetched::Failed => "failed",
            Fetched::Refused => "refused",
        };
        self.fetches.get_or_create(&ResultLabels { issuer: issuer.to_owned(), result }).inc();
    }

    pub fn asked(&self, issuer: &str, result: Asked) {
        let result = match result {
            Asked::Active => "active",
            Asked::Inactive => "inactive",
            Asked::Refused => "refused",
            Asked::Failed => "failed",
            Asked::Shed => "shed",
        };
        self.introspections.get_or_create(&ResultLabels { issuer: issuer.to_owned(), result }).inc();
    }

    /// The ages of all issuers' keys, as they are now.
    pub fn ages<'n>(&self, ages: impl Iterator<Item = (&'n str, Duration)>) {
        self.age.clear();
        for (issuer, age) in ages {
            self.age.get_or_create(&IssuerLabel { issuer: issuer.to_owned() }).set(age.as_secs_f64());
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let age = self.age.clone();
        registry.register_with_unit("keys_age", "Since an issuer's keys were last fetched", Unit::Seconds, age);
        registry.register("key_fetches", "Fetches of issuers' keys, by result", self.fetches.clone());
        registry.register("unknown_kids", "Tokens that name no key of their issuer", self.unknown.clone());
        let introspections = self.introspections.clone();
        registry.register("introspections", "Questions to issuers about tokens, by result", introspections);
    }
}
