//! How measures are called, in which order they stand, and how their values are written.

use std::borrow::Cow;

use crate::finding::{Row, Unit};

/// Measures that most scenarios have, in the order of a table. Any other one follows under a title made of its name.
const KNOWN: [(&str, &str); 14] = [
    ("cpu_us", "CPU"),
    ("user_us", "user"),
    ("kernel_us", "kernel"),
    ("per_second", "requests/s"),
    ("p50_us", "p50"),
    ("p90_us", "p90"),
    ("p99_us", "p99"),
    ("p999_us", "p99.9"),
    ("p9999_us", "p99.99"),
    ("pss_bytes", "memory"),
    ("pss_slope", "memory slope"),
    ("sent_bytes", "sent"),
    ("received_bytes", "received"),
    ("generator_share", "generator's share"),
];

/// Latencies by quantile, in percent.
pub const QUANTILES: [(&str, f64); 5] =
    [("p50_us", 50.0), ("p90_us", 90.0), ("p99_us", 99.0), ("p999_us", 99.9), ("p9999_us", 99.99)];

const KIB: f64 = 1024.0;
const MIB: f64 = KIB * KIB;

/// Its name for readers: "p99.9" for `p999_us`, "refused after" for `refused_after_us`.
pub fn title(measure: &str) -> Cow<'_, str> {
    if let Some((_, title)) = KNOWN.iter().find(|(name, _)| *name == measure) {
        return Cow::Borrowed(title);
    }
    let bare = ["_us", "_bytes"].iter().find_map(|unit| measure.strip_suffix(unit)).unwrap_or(measure);
    Cow::Owned(bare.replace('_', " "))
}

/// Whether it is one of those that most scenarios have.
pub fn is_known(measure: &str) -> bool {
    KNOWN.iter().any(|(name, _)| *name == measure)
}

/// Every measure that one of these sets of figures has, in the order of a table.
pub fn of<'a, T: 'a>(sets: impl Iterator<Item = &'a std::collections::BTreeMap<String, T>>) -> Vec<&'a str> {
    let mut found: Vec<&str> = sets.flat_map(|figures| figures.keys().map(String::as_str)).collect();
    let place = |measure: &str| KNOWN.iter().position(|(name, _)| *name == measure).unwrap_or(KNOWN.len());
    found.sort_by(|one, other| place(one).cmp(&place(other)).then(one.cmp(other)));
    found.dedup();
    found
}

/// Measures of rows, in the order of a table.
pub fn of_rows(rows: &[Row]) -> Vec<&str> {
    of(rows.iter().map(|row| &row.figures))
}

/// A value with a unit that suits its size: "30.3 µs", "1.25 ms", "18.0 MiB", "41.0 %".
pub fn written(unit: Unit, value: f64) -> String {
    let (divisor, name) = suited(unit, value.abs());
    let number = if unit == Unit::Count { digits(value, 0) } else { number(value / divisor) };
    match name {
        "" => number,
        "×" => format!("{:.2} ×", value),
        "/s" => format!("{number}/s"),
        name => format!("{number} {name}"),
    }
}

/// What values up to `greatest` are divided by to be written, and the unit that they have then.
pub fn suited(unit: Unit, greatest: f64) -> (f64, &'static str) {
    match unit {
        Unit::MicrosPerRequest | Unit::MicrosPerOperation | Unit::Micros => match greatest {
            long if long >= 1e6 => (1e6, "s"),
            middling if middling >= 1e3 => (1e3, "ms"),
            _ => (1.0, "µs"),
        },
        Unit::Bytes | Unit::BytesPerRequest => match greatest {
            large if large >= MIB => (MIB, "MiB"),
            middling if middling >= 10.0 * KIB => (KIB, "KiB"),
            _ => (1.0, "bytes"),
        },
        Unit::BytesPerSecond => match greatest {
            large if large >= MIB => (MIB, "MiB/s"),
            middling if middling >= KIB => (KIB, "KiB/s"),
            _ => (1.0, "bytes/s"),
        },
        Unit::PerSecond => (1.0, "/s"),
        Unit::Share => (0.01, "%"),
        Unit::Ratio => (1.0, "×"),
        Unit::Count => (1.0, ""),
    }
}

/// Three digits that count, thousands set apart.
pub fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 99.95 => digits(value, 0),
        middling if middling >= 9.995 => digits(value, 1),
        _ => digits(value, 2),
    }
}

/// Thousands set apart by commas: "27,500", "-1,234.50".
pub fn digits(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let zero = plain.chars().all(|digit| matches!(digit, '0' | '.'));
    let mut text = String::from(if value < 0.0 && !zero { "-" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_a_unit_that_suits_their_size() {
        let cases = [
            (Unit::MicrosPerRequest, 30.27, "30.3 µs"),
            (Unit::MicrosPerRequest, 8.2, "8.20 µs"),
            (Unit::Micros, 640.0, "640 µs"),
            (Unit::Micros, 1_254.0, "1.25 ms"),
            (Unit::Micros, 12_540_000.0, "12.5 s"),
            (Unit::PerSecond, 27_500.4, "27,500/s"),
            (Unit::Bytes, 18.0 * MIB, "18.0 MiB"),
            (Unit::Bytes, 1093.0, "1,093 bytes"),
            (Unit::BytesPerSecond, -2048.0, "-2.00 KiB/s"),
            (Unit::Share, 0.41, "41.0 %"),
            (Unit::Ratio, 1.3, "1.30 ×"),
            (Unit::Count, 1_234_567.0, "1,234,567"),
            (Unit::Count, -0.2, "0"),
        ];
        for (unit, value, wanted) in cases {
            assert_eq!(written(unit, value), wanted);
        }
    }

    #[test]
    fn known_measures_come_first_and_others_are_named_by_their_names() {
        let figures = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), ())).collect();
        let sets = [figures(&["zeta_us", "p99_us", "cpu_us"]), figures(&["cpu_us", "alpha"])];
        assert_eq!(of(sets.iter()), ["cpu_us", "p99_us", "alpha", "zeta_us"]);
        assert_eq!(title("p999_us"), "p99.9");
        assert_eq!(title("refused_after_us"), "refused after");
    }
}
