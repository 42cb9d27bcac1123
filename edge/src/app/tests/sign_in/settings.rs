//! Settings: tokens by which sessions go, reloads, the log, and what is told of a route.

use std::time::Duration;

use http::Request;

use super::super::harness::free_addresses;
use super::super::idp::Idp;
use super::super::operations::{lines, log_to_file};
use super::super::origins::h2_client;
use super::*;

/// A provider whose access tokens only it can read: the ID token says who it is.
#[test]
fn sessions_may_go_by_the_id_token() {
    let idp = Idp::start();
    let routes = format!(
        "[[issuer]]\nname = \"any\"\niss = \"https://any.test\"\nprofile = \"openid\"\njwks = {{ file = \"jwks.json\" }}\n\
         [[sign_in]]\nname = \"any\"\nissuer = \"any\"\nclient_id = \"web\"\ntoken = \"id\"\n\
         authorization_endpoint = \"https://any.test/a\"\ntoken_endpoint = \"{}\"\n\
         [[route]]\nmatch = {{ host = \"app.test\" }}\nupstream = \"echo\"\nsign_in = \"any\"\n\
         token = {{ issuers = [\"any\"], use = \"id\", audiences = [\"web\"] }}\n\
         headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\", \"x-email\" = \"{{email}}\" }} }}\n",
        idp.url("/token")
    );
    let edge = Edge::start_with_routes(&routes);
    let mut browser = Browser::at("app.test");
    let begun = browser.begins(&edge, "/");
    let id = |seconds: u64| {
        json!({
            "iss": "https://any.test", "sub": "ada", "aud": "web", "nonce": begun.query["nonce"], "email": "ada@example.com",
            "exp": NOW.seconds() + seconds, "iat": NOW.seconds(),
        })
    };
    let mut all = with_claims(&id(600));
    all["access_token"] = json!("opaque");
    assert_eq!(browser.returns(&edge, &idp, &begun, &all).status, 303);
    let answer = browser.page(&edge, "/");
    assert!(is_served(&answer) && answer.echoed("x-email") == ["ada@example.com"], "{answer:?}");
    edge.clock.advance(Duration::from_secs(570));
    all["id_token"] = json!(signed(&signing_key(), &id(1_200)));
    idp.answer("/token", all.to_string());
    assert!(is_served(&browser.page(&edge, "/")));
    edge.clock.advance(Duration::from_secs(300));
    assert!(is_served(&browser.page(&edge, "/")), "by the new one");
    assert_eq!(idp.count("/token"), 2);
}

#[test]
fn a_reload_keeps_sessions_and_what_is_on_its_way() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "");
    let (mut browser, mut on_its_way) = (Browser::at("app.test"), Browser::at("app.test"));
    browser.signs_in(&edge, &idp);
    let begun = on_its_way.begins(&edge, "/");
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    assert!(is_served(&browser.page(&edge, "/")));
    assert_eq!(on_its_way.returns(&edge, &idp, &begun, &tokens(&begun)).status, 303);
    let text = std::fs::read_to_string(edge.config_file()).unwrap();
    std::fs::write(edge.config_file(), text.replace("sign_in = \"web\"\n", "")).unwrap();
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    assert_eq!(browser.page(&edge, "/").status, 401, "a route without sign-in goes by Authorization alone");
}

/// E22: what happened and to whom, and nothing by which anybody could do it again.
#[test]
fn the_log_tells_of_sign_ins_without_their_secrets() {
    let idp = Idp::start();
    let edge = edge_with(&idp, "identity = { header = \"x-identity\" }");
    let log = log_to_file(&edge, "access = \"all\"");
    let mut browser = Browser::at("app.test");
    let begun = browser.begins(&edge, "/orders?q=secret-query");
    let all = tokens(&begun);
    assert_eq!(browser.returns(&edge, &idp, &begun, &all).status, 303);
    let answer = browser.page(&edge, "/orders");
    let mut secrets: Vec<String> = browser.cookies.values().cloned().collect();
    secrets.extend(["access_token", "refresh_token", "id_token"].map(|name| all[name].as_str().unwrap().to_owned()));
    secrets.extend([begun.query["state"].clone(), begun.query["nonce"].clone(), "c0de".into(), "secret-query".into()]);
    secrets.extend(answer.echoed("x-identity"));
    browser.page(&edge, "/.tollgate/sign-out");
    let told: Vec<_> = lines(&log, 4).iter().map(|line| (line["detail"].clone(), line["status"].clone())).collect();
    let expected = [(json!("sign_in"), 302), (json!("signed_in"), 303), (Value::Null, 200), (json!("signed_out"), 200)];
    assert_eq!(told, expected.map(|(detail, status)| (detail, json!(status))));
    let text = std::fs::read_to_string(&log).unwrap();
    let metrics = edge.admin("GET", "/metrics").body;
    for secret in secrets {
        assert!(!text.contains(&secret) && !metrics.contains(&secret), "{secret}");
    }
}

/// As browsers come: by TLS and HTTP/2, the cookies in fields of their own (RFC 9113 §8.2.3).
#[test]
fn people_sign_in_by_http_2() {
    let idp = Idp::start();
    let [address, _] = free_addresses();
    let listen = format!("https = \"{address}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}");
    let given =
        format!("authorization_endpoint = \"https://login.test/a\"\ntoken_endpoint = \"{}\"", idp.url("/token"));
    let edge = edge_listening(&listen, &given);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut browser = Browser::at("app.test");
    runtime.block_on(async {
        let client = h2_client(address, &edge.certificate).await;
        let ask = async |browser: &mut Browser, target: String| {
            let mut request = Request::builder().uri(format!("https://app.test{target}")).header("accept", "text/html");
            for (name, value) in &browser.cookies {
                request = request.header("cookie", format!("{name}={value}"));
            }
            let mut client = client.clone().ready().await.unwrap();
            let (response, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
            let (head, mut body) = response.await.unwrap().into_parts();
            let mut bytes = Vec::new();
            while let Some(piece) = body.data().await {
                bytes.extend_from_slice(&piece.unwrap());
            }
            let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
            };
            let headers = head.headers.iter().map(text).collect();
            let answer = Answer { status: head.status.as_u16(), headers, body: String::from_utf8(bytes).unwrap() };
            browser.take(&answer);
            answer
        };
        let begun = Begun::of(&ask(&mut browser, "/orders".into()).await);
        assert_eq!(begun.query["redirect_uri"], "https://app.test/.tollgate/callback");
        let mut all = tokens(&begun);
        all["refresh_token"] = json!("+".repeat(6_000));
        idp.answer("/token", all.to_string());
        let answer = ask(&mut browser, format!("{CALLBACK}?code=c&state={}", begun.query["state"])).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/orders")), "{answer:?}");
        assert_eq!(browser.cookies.len(), 3);
        let answer = ask(&mut browser, "/orders".into()).await;
        assert!(is_served(&answer) && answer.echoed("cookie").is_empty(), "{answer:?}");
    });
}
