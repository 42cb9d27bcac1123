//! `X-Amz-Date`: ISO 8601 basic format, `YYYYMMDD'T'HHMMSS'Z'`, always UTC.

use crate::clock::UnixMillis;
use crate::clock::date::{SECONDS_A_DAY, civil_from_days, days_from_civil};

/// Formats whole seconds. Years past 9999 would not fit the form and never occur.
pub(super) fn format(time: UnixMillis) -> String {
    let seconds = time.seconds();
    let (year, month, day) = civil_from_days(seconds / SECONDS_A_DAY);
    let of_day = seconds % SECONDS_A_DAY;
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// `None` unless it is exactly the form and a real instant since 1970.
pub(super) fn parse(text: &str) -> Option<UnixMillis> {
    let well_formed = text.len() == 16
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !well_formed {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if year < 1970 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // An impossible day, such as 30 February, does not survive the round trip.
    (civil_from_days(days) == (year, month, day))
        .then(|| UnixMillis::from_seconds(days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_instants() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20150830T123600Z", 1_440_938_160),
            ("20240229T235959Z", 1_709_251_199),
            ("20000301T000000Z", 951_868_800),
            ("99991231T235959Z", 253_402_300_799),
        ] {
            assert_eq!(parse(text), Some(UnixMillis::from_seconds(seconds)), "{text}");
            assert_eq!(format(UnixMillis::from_seconds(seconds)), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150830t123600Z",
            "2015-08-30T12:36:00Z",
            "20150830T123600+",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "20150230T000000Z",
            "20230229T000000Z",
            "20151301T000000Z",
            "20150001T000000Z",
            "20150100T000000Z",
            "19691231T235959Z",
            "00000101T000000Z",
            "+0150830T123600Z",
            "20150830T123600ZZ",
            "２0150830T1236Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(seconds in 0u64..253_402_300_800) {
            let time = UnixMillis::from_seconds(seconds);
            prop_assert_eq!(parse(&format(time)), Some(time));
        }
    }
}
