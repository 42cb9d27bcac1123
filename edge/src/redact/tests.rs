use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { fields: 100, value: 4_096, headers: 16_384 };

fn none() -> Redacted {
    Redacted::default()
}

fn one(name: &str, value: &str) -> String {
    header(name, value.as_bytes(), &none())
}

#[test]
fn headers_that_are_secret_by_their_names() {
    for name in [
        "authorization",
        "proxy-authorization",
        "x-amz-security-token",
        "dpop",
        "x-aws-waf-token",
        "x-api-key",
        "X_Auth_Token",
        "x-csrf-token",
        "sec-websocket-protocol",
        "x-session-id",
        "x-amz-cognito-secret",
        "x-tollgate-identity",
        "from",
        "x-user-email",
        "X-Username",
        "x-user-name",
        "x-forwarded-user",
        "x-phone-number",
    ] {
        assert_eq!(one(name, "hunter2"), REDACTED, "{name}");
    }
    for name in ["host", "user-agent", "accept", "x-forwarded-for", "x-amz-target", "content-type", "x-request-id"] {
        assert_eq!(one(name, "plain"), "plain", "{name}");
    }
    assert_eq!(one("cookie", "a=1; aws-waf-token=hunter2;lonely"), "a=REDACTED; aws-waf-token=REDACTED; REDACTED");
}

#[test]
fn arguments_that_name_people() {
    for name in [
        "user_name",
        "userName",
        "UserName",
        "user-name",
        "username",
        "login",
        "loginId",
        "last_login",
        "mail",
        "alternateMail",
        "e-mail",
        "eMail",
        "emailAddress",
        "EMAIL",
        "user[email]",
        "user%5Bemail%5D",
        "user[login]",
        "people[0][mail][]",
        "session[code]",
        "phoneNumber",
        "deviceKey",
        "RelayState",
    ] {
        assert_eq!(query(&format!("{name}=ada&q=1"), &none(), BOUNDS), format!("{name}=REDACTED&q=1"));
        assert_eq!(
            one("referer", &format!("https://a.test/b?{name}=ada")),
            format!("https://a.test/b?{name}=REDACTED")
        );
    }
    for name in ["mailing", "blogin", "users", "page[size]", "from", "name", "sortKeyword", "encode"] {
        assert_eq!(query(&format!("{name}=ada"), &none(), BOUNDS), format!("{name}=ada"));
    }
    let plain = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
    assert_eq!(one("user-agent", plain), plain);
}

#[test]
fn what_the_operator_names_goes_whole() {
    let redacted = Redacted {
        method: true,
        path: true,
        query: true,
        headers: vec!["user-agent".into(), "cookie".into()],
        arguments: vec!["coupon".into()],
    };
    assert_eq!(method("GET", &redacted), REDACTED);
    assert_eq!(path("/a", &redacted, BOUNDS), REDACTED);
    assert_eq!(query("a=1", &redacted, BOUNDS), REDACTED);
    assert_eq!(query("", &redacted, BOUNDS), "");
    assert_eq!(header("User-Agent", b"curl", &redacted), REDACTED);
    assert_eq!(header("cookie", b"a=1", &redacted), REDACTED);
    let redacted = Redacted { query: false, ..redacted };
    assert_eq!(
        query("coupon=X&c=1&Coupon=Y&cou%70on=Z", &redacted, BOUNDS),
        "coupon=REDACTED&c=1&Coupon=REDACTED&cou%70on=REDACTED"
    );
}

#[test]
fn secrets_in_queries_paths_and_urls() {
    let query = |text: &str| query(text, &none(), BOUNDS);
    assert_eq!(query("code=abc&state=x&q=tea"), "code=REDACTED&state=REDACTED&q=tea");
    assert_eq!(query("%70assword=abc&access_token=&a"), "%70assword=REDACTED&access_token=&a");
    assert_eq!(query("next=https%3A%2F%2Fa%2Fb%3Fcode%3Dabc&q=1%27+OR+1%3D1"), "next=REDACTED&q=1%27+OR+1%3D1");
    assert_eq!(query("q=%27+UNION+SELECT+password+FROM+users--"), "q=%27+UNION+SELECT+password+FROM+users--");
    assert_eq!(path("/a;jsessionid=abc/b", &none(), BOUNDS), "/a;jsessionid=REDACTED");
    assert_eq!(path("/verify/eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.x", &none(), BOUNDS), "/verify/REDACTED");
    let referer = |text: &str| one("referer", text);
    assert_eq!(
        referer("https://auth.test:8443/cb?code=abc&a=1#id_token=abc"),
        "https://auth.test:8443/cb?code=REDACTED&a=1#id_token=REDACTED"
    );
    assert_eq!(referer("https://ada:hunter2@api.test/x"), "https://REDACTED@api.test/x");
    assert_eq!(one("x-note", r#"{"password": "a b:c", "n": 1}"#), r#"{"password": "REDACTED", "n": 1}"#);
    assert_eq!(one("forwarded", "for=192.0.2.1;secret=abc;proto=https"), "for=192.0.2.1;secret=REDACTED;proto=https");
}

#[test]
fn secrets_by_their_form() {
    assert_eq!(one("x-note", "Bearer abc"), "Bearer REDACTED");
    assert_eq!(one("x-note", "please use basic YTpi"), "please use basic REDACTED");
    assert_eq!(one("x-note", "a eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.x b"), "a REDACTED b");
    let plain = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    assert_eq!(one("user-agent", plain), plain);
}

#[test]
fn texts_are_cut_and_fields_are_counted() {
    let mut map = HeaderMap::new();
    for number in 0..10 {
        map.append(
            HeaderName::from_static("x"),
            HeaderValue::from_str(&format!("{number}{}", "y".repeat(99))).unwrap(),
        );
    }
    let bounds = Bounds { fields: 8, value: 50, headers: 200 };
    let told = headers(&map, &none(), bounds);
    assert_eq!(told.len(), 3, "three of 51 bytes are within 200");
    assert!(told.iter().all(|(_, value)| value.len() <= 50 && value.ends_with('…')), "{told:?}");
    assert_eq!(cut("äöü", 4), "…");
    assert_eq!(cut("äöü", 5), "ä…");
}

/// Much of what is replaced, again and again: this would hardly end if each replacement began anew.
#[test]
fn all_is_looked_at_once() {
    for unit in [
        "://a@/",
        "eyJa.b.c ",
        "eyJ",
        "bearer ",
        "a@://",
        "://",
        "a=%2525",
        "code=\"a\" ",
        "?code=a",
        "&%63ode=a#",
        "a:'",
    ] {
        let text = unit.repeat((1 << 18) / unit.len());
        let told = text::scrubbed(&text, &[]);
        assert!(told.len() <= 4 * text.len(), "{unit}");
        assert!(text::query(&text, &[]).len() <= 4 * text.len(), "{unit}");
    }
    let users = text::scrubbed("://a@/", &[]).repeat(1_000);
    assert_eq!(text::scrubbed(&"://a@/".repeat(1_000), &[]), users);
    assert_eq!(one("x-note", "eyJa.b.c://eyJa.b.c@h basic dpop x"), "REDACTED://REDACTED@h basic REDACTED");
    assert_eq!(one("x-note", "a://b:eyJa.b.c@d://e@f bearer "), "a://REDACTED@d://REDACTED@f bearer ");
}

/// Sixty bytes are told, so 240 are looked at.
#[test]
fn of_a_long_text_nobody_knows_the_rest() {
    let bounds = Bounds { value: 60, ..BOUNDS };
    let long = "x".repeat(220);
    let told = |text: &str| {
        let mut map = HeaderMap::new();
        map.insert("x-note", HeaderValue::from_str(text).unwrap());
        headers(&map, &none(), bounds).remove(0).1
    };
    assert_eq!(told(&format!("token={long} tea with milk!")), "token=REDACTED tea with REDACTED…");
    assert_eq!(told(&format!("token={long} and tea")), "token=REDACTED and tea");
    assert_eq!(told(&long.repeat(2)), "REDACTED…");
    assert_eq!(query(&format!("token={long}&a=tea&b=with+milk"), &none(), bounds), "token=REDACTED&a=tea&REDACTED…");
    assert_eq!(path(&format!("/token={long}/tea/with/milk"), &none(), bounds), "/token=REDACTED…");
    let cookie = header("cookie", format!("a={};b=1", "x".repeat(5_000)).as_bytes(), &none());
    assert_eq!(cookie, "a=REDACTED");
}

proptest! {
    /// Wherever the end of what is looked at falls.
    #[test]
    fn no_half_of_a_secret_is_told(
        // No two letters of what is told anyway.
        secret in "[vwVW3-9]{24}",
        form in prop::sample::select(vec!["https://ada:{}@a.test/", "https%3A%2F%2Fada%3A{}%40a.test", "eyJhbGciOiJub25lIn0.{}.x", "eyJhbGciOiJub25lIn0%2E{}%2Ex"]),
        before in 4_030_usize..4_100,
    ) {
        let text = format!("token={} {}", "x".repeat(before - 7), form.replace("{}", &secret));
        for told in [one("x-note", &text), value(&text[before - 1_024..], &none()), path(&text, &none(), Bounds::ONE),
            query(&text.replace(' ', "&"), &none(), Bounds::ONE)] {
            prop_assert!(!told.contains(&secret[..2]) || told.len() > 1_000, "{told}");
            prop_assert!(!told.contains(&secret[..4]), "{told}");
        }
    }

    /// Whatever the case of the name, the place and the neighbours.
    #[test]
    fn no_secret_is_told(
        secret in "[A-Za-z0-9]{12,24}",
        name in prop::sample::select(vec!["Authorization", "Cookie", "DPoP", "X-Amz-Security-Token", "x-aws-waf-token", "Proxy-Authorization",
            "X-Api-Key", "x_access_token", "Sec-WebSocket-Protocol"]),
        form in prop::sample::select(vec!["{}", "Bearer {}", "a={}; b=1", "x {} y", "aws-waf-token={}", "{}={}", "=;{};"]),
    ) {
        let value = form.replace("{}", &secret);
        let told = header(name, value.as_bytes(), &Redacted::default());
        prop_assert!(!told.contains(&secret) || form == "{}={}" && name == "Cookie", "{name}: {value} is told as {told}");
    }

    /// In every place where an argument may stand.
    #[test]
    fn no_secret_argument_is_told(
        secret in "[A-Za-z0-9]{12,24}",
        name in prop::sample::select(vec!["code", "access_token", "Password", "client_secret", "code_verifier", "SAMLResponse", "id_token_hint", "state"]),
        before in "[a-z0-9&=/.]{0,12}",
        after in "[a-z0-9&=/.;]{0,12}",
    ) {
        let pair = format!("{before}&{name}={secret}{after}");
        let said = query(&pair, &Redacted::default(), BOUNDS);
        prop_assert!(!said.contains(&secret), "{pair} is told as {said}");
        let escaped: String = pair.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for url in [format!("https://a.test/b?{pair}"), format!("https://a.test/b#{pair}"), format!("https://a.test/b?to=/x?{pair}")] {
            let told = header("referer", url.as_bytes(), &Redacted::default());
            prop_assert!(!told.contains(&secret), "{url} is told as {told}");
        }
        let nested = query(&format!("to={escaped}"), &Redacted::default(), BOUNDS);
        prop_assert_eq!(nested, "to=REDACTED");
    }

    #[test]
    fn nothing_panics_and_nothing_grows_without_end(text in ".{0,200}") {
        for told in [one("x-note", &text), query(&text, &none(), BOUNDS), path(&text, &none(), BOUNDS), one("cookie", &text)] {
            prop_assert!(told.len() <= 16 * (text.len() + 8));
        }
    }
}
