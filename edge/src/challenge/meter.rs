//! What is counted. Labels are words of ours.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::puzzle::Action;

/// Counters of challenges and captchas.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    asked: Family<Asked, Counter>,
    answered: Family<Answered, Counter>,
    /// Solutions that are remembered.
    pub held: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    action: &'static str,
    form: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    action: &'static str,
    result: &'static str,
}

impl Meter {
    /// A client was asked to solve something: by a `page`, `plain`ly, or it got a puzzle as `json`.
    pub fn asked(&self, action: Action, form: &'static str) {
        self.asked.get_or_create(&Asked { action: action.name(), form }).inc();
    }

    /// A client came with what it had found. `action` is none where no puzzle of ours came.
    pub fn answered(&self, action: Option<Action>, result: &'static str) {
        let action = action.map_or("none", Action::name);
        self.answered.get_or_create(&Answered { action, result }).inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        registry.register("challenges", "Challenges and captchas, by how clients were asked", self.asked.clone());
        let answered = self.answered.clone();
        registry.register("challenge_answers", "Answers to challenges and captchas, by what became of them", answered);
        let held = self.held.clone();
        registry.register("challenge_solutions", "Solutions of challenges that are remembered", held);
    }
}
