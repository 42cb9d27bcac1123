//! Against servers on this machine that answer what the test says.

use std::sync::Arc;

use common::clock::FakeClock;
use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::fixture::{Server, answer};
use super::*;

fn client(config: &Config) -> (Outbound, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::at(UnixMillis(1_790_000_000_000)));
    (Outbound::new(config, clock.clone()).unwrap(), clock)
}

fn private() -> Config {
    Config { allow_private: true, ca_file: None }
}

const JSON: &str = "200 OK\r\nContent-Type: application/json; charset=utf-8";

#[tokio::test]
async fn a_document_comes_and_says_how_long_it_is_good() {
    let server = Server::says(answer(&format!("{JSON}\r\nCache-Control: max-age=600"), "{}")).await;
    let (client, clock) = client(&private());
    let document = client.get(&server.url("/a?b=c"), Kind::Json).await.unwrap();
    assert_eq!((&document.body[..], document.until), (&b"{}"[..], clock.now().plus(Duration::from_secs(600))));
    let seen = server.seen();
    assert!(
        seen.starts_with("GET /a?b=c HTTP/1.1\r\n") && seen.contains(&format!("host: {}\r\n", server.authority())),
        "{seen}"
    );
    assert!(seen.contains("accept: application/json\r\n"), "{seen}");
}

#[tokio::test]
async fn without_leave_nothing_here_is_even_connected_to() {
    let server = Server::says(answer(JSON, "{}")).await;
    let (client, _) = client(&Config::default());
    let port = server.port();
    assert_eq!(client.get(&server.url("/"), Kind::Json).await, Err(OutboundError::Address("must be https")));
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f000001"] {
        let outcome = client.get(&format!("https://{host}:{port}/"), Kind::Json).await;
        assert_eq!(outcome, Err(OutboundError::NotPublic), "{host}");
        let outcome = client.post_form(&format!("https://{host}:{port}/"), "a=b".into()).await;
        assert_eq!(outcome, Err(OutboundError::NotPublic), "{host}");
    }
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn answers_that_are_no_document_are_told_apart() {
    let (client, _) = client(&private());
    let long = "x".repeat(BODY + 1);
    let endless = format!("HTTP/1.1 {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n", long.len());
    let many = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    for (said, error) in [
        (answer("302 Found\r\nLocation: http://169.254.169.254/", ""), OutboundError::Redirect),
        (answer("301 Moved\r\nLocation: /x", ""), OutboundError::Redirect),
        (answer("404 Not Found", "{}"), OutboundError::Status(404)),
        (answer("204 No Content", ""), OutboundError::Status(204)),
        (answer("200 OK\r\nContent-Type: text/html", "{}"), OutboundError::ContentType("application/json")),
        (answer("200 OK", "{}"), OutboundError::ContentType("application/json")),
        (answer("200 OK\r\nContent-Type: text/x+json", "{}"), OutboundError::ContentType("application/json")),
        (answer(&format!("{JSON}\r\nContent-Encoding: gzip"), "{}"), OutboundError::ContentType("application/json")),
        (answer(JSON, &long), OutboundError::TooLong(BODY)),
        (endless, OutboundError::TooLong(BODY)),
        (format!("HTTP/1.1 {JSON}\r\nContent-Length: 10\r\n\r\n{{}}"), OutboundError::Broken),
        (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), OutboundError::Broken),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), OutboundError::Broken),
        (String::new(), OutboundError::Broken),
    ] {
        let server = Server::says(said.clone()).await;
        assert_eq!(client.get(&server.url("/"), Kind::Json).await, Err(error), "{}", said.get(..60).unwrap_or(&said));
        assert_eq!(server.asked(), 1);
    }
    let full = answer(JSON, &"x".repeat(BODY));
    assert_eq!(client.get(&Server::says(full).await.url("/"), Kind::Json).await.unwrap().body.len(), BODY);
    let set = answer("200 OK\r\nContent-Type: application/jwk-set+json", "{}");
    assert!(client.get(&Server::says(set).await.url("/"), Kind::Json).await.is_ok());
    let token = answer("200 OK\r\nContent-Type: application/oauth-authz-req+jwt", "a.b.c");
    assert!(client.get(&Server::says(token).await.url("/"), Kind::Jwt).await.is_ok());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = client.get(&format!("http://{nobody}/"), Kind::Json).await;
    assert_eq!(outcome, Err(OutboundError::Unreachable));
}

#[tokio::test]
async fn a_form_is_posted_and_follows_no_redirect() {
    let (client, _) = client(&private());
    let server = Server::says(answer("204 No Content", "")).await;
    assert_eq!(client.post_form(&server.url("/out"), "logout_token=x".into()).await, Ok(StatusCode::NO_CONTENT));
    let seen = server.seen();
    assert!(seen.starts_with("POST /out HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("content-type: application/x-www-form-urlencoded\r\n"), "{seen}");
    let server = Server::says(answer("400 Bad Request", "no")).await;
    assert_eq!(client.post_form(&server.url("/"), String::new()).await, Ok(StatusCode::BAD_REQUEST));
    let server = Server::says(answer("307 Temporary Redirect\r\nLocation: /x", "")).await;
    assert_eq!(client.post_form(&server.url("/"), String::new()).await, Err(OutboundError::Redirect));
}

#[tokio::test]
async fn silence_has_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deadline = Duration::from_millis(20);
    let client = Outbound { deadline, ..client(&private()).0 };
    let url = format!("http://{}/", listener.local_addr().unwrap());
    assert_eq!(client.get(&url, Kind::Json).await, Err(OutboundError::Timeout(deadline)));
}

#[tokio::test]
async fn a_kept_document_is_fetched_once_by_all_and_anew_when_it_is_due() {
    let server = Server::says(answer(&format!("{JSON}\r\nCache-Control: max-age=600"), "{}")).await;
    let (client, clock) = client(&private());
    let url = server.url("/");
    let all = join_all((0..8).map(|_| client.cached(&url, Kind::Json))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.asked(), 1);
    client.renewed(&url, Kind::Json).await.unwrap();
    assert_eq!(server.asked(), 1, "it was fetched just now");
    clock.advance(Duration::from_secs(61));
    client.cached(&url, Kind::Json).await.unwrap();
    assert_eq!(server.asked(), 1);
    client.renewed(&url, Kind::Json).await.unwrap();
    assert_eq!(server.asked(), 2);
    clock.advance(Duration::from_secs(600));
    client.cached(&url, Kind::Json).await.unwrap();
    assert_eq!(server.asked(), 3);
    assert_eq!(client.cached(&url, Kind::Jwt).await, Err(OutboundError::ContentType("application/jwt")), "kept apart");
}

#[tokio::test]
async fn a_failure_stands_for_a_while() {
    let server = Server::says(answer("500 Internal Server Error", "")).await;
    let (client, clock) = client(&private());
    for _ in 0..3 {
        assert_eq!(client.cached(&server.url("/"), Kind::Json).await, Err(OutboundError::Status(500)));
    }
    assert_eq!(server.asked(), 1);
    clock.advance(Duration::from_secs(11));
    assert_eq!(client.cached(&server.url("/"), Kind::Json).await, Err(OutboundError::Status(500)));
    assert_eq!(server.asked(), 2);
}

/// (PEM of the authority, TLS of a server with a certificate for `name`)
fn authority(name: &str) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn a_server_proves_its_name_to_the_authorities_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, good) = authority("localhost");
    let (_, other) = authority("localhost");
    let (wrong_pem, wrong) = authority("elsewhere.example");
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        Config { allow_private: true, ca_file: Some(path) }
    };
    let trusting = file("ca.pem", &pem);
    let ask = async |config: &Config, tls: &TlsAcceptor| {
        let server = Server::by_tls(answer(JSON, "{}"), tls).await;
        let url = format!("https://localhost:{}/", server.port());
        client(config).0.get(&url, Kind::Json).await.map(|document| document.body.len())
    };
    assert_eq!(ask(&trusting, &good).await, Ok(2));
    assert_eq!(ask(&trusting, &other).await, Err(OutboundError::Tls));
    assert_eq!(ask(&private(), &good).await, Err(OutboundError::Tls), "the public authorities do not know it");
    assert_eq!(ask(&file("wrong.pem", &wrong_pem), &wrong).await, Err(OutboundError::Tls));
    let none = file("none.pem", "nothing");
    let clock = Arc::new(FakeClock::at(UnixMillis(0)));
    assert!(matches!(Outbound::new(&none, clock), Err(AuthoritiesError::None)));
}
