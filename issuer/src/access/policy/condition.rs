//! Conditions of a statement: an operator, a key of the request, and the values it is compared with.

use std::net::IpAddr;

use common::clock::UnixMillis;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Ask;
use super::pattern::{Case, Pattern};

/// One condition. Of several values one must fit; of a negated one, none may.
#[derive(Debug)]
pub(super) struct Condition {
    test: Test,
    sense: Sense,
    absent: Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    Holds,
    HoldsNot,
}

/// What a condition says of a key that the request does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    Met,
    Unmet,
}

#[derive(Debug)]
enum Test {
    Text(TextKey, Vec<Pattern>),
    Source(Vec<Network>),
    /// The instant that it is compared with.
    Time(Comparison, Vec<UnixMillis>),
}

#[derive(Clone, Copy, Debug)]
enum TextKey {
    Username,
    UserAgent,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
struct Network {
    address: u128,
    mask: u128,
    /// The two never match each other.
    version: IpVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IpVersion {
    V4,
    V6,
}

impl Condition {
    pub(super) fn parse(operator: &str, key: &str, values: Vec<String>) -> Result<Self, String> {
        let (name, if_exists) = match operator.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (operator, false),
        };
        let (name, sense) = match name {
            "StringNotEquals" => ("StringEquals", Sense::HoldsNot),
            "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", Sense::HoldsNot),
            "StringNotLike" => ("StringLike", Sense::HoldsNot),
            "NotIpAddress" => ("IpAddress", Sense::HoldsNot),
            name => (name, Sense::Holds),
        };
        let test = match name {
            "StringEquals" => Test::Text(text_key(operator, key)?, texts(&values, Case::Sensitive, Pattern::literal)),
            "StringEqualsIgnoreCase" => {
                Test::Text(text_key(operator, key)?, texts(&values, Case::Ignored, Pattern::literal))
            }
            "StringLike" => Test::Text(text_key(operator, key)?, texts(&values, Case::Sensitive, Pattern::new)),
            "IpAddress" if key.eq_ignore_ascii_case("aws:SourceIp") => {
                Test::Source(values.iter().map(|text| network(text)).collect::<Result<_, _>>()?)
            }
            _ => time_test(operator, name, key, &values)?,
        };
        let absent = if if_exists || sense == Sense::HoldsNot { Absent::Met } else { Absent::Unmet };
        Ok(Self { test, sense, absent })
    }

    pub(super) fn holds(&self, ask: &Ask<'_>) -> bool {
        let fits = match &self.test {
            Test::Text(key, patterns) => {
                let text = match key {
                    TextKey::Username => Some(ask.username),
                    TextKey::UserAgent => ask.user_agent,
                };
                let Some(text) = text else { return self.absent == Absent::Met };
                patterns.iter().any(|pattern| pattern.matches(text))
            }
            Test::Source(networks) => networks.iter().any(|network| network.contains(ask.source)),
            Test::Time(comparison, instants) => instants.iter().any(|instant| comparison.holds(ask.now, *instant)),
        };
        fits == (self.sense == Sense::Holds)
    }
}

fn text_key(operator: &str, key: &str) -> Result<TextKey, String> {
    match key.to_ascii_lowercase().as_str() {
        "aws:username" => Ok(TextKey::Username),
        "aws:useragent" => Ok(TextKey::UserAgent),
        _ => Err(unsupported(operator, key)),
    }
}

fn texts(values: &[String], case: Case, make: fn(&str, Case) -> Pattern) -> Vec<Pattern> {
    values.iter().map(|text| make(text, case)).collect()
}

fn time_test(operator: &str, name: &str, key: &str, values: &[String]) -> Result<Test, String> {
    let comparison = name.strip_prefix("Date").or_else(|| name.strip_prefix("Numeric"));
    let comparison = match comparison {
        Some("LessThan") => Comparison::Less,
        Some("LessThanEquals") => Comparison::LessOrEqual,
        Some("GreaterThan") => Comparison::Greater,
        Some("GreaterThanEquals") => Comparison::GreaterOrEqual,
        _ => return Err(unsupported(operator, key)),
    };
    let epoch = key.eq_ignore_ascii_case("aws:EpochTime");
    let is_time = epoch || (name.starts_with("Date") && key.eq_ignore_ascii_case("aws:CurrentTime"));
    if !is_time {
        return Err(unsupported(operator, key));
    }
    let read = if name.starts_with("Numeric") { seconds } else { instant };
    let instants = values.iter().map(|text| read(text).ok_or_else(|| format!("\"{text}\" is no time.")));
    Ok(Test::Time(comparison, instants.collect::<Result<_, _>>()?))
}

fn unsupported(operator: &str, key: &str) -> String {
    format!("the condition {operator} on {key} is not supported.")
}

/// RFC 3339, or seconds since the epoch.
fn instant(text: &str) -> Option<UnixMillis> {
    let at = || OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos().checked_div(1_000_000);
    seconds(text).or_else(|| u64::try_from(at()?).ok().map(UnixMillis))
}

fn seconds(text: &str) -> Option<UnixMillis> {
    text.parse::<u64>().ok()?.checked_mul(1_000).map(UnixMillis)
}

impl Comparison {
    fn holds(self, now: UnixMillis, with: UnixMillis) -> bool {
        match self {
            Self::Less => now < with,
            Self::LessOrEqual => now <= with,
            Self::Greater => now > with,
            Self::GreaterOrEqual => now >= with,
        }
    }
}

fn network(text: &str) -> Result<Network, String> {
    let wrong = || format!("\"{text}\" is no address or range such as 10.0.0.0/8.");
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let (address, version) = bits(address.parse().map_err(|_| wrong())?);
    let width = if version == IpVersion::V4 { 32 } else { 128 };
    let length = length.unwrap_or(width);
    if length > width {
        return Err(wrong());
    }
    let mask = u128::MAX.checked_shl(width - length).unwrap_or(0);
    Ok(Network { address: address & mask, mask, version })
}

/// An IPv4 address that came in IPv6's clothes is the IPv4 address.
fn bits(address: IpAddr) -> (u128, IpVersion) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), IpVersion::V4),
        IpAddr::V6(address) => (u128::from(address), IpVersion::V6),
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let (address, version) = bits(address);
        version == self.version && address & self.mask == self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.9.9.9/8", "10.0.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
        ];
        for (range, address, want) in cases {
            assert_eq!(network(range).unwrap().contains(address.parse().unwrap()), want, "{range} {address}");
        }
    }
}
