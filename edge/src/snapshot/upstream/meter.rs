//! The counters of an upstream: handles, so that counting looks nothing up.

use prometheus_client::metrics::counter::Counter;

/// How a try at a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, and not with 5xx.
    Answered,
    /// It answered with 5xx.
    ServerError,
    /// No connection could be made.
    ConnectError,
    /// It was silent for too long.
    Timeout,
    /// The connection broke, or what came was no HTTP.
    Reset,
    /// Not asked: a limit, or no server that is healthy.
    Refused,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Answered, Self::ServerError, Self::ConnectError, Self::Timeout, Self::Reset, Self::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::ServerError => "server_error",
            Self::ConnectError => "connect_error",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Refused => "refused",
        }
    }
}

/// The counters.
#[derive(Clone, Debug, Default)]
pub struct UpstreamMeter {
    /// In the order of [`Outcome::ALL`].
    pub outcomes: [Counter; 6],
    pub repeated: Counter,
    pub ejected: Counter,
    /// Connections that were made.
    pub connected: Counter,
}

impl UpstreamMeter {
    pub fn count(&self, outcome: Outcome) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.inc();
        }
    }
}
