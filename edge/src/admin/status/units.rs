//! Figures as people read them.

use std::time::Duration;

use common::clock::UnixMillis;

/// `1 234 567`, with thin spaces that don't break.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (number as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{number}\u{a0}{name}") } else { format!("{value:.1}\u{a0}{name}") }
}

pub fn millis(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}\u{a0}ms"),
        v if v < 1_000.0 => format!("{v:.0}\u{a0}ms"),
        v => format!("{:.1}\u{a0}s", v / 1_000.0),
    }
}

/// The two greatest units: `3 d 4 h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(value, _)| *value > 0).unwrap_or(parts.len() - 1);
    let told = parts.iter().skip(first).take(2).filter(|(value, _)| *value > 0 || seconds == 0);
    told.map(|(value, unit)| format!("{value}\u{a0}{unit}")).collect::<Vec<_>>().join(" ")
}

/// `2026-11-30 08:00:00 UTC`.
pub fn moment(at: UnixMillis) -> String {
    at.to_rfc3339().replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
        assert_eq!(
            [0, 1_023, 1_536, 1 << 30, u64::MAX].map(bytes).map(|text| text.replace('\u{a0}', " ")),
            ["0 B", "1023 B", "1.5 KiB", "1.0 GiB", "16777216.0 TiB"]
        );
        assert_eq!(
            [0.4, 12.3, 1_500.0].map(millis).map(|text| text.replace('\u{a0}', " ")),
            ["0.40 ms", "12 ms", "1.5 s"]
        );
        let spans = [0, 59, 60, 3_661, 90_000].map(|seconds| span(Duration::from_secs(seconds)).replace('\u{a0}', " "));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
        assert_eq!(moment(UnixMillis(1_800_000_000_000)), "2027-01-15 08:00:00 UTC");
    }
}
