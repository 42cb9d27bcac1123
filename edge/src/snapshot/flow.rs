//! How much a route lets through, and how long it may take.

use std::time::Duration;

use common::canonical::Framing;
use common::reject::Reject;

/// Bounds of bodies and time of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Bytes of a request body; `None`: as long as it is.
    pub max_body: Option<u64>,
    /// The longest pause between two pieces of a request body (HTTP/1).
    pub body_timeout: Option<Duration>,
    /// Bytes a second that a request body must come with, on average after the first ten seconds.
    pub min_body_rate: Option<u64>,
    /// How long a client may take to take the next piece of the answer.
    pub send_timeout: Option<Duration>,
    /// From the head of the request to the end of the answer.
    pub timeout: Option<Duration>,
    /// Instead of the upstream's: between two pieces of an answer, and before the first. `Some(None)`: as long as it takes.
    pub read_timeout: Option<Option<Duration>>,
    /// The longest silence of both sides after an upgrade (WebSocket).
    pub tunnel_timeout: Option<Duration>,
}

/// A slow start says nothing yet about a rate.
const RATE_GRACE: Duration = Duration::from_secs(10);

impl Flow {
    /// Whether `bytes` of a body may have taken `spent`.
    pub fn is_fast_enough(&self, bytes: u64, spent: Duration) -> bool {
        let Some(rate) = self.min_body_rate.filter(|_| spent > RATE_GRACE) else { return true };
        u128::from(bytes) * 1_000 >= u128::from(rate) * spent.as_millis()
    }

    /// Refuses a body that says itself that it is too large: before anything of it is read, and before a server is asked.
    pub fn admits(&self, framing: Framing) -> Result<(), Reject> {
        match framing {
            Framing::Length(bytes) if !self.allows(bytes) => Err(Reject::BodyTooLarge),
            Framing::Length(_) | Framing::Stream | Framing::NoBody | Framing::Chunked => Ok(()),
        }
    }

    pub fn allows(&self, bytes: u64) -> bool {
        self.max_body.is_none_or(|most| bytes <= most)
    }
}

impl Default for Flow {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            max_body: None,
            body_timeout: Some(minute),
            min_body_rate: None,
            send_timeout: Some(minute),
            timeout: None,
            read_timeout: None,
            tunnel_timeout: Some(5 * minute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_after_the_first_seconds() {
        let flow = Flow { min_body_rate: Some(100), ..Flow::default() };
        let second = Duration::from_secs(1);
        assert!(flow.is_fast_enough(0, second * 10));
        assert!(!flow.is_fast_enough(1_099, second * 11));
        assert!(flow.is_fast_enough(1_100, second * 11));
        assert!(Flow::default().is_fast_enough(0, second * 1_000));
    }

    #[test]
    fn a_limit_is_inclusive() {
        let flow = Flow { max_body: Some(10), ..Flow::default() };
        assert!(flow.allows(10) && !flow.allows(11));
        assert!(Flow::default().allows(u64::MAX));
    }
}
