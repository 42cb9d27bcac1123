//! Which rules of CRS have matched, by ModSecurity's audit log: one JSON object a request.
//!
//! The log is read as text and not as JSON: what is quoted from an attack makes lines that are none. Quotation marks of an attack are escaped in
//! it, so what is looked for here is never part of one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::load::number_of_source;

/// Rules that say what others have found, or end a request's judgement.
const DECIDING: [std::ops::Range<u64>; 3] = [949_000..950_000, 959_000..960_000, 980_000..990_000];

/// Rules that have matched, by the number of the request.
pub fn read(log: &[u8]) -> BTreeMap<usize, BTreeSet<u64>> {
    let mut found: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for line in String::from_utf8_lossy(log).lines() {
        let address = values(line, "\"client_ip\":\"").next();
        let number = address.and_then(|text| text.parse::<Ipv4Addr>().ok()).and_then(number_of_source);
        if let Some(number) = number {
            let rules = values(line, "\"ruleId\":\"").filter_map(|text| text.parse().ok());
            found.entry(number).or_default().extend(rules.filter(|rule| !decides(*rule)));
        }
    }
    found
}

fn decides(rule: u64) -> bool {
    DECIDING.iter().any(|range| range.contains(&rule))
}

/// What stands between each `name` and the next quotation mark.
fn values<'a>(line: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(name).skip(1).filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::source;

    #[test]
    fn rules_are_found_by_the_address_that_a_request_came_from() {
        let line = |number, rules: &str| {
            let address = source(number);
            format!(
                r#"{{"transaction":{{"client_ip":"{address}","request":{{"uri":"/?a=\"ruleId\":\"7\""}},"messages":[{rules}]}}}}"#
            )
        };
        let rules =
            r#"{"details":{"ruleId":"942100"}},{"details":{"ruleId":"942100"}},{"details":{"ruleId":"949110"}}"#;
        let log = format!("{}\n{}\nbroken\n", line(3, rules), line(260, ""));
        let found = read(&[log.as_bytes(), b"{\"client_ip\":\"127.0.0.1\",\"ruleId\":\"1\"}\xff"].concat());
        let wanted = BTreeMap::from([(3, BTreeSet::from([942_100])), (260, BTreeSet::new())]);
        assert_eq!(found, wanted);
    }
}
