//! How often something happens, the newest counting most.

use crate::rates::window::Moment;

/// After so many seconds something counts for a third.
const FADES: f64 = 0.25;

/// A rate that fades.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    sum: f32,
    at: Moment,
}

impl Rate {
    /// So many, at this moment.
    pub fn add(&mut self, now: Moment, count: u32) {
        self.sum = (self.faded(now) + f64::from(count)) as f32;
        self.at = now.max(self.at);
    }

    /// In a second.
    pub fn per_second(&self, now: Moment) -> f64 {
        self.faded(now) / FADES
    }

    fn faded(&self, now: Moment) -> f64 {
        f64::from(self.sum) * (-self.at.until(now).as_secs_f64() / FADES).exp()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_steady_rate_is_found_and_forgotten() {
        let at = |millis| Moment::after(Duration::from_millis(millis));
        let mut rate = Rate::default();
        (0..2_000).step_by(2).for_each(|millis| rate.add(at(millis), 1));
        let found = rate.per_second(at(2_000));
        assert!((490.0..510.0).contains(&found), "{found}");
        assert!(rate.per_second(at(5_000)) < 0.1);
        assert_eq!(Rate::default().per_second(at(9)), 0.0);
        assert!(rate.per_second(at(0)) > 490.0, "what comes late finds what there is");
    }
}
