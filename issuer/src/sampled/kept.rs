//! The samples of one rule.

use std::collections::VecDeque;

use common::clock::UnixMillis;

use super::{MAX_SAMPLE, Population, Sample};

/// Samples of one rule (AWS shows 500 at most).
const MOST: usize = 500;
const MINUTE_MS: u64 = 60_000;

#[derive(Debug, Default)]
pub struct Kept {
    /// Oldest first.
    samples: VecDeque<Sample>,
    bytes: usize,
    /// Requests by the minute in which they were reported, oldest first.
    minutes: VecDeque<(UnixMillis, u64)>,
}

impl Kept {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what has room; the oldest give way to the newest.
    pub fn add(&mut self, now: UnixMillis, requests: u64, samples: Vec<Sample>, room: usize) {
        let minute = UnixMillis(now.0 / MINUTE_MS * MINUTE_MS);
        match self.minutes.back_mut() {
            Some((last, count)) if *last >= minute => *count = count.saturating_add(requests),
            _ => self.minutes.push_back((minute, requests)),
        }
        let most = self.bytes.saturating_add(room);
        for sample in samples {
            let bytes = sample.bytes();
            if bytes > MAX_SAMPLE || self.bytes.saturating_add(bytes) > most {
                continue;
            }
            while self.samples.len() >= MOST {
                self.drop_oldest();
            }
            self.bytes += bytes;
            self.samples.push_back(sample);
        }
    }

    /// Forgets what is as old as that; whether anything is left.
    pub fn forget(&mut self, after: UnixMillis) -> bool {
        while self.samples.front().is_some_and(|sample| sample.at <= after) {
            self.drop_oldest();
        }
        while self.minutes.front().is_some_and(|(minute, _)| *minute <= after) {
            self.minutes.pop_front();
        }
        !self.samples.is_empty() || !self.minutes.is_empty()
    }

    fn drop_oldest(&mut self) {
        if let Some(gone) = self.samples.pop_front() {
            self.bytes = self.bytes.saturating_sub(gone.bytes());
        }
    }

    pub fn between(&self, from: UnixMillis, to: UnixMillis, at_most: usize) -> Population {
        let ends_after = |minute: UnixMillis| minute.0.saturating_add(MINUTE_MS) > from.0;
        let minutes = self.minutes.iter().filter(|(minute, _)| ends_after(*minute) && *minute <= to);
        let within = self.samples.iter().rev().filter(|sample| (from..=to).contains(&sample.at));
        Population {
            requests: minutes.map(|(_, count)| *count).fold(0, u64::saturating_add),
            samples: within.take(at_most).cloned().collect(),
        }
    }
}
