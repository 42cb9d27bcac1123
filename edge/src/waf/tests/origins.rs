use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Knows one address, and counts how often it is asked.
#[derive(Debug, Default)]
struct Atlas {
    places: AtomicUsize,
    systems: AtomicUsize,
}

impl Locate for Atlas {
    fn place(&self, address: IpAddr) -> Place {
        self.places.fetch_add(1, Ordering::Relaxed);
        match address.to_string().as_str() {
            "192.0.2.1" => Place { country: Some(*b"DE"), region: Region::parse("BE") },
            _ => Place::default(),
        }
    }

    fn system(&self, address: IpAddr) -> Option<u32> {
        self.systems.fetch_add(1, Ordering::Relaxed);
        (address.to_string() == "192.0.2.1").then_some(64_496)
    }
}

fn said(statement: &Value, sent: &Sent) -> (bool, Vec<String>) {
    let mut progress = Progress::default();
    let counters = Counters::new();
    let said = acl(&[blocks(statement)]).evaluate(sent.view(), &mut progress, &Atlas::default(), counters.counting());
    let labels = progress.labels.iter().map(ToString::to_string).collect();
    (matches!(said, Said::Done(Verdict { ending: Ending::Block(_), .. })), labels)
}

#[test]
fn countries_match_and_label_every_request() {
    let statement = |code: &str| json!({"GeoMatchStatement": {"CountryCodes": [code]}});
    let labels = ["awswaf:clientip:geo:country:DE", "awswaf:clientip:geo:region:DE-BE"].map(str::to_owned).to_vec();
    assert_eq!(said(&statement("DE"), &Sent::get("/")), (true, labels.clone()));
    assert_eq!(said(&statement("FR"), &Sent::get("/")), (false, labels));
    assert_eq!(
        said(&statement("DE"), &Sent::get("/").from("198.51.100.1")).1,
        ["awswaf:clientip:geo:country:XX", "awswaf:clientip:geo:region:XX-XX"]
    );
    let forwarded = json!({"GeoMatchStatement": {"CountryCodes": ["DE"], "ForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH"}}});
    assert!(!said(&forwarded, &Sent::get("/")).0);
    let named =
        said(&forwarded, &Sent::get("/").from("198.51.100.1").with("x-forwarded-for", "192.0.2.1, 198.51.100.9"));
    assert_eq!((named.0, named.1[0].as_str()), (true, "awswaf:forwardedip:geo:country:DE"));
    assert!(said(&forwarded, &Sent::get("/").with("x-forwarded-for", "somebody")).0);
}

#[test]
fn autonomous_systems() {
    let statement = |number: u32| json!({"AsnMatchStatement": {"AsnList": [number]}});
    assert!(said(&statement(64_496), &Sent::get("/")).0);
    assert!(!said(&statement(64_497), &Sent::get("/")).0);
    assert!(said(&statement(0), &Sent::get("/").from("198.51.100.1")).0, "an address of no known system");
}

#[test]
fn sets_of_addresses() {
    let arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/x/y";
    let set = json!({"Name": "s", "ARN": arn, "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24"]});
    let mut library = Library::default();
    assert!(library.add_ip_set(&read::ip_set(&set).unwrap()));
    let own = compiled(&acl_of(&[blocks(&json!({"IPSetReferenceStatement": {"ARN": arn}}))]), &library);
    let any = json!({"IPSetReferenceStatement": {"ARN": arn, "IPSetForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "NO_MATCH", "Position": "ANY"}}});
    let any = compiled(&acl_of(&[blocks(&any)]), &library);
    let blocked = |acl: &Acl, sent: &Sent| {
        matches!(Counters::new().said(acl, sent).0, Said::Done(Verdict { ending: Ending::Block(_), .. }))
    };
    assert!(blocked(&own, &Sent::get("/")));
    assert!(blocked(&own, &Sent::get("/").from("::ffff:192.0.2.9")), "an IPv4 address in IPv6 clothes");
    assert!(!blocked(&own, &Sent::get("/").from("2001:db8::1")));
    assert!(!blocked(&own, &Sent { client: None, ..Sent::get("/") }), "nobody knows who sends");
    assert!(!blocked(&any, &Sent::get("/")));
    assert!(blocked(&any, &Sent::get("/").with("x-forwarded-for", "198.51.100.1, 192.0.2.7, 198.51.100.2")));
    assert!(!blocked(&any, &Sent::get("/").with("x-forwarded-for", "nobody")));
}

#[test]
fn an_address_is_looked_up_once_a_request() {
    let geo = |code: &str| json!({"GeoMatchStatement": {"CountryCodes": [code]}});
    let asn = json!({"AsnMatchStatement": {"AsnList": [1]}});
    let count = |name: &str, priority, statement: &Value| rule(name, priority, statement, &json!({"Count": {}}));
    let body = bytes(&json!({"Body": {}}), "CONTAINS", "x");
    let acl = acl(&[
        count("a", 0, &json!({"OrStatement": {"Statements": [geo("FR"), geo("DE")]}})),
        count("b", 1, &body),
        count("c", 2, &geo("US")),
        count("d", 3, &json!({"AndStatement": {"Statements": [geo("DE"), asn.clone()]}})),
        count("e", 4, &asn),
    ]);
    let (atlas, counters, mut progress) = (Atlas::default(), Counters::new(), Progress::default());
    let asked = || (atlas.places.load(Ordering::Relaxed), atlas.systems.load(Ordering::Relaxed));
    let unread = Sent { unread: true, ..Sent::post("y") };
    let said = acl.evaluate(unread.view(), &mut progress, &atlas, counters.counting());
    assert!(matches!(said, Said::NeedsBody(_)));
    assert_eq!(asked(), (1, 0));
    acl.evaluate(Sent::post("y").view(), &mut progress, &atlas, counters.counting());
    assert_eq!(asked(), (1, 1), "a request that comes again with its body goes on with what is known");
    assert_eq!(progress.labels.iter().count(), 2);
    let told: Vec<String> = progress.origins.told().collect();
    assert_eq!(told, ["192.0.2.1 is of DE-BE, AS 64496"]);
}

#[test]
fn a_rule_does_not_see_the_labels_that_it_brings() {
    // As the developer guide says of geo match statements: labels are added at the end of a rule's evaluation.
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}});
    let label = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "awswaf:clientip:geo:region:DE-BE"}});
    let both = json!({"AndStatement": {"Statements": [geo.clone(), label.clone()]}});
    assert!(!said(&both, &Sent::get("/")).0);
    let rules = [rule("geo", 0, &geo, &json!({"Count": {}})), rule("label", 1, &label, &json!({"Block": {}}))];
    let (mut progress, counters) = (Progress::default(), Counters::new());
    let said = acl(&rules).evaluate(Sent::get("/").view(), &mut progress, &Atlas::default(), counters.counting());
    assert!(matches!(said, Said::Done(Verdict { ending: Ending::Block(_), step: Some(1) })));
}

#[test]
fn rules_that_must_know_addresses_are_named() {
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}});
    let asn = json!({"AsnMatchStatement": {"AsnList": [1]}});
    let label = json!({"LabelMatchStatement": {"Scope": "NAMESPACE", "Key": "awswaf:clientip:geo:region:"}});
    let rate = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"ASN": {}}],
        "ScopeDownStatement": {"NotStatement": {"Statement": geo.clone()}}}});
    let path = bytes(&json!({"UriPath": {}}), "CONTAINS", "x");
    let acl = acl(&[
        rule("a", 0, &json!({"OrStatement": {"Statements": [path.clone(), geo]}}), &json!({"Block": {}})),
        blocks_as("b", 1, &asn),
        blocks_as("c", 2, &label),
        blocks_as("d", 3, &rate),
        blocks_as("e", 4, &path),
    ]);
    assert_eq!(acl.wanting(|wants| wants.countries), ["a", "d"]);
    assert_eq!(acl.wanting(|wants| wants.systems), ["b", "d"]);
    assert_eq!(acl.wanting(|wants| wants.regions), ["c"]);
}

fn blocks_as(name: &str, priority: u32, statement: &Value) -> Value {
    rule(name, priority, statement, &json!({"Block": {}}))
}
