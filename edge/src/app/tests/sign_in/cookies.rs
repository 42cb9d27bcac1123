//! Cookies that are not what the edge has set, or not for here and now.

use std::time::Duration;

use serde_json::json;

use super::super::harness::Edge;
use super::super::idp::Idp;
use super::*;

const KEY: &str = "key_file = \"cookie.key\"";

/// A page asked for with this Cookie field; the browser is not asked.
fn page_with(edge: &Edge, host: &str, fields: &[&str]) -> Answer {
    let mut text = format!("GET / HTTP/1.1\r\nHost: {host}\r\naccept: text/html\r\n");
    fields.iter().for_each(|field| text.push_str(&format!("cookie: {field}\r\n")));
    text.push_str("\r\n");
    edge.send(text.as_bytes())
}

#[test]
fn a_session_that_is_not_whole_and_ours_is_none() {
    let idp = Idp::start();
    let edge = edge_with(&idp, KEY);
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    let good = browser.session().unwrap().clone();
    let name = "__Host-tg-session";
    let status = |field: &str| page_with(&edge, "app.test", &[field]).status;
    assert_eq!(status(&format!("{name}={good}")), 200);
    assert_eq!(
        page_with(&edge, "app.test", &["a=b; c", &format!("{name}={good}")]).status,
        200,
        "in fields of their own"
    );
    let middle = good.len() / 2;
    let swapped = if good.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let tampered = format!("{}{swapped}{}", &good[..middle], &good[middle + 1..]);
    for (what, field) in [
        ("tampered with", format!("{name}={tampered}")),
        ("cut short", format!("{name}={}", &good[..good.len() - 1])),
        ("longer", format!("{name}={good}A")),
        ("twice", format!("{name}={good}; {name}={good}")),
        ("twice, one bad", format!("{name}=1.x; {name}={good}")),
        ("another name", format!("tg-session={good}")),
        ("another case", format!("__host-tg-session={good}")),
        ("as another part", format!("{name}.1={good}")),
        ("more parts announced", format!("{name}=2.{}", &good[2..])),
        ("huge", format!("{name}=1.{}", "A".repeat(20_000))),
        ("no text", format!("{name}=1.\u{e9}")),
        ("in quotes", format!("{name}=\"{good}\"")),
    ] {
        assert_eq!(status(&field), 302, "{what}");
    }
    assert_eq!(page_with(&edge, "two.test", &[&format!("{name}={good}")]).status, 302, "of another host");

    // The cookie of an attempt is no session, and a session none of an attempt.
    let begun = browser.begins(&edge, "/.tollgate/sign-in");
    let attempt = browser.cookies.iter().find(|(name, _)| name.contains(".t-")).unwrap();
    assert_eq!(status(&format!("{name}=1.{}", attempt.1)), 302);
    let mut mixed = Browser::at("app.test");
    mixed.cookies.insert(attempt.0.clone(), good.strip_prefix("1.").unwrap().to_owned());
    assert_eq!(mixed.returns(&edge, &idp, &begun, &tokens(&begun)).status, 400);
}

#[test]
fn edges_with_one_key_share_sessions_and_others_do_not() {
    let idp = Idp::start();
    let edge = edge_with(&idp, KEY);
    let mut browser = Browser::at("app.test");
    browser.signs_in(&edge, &idp);
    assert!(is_served(&browser.clone().page(&edge_with(&idp, KEY), "/")));
    assert_eq!(browser.clone().page(&edge_with(&idp, ""), "/").status, 302, "a key of its own");
    let other_client = edge_with(&idp, KEY);
    let file = other_client.config_file();
    let text = std::fs::read_to_string(&file).unwrap().replace("client_id = \"web\"", "client_id = \"app\"");
    std::fs::write(&file, text).unwrap();
    assert_eq!(other_client.admin("POST", "/reload").status, 200);
    assert_eq!(browser.clone().page(&other_client, "/").status, 302, "of another client");

    // A key that replaces another one opens what that one has sealed, until it is taken out.
    let keys = edge.config_file().with_file_name("cookie.key");
    for (text, status) in [(format!("{}\n{}", "b".repeat(32), "a".repeat(32)), 200), ("b".repeat(32), 302)] {
        std::fs::write(&keys, text).unwrap();
        assert_eq!(edge.admin("POST", "/reload").status, 200);
        assert_eq!(browser.clone().page(&edge, "/").status, status);
    }
}

#[test]
fn a_session_ends_when_its_time_is_over_or_nobody_uses_it() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "session = \"1h\"\nidle = \"16m\"");
    let mut browser = Browser::at("app.test");
    let begun = browser.begins(&edge, "/");
    let mut all = tokens(&begun);
    all["access_token"] = json!(access(100_000, "long"));
    all["expires_in"] = json!(100_000);
    browser.returns(&edge, &idp, &begun, &all);
    let left_alone = browser.clone();
    for minutes in [1, 2, 12, 12, 12, 12] {
        edge.clock.advance(Duration::from_secs(minutes * 60));
        let answer = browser.page(&edge, "/");
        assert!(is_served(&answer), "{answer:?}");
        assert_eq!(set_cookies(&answer).is_empty(), minutes == 1, "noted now and then");
    }
    assert_eq!(left_alone.clone().page(&edge, "/").status, 302, "not used for long");
    edge.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(browser.page(&edge, "/").status, 302, "an hour is over, though it was used");
}

#[test]
fn a_long_session_fills_several_cookies_and_a_longer_one_is_refused() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    let mut sign_in = |refresh: usize| {
        let begun = browser.begins(&edge, "/.tollgate/sign-in");
        let mut all = tokens(&begun);
        all["refresh_token"] = json!("+".repeat(refresh));
        let answer = browser.returns(&edge, &idp, &begun, &all);
        (answer.status, browser.clone())
    };
    let (status, mut long) = sign_in(9_000);
    assert_eq!((status, long.cookies.len()), (303, 4));
    let answer = long.page(&edge, "/");
    assert!(is_served(&answer) && answer.echoed("cookie").is_empty(), "{answer:?}");
    let mut without = long.clone();
    without.cookies.remove("__Host-tg-session.2");
    assert_eq!(without.page(&edge, "/").status, 302);
    let (status, mut short) = sign_in(10);
    assert_eq!((status, short.cookies.len()), (303, 1), "what is left of the longer one is cleared");
    assert!(is_served(&short.page(&edge, "/")));
    let (status, kept) = sign_in(20_000);
    assert_eq!((status, kept.cookies.len()), (502, 1), "the session before stays");
}

#[test]
fn several_tabs_sign_in_side_by_side_and_no_more_than_some() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let mut browser = Browser::at("app.test");
    let begun: Vec<Begun> = (0..7)
        .map(|tab| {
            edge.clock.advance(Duration::from_secs(1));
            browser.begins(&edge, &format!("/tab/{tab}"))
        })
        .collect();
    assert_eq!(browser.cookies.len(), 5);
    for (tab, begun) in begun.iter().enumerate().rev() {
        let answer = browser.returns(&edge, &idp, begun, &tokens(begun));
        match tab {
            0 | 1 => assert_eq!(answer.status, 400, "{tab}: driven out by later ones"),
            _ => assert_eq!(answer.header("location"), Some(format!("/tab/{tab}").as_str())),
        }
    }
    assert_eq!(browser.cookies.len(), 1, "{:?}", browser.cookies.keys());
}
