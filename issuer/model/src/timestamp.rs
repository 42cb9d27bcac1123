//! Moments on the wire.

use common::clock::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment; on the wire a JSON number of seconds since the epoch with a fraction of milliseconds, as AWS JSON 1.1 has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub UnixMillis);

impl From<UnixMillis> for Timestamp {
    fn from(moment: UnixMillis) -> Self {
        Self(moment)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Exact to the millisecond until the year 285428 (2^53 ms).
        serializer.serialize_f64(self.0.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Moments before the epoch are taken as the epoch.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // A float becomes an integer by saturation: negative and not-a-number give 0.
        Ok(Self(UnixMillis((seconds * 1000.0).round() as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_with_a_fraction() {
        for (millis, text) in [(1_700_000_000_123, "1700000000.123"), (1_700_000_000_000, "1700000000.0"), (0, "0.0")] {
            let moment = Timestamp(UnixMillis(millis));
            assert_eq!(serde_json::to_string(&moment).unwrap(), text);
            assert_eq!(serde_json::from_str::<Timestamp>(text).unwrap(), moment);
        }
        assert_eq!(serde_json::from_str::<Timestamp>("-1").unwrap(), Timestamp::default());
    }
}
