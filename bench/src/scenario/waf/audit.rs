//! Why each side has refused a request: by ModSecurity's audit log and by the access log of Tollgate's edge, both one JSON object a request.
//!
//! ModSecurity's is read as text and not as JSON: what is quoted from an attack makes lines that are none. Quotation marks of an attack are escaped in
//! it, so what is looked for here is never part of one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use crate::load::number_of_source;

/// Rules that say what others have found, or end a request's judgement.
const DECIDING: [std::ops::Range<u64>; 3] = [949_000..950_000, 959_000..960_000, 980_000..990_000];

/// Rules of CRS that have matched, by the number of the request.
pub fn modsecurity(log: &[u8]) -> BTreeMap<usize, BTreeSet<u64>> {
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

/// What the access log says of a refused request (docs/OPERATIONS.md).
#[derive(Deserialize)]
struct Refused {
    client: Option<IpAddr>,
    reason: Option<String>,
    detail: Option<String>,
    acl: Option<Acl>,
}

#[derive(Deserialize)]
struct Acl {
    rule: String,
}

/// The rule that has refused it, or else the edge's own reason, by the number of the request.
pub fn tollgate(log: &[u8]) -> BTreeMap<usize, String> {
    let lines = log.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Refused>(line).ok());
    let refused = lines.filter_map(|line| {
        let Some(IpAddr::V4(client)) = line.client else { return None };
        let reason = [line.reason, line.detail].into_iter().flatten().collect::<Vec<_>>().join(": ");
        Some((number_of_source(client)?, line.acl.map_or(reason, |acl| acl.rule)))
    });
    refused.collect()
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
        let found = modsecurity(&[log.as_bytes(), b"{\"client_ip\":\"127.0.0.1\",\"ruleId\":\"1\"}\xff"].concat());
        let wanted = BTreeMap::from([(3, BTreeSet::from([942_100])), (260, BTreeSet::new())]);
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_edge_names_its_rule_or_its_reason() {
        let line =
            |number, rest: &str| format!("{{\"at\":1,\"client\":\"{}\",\"status\":403{rest}}}\n", source(number));
        let by_rule = line(5, ",\"reason\":\"acl_blocked\",\"acl\":{\"rule\":\"rules/sqli\",\"action\":\"block\"}");
        let by_itself = line(6, ",\"reason\":\"ambiguous_request\",\"detail\":\"path\"");
        let log = format!("{by_rule}{by_itself}broken\n{{\"client\":\"::1\",\"reason\":\"x\"}}\n");
        let wanted = [(5, "rules/sqli".to_owned()), (6, "ambiguous_request: path".to_owned())];
        assert_eq!(tollgate(log.as_bytes()), wanted.into());
    }
}
