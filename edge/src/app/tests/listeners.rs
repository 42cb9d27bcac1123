//! TLS, bounds on connections, and deadlines for heads.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::harness::{Edge, free_addresses, read_answer, request};

#[test]
fn tls_is_terminated_and_told_upstream() {
    let [address, _] = free_addresses();
    let edge = Edge::start_listening(
        &format!("https = \"{address}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}"),
        "",
        "",
    );
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(edge.certificate.clone())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("api.test").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address).unwrap());
    stream.write_all(&request("/public/x", &[])).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!((answer.status, answer.echoed("x-forwarded-proto")), (200, vec!["https".to_owned()]));
}

#[test]
fn one_client_holds_so_many_connections() {
    let edge = Edge::start_listening("max_connections_per_client = 2", "", "");
    // The edge's own probe at the start was a connection of the same client and may still be closing.
    let mut kept = Vec::new();
    for _ in 0..50 {
        let mut connection = edge.connect();
        match connection.try_send(&request("/public/x", &[])) {
            Some(answer) => {
                assert_eq!(answer.status, 200);
                kept.push(connection);
            }
            None if kept.len() == 2 => break,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
        assert!(kept.len() <= 2);
    }
    assert_eq!(kept.len(), 2);
    drop(kept);
    let again = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        edge.connect().try_send(&request("/public/x", &[])).is_some()
    });
    assert!(again, "places are given back");
}

#[test]
fn a_head_that_drips_is_cut_off() {
    let edge = Edge::start_listening("header_timeout = \"300ms\"\nkeepalive_timeout = \"5s\"", "", "");
    let mut dripping = edge.connect();
    dripping.write(b"GET /public/x HTTP/1.1\r\nHost: api.test\r\n");
    let mut patient = edge.connect();
    assert_eq!(patient.send(&request("/public/x", &[])).status, 200);
    assert!(dripping.is_closed());
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(patient.send(&request("/public/x", &[])).status, 200, "idle is not late");
}
