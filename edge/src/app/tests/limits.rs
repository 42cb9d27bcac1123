//! Rate limits through a whole edge. Windows are so long that no test's time matters.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use super::harness::{Answer, Edge, NOW, claims, free_addresses, request, signed, signing_key};
use super::idp::Idp;
use super::origins::h2_client;
use super::{bearer, good_token};

const TLS: &str = "tls = { cert = \"cert.pem\", key = \"key.pem\" }";

/// A route that is open, on which limits count.
fn open(limits: &str) -> String {
    format!("[[route]]\nmatch = {{ path = \"/open/*\" }}\nupstream = \"echo\"\nlimits = [{limits}]\n")
}

fn token_of(sub: &str, client: &str) -> String {
    let mut claims = claims();
    claims["sub"] = json!(sub);
    claims["client_id"] = json!(client);
    claims["org"] = json!({"id": format!("org of {client}")});
    bearer(&signed(&signing_key(), &claims))
}

fn statuses(edge: &Edge, times: usize, target: &str, fields: &[(&str, &str)]) -> Vec<u16> {
    let mut connection = edge.connect();
    (0..times).map(|_| connection.send(&request(target, fields)).status).collect()
}

fn passed(edge: &Edge, times: usize, target: &str, fields: &[(&str, &str)]) -> usize {
    statuses(edge, times, target, fields).into_iter().filter(|status| *status == 200).count()
}

fn told(answer: &Answer) -> (u16, Option<&str>, Option<&str>) {
    (answer.status, answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

fn metric(edge: &Edge, route: &str, limit: &str, result: &str) -> u64 {
    let line =
        format!("tollgate_edge_limit_requests_total{{route=\"{route}\",limit=\"{limit}\",result=\"{result}\"}} ");
    let text = edge.admin("GET", "/metrics").body;
    text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or_else(|| panic!("{line}{text}")).parse().unwrap()
}

#[test]
fn a_limit_admits_what_it_says_and_tells_it() {
    let edge = Edge::start_with_routes(&open(r#"{ name = "per-ip", key = ["address"], rate = "3/24h" }"#));
    let mut connection = edge.connect();
    for left in [2, 1, 0] {
        let answer = connection.send(&request("/open/x", &[]));
        let (status, policy, limit) = told(&answer);
        assert_eq!((status, policy), (200, Some("\"per-ip\";q=3;w=86400")));
        let reset = limit.unwrap().strip_prefix(&format!("\"per-ip\";r={left};t=")).unwrap().parse::<u64>().unwrap();
        assert!((86_000..=87_865).contains(&reset), "until the first one leaves: {reset}");
        assert_eq!(answer.header("retry-after"), None);
    }
    for _ in 0..3 {
        let answer = connection.send(&request("/open/x", &[]));
        let (status, policy, limit) = told(&answer);
        assert_eq!((status, policy), (429, Some("\"per-ip\";q=3;w=86400")));
        assert_eq!(limit.unwrap(), format!("\"per-ip\";r=0;t={}", answer.header("retry-after").unwrap()), "one moment");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((&body["error"], &body["error_description"]), (&json!("rate_limited"), &json!("too many requests")));
        assert_eq!(body["request_id"], *answer.header("x-request-id").unwrap());
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let other = connection.send(&request("/public/x", &[]));
    assert_eq!(told(&other), (200, None, None), "other routes say nothing");
    assert_eq!(metric(&edge, "echo /open/*", "per-ip", "admitted"), 3);
    assert_eq!(metric(&edge, "echo /open/*", "per-ip", "refused"), 3);
    assert_eq!(metric(&edge, "echo /open/*", "per-ip", "would_refuse"), 0);
    assert!(edge.admin("GET", "/metrics").body.contains("tollgate_edge_limit_keys 1\n"));
}

#[test]
fn http_1_and_http_2_share_a_count_and_grpc_is_told_in_its_own_words() {
    let [address, _] = free_addresses();
    let limits = open(r#"{ name = "per-ip", key = ["address"], rate = "5/24h" }"#);
    let edge = Edge::start_listening(&format!("https = \"{address}\"\n{TLS}"), "", &limits);
    assert_eq!(statuses(&edge, 3, "/open/x", &[]), [200; 3]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = h2_client(address, &edge.certificate).await;
        let mut ask = async |kind: &str| {
            let uri = "https://api.test/open/x";
            let head = Request::builder().uri(uri).header("content-type", kind).body(()).unwrap();
            client = client.clone().ready().await.unwrap();
            let (response, _) = client.send_request(head, true).unwrap();
            response.await.unwrap()
        };
        for left in ["1", "0"] {
            let answer = ask("text/plain").await;
            let limit = answer.headers()["ratelimit"].to_str().unwrap();
            assert!(answer.status() == 200 && limit.starts_with(&format!("\"per-ip\";r={left};t=")), "{limit}");
        }
        let answer = ask("text/plain").await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let answer = ask("application/grpc").await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["grpc-status"]), (200, &"8".parse().unwrap()));
        assert_eq!(answer.headers()["grpc-message"], "too many requests");
        assert!(answer.headers()["ratelimit"].to_str().unwrap().starts_with("\"per-ip\";r=0;t="));
        assert!(answer.headers().contains_key("retry-after") && answer.into_body().is_end_stream());
    });
    assert_eq!(statuses(&edge, 1, "/open/x", &[]), [429]);
}

#[test]
fn claims_of_good_tokens_count_and_those_of_others_do_not() {
    let edge = Edge::start_with_route(
        "limits = [{ name = \"per-user\", key = [\"claim:sub\"], rate = \"2/24h\" }, \
         { name = \"per-app\", key = [\"client_id\"], rate = \"5/24h\" }, \
         { name = \"per-org\", key = [\"claim:/org/id\"], rate = \"100/24h\" }, \
         { name = \"per-ip\", key = [\"address\"], rate = \"13/24h\" }]\n",
    );
    let (ada, bob, eve) = (token_of("ada", "web"), token_of("bob", "web"), token_of("eve", "app"));
    let ask = |token: &str| edge.send(&request("/api/x", &[("authorization", token)]));
    let forged = format!("{}x", &ada[..ada.len() - 1]);
    assert_eq!([&forged, "Bearer x", ""].map(|token| ask(token).status), [401; 3], "counted by address alone");
    assert_eq!([&ada, &ada, &ada, &ada].map(|token| ask(token).status), [200, 200, 429, 429]);
    assert_eq!([&bob, &bob, &bob].map(|token| ask(token).status), [200, 200, 429]);
    assert_eq!([&eve, &eve].map(|token| ask(token).status), [200; 2], "another app");
    let third = token_of("cay", "web");
    assert_eq!([&third, &third].map(|token| ask(token).status), [200, 429], "the app's five are used up");
    let route = "echo /api/*";
    assert_eq!(metric(&edge, route, "per-app", "refused"), 1);
    assert_eq!(metric(&edge, route, "per-user", "refused"), 3);
    assert_eq!(metric(&edge, route, "per-org", "skipped"), 0);
    // Three that failed at the token, seven that passed; what other limits refused was given back.
    let last = token_of("dan", "other");
    let (first, second) = (ask(&last), ask(&last));
    let limit = |answer: &Answer| answer.header("ratelimit").unwrap().split(";t=").next().unwrap().to_owned();
    assert_eq!(
        (limit(&first), limit(&second)),
        ("\"per-user\";r=1".into(), "\"per-user\";r=0".into()),
        "what leaves least"
    );
    assert_eq!(ask("Bearer x").status, 401);
    let over = ask("Bearer x");
    assert_eq!((over.status, limit(&over)), (429, "\"per-ip\";r=0".into()), "before the token is looked at");
}

/// SECURITY.md T38.
#[test]
fn no_alias_of_a_request_has_a_count_of_its_own() {
    let limits = open(r#"{ name = "a", key = ["address", "host", "path", "method", "header:X-Key"], rate = "4/24h" }"#);
    let edge = Edge::start_with_routes(&limits);
    let key = ("x-key", "1");
    let ask = |target: &str, fields: &[(&str, &str)]| edge.send(&request(target, fields)).status;
    assert_eq!(ask("/open/a", &[key]), 200);
    assert_eq!(ask("/open/%61", &[("X-KEY", "1"), ("x-forwarded-for", "198.51.100.7")]), 200);
    assert_eq!(ask("/open/a?b=c", &[("X-Key", "1"), ("forwarded", "for=198.51.100.8"), ("x-real-ip", "::1")]), 200);
    let other_host =
        String::from_utf8(request("/open/a", &[key])).unwrap().replace("Host: api.test", "HOST: API.Test.:80");
    assert_eq!(edge.send(other_host.as_bytes()).status, 200);
    for (target, fields) in [
        ("/open/a", [key, ("x-forwarded-for", "198.51.100.9")]),
        ("/open/%61", [key, ("true-client-ip", "198.51.100.9")]),
        ("/open/a?", [key, ("cf-connecting-ip", "198.51.100.9")]),
        ("/open/a?c=d", [("x-key", " 1 "), ("x_forwarded_for", "198.51.100.9")]),
    ] {
        assert_eq!(ask(target, &fields), 429, "{target} {fields:?}");
    }
    for ambiguous in ["/open/./a", "/open//a", "/open/b/../a", "/open/a%2f", "/open/a;x", "/open/%2561"] {
        assert_eq!(ask(ambiguous, &[key]), 400, "{ambiguous}");
    }
    assert_eq!(ask("/open/a", &[("x-key", "2")]), 200, "what differs is another key");
    let page = edge.admin("GET", "/metrics").body;
    assert!(page.contains("tollgate_edge_limit_keys 2\n"), "{page}");
}

/// T38 behind a proxy of the operator's: 300 addresses of one /64 are one client.
#[test]
fn a_proxys_word_on_the_client_counts_by_network() {
    let limits = open(r#"{ name = "per-net", key = ["address"], rate = "9/24h" }"#);
    let edge = Edge::start_listening("trusted_proxies = [\"127.0.0.1\"]", "", &limits);
    let mut connection = edge.connect();
    let mut ask = |client: &str| connection.send(&request("/open/x", &[("x-forwarded-for", client)])).status;
    let of_one: Vec<u16> = (0..300).map(|host| ask(&format!("2001:db8:0:1:{host:x}::{host:x}"))).collect();
    assert_eq!(of_one.iter().filter(|status| **status == 200).count(), 9);
    assert_eq!(of_one[..9], [200; 9]);
    assert_eq!(ask("2001:db8:0:2::1"), 200, "the next network");
    assert_eq!(ask("2001:db8:0:2::2, 2001:db8:0:1::7"), 429, "the last address that is no proxy");
}

#[test]
fn counts_go_on_over_a_reload_while_the_limit_is_the_same() {
    let edge = Edge::start_with_routes(&open(r#"{ name = "a", key = ["address"], rate = "2/24h" }"#));
    let change = |from: &str, to: &str| {
        let text = std::fs::read_to_string(edge.config_file()).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(edge.config_file(), text.replacen(from, to, 1)).unwrap();
        let taken = edge.admin("POST", "/reload");
        assert_eq!(taken.status, 200, "{taken:?}");
        taken.body
    };
    assert_eq!(passed(&edge, 3, "/open/x", &[]), 2);
    change("rate = \"2/24h\" }", "rate = \"2/24h\", status = 503 }");
    assert_eq!(statuses(&edge, 1, "/open/x", &[]), [503], "the same limit, refusing in other words");
    change("rate = \"2/24h\", status = 503 }", "rate = \"3/24h\" }");
    assert_eq!(passed(&edge, 5, "/open/x", &[]), 3, "another rate is another limit");
    change("rate = \"3/24h\" }", "rate = \"2/24h\" }");
    assert_eq!(passed(&edge, 5, "/open/x", &[]), 0, "and the first one is remembered");
    change("[log]", "[limits]\nmemory = \"8MiB\"\n[log]");
    assert!(
        change("[limits]\nmemory = \"8MiB\"", "[limits]\nmemory = \"9MiB\"").contains("limits.memory"),
        "takes a restart"
    );
    assert_eq!(passed(&edge, 2, "/open/x", &[]), 0);
    change("limits = [", "# limits = [");
    assert_eq!(passed(&edge, 2, "/open/x", &[]), 2);
    assert!(!edge.admin("GET", "/metrics").body.contains("limit=\"a\""), "its series has gone");
}

/// SECURITY.md R10.
#[test]
fn the_wall_clock_gives_nothing_back() {
    let edge = Edge::start_with_routes(&open(r#"{ name = "a", key = ["address"], rate = "2/1h" }"#));
    assert_eq!(passed(&edge, 3, "/open/x", &[]), 2);
    edge.clock.advance(Duration::from_secs(90_000));
    assert_eq!(passed(&edge, 3, "/open/x", &[]), 0);
    edge.clock.set(NOW.minus(Duration::from_secs(90_000)));
    assert_eq!(passed(&edge, 3, "/open/x", &[]), 0);
}

#[test]
fn the_log_names_the_limit_and_a_dry_run_refuses_nobody() {
    let edge = Edge::start_with_routes(&open(
        r#"{ name = "strict", key = ["address"], rate = "1/24h", dry_run = true }, { name = "loose", key = ["route"], rate = "3/24h" }"#,
    ));
    let text = std::fs::read_to_string(edge.config_file()).unwrap();
    let text = text.replacen("access = \"off\"", "access = \"refused\"\nfile = \"access.log\"", 1);
    std::fs::write(edge.config_file(), text).unwrap();
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    let answers = (0..4).map(|_| edge.send(&request("/open/x", &[]))).collect::<Vec<_>>();
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 200, 429]);
    assert!(answers.iter().all(|answer| answer.header("ratelimit-policy") == Some("\"loose\";q=3;w=86400")));
    let log = edge.config_file().with_file_name("access.log");
    let lines = (0..1_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() == 3).then_some(lines)
    });
    let lines = lines.expect("the first one went well");
    let told =
        |line: &Value| ["reason", "limit", "limit_dry_run"].map(|name| line[name].as_str().unwrap_or("").to_owned());
    // Lines are written after answers, by whichever thread comes first.
    let mut told: Vec<_> = lines.iter().map(told).collect();
    told.sort();
    assert_eq!(told, [["", "", "strict"], ["", "", "strict"], ["rate_limited", "loose", "strict"]]);
    assert_eq!(metric(&edge, "echo /open/*", "strict", "would_refuse"), 3);
}

#[test]
fn a_missing_part_is_told_apart_from_a_limit_that_is_reached() {
    let edge = Edge::start_with_routes(&open(
        r#"{ name = "per-key", key = ["header:x-api-key"], rate = "1/24h", when_missing = "refuse" }"#,
    ));
    let answer = edge.send(&request("/open/x", &[]));
    assert_eq!((answer.status, answer.header("retry-after"), answer.header("ratelimit")), (400, None, None));
    assert!(answer.body.contains("what requests are counted by is missing"), "{}", answer.body);
    assert_eq!(statuses(&edge, 2, "/open/x", &[("x-api-key", "k")]), [200, 429]);
}

/// A request about whose token the issuer is asked meets the gates twice, and counts once.
#[test]
fn a_request_that_waits_for_its_issuer_counts_once() {
    let idp = Idp::start();
    let answer = json!({"active": true, "sub": "ada", "client_id": "web", "exp": NOW.seconds() + 300});
    idp.answer("/introspect", answer.to_string());
    let routes = format!(
        "[[issuer]]\nname = \"opaque\"\niss = \"https://o\"\n\
         introspection = {{ url = \"{}\", client_id = \"edge\", client_secret_file = \"secret\", cache_ttl = \"0s\" }}\n\
         [[route]]\nmatch = {{ path = \"/o/*\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"opaque\"] }}\n\
         limits = [{{ name = \"ip\", key = [\"address\"], rate = \"9/24h\" }}, {{ name = \"user\", key = [\"claim:sub\"], rate = \"3/24h\" }}]\n",
        idp.url("/introspect")
    );
    let prepare = |folder: &std::path::Path| std::fs::write(folder.join("secret"), "s3cret\n").unwrap();
    let edge = Edge::start_prepared(prepare, "", "", &routes);
    assert_eq!(statuses(&edge, 5, "/o/x", &[("authorization", "Bearer abc")]), [200, 200, 200, 429, 429]);
    assert_eq!(idp.count("/introspect"), 5, "each was asked about");
    assert_eq!(metric(&edge, "echo /o/*", "user", "admitted"), 3);
    idp.answer("/introspect", json!({"active": false}).to_string());
    assert_eq!(statuses(&edge, 7, "/o/x", &[("authorization", "Bearer abd")]), [401, 401, 401, 401, 401, 401, 429]);
}

#[test]
fn the_upstreams_own_limits_stay_beside_the_edges() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nRateLimit-Policy: \"day\";q=9\r\nRateLimit: \"day\";r=8\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    let edge = Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"own\"\nservers = [\"{address}\"]\n\
         [[route]]\nmatch = {{ path = \"/own/*\" }}\nupstream = \"own\"\nlimits = [{{ name = \"a\", key = [\"address\"], rate = \"5/24h\" }}]\n"
    ));
    let answer = edge.send(&request("/own/x", &[]));
    let all = |name: &str| -> Vec<&str> {
        let fields = answer.headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.split(";t=").next().unwrap()).collect()
    };
    assert_eq!(all("ratelimit-policy"), ["\"day\";q=9", "\"a\";q=5;w=86400"]);
    assert_eq!(all("ratelimit"), ["\"day\";r=8", "\"a\";r=4"]);
}

#[test]
fn settings_that_could_never_count_are_refused() {
    let edge = Edge::start_with_routes(&open(r#"{ name = "a", key = ["route"], rate = "1/24h" }"#));
    let good = std::fs::read_to_string(edge.config_file()).unwrap();
    for (key, expected) in [
        (r#"["claim:sub"]"#, "limits[0].key: counts by what a token says, which needs `token` on the route"),
        (
            r#"["header:X-Forwarded-For"]"#,
            "route.limits: \"a\" counts by \"header:x-forwarded-for\", which clients can't say for themselves; the client's address \
             is \"address\"",
        ),
        (r#"["header:x-user-id"]"#, "route.limits: \"a\" counts by \"header:x-user-id\", which"),
    ] {
        std::fs::write(edge.config_file(), good.replace(r#"["route"]"#, key)).unwrap();
        let refused = edge.admin("POST", "/reload");
        let error: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(refused.status, 422);
        assert!(error["error"].as_str().unwrap().contains(expected), "{error}");
    }
    assert_eq!(edge.send(&request("/api/x", &[("authorization", &bearer(&good_token()))])).status, 200);
}
