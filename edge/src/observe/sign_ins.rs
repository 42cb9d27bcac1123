//! Metrics of browser sign-in. Labels are names of sign-ins and words of ours.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What became of sign-ins, refreshes and sign-outs.
#[derive(Clone, Debug, Default)]
pub struct SignInMetrics {
    sign_ins: Family<Labels, Counter>,
    refreshes: Family<Labels, Counter>,
    sign_outs: Family<Labels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    sign_in: String,
    result: &'static str,
}

impl SignInMetrics {
    pub fn sign_in(&self, name: &str, result: &'static str) {
        count(&self.sign_ins, name, result);
    }

    pub fn refresh(&self, name: &str, result: &'static str) {
        count(&self.refreshes, name, result);
    }

    pub fn sign_out(&self, name: &str, result: &'static str) {
        count(&self.sign_outs, name, result);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("sign_ins", "Browsers sent to sign in, and what they came back with", self.sign_ins.clone());
        registry.register("session_refreshes", "Tokens of sessions that were refreshed", self.refreshes.clone());
        registry.register("sign_outs", "Sign-outs, and what the provider said", self.sign_outs.clone());
    }
}

fn count(family: &Family<Labels, Counter>, name: &str, result: &'static str) {
    family.get_or_create(&Labels { sign_in: name.to_owned(), result }).inc();
}
