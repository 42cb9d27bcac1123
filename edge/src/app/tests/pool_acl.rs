//! The web ACLs of user pools, on routes to the issuer: whose is asked, what its rules do, and what the issuer is told of it.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::attest::{Arrived, EdgeKey, HEADER, Unverified, audience};
use common::feed::{Change, ClientSettings, FeedName, ManagedKind, PoolSettings};
use common::ids::{ClientId, EdgeId, PoolId};
use serde_json::{Value, json};

use super::attest::{EDGE, field, fields, join, post, recorder, sha256};
use super::harness::{Answer, Edge, NOW, request, signed, signing_key};
use crate::feed::fixture::leave_all_behind;

const WAIT: Duration = Duration::from_secs(10);
const GUARDED: &str = "us-east-1_Guarded";
const OPEN: &str = "us-east-1_Open";
const BROKEN: &str = "us-east-1_Broken";
const SQLI: &str = "1' OR 1=1 -- ";

fn visibility() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

/// A rule for requests with this header.
fn if_header(name: &str, priority: u32, action: &Value) -> Value {
    let statement = json!({"SizeConstraintStatement": {"FieldToMatch": {"SingleHeader": {"Name": name}}, "ComparisonOperator": "GT",
        "Size": 0, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    rule(name, priority, &statement, action)
}

fn rule(name: &str, priority: u32, statement: &Value, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility()})
}

fn web_acl() -> Value {
    let insert = json!({"CustomRequestHandling": {"InsertHeaders": [{"Name": "Seen", "Value": "yes"}]}});
    let response = json!({"CustomResponse": {"ResponseCode": 429, "CustomResponseBodyKey": "slow",
        "ResponseHeaders": [{"Name": "X-Why", "Value": "tea"}]}});
    let sqli = json!({"SqliMatchStatement": {"FieldToMatch": {"JsonBody": {"MatchPattern": {"All": {}}, "MatchScope": "VALUE"}},
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    let often = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "ScopeDownStatement":
        {"ByteMatchStatement": {"FieldToMatch": {"SingleHeader": {"Name": "x-often"}}, "SearchString": STANDARD.encode("yes"),
            "PositionalConstraint": "EXACTLY", "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}}}});
    json!({"Name": "login", "ARN": "arn:aws:wafv2:us-east-1:000000000000:regional/webacl/login/1", "DefaultAction": {"Allow": {}},
    "VisibilityConfig": visibility(),
    "CustomResponseBodies": {"slow": {"ContentType": "TEXT_PLAIN", "Content": "slowly"}},
    "Rules": [
        if_header("x-seen", 0, &json!({ "Count": insert })),
        if_header("x-evil", 1, &json!({"Block": {}})),
        if_header("x-slow", 2, &json!({ "Block": response })),
        if_header("x-work", 3, &json!({"Challenge": {}})),
        if_header("x-puzzle", 4, &json!({"Captcha": {}})),
        rule("sqli", 5, &sqli, &json!({"Block": {}})),
        rule("often", 6, &often, &json!({"Block": {}})),
        json!({"Name": "takeover", "Priority": 7, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(),
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": "TollgateAccountTakeoverRuleSet",
                "ScopeDownStatement": if_header("x-judged", 0, &json!({}))["Statement"]}}}),
    ]})
}

/// A pool with one client, `<suffix>web`.
fn pool(id: &str, acl: Option<&Value>) -> (FeedName, Vec<Change>) {
    let pool = PoolId::parse(id).unwrap();
    let iss = format!("https://issuer.test/{id}");
    let client_id = ClientId::parse(client_of(id)).unwrap();
    let mut changes = vec![
        Change::Pool(PoolSettings { pool: pool.clone(), iss, enabled: true, max_token_life_s: 3_600 }),
        Change::Client(ClientSettings { client_id, enabled: true, scopes: None }),
    ];
    if let Some(acl) = acl {
        let document = json!({ "WebACL": acl }).to_string().into_bytes();
        changes.push(Change::Managed { kind: ManagedKind::WebAcl, name: id.to_owned(), document });
    }
    if id == GUARDED {
        let document = b"login.test:8800".to_vec();
        changes.push(Change::Managed { kind: ManagedKind::Domain, name: "guarded".into(), document });
    }
    (FeedName::Pool(pool), changes)
}

fn client_of(pool: &str) -> String {
    format!("{}web", pool.rsplit_once('_').unwrap().1)
}

/// An edge with these pools, before an issuer that keeps what it gets.
struct World {
    edge: Edge,
    received: Receiver<(String, Vec<u8>)>,
    key: EdgeKey,
    authority: [u8; 32],
    _state: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        Self::start_with("")
    }

    /// `more` are further lines of the routes to the issuer.
    fn start_with(more: &str) -> Self {
        let (sent, received) = channel();
        let upstream = recorder(sent);
        let state = tempfile::tempdir().unwrap();
        let unreadable = json!({"Name": "broken"});
        let pools = [pool(GUARDED, Some(&web_acl())), pool(OPEN, None), pool(BROKEN, Some(&unreadable))];
        leave_all_behind(state.path(), &pools, NOW);
        let (key, authority) = join(state.path());
        let acl = json!({"Name": "main", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(),
            "Rules": [if_header("x-route", 0, &json!({"Block": {}}))]});
        let prepare = |folder: &std::path::Path| std::fs::write(folder.join("acl.json"), acl.to_string()).unwrap();
        let edge = Edge::start_prepared(
            prepare,
            "",
            "",
            &format!(
                "[[acl]]\nname = \"main\"\nfile = \"acl.json\"\n\
                 [[route]]\nmatch = {{ path = \"/\" }}\nupstream = \"issuer\"\nattest = true\n{more}\n\
                 [[route]]\nmatch = {{ path = \"/{GUARDED}/*\" }}\nupstream = \"issuer\"\nattest = true\n{more}\n\
                 [[route]]\nmatch = {{ path = \"/login\" }}\nupstream = \"issuer\"\nattest = true\n{more}\n\
                 [[route]]\nmatch = {{ path = \"/plain\" }}\nupstream = \"issuer\"\n\
                 [[upstream]]\nname = \"issuer\"\nservers = [\"{upstream}\"]\n\
                 [feed]\nissuer = \"127.0.0.1:1\"\nstate_dir = {:?}\n",
                state.path()
            ),
        );
        Self { edge, received, key, authority, _state: state }
    }

    fn call(&self, operation: &str, body: &Value, more: &str) -> Answer {
        self.edge.send(&call(operation, &body.to_string(), more))
    }

    fn sign_in(&self, pool: &str, more: &str) -> Answer {
        self.call("InitiateAuth", &sign_in(pool, "ada"), more)
    }

    /// Of the next request that the issuer has got: the pool whose web ACL was asked, and the head.
    fn asked(&self, method: &str, host: &str, target: &str) -> (Option<String>, String) {
        let (head, body) = self.received.recv_timeout(WAIT).expect("a request at the issuer");
        let arrived = Arrived {
            edge: &EdgeId::parse(EDGE).unwrap(),
            audience: &audience(&self.authority),
            now: NOW,
            method,
            host,
            target,
            fields: &[fields(&head)],
            body: &sha256(&body),
        };
        let said = field(&head, HEADER).pop().unwrap();
        let claims = Unverified::parse(&said).unwrap().verify(&self.key, &arrived).unwrap();
        (claims.web_acl.map(String::from), head)
    }

    fn asked_by_post(&self) -> (Option<String>, String) {
        self.asked("POST", "login.test:8800", "/")
    }

    fn is_idle(&self) -> bool {
        self.received.try_recv().is_err()
    }
}

fn sign_in(pool: &str, name: &str) -> Value {
    json!({"ClientId": client_of(pool), "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": name, "PASSWORD": "pw"}})
}

fn call(operation: &str, body: &str, more: &str) -> Vec<u8> {
    let target = format!(
        "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.{operation}\r\n{more}"
    );
    post("/", body.as_bytes(), &target)
}

/// Cognito's own answer to what a web ACL blocks.
fn is_forbidden(answer: &Answer) -> bool {
    answer.status == 403
        && answer.header("x-amzn-errortype") == Some("ForbiddenException:")
        && answer.body == r#"{"__type":"ForbiddenException","message":"Request not allowed due to WAF block."}"#
}

#[test]
fn a_pools_rules_stand_before_its_public_operations_and_no_others() {
    let world = World::start();
    assert_eq!(world.sign_in(GUARDED, "").status, 200);
    assert_eq!(world.asked_by_post().0.as_deref(), Some(GUARDED));
    for header in ["X-Evil: 1\r\n", "X-Work: 1\r\n", "X-Puzzle: 1\r\n"] {
        let answer = world.sign_in(GUARDED, header);
        assert!(is_forbidden(&answer), "{header}{answer:?}");
    }
    let slow = world.sign_in(GUARDED, "X-Slow: 1\r\n");
    assert_eq!((slow.status, slow.body.as_str(), slow.header("x-why")), (429, "slowly", Some("tea")));
    assert_eq!(slow.header("x-amzn-errortype"), Some("ForbiddenException:"));
    assert!(is_forbidden(&world.call("InitiateAuth", &sign_in(GUARDED, SQLI), "")));
    assert!(world.is_idle(), "none of them has left");

    assert_eq!(world.sign_in(GUARDED, "X-Seen: 1\r\n").status, 200);
    let (asked, head) = world.asked_by_post();
    assert_eq!((asked.as_deref(), field(&head, "x-amzn-waf-seen")), (Some(GUARDED), vec!["yes".to_owned()]));

    // Another pool's client, and one that nobody knows.
    for client in [OPEN, "us-east-1_Nobody"] {
        assert_eq!(world.call("InitiateAuth", &sign_in(client, SQLI), "X-Evil: 1\r\n").status, 200);
        assert_eq!(world.asked_by_post().0, None, "{client}");
    }
    // What administrators sign is not looked at, also where it names the pool.
    let named = json!({"UserPoolId": GUARDED, "ClientId": client_of(GUARDED), "Username": SQLI});
    for operation in ["AdminGetUser", "AdminInitiateAuth"] {
        assert_eq!(world.call(operation, &named, "X-Evil: 1\r\n").status, 200);
        assert_eq!(world.asked_by_post().0, None, "{operation}");
    }
    // Not on routes that lead elsewhere.
    let plain = post("/plain", b"{}", "X-Evil: 1\r\n");
    assert_eq!(world.edge.send(&plain).status, 200);

    let metrics = world.edge.admin("GET", "/metrics").body;
    for line in [
        "tollgate_edge_acl_requests_total{acl=\"wafv2:login\",rule=\"x-evil\",action=\"BLOCK\"} 1",
        "tollgate_edge_acl_requests_total{acl=\"wafv2:login\",rule=\"sqli\",action=\"BLOCK\"} 1",
        "tollgate_edge_acl_requests_total{acl=\"wafv2:login\",rule=\"x-seen\",action=\"COUNT\"} 1",
        "tollgate_edge_acl_requests_total{acl=\"wafv2:login\",rule=\"(default)\",action=\"ALLOW\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[test]
fn a_pools_rules_stand_before_its_pages() {
    let world = World::start();
    let form = b"username=ada&password=pw";
    assert_eq!(world.edge.send(&post("/login", form, "")).status, 200);
    assert_eq!(world.asked("POST", "login.test:8800", "/login").0.as_deref(), Some(GUARDED));
    let refused = world.edge.send(&post("/login", form, "X-Evil: 1\r\n"));
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(world.is_idle());
}

#[test]
fn nothing_that_the_issuer_would_serve_gets_around_it() {
    let world = World::start();
    let ours = sign_in(GUARDED, "ada").to_string();
    let evil = "X-Evil: 1\r\n";
    // A signature that a public operation does not need, and what may stand around a target.
    for more in [
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=00\r\n",
        "X-Amz-Target: AWSCognitoIdentityProviderService.AdminGetUser\r\n",
        "Content-Encoding: gzip\r\n",
        "X-Amz-Security-Token: t\r\n",
    ] {
        let answer = world.edge.send(&call("InitiateAuth", &ours, &format!("{more}{evil}")));
        assert!(is_forbidden(&answer), "{more}{answer:?}");
    }
    // Other spellings of the same client.
    for body in [
        r#"{"Client\u0049d":"Guardedweb","AuthFlow":"USER_AUTH"}"#,
        r#"{"UserPoolId":"us-east-1_Open","ClientId":"Guardedweb"}"#,
        "\t\r\n {\"ClientId\":\"Guardedweb\",\"AccessToken\":\"x\"}",
    ] {
        assert!(is_forbidden(&world.edge.send(&call("InitiateAuth", body, evil))), "{body}");
    }
    // The token's pool counts where the operation takes a token, whatever else is said.
    let token = signed(&signing_key(), &json!({"iss": format!("https://issuer.test/{GUARDED}")}));
    let by_token = json!({"AccessToken": token, "ClientId": client_of(OPEN)});
    assert!(is_forbidden(&world.call("GetUser", &by_token, evil)));
    assert!(is_forbidden(&world.call(
        "VerifySoftwareToken",
        &json!({"Session": format!("tx.{GUARDED}"), "UserCode": "1"}),
        evil
    )));
    // In pieces, and with a query.
    let head = "POST /?x=1 HTTP/1.1\r\nHost: login.test\r\nTransfer-Encoding: chunked\r\nX-Evil: 1\r\n\
                X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\n\r\n";
    let mut chunked = head.as_bytes().to_vec();
    for piece in ours.as_bytes().chunks(7) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert!(is_forbidden(&world.edge.send(&chunked)));
    assert!(world.is_idle());
    // What has two readings is refused by the issuer; the edge says that nothing was asked.
    for body in [r#"{"ClientId":"Openweb","ClientId":"Guardedweb"}"#, r#"[null,"Guardedweb",null,null]"#, "", "x"] {
        assert_eq!(world.edge.send(&call("InitiateAuth", body, evil)).status, 200);
        assert_eq!(world.asked_by_post().0, None, "{body}");
    }
}

#[test]
fn a_body_is_inspected_as_far_as_rules_go_and_its_client_found_wherever_it_stands() {
    let world = World::start();
    let long =
        json!({"AuthFlow": "USER_PASSWORD_AUTH", "AnalyticsMetadata": {"AnalyticsEndpointId": "a".repeat(40_000)}});
    let mut text = long.to_string();
    text.truncate(text.len() - 1);
    let text = format!("{text},\"ClientId\":\"Guardedweb\"}}");
    assert!(is_forbidden(&world.edge.send(&call("InitiateAuth", &text, "X-Evil: 1\r\n"))));
    assert_eq!(world.edge.send(&call("InitiateAuth", &text, "")).status, 200);
    let (asked, head) = world.asked_by_post();
    assert_eq!((asked.as_deref(), field(&head, "content-length")), (Some(GUARDED), vec![text.len().to_string()]));
    // One that is too long is refused before it comes.
    let long = call("InitiateAuth", &"a".repeat((1 << 20) + 1), "");
    assert_eq!(world.edge.connect().send(&long[..400]).status, 413);
}

#[test]
fn rates_count_the_pools_requests() {
    let world = World::start();
    let often = "X-Often: yes\r\n";
    for _ in 0..20 {
        assert_eq!(world.sign_in(OPEN, often).status, 200);
    }
    let passed = (0..12).filter(|_| world.sign_in(GUARDED, often).status == 200).count();
    assert_eq!(passed, 10);
    assert!(is_forbidden(&world.sign_in(GUARDED, often)));
    assert_eq!(world.sign_in(GUARDED, "").status, 200, "what is not in the scope");
}

#[test]
fn a_web_acl_that_can_not_be_read_lets_nothing_pass() {
    let world = World::start();
    let refused = world.sign_in(BROKEN, "");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{refused:?}");
    assert_eq!(refused.header("x-amzn-errortype"), Some("InternalErrorException:"));
    assert!(world.is_idle());
    assert_eq!(world.sign_in(OPEN, "").status, 200);
    let admin = json!({"UserPoolId": BROKEN});
    assert_eq!(world.call("ListUsers", &admin, "").status, 200, "administrators can still help");
}

#[test]
fn what_lies_under_a_pools_path_has_its_rules_and_its_challenges() {
    let world = World::start();
    let document = format!("/{GUARDED}/.well-known/jwks.json");
    assert_eq!(world.edge.send(&request(&document, &[])).status, 200);
    assert_eq!(world.asked("GET", "api.test", &document).0.as_deref(), Some(GUARDED));
    let blocked = world.edge.send(&request(&document, &[("x-evil", "1")]));
    assert!(blocked.status == 403 && blocked.body.contains("blocked by a rule"), "{blocked:?}");
    for (header, status, action) in [("x-work", 202, "challenge"), ("x-puzzle", 405, "captcha")] {
        let answer = world.edge.send(&request(&document, &[(header, "1"), ("accept", "text/html")]));
        assert_eq!((answer.status, answer.header("x-amzn-waf-action")), (status, Some(action)));
        assert!(answer.body.contains("<html"), "a page: {answer:?}");
    }
    let puzzle = format!("/.tollgate/challenge?action=challenge&for={document}");
    assert_eq!(world.edge.send(&request(&puzzle, &[])).status, 200, "the edge answers where its pages lead");
    assert!(world.is_idle());
}

#[test]
fn the_routes_own_web_acl_comes_first() {
    let world = World::start_with("acl = \"main\"");
    for pool in [OPEN, GUARDED] {
        assert!(is_forbidden(&world.sign_in(pool, "X-Route: 1\r\n")), "{pool}");
    }
    assert!(is_forbidden(&world.sign_in(GUARDED, "X-Evil: 1\r\n")));
    let metrics = world.edge.admin("GET", "/metrics").body;
    for line in [
        "{acl=\"main\",rule=\"x-route\",action=\"BLOCK\"} 2",
        "{acl=\"main\",rule=\"(default)\",action=\"ALLOW\"} 1",
        "{acl=\"wafv2:login\",rule=\"x-evil\",action=\"BLOCK\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let reloaded = world.edge.admin("POST", "/reload");
    assert_eq!(reloaded.status, 200, "{reloaded:?}");
    assert!(is_forbidden(&world.sign_in(GUARDED, "X-Evil: 1\r\n")), "a reload leaves it in force");
    assert!(
        world.edge.admin("GET", "/metrics").body.contains("{acl=\"wafv2:login\",rule=\"x-evil\",action=\"BLOCK\"} 2")
    );
}

#[test]
fn a_pools_group_judges_attempts() {
    let world = World::start();
    let recover = |name: u32| {
        let body = json!({"ClientId": client_of(GUARDED), "Username": format!("user{name}")});
        world.call("ForgotPassword", &body, "X-Judged: 1\r\n")
    };
    assert!((0..10).all(|name| recover(name).status == 200));
    assert!(is_forbidden(&recover(10)), "an eleventh name from one address");
    assert_eq!(recover(9).status, 200, "a name that has come before is none");
}
