//! The calendar: days to dates and back, and RFC 3339.

use super::UnixMillis;

pub(crate) const SECONDS_A_DAY: u64 = 86_400;

impl UnixMillis {
    /// RFC 3339 in UTC, whole seconds: `2026-11-30T08:00:00Z`.
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = civil_from_days(self.seconds() / SECONDS_A_DAY);
        let of_day = self.seconds() % SECONDS_A_DAY;
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
    }

    /// Reads RFC 3339 in UTC or with an offset, since 1970; fractions of seconds to the millisecond.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't', ' '])?;
        let (hours, rest) = rest.split_at_checked(2)?;
        let (minutes, rest) = rest.strip_prefix(':')?.split_at_checked(2)?;
        let (seconds, rest) = rest.strip_prefix(':')?.split_at_checked(2)?;
        let mut date = date.split('-');
        let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
        let (hours, minutes, seconds) = (number(hours, 2)?, number(minutes, 2)?, number(seconds, 2)?);
        if date.next().is_some() || year < 1970 || hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        if civil_from_days(days) != (year, month, day) {
            return None; // an impossible day, such as 30 February, does not survive the round trip
        }
        let (millis, zone) = fraction(rest)?;
        let local = days * SECONDS_A_DAY + hours * 3600 + minutes * 60 + seconds;
        let utc = i64::try_from(local).ok()?.checked_sub(offset(zone)?)?;
        Some(Self(Self::from_seconds(u64::try_from(utc).ok()?).0 + millis))
    }
}

/// `.123456Z` is 123 and `Z`.
fn fraction(text: &str) -> Option<(u64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = rest.split_at_checked(digits)?;
    let millis = fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (digits > 0).then_some((millis, zone))
}

/// Seconds that local time is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours < 24 && minutes < 60)?;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

fn number(digits: &str, length: usize) -> Option<u64> {
    (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Days since 1970 to year, month, day; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The reverse, for years from 1970 and any two-digit month and day.
pub(crate) fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.saturating_sub(1);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_826_554, "2000-02-29T12:15:54Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
        ] {
            assert_eq!(UnixMillis::from_seconds(seconds).to_rfc3339(), text);
            assert_eq!(UnixMillis::parse_rfc3339(text), Some(UnixMillis::from_seconds(seconds)));
        }
    }

    #[test]
    fn offsets_and_fractions_count() {
        let at = |text| UnixMillis::parse_rfc3339(text).map(|at| at.0);
        assert_eq!(at("2027-01-15T09:30:00.25+01:30"), Some(1_800_000_000_250));
        assert_eq!(at("2027-01-15 03:00:00.1239-05:00"), Some(1_800_000_000_123));
        for bad in [
            "",
            "2027-01-15",
            "2027-01-15T08:00:00",
            "2027-02-30T08:00:00Z",
            "2027-01-15T24:00:00Z",
            "2027-01-15T08:00:00.Z",
            "27-01-15T08:00:00Z",
            "2027-01-15T08:00:00+1:00",
            "1970-01-01T00:00:00+01:00",
            "2027-01-15T08:00:0aZ",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
