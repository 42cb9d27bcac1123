use super::*;

#[derive(Debug)]
struct Atlas;

impl Locate for Atlas {
    fn origin(&self, address: IpAddr) -> Origin {
        match address.to_string().as_str() {
            "192.0.2.1" => Origin { country: Some(*b"DE"), region: Some("BE".to_owned()), asn: Some(64_496) },
            _ => Origin::default(),
        }
    }
}

fn said(statement: &Value, sent: &Sent) -> (bool, Vec<String>) {
    let mut progress = Progress::default();
    let counters = Counters::new();
    let said = acl(&[blocks(statement)]).evaluate(sent.view(), &mut progress, &Atlas, counters.counting());
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
