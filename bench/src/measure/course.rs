//! How many requests ended well and badly in each stretch of a run.

use std::time::Duration;

use serde::Serialize;

/// Counts by stretch of [`Course::STRETCH`]; what ends after [`Course::SPAN`] counts in the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Course {
    succeeded: Vec<u32>,
    failed: Vec<u32>,
}

impl Course {
    pub const STRETCH: Duration = Duration::from_millis(100);
    /// An hour: bounds the memory to 36,000 stretches.
    pub const SPAN: Duration = Duration::from_secs(3600);

    /// Counts a success at a time since the run began.
    pub fn succeed(&mut self, at: Duration) {
        count(&mut self.succeeded, at);
    }

    pub fn fail(&mut self, at: Duration) {
        count(&mut self.failed, at);
    }

    /// Seconds since the run began, at the middle of each stretch, and successes a second in it.
    pub fn successes_per_second(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.succeeded)
    }

    /// Without the last stretch, which the run ended in: its rate is that of a part.
    pub fn whole_successes_per_second(&self) -> Vec<(f64, f64)> {
        let mut points = self.successes_per_second();
        points.pop();
        points
    }

    pub fn failures_per_second(&self) -> Vec<(f64, f64)> {
        self.per_second(&self.failed)
    }

    /// Both have as many points as the longer one, so that a stretch in which nothing succeeded shows.
    fn per_second(&self, counts: &[u32]) -> Vec<(f64, f64)> {
        let seconds = Self::STRETCH.as_secs_f64();
        let length = self.succeeded.len().max(self.failed.len());
        let counts = counts.iter().copied().chain(std::iter::repeat(0)).take(length);
        counts.enumerate().map(|(at, count)| ((at as f64 + 0.5) * seconds, f64::from(count) / seconds)).collect()
    }
}

fn count(counts: &mut Vec<u32>, at: Duration) {
    let at = at.min(Course::SPAN - Course::STRETCH);
    let stretch = usize::try_from(at.as_micros() / Course::STRETCH.as_micros()).unwrap_or_default();
    if counts.len() <= stretch {
        counts.resize(stretch + 1, 0);
    }
    if let Some(count) = counts.get_mut(stretch) {
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_counts_in_its_stretch() {
        let mut course = Course::default();
        for ms in [0, 99, 100, 350] {
            course.succeed(Duration::from_millis(ms));
        }
        course.fail(Duration::from_millis(420));
        let rates = |points: Vec<(f64, f64)>| points.into_iter().map(|(_, rate)| rate.round()).collect::<Vec<_>>();
        assert_eq!(rates(course.successes_per_second()), [20.0, 10.0, 0.0, 10.0, 0.0]);
        assert_eq!(rates(course.whole_successes_per_second()), [20.0, 10.0, 0.0, 10.0]);
        assert_eq!(rates(course.failures_per_second()), [0.0, 0.0, 0.0, 0.0, 10.0]);
        assert_eq!((course.successes_per_second()[1].0 * 1000.0).round(), 150.0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut course = Course::default();
        course.succeed(Duration::MAX);
        assert_eq!(course.successes_per_second().len(), 36_000);
    }
}
