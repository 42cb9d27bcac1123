//! Tokens that only their issuer can read (RFC 7662), over a whole edge.

use std::time::Duration;

use serde_json::{Value, json};

use super::bearer;
use super::harness::{Answer, Edge, NOW, request, second_key, signed, signing_key};
use super::idp::{Idp, Reaction, eventually, nobody, set_of, several_looks};
use crate::gates::proof::prover::Prover;
use crate::snapshot::deaths::{Death, Fingerprint, Kind};

const ISS: &str = "https://opaque.example";
const SECOND: Duration = Duration::from_secs(1);

fn routes(url: &str, more: &str) -> String {
    format!(
        "[[issuer]]\nname = \"opaque\"\niss = \"{ISS}\"\ngroups = [\"realm_access.roles\"]\n\
         introspection = {{ url = \"{url}\", client_id = \"edge\", client_secret_file = \"secret\"{more} }}\n\
         [[issuer]]\nname = \"jwt\"\niss = \"https://jwt.example\"\nprofile = \"cognito\"\njwks = {{ file = \"login.json\" }}\n\
         [[route]]\nmatch = {{ path = \"/o/*\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"jwt\", \"opaque\"], scopes_all = [\"orders/read\"] }}\n\
         headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\", \"x-plan\" = \"{{plan}}\" }} }}\n\
         [[route]]\nmatch = {{ path = \"/staff/*\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"opaque\"], groups_any = [\"staff\"] }}\n\
         [[route]]\nmatch = {{ path = \"/api-2/*\" }}\nupstream = \"echo\"\ntoken = {{ issuers = [\"opaque\"], audiences = [\"https://api-2\"], clients = [\"web\"] }}\n"
    )
}

fn edge_at(url: &str, more: &str) -> Edge {
    let prepare = |folder: &std::path::Path| {
        std::fs::write(folder.join("secret"), "s3cret\n").unwrap();
        std::fs::write(folder.join("login.json"), set_of(&[&second_key()])).unwrap();
    };
    Edge::start_prepared(prepare, "", "", &routes(url, more))
}

fn active() -> Value {
    json!({
        "active": true, "sub": "ada", "client_id": "web", "username": "ada@example.com", "scope": "openid orders/read", "iss": ISS,
        "iat": NOW.seconds() - 10, "exp": NOW.seconds() + 300, "token_type": "Bearer", "plan": "gold", "realm_access": {"roles": ["clerk"]},
    })
}

fn ask(edge: &Edge, path: &str, token: &str) -> Answer {
    edge.send(&request(path, &[("authorization", &bearer(token))]))
}

fn class(answer: &Answer) -> (u16, &str) {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let class = challenge.rsplit_once("error_description=\"").and_then(|(_, rest)| rest.split_once('"'));
    (answer.status, class.map_or("", |(class, _)| class))
}

fn metric(edge: &Edge, result: &str) -> String {
    let text = edge.admin("GET", "/metrics").body;
    let line = format!("tollgate_edge_introspections_total{{issuer=\"opaque\",result=\"{result}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)).unwrap_or("0").to_owned()
}

#[test]
fn an_active_token_is_an_identity_like_others() {
    let idp = Idp::start();
    idp.answer("/introspect", active().to_string());
    let edge = edge_at(&idp.url("/introspect"), "");
    assert_eq!(edge.admin("GET", "/readyz").status, 200, "nothing has to come first");
    for _ in 0..3 {
        let answer = ask(&edge, "/o/x", "mF_9.B5f-4.1JqM");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!((answer.echoed("x-user-id"), answer.echoed("x-plan")), (vec!["ada".into()], vec!["gold".into()]));
    }
    let hits = idp.hits("/introspect");
    assert_eq!(hits.len(), 1, "the answer is believed for a while");
    assert!(hits[0].head.starts_with("POST /introspect "));
    let head = hits[0].head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert!(hits[0].head.contains("Basic ZWRnZTpzM2NyZXQ="), "edge:s3cret");
    assert_eq!(hits[0].body, "token=mF_9.B5f-4.1JqM&token_type_hint=access_token");

    // What routes ask is asked of it, also of a known one.
    assert_eq!(class(&ask(&edge, "/staff/x", "mF_9.B5f-4.1JqM")), (403, "group not held"));
    assert_eq!(class(&ask(&edge, "/api-2/x", "mF_9.B5f-4.1JqM")), (401, "wrong audience"));
    let mut staff = active();
    staff["realm_access"] = json!({"roles": ["staff"]});
    staff["aud"] = json!(["https://api-1", "https://api-2"]);
    idp.answer("/introspect", staff.to_string());
    assert_eq!(ask(&edge, "/staff/x", "another").status, 200);
    assert_eq!(ask(&edge, "/api-2/x", "another").status, 200);
    assert_eq!(idp.count("/introspect"), 2);

    // Believed for `cache_ttl`, then asked again; a token dies with its `exp`, whatever was answered before.
    edge.clock.advance(SECOND * 30);
    assert_eq!(ask(&edge, "/staff/x", "another").status, 200);
    assert_eq!(idp.count("/introspect"), 3);
    edge.clock.advance(SECOND * 300);
    assert_eq!(class(&ask(&edge, "/staff/x", "another")), (401, "expired"));

    // And the session gate asks after it, where revocations are told.
    staff["exp"] = json!(NOW.seconds() + 3_600);
    idp.answer("/introspect", staff.to_string());
    assert_eq!(ask(&edge, "/staff/x", "third").status, 200);
    let death = Death { kind: Kind::User, subject: Fingerprint::of("ada"), minted_up_to: NOW };
    edge.running.picture().revoke("opaque", &[death]);
    assert_eq!(class(&ask(&edge, "/staff/x", "third")), (401, "signed out"));
    assert_eq!((metric(&edge, "active").as_str(), metric(&edge, "refused").as_str()), ("4", "1"));
}

/// E09 for tokens that nobody here can read.
#[test]
fn a_bound_opaque_token_needs_its_proof() {
    let idp = Idp::start();
    let client = Prover::new();
    let mut bound = active();
    bound["cnf"] = json!({"jkt": client.jkt()});
    bound["token_type"] = json!("DPoP");
    idp.answer("/introspect", bound.to_string());
    let edge = edge_at(&idp.url("/introspect"), "");
    let send =
        |proof: &str| edge.send(&request("/o/x", &[("authorization", "DPoP mF_9.B5f-4.1JqM"), ("dpop", proof)])).status;
    // The second round goes by an answer that is known.
    for _ in 0..2 {
        let proof = client.proof("GET", "http://api.test/o/x", "mF_9.B5f-4.1JqM", NOW);
        assert_eq!((send(&proof), send(&proof)), (200, 401), "once, also where the issuer is asked in between");
        assert_eq!(send(&Prover::new().proof("GET", "http://api.test/o/x", "mF_9.B5f-4.1JqM", NOW)), 401);
        assert_eq!(class(&ask(&edge, "/o/x", "mF_9.B5f-4.1JqM")), (401, "bound token without proof"));
    }
    assert_eq!(idp.count("/introspect"), 1);
}

#[test]
fn what_is_not_active_is_refused_and_that_is_remembered_briefly() {
    let idp = Idp::start();
    idp.answer("/introspect", "{\"active\":false}");
    let edge = edge_at(&idp.url("/introspect"), "");
    for _ in 0..3 {
        assert_eq!(class(&ask(&edge, "/o/x", "revoked")), (401, "inactive"));
    }
    assert_eq!(idp.count("/introspect"), 1);
    idp.answer("/introspect", active().to_string());
    edge.clock.advance(SECOND * 5);
    assert_eq!(ask(&edge, "/o/x", "revoked").status, 200);

    // Active, and not an access token of this issuer for anybody.
    let cases = [
        ("iss", json!("https://other.example"), "wrong issuer"),
        ("sub", json!(""), "invalid claims"),
        ("exp", json!("soon"), "invalid claims"),
        ("nbf", json!(NOW.seconds() + 3_600), "not yet valid"),
        ("token_type", json!("refresh_token"), "wrong token use"),
        ("typ", json!("ID"), "wrong token use"),
        ("scope", json!("openid"), "insufficient scope"),
    ];
    for (i, (name, value, expected)) in cases.into_iter().enumerate() {
        let mut answer = active();
        answer[name] = value;
        idp.answer("/introspect", answer.to_string());
        for _ in 0..2 {
            assert_eq!(class(&ask(&edge, "/o/x", &format!("t{i}"))).1, expected, "{name}");
        }
    }
}

/// Never open: without a good answer nothing passes, and the client is told to come back.
#[test]
fn without_an_answer_nothing_passes() {
    let idp = Idp::start();
    let edge = edge_at(&idp.url("/introspect"), ", timeout = \"300ms\"");
    let answer = |status: u16, body: String| Reaction::Answer(status, String::new(), body);
    let long = format!("{{\"active\":true,\"sub\":\"ada\",\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    let redirect = format!("location: {}\r\n", idp.url("/elsewhere"));
    idp.answer("/elsewhere", active().to_string());
    let cases = [
        answer(404, String::new()),
        answer(401, active().to_string()),
        answer(403, active().to_string()),
        answer(500, active().to_string()),
        answer(201, active().to_string()),
        answer(200, String::new()),
        answer(200, "true".into()),
        answer(200, "{\"active\":\"true\",\"sub\":\"ada\"}".into()),
        answer(200, active().to_string().replacen('{', "{\"active\":true,", 1)),
        answer(200, long),
        Reaction::Answer(307, redirect.clone(), String::new()),
        Reaction::Answer(302, redirect, String::new()),
        Reaction::Rubbish,
        Reaction::Hang,
    ];
    let count = cases.len();
    for (i, reaction) in cases.into_iter().enumerate() {
        let what = format!("{reaction:?}").chars().take(80).collect::<String>();
        idp.react("/introspect", reaction);
        let refused = ask(&edge, "/o/x", &format!("t{i}"));
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{what}");
        assert!(refused.body.contains("token could not be checked"), "{refused:?}");
    }
    assert_eq!((idp.count("/introspect"), idp.count("/elsewhere")), (count, 0), "a token goes to no other place");
    assert_eq!(metric(&edge, "failed"), count.to_string());
    // That there was no answer is not remembered.
    idp.answer("/introspect", active().to_string());
    assert_eq!(ask(&edge, "/o/x", "t0").status, 200);
    let away = edge_at(&format!("http://{}/introspect", nobody()), "");
    assert_eq!(ask(&away, "/o/x", "t").status, 503);
}

/// Asked all at once, each on a connection of its own; `meanwhile` before the first answer is read.
fn at_once(edge: &Edge, tokens: &[String], meanwhile: impl FnOnce()) -> Vec<u16> {
    let asking = |token: &String| {
        let mut connection = edge.connect();
        connection.write(&request("/o/x", &[("authorization", &bearer(token))]));
        connection
    };
    let mut connections: Vec<_> = tokens.iter().map(asking).collect();
    meanwhile();
    connections.iter_mut().map(|connection| connection.try_send(b"").expect("an answer").status).collect()
}

#[test]
fn one_token_is_asked_about_once_and_many_wait_in_a_bounded_line() {
    let idp = Idp::start();
    let edge = edge_at(&idp.url("/introspect"), ", timeout = \"20s\", concurrency = 2, queue = 2");
    idp.hold("/introspect", active().to_string());
    let release = || {
        eventually("it is asked", || idp.count("/introspect") == 1);
        several_looks();
        idp.release();
    };
    assert_eq!(at_once(&edge, &vec!["same".to_owned(); 20], release), [200; 20]);
    assert_eq!((idp.count("/introspect"), metric(&edge, "active").as_str()), (1, "1"));

    idp.hold("/introspect", active().to_string());
    let different: Vec<String> = (0..20).map(|i| format!("t{i}")).collect();
    let release = || {
        eventually("no more than four are taken", || metric(&edge, "shed") == "16");
        eventually("two at a time are asked about", || idp.count("/introspect") == 1 + 2);
        idp.release();
    };
    let mut statuses = at_once(&edge, &different, release);
    statuses.sort_unstable();
    assert_eq!((&statuses[..4], &statuses[4..]), (&[200; 4][..], &[503; 16][..]));
    assert_eq!(ask(&edge, "/o/x", "later").status, 200, "the line is empty again");
    assert_eq!(idp.count("/introspect"), 1 + 4 + 1);
}

#[test]
fn the_token_says_who_is_asked() {
    let idp = Idp::start();
    idp.answer("/introspect", active().to_string());
    let edge = edge_at(&idp.url("/introspect"), ", auth = \"post\"");
    let jwt = |iss: &str| {
        let mut claims = super::harness::claims();
        claims["iss"] = json!(iss);
        signed(&second_key(), &claims)
    };
    assert_eq!(ask(&edge, "/o/x", &jwt("https://jwt.example")).status, 200);
    assert_eq!(idp.count("/introspect"), 0, "a JWT of an issuer with keys is checked here");
    assert_eq!(class(&ask(&edge, "/o/x", &jwt("https://nobody.example"))), (401, "wrong issuer"));
    assert_eq!(
        class(&ask(&edge, "/o/x", &signed(&signing_key(), &json!({"iss": "https://jwt.example"})))),
        (401, "unknown key")
    );
    assert_eq!(idp.count("/introspect"), 0, "nor is a forged one sent anywhere");
    assert_eq!(ask(&edge, "/o/x", &jwt(ISS)).status, 200, "a JWT of the introspecting issuer is its own to judge");
    assert_eq!(ask(&edge, "/o/x", "opaque.token~+/==").status, 200);
    assert_eq!(idp.count("/introspect"), 2);
    assert!(idp.hits("/introspect")[1].body.ends_with("&client_id=edge&client_secret=s3cret"));

    // What cannot be a token never leaves the edge.
    let long = "x".repeat(8 * 1024 + 1);
    for bad in ["a b", "a\"b", "a%20b", "", "=", "é", &long] {
        let answer = ask(&edge, "/o/x", bad);
        assert!(matches!(answer.status, 400 | 401 | 431), "{bad}: {answer:?}");
    }
    assert_eq!(idp.count("/introspect"), 2);
    // A route without an introspecting issuer takes no opaque tokens.
    assert_eq!(class(&ask(&edge, "/api/x", "opaque.token~+/==")), (401, "malformed"));
}

#[test]
fn a_reload_takes_other_settings_into_use_and_forgets_answers() {
    let (idp, other) = (Idp::start(), Idp::start());
    idp.answer("/introspect", active().to_string());
    other.answer("/introspect", "{\"active\":false}");
    let edge = edge_at(&idp.url("/introspect"), "");
    assert_eq!(ask(&edge, "/o/x", "t").status, 200);
    let text = std::fs::read_to_string(edge.config_file()).unwrap();
    std::fs::write(edge.config_file(), text.replace(&idp.url("/"), &other.url("/"))).unwrap();
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    assert_eq!(class(&ask(&edge, "/o/x", "t")), (401, "inactive"));
    assert_eq!((idp.count("/introspect"), other.count("/introspect")), (1, 1));
}
