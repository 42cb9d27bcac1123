//! Wall time as a value. Everything that decides takes `now`; only shells read a [`Clock`].

pub(crate) mod date;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch. Wire formats that want whole seconds use [`UnixMillis::seconds`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds, rounded down: a JWT NumericDate (RFC 7519 §2).
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Saturates at the end of time.
    pub const fn plus(self, span: Duration) -> Self {
        let millis = span.as_millis();
        if millis > u64::MAX as u128 { Self(u64::MAX) } else { Self(self.0.saturating_add(millis as u64)) }
    }

    /// Saturates at the epoch.
    pub const fn minus(self, span: Duration) -> Self {
        let millis = span.as_millis();
        if millis > u64::MAX as u128 { Self(0) } else { Self(self.0.saturating_sub(millis as u64)) }
    }

    /// Zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A source of wall time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> UnixMillis;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the wall clock
    fn now(&self) -> UnixMillis {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UnixMillis(since_epoch.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// A clock that tests set.
#[derive(Debug, Default)]
pub struct FakeClock(AtomicU64);

impl FakeClock {
    pub fn at(now: UnixMillis) -> Self {
        Self(AtomicU64::new(now.0))
    }

    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixMillis {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixMillis(5).minus(Duration::from_secs(1)), UnixMillis(0));
        assert_eq!(UnixMillis(u64::MAX).plus(Duration::from_secs(1)), UnixMillis(u64::MAX));
        assert_eq!(UnixMillis(1_999).seconds(), 1);
        assert_eq!(UnixMillis(1_000).since(UnixMillis(3_000)), Duration::ZERO);
    }

    #[test]
    fn a_fake_clock_moves_only_when_told() {
        let clock = FakeClock::at(UnixMillis(10));
        assert_eq!(clock.now(), UnixMillis(10));
        clock.advance(Duration::from_millis(5));
        assert_eq!(clock.now(), UnixMillis(15));
    }
}
