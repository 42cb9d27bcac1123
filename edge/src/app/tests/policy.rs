//! What routes ask of claims, of authentication and of Cedar policies, through a whole edge.

use std::time::Duration;

use serde_json::{Value, json};

use super::bearer;
use super::harness::{Answer, Edge, NOW, claims, request, signed, signing_key};

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    bearer(&signed(&signing_key(), &claims))
}

fn send(edge: &Edge, method: &str, path: &str, token: &str) -> Answer {
    let text = String::from_utf8(request(path, &[("authorization", token)])).unwrap().replacen("GET", method, 1);
    edge.send(text.as_bytes())
}

fn route(path: &str, token: &str) -> String {
    format!(
        "[[route]]\nmatch = {{ path = \"{path}\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"corp\"], {token} }}\n"
    )
}

#[test]
fn every_refusal_says_what_would_be_accepted() {
    let edge = Edge::start_with_routes(
        &[
            route("/scopes/*", "scopes_all = [\"orders/write\"], scopes_any = [\"eu\", \"us\"]"),
            route("/groups/*", "groups_all = [\"staff\", \"root\"]"),
            route("/claims/*", "claims = { tenant = [\"acme\", \"umbrella\"], \"/org/level\" = { ge = 3 } }"),
            route("/strong/*", "acr_any = [\"urn:gold\", \"urn:silver\"], amr_any = [\"mfa\"]"),
        ]
        .concat(),
    );
    let insufficient =
        |what: &str| format!("Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"{what}\"");
    let weak = "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                error_description=\"stronger authentication is required\", acr_values=\"urn:gold urn:silver\"";
    let good = token(|_| ());
    for (path, token, status, challenge) in [
        ("/scopes/x", "Basic dTpw", 401, "Bearer realm=\"api\", scope=\"orders/write eu\"".to_owned()),
        ("/scopes/x", &*good, 403, format!("{}, scope=\"orders/write eu\"", insufficient("insufficient scope"))),
        ("/groups/x", &good, 403, insufficient("group not held")),
        ("/claims/x", &good, 403, insufficient("claim not held")),
        (
            "/claims/x",
            &token(|c| (c["tenant"], c["org"]) = (json!("acme"), json!({"level": "3"}))),
            403,
            insufficient("claim not held"),
        ),
        ("/strong/x", &good, 401, weak.to_owned()),
        ("/strong/x", &token(|c| (c["acr"], c["amr"]) = (json!("urn:gold"), json!(["pwd"]))), 401, weak.to_owned()),
    ] {
        for _ in 0..2 {
            let answer = send(&edge, "GET", path, token);
            assert_eq!((answer.status, answer.header("www-authenticate")), (status, Some(&*challenge)), "{path}");
        }
    }
    for (path, token) in [
        ("/scopes/x", token(|c| c["scope"] = json!("us orders/write"))),
        ("/groups/x", token(|c| c["cognito:groups"] = json!(["root", "staff"]))),
        ("/claims/x", token(|c| (c["tenant"], c["org"]) = (json!("acme"), json!({"level": 3.0})))),
        ("/strong/x", token(|c| (c["acr"], c["amr"]) = (json!("urn:silver"), json!(["pwd", "mfa"])))),
    ] {
        for _ in 0..2 {
            assert_eq!(send(&edge, "GET", path, &token).status, 200, "{path}");
        }
    }
}

/// RFC 9470: the same token is good enough now, and not a quarter of an hour later.
#[test]
fn the_age_of_an_authentication_is_asked_of_a_known_token_too() {
    let edge = Edge::start_with_routes(
        &(route("/step/*", "max_age = \"15m\", acr_any = [\"urn:gold\"]") + &route("/calm/*", "use = \"access\"")),
    );
    let token = token(|c| {
        c["auth_time"] = json!(NOW.seconds() - 600);
        c["exp"] = json!(NOW.seconds() + 7_200);
        c["acr"] = json!("urn:gold");
    });
    assert_eq!(send(&edge, "GET", "/step/x", &token).status, 200);
    edge.clock.advance(Duration::from_secs(310));
    assert_eq!(send(&edge, "GET", "/step/x", &token).status, 200, "the leeway of 10 s");
    edge.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        let answer = send(&edge, "GET", "/step/x", &token);
        let challenge = "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                         error_description=\"more recent authentication is required\", acr_values=\"urn:gold\", max_age=\"900\"";
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(challenge)));
        assert_eq!(send(&edge, "GET", "/calm/x", &token).status, 200);
    }
}

/// A folder of policies, and the section that names it.
struct Policies(tempfile::TempDir);

impl Policies {
    fn new(files: &[(&str, &str)]) -> Self {
        let policies = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| policies.write(name, text));
        policies
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn section(&self, file: &str) -> String {
        format!("[[policy]]\nname = \"p\"\nfile = \"{}/{file}\"\n", self.0.path().display())
    }
}

fn evaluations(edge: &Edge, verdict: &str) -> usize {
    let text = edge.admin("GET", "/metrics").body;
    let counted = text
        .lines()
        .filter(|line| line.contains("policy_evaluations_total") && line.contains(&format!("verdict=\"{verdict}\"")));
    counted.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

#[test]
fn a_policy_about_the_token_is_asked_once_and_one_about_the_path_each_time() {
    let policies = Policies::new(&[(
        "p.cedar",
        "permit (principal in Group::\"staff\", action == Action::\"GET\", resource == Route::\"things\");
         permit (principal, action, resource == Route::\"files\") when { context.path like \"/files/open/*\" };",
    )]);
    let routes = route("/things/*", "cedar = \"p\", resource = \"things\"")
        + &route("/files/*", "cedar = \"p\", resource = \"files\"");
    let edge = Edge::start_with_routes(&(policies.section("p.cedar") + &routes));
    let token = token(|_| ());
    let denied = "Bearer realm=\"api\", error=\"insufficient_scope\", error_description=\"denied by policy\"";
    for _ in 0..3 {
        assert_eq!(send(&edge, "GET", "/things/1", &token).status, 200);
        let answer = send(&edge, "POST", "/things/1", &token);
        assert_eq!((answer.status, answer.header("www-authenticate")), (403, Some(denied)), "another action");
    }
    assert_eq!((evaluations(&edge, "permit"), evaluations(&edge, "deny")), (1, 1));
    for _ in 0..3 {
        assert_eq!(send(&edge, "GET", "/files/open/1", &token).status, 200);
        assert_eq!(send(&edge, "GET", "/files/shut/1", &token).status, 403);
        assert_eq!(send(&edge, "GET", "/files/open/%2e/1", &token).status, 400);
    }
    assert_eq!((evaluations(&edge, "permit"), evaluations(&edge, "deny")), (4, 4));
}

#[test]
fn a_reload_asks_anew_and_bad_policies_leave_the_good_ones() {
    let policies = Policies::new(&[("p.cedar", "permit (principal, action, resource);")]);
    let edge = Edge::start_with_routes(&(policies.section("p.cedar") + &route("/things/*", "cedar = \"p\"")));
    let token = token(|_| ());
    assert_eq!(send(&edge, "GET", "/things/1", &token).status, 200);
    policies.write("p.cedar", "permit (principal, action, resource) when { oops };");
    let answer = edge.admin("POST", "/reload");
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("p.cedar: line 1: "), "{}", answer.body);
    assert_eq!(send(&edge, "GET", "/things/1", &token).status, 200);
    policies.write("p.cedar", "permit (principal in Group::\"nobody\", action, resource);");
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    assert_eq!(send(&edge, "GET", "/things/1", &token).status, 403);
}

#[test]
fn a_policy_that_fails_denies() {
    let policies = Policies::new(&[(
        "p.cedar",
        "permit (principal, action, resource); forbid (principal, action, resource) when { principal.claims.tenant == \"evil\" };",
    )]);
    let edge = Edge::start_with_routes(&(policies.section("p.cedar") + &route("/things/*", "cedar = \"p\"")));
    assert_eq!(send(&edge, "GET", "/things/1", &token(|c| c["tenant"] = json!("acme"))).status, 200);
    assert_eq!(send(&edge, "GET", "/things/1", &token(|c| c["tenant"] = json!("evil"))).status, 403);
    assert_eq!(send(&edge, "GET", "/things/1", &token(|_| ())).status, 403);
    assert_eq!(evaluations(&edge, "error"), 1);
}

/// The blocks of code under the heading of docs/CONFIG.md that has the example, by their language.
fn documented(language: &str) -> String {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIG.md")).unwrap();
    let section = document.split("\n### [[policy]]\n").nth(1).unwrap().split("\n### ").next().unwrap().to_owned();
    let block = section.split(&format!("```{language}\n")).nth(1).unwrap_or_else(|| panic!("a block of {language}"));
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn the_example_in_the_documents_works() {
    let policies = Policies::new(&[
        ("orders.cedar", &documented("cedar")),
        ("tollgate.cedarschema", &documented("cedarschema")),
        ("groups.json", &documented("json")),
    ]);
    let mut config = documented("toml").replace("upstream = \"orders\"", "upstream = \"echo\"");
    for name in ["orders.cedar", "tollgate.cedarschema", "groups.json"] {
        config = config.replace(&format!("\"{name}\""), &format!("\"{}/{name}\"", policies.0.path().display()));
    }
    let edge = Edge::start_with_routes(&config);
    let reader = token(|c| c["cognito:groups"] = json!([]));
    let admin =
        token(|c| (c["cognito:groups"], c["tenant"], c["scope"]) = (json!(["admin"]), json!("acme"), json!("openid")));
    let strong = token(|c| {
        (c["cognito:groups"], c["amr"]) = (json!(["auditor"]), json!(["pwd", "mfa"]));
        (c["auth_time"], c["scope"]) = (json!(NOW.seconds() - 60), json!("openid"));
    });
    for (method, path, token, status) in [
        ("GET", "/orders/1", &reader, 200),
        ("POST", "/orders/1", &reader, 403),
        ("GET", "/orders/1", &admin, 200),
        ("POST", "/orders/1", &admin, 200),
        ("DELETE", "/orders/1", &admin, 200),
        ("GET", "/orders/1", &strong, 403),
        ("GET", "/orders/export/2026", &strong, 200),
        ("GET", "/orders/export/2026", &reader, 403),
    ] {
        let answer = send(&edge, method, path, token);
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
    }
}
