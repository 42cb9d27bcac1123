//! HTTP/2 and TLS, against servers of their own crates.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::*;

/// Speaks one protocol on every connection, behind TLS with `tls`; ends with the process.
fn serve(protocol: Protocol, tls: Option<ServerConfig>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => converse(protocol, stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                converse(protocol, stream).await;
                            }
                        }
                    }
                });
            }
        });
    });
    address
}

async fn converse(protocol: Protocol, stream: impl AsyncRead + AsyncWrite + Unpin) {
    match protocol {
        Protocol::Http1 => http1(stream).await,
        Protocol::Http2 => http2(stream).await,
    }
}

async fn http1(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 4096];
    while let Ok(1..) = stream.read(&mut request).await {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// `/echo` sends the body back, `/reset` gives the stream up, `/silent` never answers, and all else is 200. A connection goes away in
/// order after a hundred requests.
async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let (mut seen, mut silenced) = (0, Vec::new());
    while let Some(Ok((request, mut answer))) = connection.accept().await {
        seen += 1;
        if seen == 100 {
            connection.graceful_shutdown();
        }
        match request.uri().path() {
            "/reset" => answer.send_reset(Reason::INTERNAL_ERROR),
            "/silent" => silenced.push(answer),
            path => {
                let echoes = path == "/echo";
                tokio::spawn(echo(request.into_body(), echoes, answer));
            }
        }
    }
}

async fn echo(mut body: RecvStream, echoes: bool, mut answer: SendResponse<Bytes>) {
    let mut content = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        let _ = body.flow_control().release_capacity(part.len());
        content.extend_from_slice(&part);
    }
    if let Ok(mut stream) = answer.send_response(http::Response::new(()), false) {
        let _ = stream.send_data(if echoes { content.into() } else { Bytes::from_static(b"hi") }, true);
    }
}

fn plan(address: SocketAddr, protocol: Protocol, path: &str, count: u64) -> Plan<Same> {
    let target = Target { protocol, ..Target::plain(address, "localhost") };
    let new = Plan::new(target, Same::get(path).unwrap());
    Plan { connections: 2, streams: 3, count: Some(count), limit: Duration::from_secs(20), ..new }
}

#[test]
fn streams_share_connections_and_every_request_is_counted_once() {
    let address = serve(Protocol::Http2, None);
    let outcome = plan(address, Protocol::Http2, "/", 90).run().unwrap();
    assert_eq!((outcome.succeeded, outcome.failed(), outcome.connections), (90, 0, 2), "{:?}", outcome.failures);
    assert!(outcome.sent_bytes > 0 && outcome.received_bytes > 0);
    let open = Plan { arrival: Arrival::Constant { rate: 5000.0 }, ..plan(address, Protocol::Http2, "/", 90) };
    assert_eq!({ open }.run().unwrap().succeeded, 90);
}

#[test]
fn connections_that_go_away_in_order_are_replaced_without_a_failure() {
    let address = serve(Protocol::Http2, None);
    let outcome = plan(address, Protocol::Http2, "/", 1000).run().unwrap();
    assert_eq!((outcome.succeeded, outcome.failed()), (1000, 0), "{:?}", outcome.failures);
    assert!(outcome.connections >= 10, "{}", outcome.connections);
    let churning = Plan { connections: 1, requests_per_connection: Some(3), ..plan(address, Protocol::Http2, "/", 10) };
    let outcome = { churning }.run().unwrap();
    assert_eq!((outcome.succeeded, outcome.connections), (10, 4), "{:?}", outcome.failures);
}

#[test]
fn streams_fail_one_by_one() {
    let address = serve(Protocol::Http2, None);
    let reset = plan(address, Protocol::Http2, "/reset", 20).run().unwrap();
    assert_eq!((reset.failures, reset.connections), (BTreeMap::from([(Failure::Reset, 20)]), 2));
    let silent = plan(address, Protocol::Http2, "/silent", 6);
    let silent = Plan { timeout: Duration::from_millis(100), ..silent }.run().unwrap();
    assert_eq!(silent.failures, BTreeMap::from([(Failure::Timeout, 6)]));
    let other = plan(serve(Protocol::Http1, None), Protocol::Http2, "/", 2).run().unwrap();
    assert_eq!((other.succeeded, other.failed()), (0, 2), "a server that speaks HTTP/1.1");
}

/// Sends a body and keeps what comes back.
struct Echoed {
    same: Same,
    received: Vec<Vec<u8>>,
}

impl Requests for Echoed {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        self.same.request(turn)
    }

    fn reads_bodies(&self) -> bool {
        true
    }

    fn answered(&mut self, _turn: Turn, reply: Reply<'_>) {
        self.received.push(reply.body.to_vec());
    }
}

#[test]
fn bodies_go_there_and_back() {
    let body = vec![b'x'; 200_000];
    let same = Same::with_method("POST", "/echo").unwrap().body(body.clone());
    let target = Target { protocol: Protocol::Http2, ..Target::plain(serve(Protocol::Http2, None), "localhost") };
    let plan = Plan { count: Some(2), ..Plan::new(target, Echoed { same, received: Vec::new() }) };
    let (outcome, echoed) = plan.spawn().unwrap().join().unwrap();
    assert_eq!(outcome.succeeded, 2, "{:?}", outcome.failures);
    assert!(echoed.received == [body.clone(), body]);
}

#[test]
fn tls_agrees_on_the_protocol_and_checks_whom_it_speaks_to() {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = |names: &[&[u8]]| {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
        config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
        config
    };
    let ours = Trust::Authorities(cert.pem().into_bytes());
    let run = |address, protocol, name: &str, trust: &Trust| {
        let mut plan = plan(address, protocol, "/", 12);
        plan.target.tls = Some(Tls::new(name, trust, protocol).unwrap());
        let outcome = plan.run().unwrap();
        (outcome.succeeded, outcome.failures)
    };
    let (all, none) = ((12, BTreeMap::new()), (0, BTreeMap::from([(Failure::Tls, 12)])));
    let http1 = serve(Protocol::Http1, Some(server(&[])));
    let http2 = serve(Protocol::Http2, Some(server(&[b"h2"])));
    for (address, protocol) in [(http1, Protocol::Http1), (http2, Protocol::Http2)] {
        assert_eq!(run(address, protocol, "localhost", &ours), all);
        assert_eq!(run(address, protocol, "127.0.0.1", &Trust::Anyone), all);
        assert_eq!(run(address, protocol, "other.test", &ours), none, "the certificate is another's");
        assert_eq!(run(address, protocol, "localhost", &Trust::Public), none, "nobody vouches for it");
    }
    assert_eq!(run(http1, Protocol::Http2, "localhost", &ours), none, "HTTP/2 was not agreed on");
}
