//! Bounds of bodies on their way: size, pace, and the deadline of the whole request.

use std::time::Instant;

use common::reject::Reject;

use crate::snapshot::flow::Flow;

/// What has come of a request body in the current try.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    pub bytes: u64,
    pub since: Instant,
}

impl Received {
    pub fn nothing(since: Instant) -> Self {
        Self { bytes: 0, since }
    }

    /// Counts the next piece, or says why no more is taken.
    pub fn more(&mut self, flow: &Flow, bytes: usize, now: Instant) -> Result<(), Reject> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if !flow.allows(self.bytes) {
            return Err(Reject::BodyTooLarge);
        }
        let spent = now.saturating_duration_since(self.since);
        if flow.is_fast_enough(self.bytes, spent) { Ok(()) } else { Err(Reject::RequestTimeout) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::canonical::Framing;

    use super::*;

    #[test]
    fn a_body_is_refused_by_what_it_says_and_by_what_comes() {
        let flow = Flow { max_body: Some(10), ..Flow::default() };
        let too_large = Err(Reject::BodyTooLarge);
        assert_eq!(flow.admits(Framing::Length(10)), Ok(()));
        assert_eq!(flow.admits(Framing::Length(11)), too_large);
        assert_eq!(flow.admits(Framing::Chunked), Ok(()));
        assert_eq!(Flow::default().admits(Framing::Length(u64::MAX)), Ok(()));
        let now = Instant::now();
        let mut received = Received::nothing(now);
        assert_eq!([received.more(&flow, 10, now), received.more(&flow, 1, now)], [Ok(()), too_large]);
    }

    #[test]
    fn a_body_that_drips_is_given_up() {
        let flow = Flow { min_body_rate: Some(1_000), ..Flow::default() };
        let start = Instant::now();
        let mut received = Received::nothing(start);
        let told: Vec<bool> =
            (1..=12).map(|second| received.more(&flow, 900, start + Duration::from_secs(second)).is_ok()).collect();
        assert_eq!(told.iter().filter(|ok| **ok).count(), 10);
        assert_eq!(received.more(&flow, 0, start + Duration::from_secs(13)), Err(Reject::RequestTimeout));
    }
}
