//! NumericDates (RFC 7519 §2): seconds since the epoch, fractions allowed.

use crate::clock::UnixMillis;
use crate::jose::json::{JsonError, Object};

/// 9999-12-31T23:59:59Z. A time beyond it is a mistake or an attack.
const LAST_SECOND: u64 = 253_402_300_799;

impl Object {
    /// A time between the epoch and the year 9999; `None` when there is none. Anything else under the name is refused: taking it for absent
    /// is CVE-2026-25537.
    pub fn numeric_date(&self, name: &str) -> Result<Option<UnixMillis>, JsonError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        let millis = match raw.parse::<u64>() {
            Ok(seconds) if seconds <= LAST_SECOND => seconds * 1000,
            Ok(_) => return Err(JsonError::Mistyped),
            Err(_) => fractional_millis(self, name)?,
        };
        Ok(Some(UnixMillis(millis)))
    }
}

fn fractional_millis(claims: &Object, name: &str) -> Result<u64, JsonError> {
    match claims.value::<f64>(name) {
        Ok(Some(seconds)) if (0.0..=LAST_SECOND as f64).contains(&seconds) => Ok((seconds * 1000.0) as u64),
        _ => Err(JsonError::Mistyped),
    }
}
