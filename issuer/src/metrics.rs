//! Counts that operators watch, in Prometheus' text form. Labels are closed sets: operation and exception names, kinds of messages.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// One answered operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Answered {
    pub operation: &'static str,
    /// `ok`, or the exception.
    pub result: &'static str,
}

/// What became of the attestation of a request, or of a request without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Vouched {
    /// `ok`, or why it does not count.
    pub result: &'static str,
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEvent {
    Queued,
    Delivered,
    /// Refused for now; it is tried again.
    Deferred,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    kind: &'static str,
    event: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

impl MessageEvent {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
        }
    }
}

/// The issuer's counters.
pub struct Metrics {
    registry: Registry,
    pub operations: Family<Answered, Counter>,
    pub attestations: Family<Vouched, Counter>,
    messages: Family<MessageLabels, Counter>,
    waiting: Family<KindLabel, Gauge>,
    oldest: Family<KindLabel, Gauge>,
}

/// The queue of one kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub kind: &'static str,
    pub count: u64,
    /// Of the one that waits longest; seconds.
    pub oldest_s: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let operations = Family::default();
        registry.register("tollgate_issuer_operations", "Operations answered", operations.clone());
        let attestations = Family::default();
        let help = "Attestations of edges, by what became of them";
        registry.register("tollgate_issuer_attestations", help, attestations.clone());
        let messages = Family::default();
        registry.register("tollgate_issuer_messages", "What happened to messages in this process", messages.clone());
        let waiting = Family::default();
        registry.register("tollgate_issuer_messages_waiting", "Messages not delivered yet", waiting.clone());
        let oldest = Family::default();
        let help = "Age of the oldest message that is not delivered yet";
        registry.register("tollgate_issuer_messages_oldest_seconds", help, oldest.clone());
        Self { registry, operations, attestations, messages, waiting, oldest }
    }
}

impl Metrics {
    pub fn message(&self, kind: &'static str, event: MessageEvent) {
        self.messages.get_or_create(&MessageLabels { kind, event: event.as_str() }).inc();
    }

    /// What waits now, in the whole deployment. A kind that is not named has nothing waiting.
    pub fn set_waiting(&self, kinds: &[Waiting]) {
        self.waiting.clear();
        self.oldest.clear();
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for kind in kinds {
            let label = KindLabel { kind: kind.kind };
            self.waiting.get_or_create(&label).set(number(kind.count));
            self.oldest.get_or_create(&label).set(number(kind.oldest_s));
        }
    }

    /// The exposition text (OpenMetrics 1.0).
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_kind_and_end() {
        let metrics = Metrics::default();
        metrics.message("sign_up", MessageEvent::Delivered);
        metrics.set_waiting(&[Waiting { kind: "invitation", count: 2, oldest_s: 61 }]);
        let text = metrics.text();
        for want in [
            r#"tollgate_issuer_messages_total{kind="sign_up",event="delivered"} 1"#,
            r#"tollgate_issuer_messages_waiting{kind="invitation"} 2"#,
            r#"tollgate_issuer_messages_oldest_seconds{kind="invitation"} 61"#,
        ] {
            assert!(text.contains(want), "{want}: {text}");
        }
        metrics.set_waiting(&[]);
        assert!(!metrics.text().contains("messages_waiting{"));
    }
}
