//! Challenges and captchas through a whole edge.

use std::path::Path;
use std::time::Duration;

use common::feed::{Change, DeploymentKey, FeedName, KeyUsage};
use serde_json::{Value, json};

use super::harness::{Answer, Edge, NOW, request};
use super::{bearer, good_token};
use crate::challenge::{PUZZLE, VERIFY, solve};
use crate::feed::fixture::leave_behind;

const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

fn rule(name: &str, priority: u32, path: &str, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Action": action,
        "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"},
        "Statement": {"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "SearchString": path, "PositionalConstraint": "CONTAINS",
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}}})
}

/// Blocks below a path what has a label.
fn labelled(name: &str, priority: u32, path: &str, label: &str) -> Value {
    let mut rule = rule(name, priority, path, &json!({"Block": {}}));
    let label = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": label}});
    rule["Statement"] = json!({"AndStatement": {"Statements": [rule["Statement"], label]}});
    rule
}

/// An edge that asks for challenges at `/open/work` and `/open/hard`, and for captchas at `/open/puzzle`; `[challenge]` has these lines more.
fn edge(more: &str) -> Edge {
    edge_with(|_| (), "", more)
}

/// The same with more in its folder and of `[listen]`.
fn edge_with(more_files: impl FnOnce(&Path), listen: &str, more: &str) -> Edge {
    let mut work = rule(
        "work",
        0,
        "/work",
        &json!({"Challenge": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "solved", "Value": "yes"}]}}}),
    );
    work["ChallengeConfig"] = json!({"ImmunityTimeProperty": {"ImmunityTime": 300}});
    let rules = [
        work,
        rule("hard", 1, "/hard", &json!({"Challenge": {}})),
        rule("puzzle", 2, "/puzzle", &json!({"Captcha": {}})),
        labelled("absent", 3, "/members", "awswaf:managed:token:absent"),
        labelled("rejected", 4, "/members", "awswaf:managed:token:rejected"),
    ];
    let acl = json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "Rules": rules,
        "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}});
    let prepare = |folder: &Path| {
        std::fs::write(folder.join("acl.json"), acl.to_string()).unwrap();
        more_files(folder);
    };
    let settings = format!(
        "[[route]]\nmatch = {{ path = \"/open/*\" }}\nupstream = \"echo\"\nacl = \"main\"\n\
         [[route]]\nmatch = {{ path = \"/write/*\", methods = [\"POST\"] }}\nupstream = \"echo\"\nacl = \"main\"\n\
         [[acl]]\nname = \"main\"\nfile = \"acl.json\"\nsearch_strings = \"text\"\ndifficulty = {{ hard = 12 }}\n\
         [challenge]\ndifficulty = 8\ncaptcha_difficulty = 9\n{more}\n"
    );
    Edge::start_prepared(prepare, listen, "acl = \"main\"", &settings)
}

/// An edge that was told these keys of its deployment, the newest last, before its issuer went away.
fn sharing(keys: &[[u8; 32]], more: &str) -> Edge {
    let key = |(number, key): (u64, &[u8; 32])| {
        Change::DeploymentKey(DeploymentKey { usage: KeyUsage::Challenge, number, key: *key })
    };
    let changes: Vec<Change> = (1..).zip(keys).map(key).collect();
    let feed = "[feed]\nissuer = \"127.0.0.1:1\"\nstate_dir = \"state\"";
    edge_with(|folder| leave_behind(&folder.join("state"), FeedName::Global, &changes, NOW), feed, more)
}

#[test]
fn edges_of_one_issuer_take_each_others_tokens() {
    let [old, new] = [[1; 32], [2; 32]];
    let (late, prompt, stranger) = (sharing(&[old], ""), sharing(&[old, new], ""), edge(""));
    let token = |edge: &Edge| cookie(&answer_to(edge, &get(edge, "/open/work", &[HTML])));
    let status = |edge: &Edge, cookie: &str| get(edge, "/open/work", &[("cookie", cookie)]).status;
    let (of_late, of_prompt) = (token(&late), token(&prompt));
    assert_eq!([status(&late, &of_late), status(&prompt, &of_late)], [200, 200], "a replaced key is accepted");
    assert_eq!([status(&prompt, &of_prompt), status(&late, &of_prompt)], [200, 202], "the newest signs");
    assert_eq!([status(&stranger, &of_late), status(&late, &token(&stranger))], [202, 202]);
    assert_eq!(late.ask_admin("POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 200);
    assert_eq!(status(&late, &of_late), 200, "a reload keeps them");
}

fn post(edge: &Edge, target: &str, kind: &str, body: &str) -> Answer {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: api.test\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    edge.send(head.as_bytes())
}

fn get(edge: &Edge, target: &str, fields: &[(&str, &str)]) -> Answer {
    edge.send(&request(target, fields))
}

fn attribute(page: &str, name: &str) -> String {
    page.split(&format!("data-{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Solves what the page asks for; the answer to it.
fn answer_to(edge: &Edge, page: &Answer) -> Answer {
    let puzzle = attribute(&page.body, "puzzle");
    let bits = attribute(&page.body, "bits").parse().unwrap();
    let body = json!({"puzzle": puzzle, "solution": solve(&puzzle, bits)}).to_string();
    post(edge, VERIFY, "application/json", &body)
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap_or_else(|| panic!("{answer:?}")).split(';').next().unwrap().to_owned()
}

#[test]
fn what_is_solved_opens_the_route_for_as_long_as_the_rule_says() {
    let edge = edge("");
    let page = get(&edge, "/open/work?id=1", &[HTML]);
    assert_eq!((page.status, page.header("x-amzn-waf-action")), (202, Some("challenge")));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-request-id").unwrap().len(), 32);
    let solved = cookie(&answer_to(&edge, &page));
    let passed = get(&edge, "/open/work?id=1", &[HTML, ("cookie", &solved)]);
    assert_eq!((passed.status, passed.echoed_line()), (200, "GET /open/work?id=1 HTTP/1.1"));
    assert_eq!(passed.echoed("x-amzn-waf-solved"), ["yes"]);
    let token = solved.split_once('=').unwrap().1;
    assert_eq!(get(&edge, "/open/work", &[("x-aws-waf-token", token)]).status, 200);
    // An easier challenge than the rule's is none, and no captcha.
    assert_eq!(get(&edge, "/open/hard", &[HTML, ("cookie", &solved)]).status, 202);
    assert_eq!(get(&edge, "/open/puzzle", &[HTML, ("cookie", &solved)]).status, 405);
    edge.clock.advance(Duration::from_secs(300));
    assert_eq!(get(&edge, "/open/work", &[HTML, ("cookie", &solved)]).status, 200);
    edge.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&edge, "/open/work", &[HTML, ("cookie", &solved)]).status, 202);
    let harder = cookie(&answer_to(&edge, &get(&edge, "/open/hard", &[HTML])));
    assert_eq!(get(&edge, "/open/hard", &[("cookie", &harder)]).status, 200);
    assert_eq!(get(&edge, "/open/work", &[("cookie", &harder)]).status, 200);
    let metrics = edge.admin("GET", "/metrics").body;
    for line in [
        "tollgate_edge_challenges_total{action=\"challenge\",form=\"page\"} 4",
        "tollgate_edge_challenge_answers_total{action=\"challenge\",result=\"solved\"} 2",
        "tollgate_edge_challenge_solutions 2",
    ] {
        assert!(metrics.lines().any(|given| given == line), "{line}\n{metrics}");
    }
}

#[test]
fn rules_go_by_labels_about_the_token() {
    let edge = edge("");
    assert_eq!(get(&edge, "/open/members", &[]).status, 403, "absent");
    assert_eq!(get(&edge, "/open/members", &[("x-aws-waf-token", "nonsense")]).status, 403, "rejected");
    let solved = cookie(&answer_to(&edge, &get(&edge, "/open/work", &[HTML])));
    assert_eq!(get(&edge, "/open/members", &[("cookie", &solved)]).status, 200, "accepted");
    edge.clock.advance(Duration::from_secs(301));
    assert_eq!(get(&edge, "/open/members", &[("cookie", &solved)]).status, 403, "expired");
    let metrics = edge.admin("GET", "/metrics").body;
    for (rule, count) in [("absent", 1), ("rejected", 2)] {
        let line = format!("tollgate_edge_acl_requests_total{{acl=\"main\",rule=\"{rule}\",action=\"BLOCK\"}} {count}");
        assert!(metrics.lines().any(|given| given == line), "{line}\n{metrics}");
    }
}

#[test]
fn a_captcha_asks_for_its_time_too() {
    let edge = edge("");
    let page = get(&edge, "/open/puzzle", &[HTML]);
    assert_eq!((page.status, page.header("x-amzn-waf-action"), page.header("allow")), (405, Some("captcha"), None));
    let early = answer_to(&edge, &page);
    assert_eq!((early.status, early.header("retry-after")), (429, Some("2")));
    edge.clock.advance(Duration::from_secs(2));
    let solved = cookie(&answer_to(&edge, &page));
    assert_eq!(get(&edge, "/open/puzzle", &[("cookie", &solved)]).status, 200);
    assert_eq!(get(&edge, "/open/work", &[("cookie", &solved)]).status, 200, "it is a challenge, too");
}

#[test]
fn programs_find_out_what_to_solve() {
    let edge = edge("");
    for (answer, action) in [
        (get(&edge, "/open/work/a", &[]), "challenge"),
        (get(&edge, "/open/hard", &[("accept", "application/json")]), "challenge"),
        (post(&edge, "/write/hard", "application/json", "{}"), "challenge"),
        (get(&edge, "/api/hard", &[]), "challenge"),
    ] {
        assert_eq!((answer.status, answer.header("x-amzn-waf-action"), &*answer.body), (202, Some(action), ""));
        let place = answer.header("x-tollgate-puzzle").unwrap();
        let puzzle: Value = serde_json::from_str(&get(&edge, place, &[]).body).unwrap();
        let text = puzzle["puzzle"].as_str().unwrap();
        let solution = solve(text, u8::try_from(puzzle["bits"].as_u64().unwrap()).unwrap());
        let body = json!({"puzzle": text, "solution": solution}).to_string();
        let granted = post(&edge, puzzle["verify"].as_str().unwrap(), "application/json", &body);
        let granted: Value = serde_json::from_str(&granted.body).unwrap();
        let token = granted["token"].as_str().unwrap();
        assert_eq!(get(&edge, "/open/work", &[("x-aws-waf-token", token)]).status, 200);
    }
    assert_eq!(get(&edge, &format!("{PUZZLE}?for=/public/x"), &[]).status, 404, "there is no web ACL");
    assert_eq!(get(&edge, &format!("{PUZZLE}?for=/nowhere"), &[]).status, 404);
    // A token of another kind does not help, and ours is none of that kind.
    let token = bearer(&good_token());
    assert_eq!(get(&edge, "/api/work", &[("authorization", &token)]).status, 202);
}

#[test]
fn who_has_no_scripts_waits_and_is_led_back() {
    let edge = edge("without_scripts_limit = 1");
    let page = get(&edge, "/open/work?a=1&b=%22", &[HTML]);
    let form = format!("puzzle={}&to=%2Fopen%2Fwork%3Fa%3D1%26b%3D%2522", attribute(&page.body, "puzzle"));
    let send = || post(&edge, VERIFY, "application/x-www-form-urlencoded", &form);
    assert_eq!(send().status, 429);
    edge.clock.advance(Duration::from_secs(10));
    let led = send();
    assert_eq!((led.status, led.header("location")), (303, Some("/open/work?a=1&b=%22")));
    assert_eq!(get(&edge, "/open/work", &[("cookie", &cookie(&led))]).status, 200);
    assert_eq!(send().status, 429, "one in ten minutes");
}

#[test]
fn the_edges_own_paths_take_what_they_can_read_and_lead_nowhere() {
    let edge = edge("");
    let page = get(&edge, "/open/work/%22%3E%3Cscript%3E?x=%0d%0aset-cookie:a=b", &[HTML]);
    assert_eq!((page.body.matches("<script").count(), page.header("set-cookie")), (1, None));
    assert_eq!(post(&edge, VERIFY, "application/json", &"x".repeat(16 * 1024)).status, 400);
    assert_eq!(post(&edge, VERIFY, "application/json", &"x".repeat(16 * 1024 + 1)).status, 413);
    assert_eq!(post(&edge, VERIFY, "text/plain", "x").status, 400);
    let form = "application/x-www-form-urlencoded";
    let led = post(&edge, VERIFY, form, "puzzle=x&to=//evil.example");
    assert_eq!((led.status, led.header("location")), (403, None));
    assert!(!led.body.contains("evil.example"), "{}", led.body);
    assert_eq!(get(&edge, VERIFY, &[]).status, 405);
    for target in ["/.tollgate", "/.tollgate/x", "/.tollgate/challenge/", "/%2Etollgate/challenge/verify/"] {
        assert_eq!(get(&edge, target, &[]).status, 404, "{target}");
    }
    // Where nobody asks for anything these paths are as others.
    assert_eq!(get(&Edge::start_with_routes(ALL), PUZZLE, &[]).echoed_line(), format!("GET {PUZZLE} HTTP/1.1"));
}

const ALL: &str = "[[route]]\nmatch = { path = \"/*\" }\nupstream = \"echo\"\n";

#[test]
fn a_reload_keeps_tokens_and_asks_for_more_where_it_says_so() {
    let edge = edge("");
    let solved = cookie(&answer_to(&edge, &get(&edge, "/open/work", &[HTML])));
    let reload = |from: &str, to: &str| {
        let text = std::fs::read_to_string(edge.config_file()).unwrap();
        assert!(text.contains(from));
        std::fs::write(edge.config_file(), text.replace(from, to)).unwrap();
        edge.admin("POST", "/reload")
    };
    assert_eq!(reload("captcha_difficulty = 9", "captcha_difficulty = 10").status, 200);
    assert_eq!(get(&edge, "/open/work", &[("cookie", &solved)]).status, 200);
    let refused = reload("hard = 12", "soft = 12");
    assert!(refused.body.contains("acl[0].difficulty: no rule soft in acl.json asks for a challenge or a captcha"));
    assert_eq!(reload("{ soft = 12 }", "{ work = 12 }").status, 200);
    assert_eq!(get(&edge, "/open/work", &[("cookie", &solved)]).status, 202, "it was too easy");
    // A key of a file: everybody is asked once more, and then never again for that.
    std::fs::write(edge.config_file().with_file_name("challenge.key"), "k".repeat(32)).unwrap();
    let open = reload("captcha_difficulty = 10", "key_file = \"challenge.key\"");
    assert!(open.body.contains("challenge.key: others may read or write it"), "{}", open.body);
}
