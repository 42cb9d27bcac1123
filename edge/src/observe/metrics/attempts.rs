//! Counters of attempts to sign in, to sign up and to recover a password, as the groups that judge them see them end.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::takeover::{Kind, Outcome};

#[derive(Debug, Default)]
pub struct AttemptMetrics {
    ended: Family<Ended, Counter>,
    attacks: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    kind: &'static str,
    outcome: &'static str,
}

impl AttemptMetrics {
    /// Counts an attempt; once for each group that has judged it.
    pub fn ended(&self, kind: Kind, outcome: Outcome) {
        let kind = match kind {
            Kind::SignIn => "sign_in",
            Kind::SignUp => "sign_up",
            Kind::Recovery => "recovery",
        };
        let outcome = match outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        };
        self.ended.get_or_create(&Ended { kind, outcome }).inc();
    }

    /// So many groups see an attack.
    pub fn under_attack(&self, groups: usize) {
        self.attacks.set(i64::try_from(groups).unwrap_or(i64::MAX));
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Sign-ins, sign-ups and recoveries that rule groups have judged, by how they ended";
        registry.register("attempts", help, self.ended.clone());
        registry.register("attacks", "Rule groups that see an attack on sign-ins now", self.attacks.clone());
    }
}
