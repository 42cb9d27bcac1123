//! The web ACL of a user pool, from the issuer that manages it to the edge that asks it and back: an issuer that takes public calls through its edges
//! only wants to hear that it was asked.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use cognito_model::Service;
use serde_json::{Value, json};

use crate::http::once;
use crate::roles::{Roles, Surroundings};
use crate::system::{Refused, System, until};

const USER: &str = "ada";
const PASSWORD: &str = "Right-password-1";
/// What the rule finds in a body.
const EVIL: &str = "mallory";
/// The issuer's patience with edges that are behind, and a little more.
const GRACE: Duration = Duration::from_millis(5_500);

#[test]
fn a_pools_web_acl_is_enforced_by_its_edge_as_soon_as_it_is_associated() {
    let edges_only =
        Surroundings { env: vec![("TOLLGATE_LISTEN__PUBLIC".into(), "edges".into())], ..Surroundings::default() };
    let mut roles = Roles::start_in(edges_only, Surroundings::default(), |folder| {
        format!("sqlite = {:?}", folder.join("tollgate.db"))
    });
    let system = roles.system();
    route_to_the_issuer(&roles, &system);
    let edge = System { issuer: system.edge.clone(), ..system.clone() };
    system.create_user(USER, PASSWORD);
    assert!(edge.sign_in(USER, PASSWORD).is_ok());
    assert!(!is_blocked(&edge, EVIL), "nothing stands there yet");

    let arn = web_acl(&system);
    associate(&system, Some(&arn));
    // Nobody who does nothing wrong is refused meanwhile.
    until("the association is in force", Duration::from_secs(2), || {
        assert!(edge.sign_in(USER, PASSWORD).is_ok());
        is_blocked(&edge, EVIL)
    });
    sleep(GRACE);
    assert!(edge.sign_in(USER, PASSWORD).is_ok(), "the edge has asked: {}", roles.log());
    assert!(is_blocked(&edge, EVIL));

    // A restarted edge knows it from its disk, and an edge from before, without it, gets nothing past the issuer.
    roles.restart_edge();
    assert!(is_blocked(&edge, EVIL));
    assert!(edge.sign_in(USER, PASSWORD).is_ok());
    associate(&system, None);
    until("nothing stands there any more", Duration::from_secs(2), || {
        assert!(edge.sign_in(USER, PASSWORD).is_ok());
        !is_blocked(&edge, EVIL)
    });
    let metrics = once(roles.admin(), "GET", "/metrics", &[]).unwrap().text();
    assert!(!metrics.contains("no_web_acl") && !metrics.contains("wrong_web_acl"), "{metrics}");
}

fn is_blocked(edge: &System, name: &str) -> bool {
    match edge.sign_in(name, PASSWORD) {
        Err(Refused::Exception { status, name, message, .. }) => {
            let blocked = name == "ForbiddenException";
            assert!(!blocked || (status, message.as_str()) == (403, "Request not allowed due to WAF block."));
            blocked
        }
        _ => false,
    }
}

/// Its ARN.
fn web_acl(system: &System) -> String {
    let visible = json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m" });
    let statement = json!({ "RegexMatchStatement": { "RegexString": EVIL, "FieldToMatch": { "Body": {} },
        "TextTransformations": [{ "Priority": 0, "Type": "NONE" }] } });
    let made = waf(
        system,
        "CreateWebACL",
        &json!({ "Name": "sign-in", "Scope": "REGIONAL", "DefaultAction": { "Allow": {} }, "VisibilityConfig": visible,
            "Rules": [{ "Name": "evil", "Priority": 0, "Action": { "Block": {} }, "VisibilityConfig": visible,
                "Statement": statement }] }),
    );
    made["Summary"]["ARN"].as_str().unwrap().to_owned()
}

fn associate(system: &System, arn: Option<&str>) {
    let pool = format!("arn:aws:cognito-idp:{}:000000000000:userpool/{}", system.region, system.pool_id);
    match arn {
        Some(arn) => waf(system, "AssociateWebACL", &json!({ "WebACLArn": arn, "ResourceArn": pool })),
        None => waf(system, "DisassociateWebACL", &json!({ "ResourceArn": pool })),
    };
}

fn waf(system: &System, operation: &str, input: &Value) -> Value {
    let answer = system.post_signed_to(Service::Waf, operation, input.to_string()).unwrap();
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    answer.json()
}

fn route_to_the_issuer(roles: &Roles, system: &System) {
    let file = roles.folder().join("edge.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let issuer = system.issuer.trim_start_matches("http://");
    let routes = format!(
        "[[upstream]]\nname = \"issuer\"\nservers = [\"{issuer}\"]\n\
         [[route]]\nmatch = {{ path = \"/\", methods = [\"POST\"] }}\nupstream = \"issuer\"\nattest = true\n"
    );
    fs::write(&file, settings + &routes).unwrap();
    let reloaded = once(&roles.edge_admin(), "POST", "/reload", &[]).unwrap();
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
}
