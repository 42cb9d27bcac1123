//! Databases of addresses, in a whole edge.

use std::path::Path;

use serde_json::{Value, json};

use super::harness::{Edge, request};
use crate::geo::fixture::{Width, Writer};

const ASKS_RELOAD: &str = "POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";

fn rule(name: &str, priority: u32, statement: &Value, action: &Value) -> Value {
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility})
}

/// Blocks France, the region US-OR, and the system 64,497; and counts those of the system 64,496, by the system.
fn acl() -> Value {
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["FR"]}});
    let region = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "awswaf:clientip:geo:region:US-OR"}});
    let asn = json!({"AsnMatchStatement": {"AsnList": [64_497]}});
    let of_system = json!({"AsnMatchStatement": {"AsnList": [64_496]}});
    let rate = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"ASN": {}}],
        "ScopeDownStatement": of_system}});
    let block = json!({"Block": {}});
    json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [
        rule("country", 0, &geo, &block), rule("region", 1, &region, &block), rule("system", 2, &asn, &block),
        rule("rate", 3, &rate, &block)]})
}

fn cities() -> Vec<u8> {
    let mut writer = Writer::new("GeoLite2-City", Width::Bits28);
    let oregon = json!({"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "OR"}]});
    let texas = json!({"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "TX"}]});
    writer.add("192.0.2.0/25", &oregon).add("192.0.2.128/25", &texas);
    writer.add("2001:db8::/32", &json!({"country": {"iso_code": "FR"}})).bytes()
}

fn systems() -> Vec<u8> {
    let mut writer = Writer::new("GeoLite2-ASN", Width::Bits24);
    writer.add("192.0.2.128/26", &json!({"autonomous_system_number": 64_496}));
    writer.add("198.51.100.0/24", &json!({"autonomous_system_number": 64_497})).bytes()
}

fn edge(geo: &str) -> Edge {
    let prepare = |folder: &Path| {
        std::fs::write(folder.join("acl.json"), acl().to_string()).unwrap();
        std::fs::write(folder.join("city.mmdb"), cities()).unwrap();
        std::fs::write(folder.join("asn.mmdb"), systems()).unwrap();
    };
    let routes = format!(
        "[[route]]\nmatch = {{ path = \"/open/*\" }}\nupstream = \"echo\"\nacl = \"main\"\n\
         [[acl]]\nname = \"main\"\nfile = \"acl.json\"\n{geo}"
    );
    Edge::start_prepared(prepare, "trusted_proxies = [\"127.0.0.1\"]", "", &routes)
}

/// The status for a client that a trusted proxy names.
fn status(edge: &Edge, client: &str) -> u16 {
    edge.send(&request("/open/x", &[("x-forwarded-for", client)])).status
}

#[test]
fn rules_know_countries_regions_and_systems() {
    let edge = edge("[geo]\ncity = \"city.mmdb\"\nasn = \"asn.mmdb\"\n");
    for (client, expected) in [
        ("192.0.2.1", 403),
        ("192.0.2.129", 200),
        ("198.51.100.1", 403),
        ("203.0.113.1", 200),
        ("2001:db8::1", 403),
        ("2001:db9::1", 200),
    ] {
        assert_eq!(status(&edge, client), expected, "{client}");
    }
    // Ten of one system pass, from whichever address.
    let statuses: Vec<u16> = (0..11).map(|host| status(&edge, &format!("192.0.2.{}", 130 + host))).collect();
    assert_eq!((statuses[..9].to_vec(), statuses[9..].to_vec()), (vec![200; 9], vec![403; 2]));
    let metrics = edge.admin("GET", "/metrics").body;
    let age = metrics.lines().find(|line| line.starts_with("tollgate_edge_geo_age_seconds{database=\"city\"}"));
    assert_eq!(age.unwrap().rsplit(' ').next(), Some("10000000.0"), "{metrics}");
    assert!(edge.admin("GET", "/status.json").body.contains("GeoLite2-ASN"));
    assert!(!edge.admin("GET", "/readyz").body.contains("[geo]"));
}

#[test]
fn without_a_database_nobody_is_anywhere_and_that_is_said() {
    let edge = edge("");
    assert_eq!(["192.0.2.1", "198.51.100.1", "2001:db8::1"].map(|client| status(&edge, client)), [200; 3]);
    let status = edge.admin("GET", "/status.json").body;
    for warning in [
        "acl main: nobody's country is known to the rules country: there is no `country` or `city` in [geo]",
        "acl main: nobody's region is known to the rules region: there is no `city` in [geo]",
        "acl main: nobody's autonomous system is known to the rules system, rate: there is no `asn` in [geo]",
    ] {
        assert!(status.contains(warning), "{warning}\n{status}");
    }
    let warnings = crate::check_config(&edge.config_file()).unwrap();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
}

#[test]
fn a_reload_takes_a_good_database_and_leaves_the_last_one_for_a_bad_one() {
    let edge = edge("[geo]\ncity = \"city.mmdb\"\n");
    let file = edge.config_file().parent().unwrap().join("city.mmdb");
    assert_eq!(status(&edge, "192.0.2.1"), 403);
    let whole = cities();
    let mut countries = Writer::new("GeoLite2-Country", Width::Bits24);
    let countries = countries.add("192.0.2.0/24", &json!({"country": {"iso_code": "US"}})).bytes();
    for (bytes, problem) in [
        (whole[..whole.len() / 2].to_vec(), "geo.city: "),
        (b"no database".to_vec(), "is no database in MaxMind's format"),
        (systems(), "is a GeoLite2-ASN, in which no record has a code of a region"),
        (countries, "is a GeoLite2-Country, in which no record has a code of a region"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let answer = edge.ask_admin(ASKS_RELOAD);
        assert!(answer.status == 422 && answer.body.contains(problem), "{problem}: {answer:?}");
        assert_eq!(status(&edge, "192.0.2.1"), 403, "the last good one counts");
    }
    let mut moved = Writer::new("GeoLite2-City", Width::Bits32);
    let oregon = json!({"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "OR"}]});
    std::fs::write(&file, moved.add("203.0.113.0/24", &oregon).bytes()).unwrap();
    assert_eq!(edge.ask_admin(ASKS_RELOAD).status, 200);
    assert_eq!((status(&edge, "192.0.2.1"), status(&edge, "203.0.113.9")), (200, 403));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("city.mmdb"), cities()).unwrap();
    let both = json!({"country_code": "DE", "asn": "AS64496"});
    let both = Writer::new("ipinfo lite", Width::Bits24).add("192.0.2.0/24", &both).bytes();
    std::fs::write(folder.path().join("both.mmdb"), both).unwrap();
    let check = |geo: &str| {
        let text = format!(
            "[listen]\nhttp = \"127.0.0.1:1\"\n[[upstream]]\nname = \"u\"\nservers = [\"127.0.0.1:1\"]\n\
             [[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"u\"\n[geo]\n{geo}"
        );
        crate::check_text(&text, folder.path()).map_err(|error| error.to_string())
    };
    assert_eq!(check("country = \"city.mmdb\""), Ok(()));
    assert_eq!(check("country = \"both.mmdb\"\nasn = \"both.mmdb\""), Ok(()));
    for (geo, problem) in [
        ("country = \"city.mmdb\"\ncity = \"city.mmdb\"", "geo.city: stands beside `country`"),
        ("asn = \"city.mmdb\"", "is a GeoLite2-City, in which no record has a number of an autonomous system"),
        ("country = \"city.mmdb\"\nasn = \"city.mmdb\"", "geo.asn: "),
        ("country = \"none.mmdb\"", "No such file"),
        ("cuntry = \"city.mmdb\"", "geo.cuntry: unknown key; did you mean `country`?"),
    ] {
        assert!(check(geo).unwrap_err().contains(problem), "{geo}: {:?}", check(geo));
    }
}
