//! Sign-ins and sign-ups through a whole edge, before a stand-in that answers as Cognito does.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::attest::join;
use super::harness::{Answer, Edge};
use super::origins::{raw, read_head};

fn visibility() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

/// A web ACL with one managed group, and rules after it.
fn acl(vendor: &str, name: &str, more: &Value, rules: &[Value]) -> Value {
    let mut statement = json!({"VendorName": vendor, "Name": name});
    statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let group = json!({"Name": "group", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(),
        "Statement": {"ManagedRuleGroupStatement": statement}});
    let rules = [&[group], rules].concat();
    json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules})
}

/// A rule that tells the origin of a label.
fn on_label(label: &str, priority: u32) -> Value {
    let action = json!({"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": format!("label-{priority}"), "Value": "yes"}]}}});
    json!({"Name": format!("on-{priority}"), "Priority": priority, "Action": action, "VisibilityConfig": visibility(),
        "Statement": {"LabelMatchStatement": {"Scope": "LABEL", "Key": label}}})
}

/// A user's password is the user's name backwards. Answers echo the head in `x-head`, without line ends.
fn stand_in() -> SocketAddr {
    raw(|mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            let (status, kind, body) = reply(&head, &String::from_utf8(body).unwrap());
            let kind = if kind.is_empty() { String::new() } else { format!("{kind}\r\n") };
            let seen = lower.replace("\r\n", " ");
            let answer =
                format!("HTTP/1.1 {status} X\r\n{kind}X-Head: {seen}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    })
}

fn reply(head: &str, body: &str) -> (u16, String, String) {
    let is_right = |name: &str, password: &str| password == name.chars().rev().collect::<String>();
    let error = |kind: &str| (400, format!("x-amzn-ErrorType: {kind}:"), json!({"__type": kind}).to_string());
    if head.starts_with("POST /own") {
        let body: Value = serde_json::from_str(body).unwrap();
        let ok = is_right(body["user"].as_str().unwrap(), body["pass"].as_str().unwrap());
        return (200, String::new(), json!({"login": {"ok": if ok { "yes" } else { "no" }}}).to_string());
    }
    if head.starts_with("POST /login") {
        let value = |name: &str| {
            url::form_urlencoded::parse(body.as_bytes())
                .find(|(one, _)| one == name)
                .map(|(_, value)| value.into_owned())
        };
        let ok = is_right(&value("username").unwrap(), &value("password").unwrap_or_default());
        return (302, format!("Location: {}", if ok { "/home?code=1" } else { "/login?error" }), String::new());
    }
    let call: Value = serde_json::from_str(body).unwrap();
    if head.contains("SignUp") {
        return match call["Username"].as_str().unwrap().starts_with("taken") {
            true => error("UsernameExistsException"),
            false => (200, String::new(), "{}".to_owned()),
        };
    }
    if head.contains("ForgotPassword") {
        return (200, String::new(), "{}".to_owned());
    }
    let (name, password) = (&call["AuthParameters"]["USERNAME"], &call["AuthParameters"]["PASSWORD"]);
    if name.as_str().unwrap().starts_with("told") {
        let (status, kind, body) = error("NotAuthorizedException");
        return (status, format!("{kind}\r\nX-Tollgate-Signin: {}", password.as_str().unwrap()), body);
    }
    match is_right(name.as_str().unwrap(), password.as_str().unwrap_or_default()) {
        true => (200, String::new(), json!({"AuthenticationResult": {}}).to_string()),
        false => error("NotAuthorizedException"),
    }
}

fn edge_with(acl: &Value, more: &str) -> Edge {
    edge_before("", acl, more)
}

/// `route` are more lines of the route to the stand-in.
fn edge_before(route: &str, acl: &Value, more: &str) -> Edge {
    edge_at(stand_in(), route, acl, more)
}

fn edge_at(upstream: SocketAddr, route: &str, acl: &Value, more: &str) -> Edge {
    let prepare = |folder: &Path| std::fs::write(folder.join("acl.json"), acl.to_string()).unwrap();
    let routes = format!(
        "[[upstream]]\nname = \"idp\"\nservers = [\"{upstream}\"]\n\
         [[route]]\nmatch = {{ path = \"/*\" }}\nupstream = \"idp\"\nacl = \"main\"\n{route}\
         [[acl]]\nname = \"main\"\nfile = \"acl.json\"\n{more}"
    );
    Edge::start_prepared(prepare, "trusted_proxies = [\"127.0.0.1/32\"]", "", &routes)
}

/// From an address of 10.0.0.0/8.
fn send(edge: &Edge, from: u32, path: &str, field: &str, body: &str) -> Answer {
    let [_, a, b, c] = from.to_be_bytes();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: idp.test\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\n{field}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    edge.send(request.as_bytes())
}

fn call(edge: &Edge, from: u32, operation: &str, body: &Value) -> Answer {
    let field = format!(
        "X-Amz-Target: AWSCognitoIdentityProviderService.{operation}\r\nContent-Type: application/x-amz-json-1.1"
    );
    send(edge, from, "/", &field, &body.to_string())
}

fn sign_in(edge: &Edge, from: u32, name: &str, password: &str) -> u16 {
    let parameters = json!({"USERNAME": name, "PASSWORD": password});
    call(
        edge,
        from,
        "InitiateAuth",
        &json!({"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": "c", "AuthParameters": parameters}),
    )
    .status
}

const TAKEOVER: (&str, &str) = ("Tollgate", "TollgateAccountTakeoverRuleSet");
const CREATION: (&str, &str) = ("Tollgate", "TollgateAccountCreationRuleSet");

#[test]
fn stuffing_from_many_addresses_is_refused_and_people_are_not() {
    let edge = edge_with(&acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[]), "");
    let office = 0x00aa_0001;
    for person in 0..8 {
        let name = format!("clerk{person}");
        let backwards: String = name.chars().rev().collect();
        if person % 4 == 0 {
            assert_eq!(sign_in(&edge, office, &name, "mistyped"), 400, "an honest mistake is answered by the issuer");
        }
        assert_eq!(sign_in(&edge, office, &name, &backwards), 200);
    }
    let (mut refused, mut attempts) = (0, 0);
    for round in 0..8_u32 {
        for address in 0..40_u32 {
            let name = format!("victim{round}-{address}");
            let status = sign_in(&edge, address << 8 | 7, &name, "leaked");
            attempts += 1;
            refused += u32::from(status == 403);
        }
        // In between, while it goes on: somebody else, and somebody who mistypes twice.
        let name = format!("person{round}");
        let backwards: String = name.chars().rev().collect();
        let own = 0x00bb_0000 + (round << 8);
        assert_eq!([sign_in(&edge, own, &name, "a"), sign_in(&edge, own, &name, "b")], [400, 400]);
        assert_eq!(sign_in(&edge, own, &name, &backwards), 200);
        assert_eq!(sign_in(&edge, office, "clerk1", "1krelc"), 200);
    }
    // Two of eight pass at each address, and whatever came before it was seen.
    assert!(refused * 10 >= attempts * 7, "{refused} of {attempts}");
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("rule=\"group/FailedNamesUnderAttack\",action=\"BLOCK\""), "{metrics}");
}

#[test]
fn a_password_for_all_and_all_passwords_for_one() {
    let edge = edge_with(&acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[]), "");
    let spray: Vec<u16> = (0..8).map(|n| sign_in(&edge, 0x00cc_0001, &format!("user{n}"), "Winter2026!")).collect();
    assert!(
        spray[..4].iter().all(|status| *status == 400) && spray[4..].iter().all(|status| *status == 403),
        "{spray:?}"
    );
    assert_eq!(sign_in(&edge, 0x00cc_0000, "other", "rehto"), 200, "another password is not their business");
    let guesses: Vec<u16> = (0..12).map(|n| sign_in(&edge, 0x00dd_0000, "ann", &format!("guess{n}"))).collect();
    assert!(
        guesses[..6].iter().all(|status| *status == 400) && guesses[7..].iter().all(|status| *status == 403),
        "{guesses:?}"
    );
    assert_eq!(sign_in(&edge, 0x00ee_0000, "ann", "nna"), 200, "the owner comes in from elsewhere");
}

#[test]
fn in_a_dry_run_everything_is_counted_and_nothing_refused() {
    let label = "awswaf:managed:tollgate:takeover:failed:ip";
    let edge = edge_with(&acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[on_label(label, 1)]), "dry_run = true\n");
    for n in 0..6 {
        let status = sign_in(&edge, 5, &format!("user{n}"), "wrong");
        assert_eq!(status, 400);
    }
    let parameters = json!({"USERNAME": "more", "PASSWORD": "wrong"});
    let answer =
        call(&edge, 5, "InitiateAuth", &json!({"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}));
    assert!(answer.header("x-head").unwrap().contains("x-amzn-waf-label-1: yes"), "{answer:?}");
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("rule=\"group/FailedNamesIp\",action=\"COUNT\""), "{metrics}");
}

#[test]
fn an_applications_own_sign_in_as_aws_configures_it() {
    let inspection = json!({"PayloadType": "JSON", "UsernameField": {"Identifier": "/user"}, "PasswordField": {"Identifier": "/pass"}});
    let answers = json!({"Json": {"Identifier": "/login/ok", "SuccessValues": ["yes"], "FailureValues": ["no"]}});
    let config = json!({"ManagedRuleGroupConfigs": [{"AWSManagedRulesATPRuleSet": {"LoginPath": "/own", "RequestInspection": inspection, "ResponseInspection": answers}}]});
    let label = "awswaf:managed:aws:atp:aggregate:volumetric:ip:successful_login_response:low";
    let edge = edge_with(&acl("AWS", "AWSManagedRulesATPRuleSet", &config, &[on_label(label, 1)]), "");
    let post = |from, user: &str, pass: &str| {
        send(
            &edge,
            from,
            "/own/login",
            "Content-Type: application/json",
            &json!({"user": user, "pass": pass}).to_string(),
        )
    };
    let failing: Vec<u16> = (0..6).map(|n| post(1, &format!("user{n}"), "wrong").status).collect();
    assert_eq!(failing, [200, 200, 200, 200, 403, 403], "by what the body of the answer said");
    for n in 0..4 {
        let name = format!("user{n}");
        let answer = post(2, &name, &name.chars().rev().collect::<String>());
        let is_labelled = answer.header("x-head").unwrap().contains("x-amzn-waf-label-1: yes");
        assert_eq!((answer.status, is_labelled), (200, n > 1), "more than one has succeeded");
    }
    assert_eq!(post(3, "ann", "").status, 403, "no password");
    // AWS's own threshold: more than twenty in ten minutes.
    let many: Vec<u16> = (0..22).map(|_| post(4, "ann", "nna").status).collect();
    assert!(many[..20].iter().all(|status| *status == 200) && many[20..] == [403, 403], "{many:?}");
}

#[test]
fn pages_and_recoveries() {
    let edge = edge_with(&acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[]), "");
    let form = |from, name: &str, password: &str| {
        let field = "Content-Type: application/x-www-form-urlencoded";
        send(&edge, from, "/login", field, &format!("username={name}&password={password}&cognitoAsfData=x")).status
    };
    let failing: Vec<u16> = (0..6).map(|n| form(1, &format!("user{n}"), "wrong")).collect();
    assert_eq!(failing, [302, 302, 302, 302, 403, 403], "by where the page leads");
    assert_eq!((form(2, "ann", "nna"), form(1, "ann", "nna")), (302, 403));
    let forgot: Vec<u16> =
        (0..12).map(|n| call(&edge, 3, "ForgotPassword", &json!({"Username": format!("user{n}")})).status).collect();
    assert!(forgot[..10].iter().all(|status| *status == 200) && forgot[10..] == [403, 403], "{forgot:?}");
}

#[test]
fn many_accounts_from_one_address() {
    let edge = edge_with(&acl(CREATION.0, CREATION.1, &json!({}), &[]), "");
    let sign_up = |from, name: &str| {
        call(&edge, from, "SignUp", &json!({"Username": name, "Password": "pw", "ClientId": "c"})).status
    };
    let made: Vec<u16> = (0..13).map(|n| sign_up(1, &format!("new{n}"))).collect();
    assert!(made[..10].iter().all(|status| *status == 200) && made[10..] == [403; 3], "{made:?}");
    assert_eq!(sign_up(2, "new"), 200, "elsewhere people sign up");
    let taken: Vec<u16> = (0..13).map(|n| sign_up(3, &format!("taken{n}"))).collect();
    assert!(taken[..11].iter().all(|status| *status == 400) && taken[11..] == [403; 2], "{taken:?}");
}

#[test]
fn what_the_issuer_says_of_a_sign_in_is_for_the_edge() {
    let state = tempfile::tempdir().unwrap();
    join(state.path());
    let label = "awswaf:managed:tollgate:takeover:credential:compromised";
    let acl = acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[on_label(label, 1)]);
    let feed = format!("[feed]\nissuer = \"127.0.0.1:1\"\nstate_dir = {:?}\n", state.path());
    let attesting = edge_before("attest = true\n", &acl, &feed);
    let told = |edge: &Edge, from, name: &str, word: &str| {
        let parameters = json!({"USERNAME": name, "PASSWORD": word});
        call(edge, from, "InitiateAuth", &json!({"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters}))
    };
    let is_labelled = |answer: &Answer| answer.header("x-head").unwrap().contains("x-amzn-waf-label-1: yes");
    let first = told(&attesting, 1, "told", "failed; reason=unknown-user; compromised");
    assert_eq!((first.status, first.header("x-tollgate-signin"), is_labelled(&first)), (400, None, false), "{first:?}");
    let again = told(&attesting, 2, "TOLD", "failed; reason=unknown-user; compromised");
    assert!(is_labelled(&again), "the same pair is known: {again:?}");
    // What it says counts, whatever the status is.
    for n in 0..8 {
        assert_eq!(told(&attesting, 3, &format!("told{n}"), "succeeded").status, 400);
    }
    // An upstream that no edge vouches to is not believed.
    let plain = edge_with(&acl, "");
    let statuses: Vec<u16> =
        (0..6).map(|n| told(&plain, 3, &format!("told{n}"), &format!("succeeded; compromised; {n}")).status).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 403, 403]);
    assert!(!is_labelled(&told(&plain, 4, "told0", "succeeded; compromised; 0")));
}

#[test]
fn an_attempt_that_others_read_differently_is_refused() {
    let edge = edge_with(&acl(TAKEOVER.0, TAKEOVER.1, &json!({}), &[]), "");
    let form = "Content-Type: application/x-www-form-urlencoded";
    let own = "username=ann&password=nna";
    assert_eq!(send(&edge, 1, "/login", form, own).status, 302);
    let multipart = "Content-Type: multipart/form-data; boundary=b";
    let parts = "--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nann\r\n--b--\r\n";
    for (path, field, body) in [
        ("/login", multipart, parts),
        ("/login", form, "username=fresh&username=ann&password=nna"),
        ("/login?username=bob", form, own),
        ("/login?username=ann&password=nna", form, ""),
        ("/login", form, "password=nna"),
    ] {
        assert_eq!(send(&edge, 1, path, field, body).status, 403, "{path} {field} {body}");
    }
    let metrics = edge.admin("GET", "/metrics").body;
    for rule in ["UnreadableAttempt", "NamelessAttempt"] {
        assert!(metrics.contains(&format!("rule=\"group/{rule}\",action=\"BLOCK\"")), "{rule}: {metrics}");
    }
    // A header that names no call turns nothing off.
    let hidden = format!("{form}\r\nX-Amz-Target: x");
    let failing: Vec<u16> =
        (0..6).map(|n| send(&edge, 2, "/login", &hidden, &format!("username=user{n}&password=wrong")).status).collect();
    assert_eq!(failing, [302, 302, 302, 302, 403, 403]);
    // Page after page: names that go on to their password count for nothing, neither against nor for the address.
    for n in 0..12 {
        assert_eq!(send(&edge, 3, "/login", form, &format!("username=user{n}")).status, 302);
    }
    let failing: Vec<u16> =
        (0..6).map(|n| send(&edge, 3, "/login", form, &format!("username=other{n}&password=wrong")).status).collect();
    assert_eq!(failing, [302, 302, 302, 302, 403, 403]);
}

#[test]
fn a_client_does_not_decide_whether_its_failure_counts() {
    // It would pack its answer if it were asked to.
    let upstream = raw(|mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            let packed = if lower.contains("gzip") { "Content-Encoding: gzip\r\n" } else { "" };
            let answer = format!("HTTP/1.1 200 OK\r\n{packed}Content-Length: 21\r\n\r\n<p>wrong password</p>");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let inspection = json!({"PayloadType": "FORM_ENCODED", "UsernameField": {"Identifier": "user"}, "PasswordField": {"Identifier": "pass"}});
    let answers = json!({"BodyContains": {"SuccessStrings": ["welcome"], "FailureStrings": ["wrong"]}});
    let config = json!({"ManagedRuleGroupConfigs": [{"AWSManagedRulesATPRuleSet": {"LoginPath": "/own", "RequestInspection": inspection, "ResponseInspection": answers}}]});
    let edge = edge_at(upstream, "", &acl(TAKEOVER.0, TAKEOVER.1, &config, &[]), "");
    let attempt = |n: u32| {
        let body = format!("user=user{n}&pass=wrong");
        format!(
            "POST /own HTTP/1.1\r\nHost: idp.test\r\nAccept-Encoding: gzip\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for n in 0..4 {
        let answer = edge.send(attempt(n).as_bytes());
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{answer:?}");
    }
    assert_eq!(edge.send(attempt(4).as_bytes()).status, 403);
}
