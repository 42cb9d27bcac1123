//! `TIMESTAMP`: `ddd MMM D HH:mm:ss UTC YYYY` in English, the day without a leading zero (`Tue Nov 3 09:05:07 UTC 2026`).

use std::time::Duration;

use common::clock::UnixMillis;
use time::{Date, Month, PrimitiveDateTime, Time};

/// How far a client's clock may be from ours, either way. Single use and the few minutes that a sign-in attempt lives are what
/// stops a replay; the bound only keeps signed claims from being prepared long before.
pub const TIMESTAMP_TOLERANCE: Duration = Duration::from_secs(300);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The text is not in Cognito's form, or names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a timestamp of the form `ddd MMM D HH:mm:ss UTC YYYY`")]
pub struct InvalidTimestamp;

/// A moment as the client wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(UnixMillis);

impl Timestamp {
    /// Also reads a day with a leading zero, which some clients send.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::read(text).ok_or(InvalidTimestamp)
    }

    pub fn at(self) -> UnixMillis {
        self.0
    }

    /// Whether it is within [`TIMESTAMP_TOLERANCE`] of `now`.
    pub fn is_near(self, now: UnixMillis) -> bool {
        now.since(self.0).max(self.0.since(now)) <= TIMESTAMP_TOLERANCE
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(7, ' ').collect();
        let &[weekday, month, day, clock, "UTC", year] = parts.as_slice() else { return None };
        let month = MONTHS.iter().position(|&name| name == month)?;
        let month = Month::try_from(u8::try_from(month + 1).ok()?).ok()?;
        let date =
            Date::from_calendar_date(i32::from(number(year, 4..=4)?), month, number(day, 1..=2)?.try_into().ok()?);
        let date = date.ok()?;
        let named = WEEKDAYS.get(usize::from(date.weekday().number_days_from_monday()))?;
        let moment = PrimitiveDateTime::new(date, time_of_day(clock)?).assume_utc().unix_timestamp();
        (*named == weekday).then_some(Self(UnixMillis::from_seconds(u64::try_from(moment).ok()?)))
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let &[hour, minute, second] = parts.as_slice() else { return None };
    let part = |text| u8::try_from(number(text, 2..=2)?).ok();
    Time::from_hms(part(hour)?, part(minute)?, part(second)?).ok()
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u16> {
    (digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cognitos_form() {
        let cases = [
            ("Tue Nov 3 09:05:07 UTC 2026", 1_793_696_707),
            ("Tue Nov 03 09:05:07 UTC 2026", 1_793_696_707),
            ("Thu Jan 1 00:00:00 UTC 1970", 0),
            ("Thu Feb 29 23:59:59 UTC 2024", 1_709_251_199),
        ];
        for (text, seconds) in cases {
            assert_eq!(Timestamp::parse(text), Ok(Timestamp(UnixMillis::from_seconds(seconds))), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let cases = [
            "",
            "Tue Nov 3 09:05:07 UTC",
            "Tue Nov 3 09:05:07 UTC 2026 ",
            "Tue Nov  3 09:05:07 UTC 2026",
            "Tue Nov 3 9:05:07 UTC 2026",
            "Tue Nov 3 09:05 UTC 2026",
            "Tue Nov 3 09:05:07:00 UTC 2026",
            "Tue Nov 3 09:05:07 GMT 2026",
            "Tue Nov 3 09:05:07 UTC 26",
            "Tue Nov 3 24:05:07 UTC 2026",
            "Tue Nov 3 09:60:07 UTC 2026",
            "Tue Nov +3 09:05:07 UTC 2026",
            "Tue Nov 003 09:05:07 UTC 2026",
            "Tue Nov 31 09:05:07 UTC 2026",
            "Thu Feb 29 09:05:07 UTC 2026",
            "Wed Nov 3 09:05:07 UTC 2026",
            "Di Nov 3 09:05:07 UTC 2026",
            "tue nov 3 09:05:07 utc 2026",
            "Wed Dec 31 23:59:59 UTC 1969",
            "2026-11-03T09:05:07Z",
            "Tue Nov ٣ 09:05:07 UTC 2026",
        ];
        for text in cases {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn near_means_within_the_tolerance_either_way() {
        let sent = Timestamp::parse("Tue Nov 3 09:05:07 UTC 2026").unwrap();
        let just_more = TIMESTAMP_TOLERANCE + Duration::from_millis(1);
        assert!(sent.is_near(sent.at().plus(TIMESTAMP_TOLERANCE)));
        assert!(sent.is_near(sent.at().minus(TIMESTAMP_TOLERANCE)));
        assert!(!sent.is_near(sent.at().plus(just_more)));
        assert!(!sent.is_near(sent.at().minus(just_more)));
    }
}
