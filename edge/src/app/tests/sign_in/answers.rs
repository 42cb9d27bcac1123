//! What comes back from the provider, or from who would be it.

use std::time::Duration;

use serde_json::json;

use super::super::harness::second_key;
use super::super::idp::{Idp, Reaction, nobody};
use super::*;

fn refused(answer: &Answer) -> u16 {
    assert_eq!(answer.header("location"), None, "{answer:?}");
    assert!(!set_cookies(answer).iter().any(|line| line.starts_with("__Host-tg-session=")), "{answer:?}");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && answer.header("cache-control") == Some("no-store"));
    answer.status
}

/// RFC 9700 §4.7: an answer is for the browser and the attempt that it was asked for, once.
#[test]
fn an_answer_to_nothing_that_this_browser_has_begun_signs_nobody_in() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    let begun = browser.begins(&edge, "/");
    idp.answer("/token", tokens(&begun).to_string());
    let state = begun.query["state"].as_str();
    let changed = format!("{}x", &state[..state.len() - 1]);
    let other = Browser::at("app.test").begins(&edge, "/");
    for (what, query) in [
        ("no state", "code=c".to_owned()),
        ("another state", format!("code=c&state={changed}")),
        ("another browser's", format!("code=c&state={}", other.query["state"])),
        ("short", "code=c&state=x".to_owned()),
        ("not ASCII", "code=c&state=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9".to_owned()),
        ("two states", format!("code=c&state={state}&state={state}")),
        ("two codes", format!("code=c&code=d&state={state}")),
        ("nothing", String::new()),
    ] {
        assert_eq!(refused(&browser.page(&edge, &format!("{CALLBACK}?{query}"))), 400, "{what}");
    }
    // Login CSRF: the attacker's answer in the victim's browser, with or without an attempt of the victim's own.
    let mut attacker = Browser::at("app.test");
    let of_attacker = attacker.begins(&edge, "/");
    let link = format!("{CALLBACK}?code=attackers&state={}", of_attacker.query["state"]);
    assert_eq!(refused(&browser.page(&edge, &link)), 400);
    assert_eq!(refused(&Browser::at("app.test").page(&edge, &link)), 400);
    assert_eq!(idp.count("/token"), 0, "nothing of this was asked about");

    // Twice: the second is refused here, whatever the provider would say.
    let mut copy = browser.clone();
    assert_eq!(browser.returns(&edge, &idp, &begun, &tokens(&begun)).status, 303);
    assert_eq!(refused(&copy.returns(&edge, &idp, &begun, &tokens(&begun))), 400);
    assert_eq!(idp.count("/token"), 1);
    // Too late.
    let begun = browser.begins(&edge, "/.tollgate/sign-in");
    edge.clock.advance(Duration::from_secs(601));
    assert_eq!(refused(&browser.returns(&edge, &idp, &begun, &tokens(&begun))), 400);
    for method in ["HEAD", "POST", "PUT"] {
        let mut connection = edge.connect();
        connection.write(&browser.request(method, &link, &[]));
        assert!(connection.read_until("\r\n\r\n").starts_with("HTTP/1.1 405 "), "{method}");
    }
}

#[test]
fn what_the_provider_refuses_is_told_in_our_own_words() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    for (error, status) in
        [("access_denied", 403), ("login_required", 403), ("server_error", 502), ("%3Cscript%3E", 502)]
    {
        let mut browser = Browser::at("app.test");
        let begun = browser.begins(&edge, "/a?b");
        let query = format!("error={error}&error_description=%3Cscript%3Eevil&state={}", begun.query["state"]);
        let answer = browser.page(&edge, &format!("{CALLBACK}?{query}"));
        assert_eq!(refused(&answer), status, "{error}");
        assert!(!answer.body.contains("script") && answer.body.contains("href=\"/a?b\""), "{}", answer.body);
        assert!(browser.cookies.is_empty(), "the attempt is over");
    }
    let both = |query: &str| {
        let mut browser = Browser::at("app.test");
        let state = browser.begins(&edge, "/").query["state"].clone();
        refused(&browser.page(&edge, &format!("{CALLBACK}?{query}&state={state}")))
    };
    assert_eq!((both("error=access_denied&code=c"), both("x=y")), (400, 400));
    // RFC 9207 §2.4: who says that it is another issuer is not believed to be ours.
    assert_eq!((both("code=c&iss=https://evil.test"), both("error=access_denied&iss=https://evil.test")), (400, 400));
    assert_eq!(idp.count("/token"), 0);
}

/// OpenID Connect Core §3.1.3.7.
#[test]
fn an_id_token_that_is_not_for_this_sign_in_signs_nobody_in() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let attempt = |change: &dyn Fn(&mut Value)| {
        let mut browser = Browser::at("app.test");
        let begun = browser.begins(&edge, "/");
        let mut claims = id_claims(&begun);
        change(&mut claims);
        refused_or(&browser.returns(&edge, &idp, &begun, &with_claims(&claims)))
    };
    assert_eq!(attempt(&|_| ()), 303);
    assert_eq!(attempt(&|claims| claims["aud"] = json!(["web", "api"])), 502, "several, and nobody says which");
    let cases: [(&str, Value); 11] = [
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("app")),
        ("azp", json!("app")),
        ("iss", json!("https://evil.test")),
        ("sub", json!("")),
        ("exp", json!(NOW.seconds() - 60)),
        ("iat", json!(NOW.seconds() + 600)),
        ("token_use", json!("access")),
        ("typ", json!("Bearer")),
        ("scope", json!("openid")),
    ];
    for (name, value) in cases {
        assert_eq!(attempt(&|claims| claims[name] = value.clone()), 502, "{name}: {value}");
    }
    let other_token = |id_token: Value| {
        let mut browser = Browser::at("app.test");
        let begun = browser.begins(&edge, "/");
        let mut all = tokens(&begun);
        let forged = signed(&second_key(), &id_claims(&begun));
        all["id_token"] = if id_token == "forged" { json!(forged) } else { id_token };
        refused_or(&browser.returns(&edge, &idp, &begun, &all))
    };
    for token in [json!("forged"), json!("x"), json!(""), json!(7), Value::Null, json!(good_token())] {
        assert_eq!(other_token(token.clone()), 502, "{token}");
    }
}

fn refused_or(answer: &Answer) -> u16 {
    if answer.status == 303 { 303 } else { refused(answer) }
}

#[test]
fn a_token_endpoint_that_does_not_do_as_it_should_signs_nobody_in() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "timeout = \"300ms\"");
    let ask = |reaction: &dyn Fn(&Begun) -> Reaction| {
        let mut browser = Browser::at("app.test");
        let begun = browser.begins(&edge, "/");
        idp.react("/token", reaction(&begun));
        refused(&browser.page(&edge, &format!("{CALLBACK}?code=c&state={}", begun.query["state"])))
    };
    let answer = |status: u16, body: String| Reaction::Answer(status, String::new(), body);
    let without = |begun: &Begun, name: &str| {
        let mut all = tokens(begun);
        all.as_object_mut().unwrap().remove(name);
        all.to_string()
    };
    assert_eq!(ask(&|_| answer(400, "{\"error\":\"invalid_grant\"}".into())), 400);
    assert_eq!(ask(&|_| answer(400, "{\"error\":\"invalid_client\"}".into())), 502);
    assert_eq!(ask(&|begun| answer(401, tokens(begun).to_string())), 502);
    assert_eq!(ask(&|_| answer(503, String::new())), 503);
    assert_eq!(ask(&|begun| answer(200, without(begun, "access_token"))), 502);
    assert_eq!(ask(&|begun| answer(200, without(begun, "id_token"))), 502);
    assert_eq!(ask(&|begun| answer(200, without(begun, "token_type"))), 502);
    assert_eq!(
        ask(&|begun| answer(200, tokens(begun).to_string().replacen('{', "{\"token_type\":\"Bearer\",", 1))),
        502
    );
    assert_eq!(ask(&|begun| answer(200, tokens(begun).to_string().replace("\"Bearer\"", "\"DPoP\""))), 502);
    assert_eq!(ask(&|_| answer(200, "x".repeat(100_000))), 503);
    assert_eq!(ask(&|_| answer(200, "[]".into())), 502);
    assert_eq!(ask(&|_| Reaction::Answer(307, format!("location: {}\r\n", idp.url("/x")), String::new())), 503);
    assert_eq!(ask(&|_| Reaction::Hang), 503);
    assert_eq!(ask(&|_| Reaction::Rubbish), 503);
    assert_eq!(idp.count("/x"), 0, "a code is sent to no other place");
}

#[test]
fn a_link_to_sign_in_leads_back_to_this_host_alone() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    for (asked, expected) in [
        ("/orders?x=1", "/orders?x=1"),
        ("//evil.test", "/"),
        ("/%5Cevil.test", "/"),
        ("%2F%2Fevil.test", "/"),
        ("/%2F/evil.test", "/"),
        ("https:%2F%2Fevil.test", "/"),
        ("%09//evil.test", "/"),
    ] {
        let mut browser = Browser::at("app.test");
        let target = format!("/.tollgate/sign-in?return={}", asked.replace('?', "%3F"));
        let begun = browser.begins(&edge, &target);
        let answer = browser.returns(&edge, &idp, &begun, &tokens(&begun));
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)), "{asked}");
    }
    // A page's own path can't be one that browsers take for a host.
    for target in ["//evil.test", "/\\evil.test", "/%5Cevil.test", "/a/..//evil.test"] {
        assert_eq!(Browser::at("app.test").page(&edge, target).status, 400, "{target}");
    }
    // Whoever names another host is led nowhere by it.
    assert_eq!(Browser::at("evil.test").page(&edge, "/").status, 404);
    assert_eq!(Browser::at("evil.test").page(&edge, "/.tollgate/sign-in").status, 404);
    let forwarded = [("accept", "text/html"), ("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "http")];
    let begun = Begun::of(&Browser::at("app.test").send(&edge, "GET", "/", &forwarded));
    assert_eq!(begun.query["redirect_uri"], "https://app.test/.tollgate/callback");
}

fn metadata(idp: &Idp, iss: &str) -> Value {
    json!({
        "issuer": iss, "authorization_endpoint": "https://login.test/a", "token_endpoint": idp.url("/token"),
        "end_session_endpoint": "https://login.test/bye", "authorization_response_iss_parameter_supported": true,
    })
}

/// By an issuer that is this very server.
fn discovering(idp: &Idp, more: &str) -> Edge {
    let iss = idp.url("/realm");
    let routes = format!(
        "[[issuer]]\nname = \"here\"\niss = \"{iss}\"\nprofile = \"cognito\"\njwks = {{ file = \"jwks.json\" }}\n\
         [[sign_in]]\nname = \"web\"\nissuer = \"here\"\nclient_id = \"web\"\n{more}\n\
         [[route]]\nmatch = {{ host = \"app.test\" }}\nupstream = \"echo\"\nsign_in = \"web\"\ntoken = {{ issuers = [\"here\"] }}\n"
    );
    Edge::start_with_routes(&routes)
}

#[test]
fn the_provider_is_where_its_own_metadata_says() {
    let idp = Idp::start();
    let (iss, place) = (idp.url("/realm"), "/realm/.well-known/openid-configuration");
    let edge = discovering(&idp, "client_secret_file = \"jwks.json\"\nauth = \"post\"");
    let mut browser = Browser::at("app.test");
    let unready = browser.page(&edge, "/");
    assert_eq!((unready.status, unready.header("retry-after")), (503, Some("5")), "{unready:?}");
    idp.answer(place, metadata(&idp, "https://evil.test").to_string());
    edge.clock.advance(Duration::from_secs(5));
    assert_eq!(browser.page(&edge, "/").status, 503, "of another issuer");
    idp.answer(place, metadata(&idp, &iss).to_string());
    assert_eq!(browser.page(&edge, "/").status, 503, "not asked again at once");
    edge.clock.advance(Duration::from_secs(5));
    let asked = idp.count(place);
    for _ in 0..3 {
        assert_eq!(browser.begins(&edge, "/").place, "https://login.test/a");
    }
    assert_eq!(idp.count(place), asked + 1);
    // RFC 9207 §2.4: who says that answers name their issuer, must.
    let mut attempt = |more: &str| {
        let begun = browser.begins(&edge, "/.tollgate/sign-in");
        let mut id = id_claims(&begun);
        id["iss"] = json!(iss);
        idp.answer("/token", with_claims(&id).to_string());
        browser.page(&edge, &format!("{CALLBACK}?code=c&state={}{more}", begun.query["state"])).status
    };
    assert_eq!(
        (attempt(""), attempt("&iss=https%3A%2F%2Fevil.test"), attempt(&format!("&iss={iss}"))),
        (400, 400, 303)
    );
    let sent = form(&idp.hits("/token")[0].body);
    assert!(sent["client_id"] == "web" && sent["client_secret"].starts_with('{'), "{sent:?}");
    // What was known goes on while the provider is away.
    idp.goes_away();
    edge.clock.advance(Duration::from_secs(700));
    assert_eq!(browser.begins(&edge, "/.tollgate/sign-in").place, "https://login.test/a");
    assert_ne!(nobody(), idp.address);
}
