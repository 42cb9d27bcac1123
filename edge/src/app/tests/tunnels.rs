//! WebSockets, and that nothing else gets through where one is asked for (SECURITY.md T27, CVE-2026-2833).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::harness::{Edge, request};
use super::origins::{answer, raw, read_head, until};
use super::{bearer, good_token};

const SWITCH: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Accept: x\r\n\r\n";

/// An origin that switches for every WebSocket and echoes after that; everything that it has received is kept.
fn origin() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let address = raw(move |mut stream| {
        while let Some(head) = read_head(&mut stream) {
            kept.lock().unwrap().push(head.clone());
            let switches = head.to_ascii_lowercase().contains("\r\nupgrade: websocket\r\n") && !head.contains("/plain");
            if !switches {
                stream.write_all(&answer(200, "plain")).unwrap();
                continue;
            }
            stream.write_all(SWITCH).unwrap();
            return echo(stream);
        }
    });
    (address, heads)
}

fn echo(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        if stream.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn edge(origin: SocketAddr, more: &str) -> Edge {
    Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"ws\"\nservers = [\"{origin}\"]\nread_timeout = \"2s\"\n\
         [[route]]\nmatch = {{ path = \"/ws/*\" }}\nupstream = \"ws\"\ntoken = {{ issuers = [\"corp\"] }}\n{more}\n"
    ))
}

fn handshake(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let fields = [("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")];
    let fields: Vec<_> = fields.iter().chain(&[("Sec-WebSocket-Key", "eA==")]).chain(more).copied().collect();
    request(path, &fields)
}

#[test]
fn a_websocket_is_opened_with_a_token_and_carries_bytes_both_ways() {
    let (origin, heads) = origin();
    let edge = edge(origin, "");
    let token = bearer(&good_token());
    let mut connection = edge.connect();
    let head = connection.send(&handshake("/ws/x", &[("authorization", &token), ("x-user-id", "root")]));
    assert_eq!((head.status, head.header("upgrade")), (101, Some("websocket")), "{head:?}");
    assert_eq!(head.header("sec-websocket-accept"), Some("x"));
    for message in ["one", "two", "three"] {
        connection.write(message.as_bytes());
        assert_eq!(connection.read_until(message), message);
    }
    // It counts as in flight: a stop waits for it, up to the drain limit.
    assert!(edge.admin("GET", "/metrics").body.contains("tollgate_edge_in_flight 1\n"));
    let seen = heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(seen.contains("\r\nconnection: upgrade\r\n") && !seen.contains("root"), "{seen}");
    assert!(seen.contains("\r\nsec-websocket-key: ea==\r\n"));
    drop(connection);
    until("it has ended", || edge.admin("GET", "/metrics").body.contains("tollgate_edge_in_flight 0\n"));
}

#[test]
fn a_handshake_that_one_server_cannot_take_goes_to_another() {
    let (good, _) = origin();
    let (bad, asked) = super::origins::counting(503, "bad");
    let edge = Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"ws\"\nservers = [\"{bad}\", \"127.0.0.1:1\", \"{good}\"]\n\
         retries = {{ on = [\"connect\", \"status\"] }}\n\
         [[route]]\nmatch = {{ path = \"/ws/*\" }}\nupstream = \"ws\"\n"
    ));
    for _ in 0..3 {
        assert_eq!(edge.connect().send(&handshake("/ws/x", &[])).status, 101);
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("tollgate_edge_upstream_retries_total{upstream=\"ws\"} 3"), "{metrics}");
}

#[test]
fn without_a_token_nothing_is_opened() {
    let (origin, heads) = origin();
    let edge = edge(origin, "");
    let mut connection = edge.connect();
    let mut bytes = handshake("/ws/x", &[]);
    bytes.extend_from_slice(b"frame that comes too early");
    assert_eq!(connection.send(&bytes).status, 401);
    assert!(heads.lock().unwrap().is_empty());
}

#[test]
fn what_follows_an_upgrade_that_fails_is_never_a_request() {
    let (origin, heads) = origin();
    let edge = edge(origin, "");
    let token = bearer(&good_token());
    let smuggled = request("/ws/smuggled", &[("authorization", &token)]);
    let with_token = [("authorization", token.as_str())];
    let cases = [
        handshake("/ws/plain", &with_token), // the origin answers 200
        request("/ws/x", &[("authorization", &token), ("Connection", "Upgrade"), ("Upgrade", "h2c")]),
        request("/ws/x", &[("authorization", &token), ("Connection", "Upgrade"), ("Upgrade", "websocket, h2c")]),
        request("/ws/plain", &[("authorization", &token), ("Upgrade", "websocket")]), // not nominated
    ];
    for case in cases {
        let mut connection = edge.connect();
        let bytes = [case.as_slice(), &smuggled].concat();
        let answer = connection.try_send(&bytes);
        assert!(answer.is_none_or(|answer| answer.status == 200), "{}", case.escape_ascii());
        // Whatever the edge does with the rest, it comes to the origin through the gates or not at all; give it time to.
        let _ = connection.try_send(b"");
    }
    // A last request through the same pool: had anything been smuggled, it would have been read before.
    assert_eq!(edge.send(&request("/ws/last", &[("authorization", &token)])).status, 200);
    let heads = heads.lock().unwrap();
    for head in heads.iter() {
        let judged = head.contains("x-request-id: ");
        assert!(judged, "{head}");
        let headers = head.to_ascii_lowercase();
        assert!(!headers.contains("h2c"), "{head}");
    }
}

/// It has the limits of any other answer: the silence between two pieces, and the whole.
#[test]
fn an_answer_instead_of_a_tunnel_is_bounded_like_others() {
    let origin = raw(|mut stream| {
        let Some(head) = read_head(&mut stream) else { return };
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let pieces = if head.contains("/ws/long") { 30 } else { usize::MAX };
        for _ in 0..pieces {
            if stream.write_all(b"4\r\nmore\r\n").is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(if head.contains("/ws/silent") { 60_000 } else { 100 }));
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    let edge = Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"ws\"\nservers = [\"{origin}\"]\nread_timeout = \"1s\"\n\
         [[route]]\nmatch = {{ path = \"/ws/*\" }}\nupstream = \"ws\"\n\
         [[route]]\nmatch = {{ path = \"/ws/late\" }}\nupstream = \"ws\"\nread_timeout = \"0s\"\ntimeout = \"1s\"\n"
    ));
    let read = |path: &str| {
        let mut stream = TcpStream::connect(edge.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&handshake(path, &[])).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).expect(path);
        text
    };
    let long = read("/ws/long");
    assert!(long.ends_with("0\r\n\r\n"), "three seconds of pieces are no silence: {long}");
    for path in ["/ws/silent", "/ws/late"] {
        let text = read(path);
        assert!(text.starts_with("HTTP/1.1 200") && !text.ends_with("0\r\n\r\n"), "{path}: {text}");
    }
    let metrics = edge.admin("GET", "/metrics").body;
    assert!(metrics.contains("upstream_timeout"), "both are told of: {metrics}");
}

#[test]
fn an_origin_cannot_switch_what_nobody_asked_to_switch() {
    let origin = raw(|mut stream| {
        while read_head(&mut stream).is_some() {
            stream.write_all(SWITCH).unwrap();
        }
    });
    let edge = edge(origin, "");
    let token = bearer(&good_token());
    for fields in [vec![("authorization", token.as_str())], vec![("authorization", &token), ("Upgrade", "h2c")]] {
        let answer = edge.connect().try_send(&request("/ws/x", &fields));
        assert!(answer.is_none_or(|answer| answer.status >= 500), "no tunnel");
    }
}

#[test]
fn a_tunnel_that_both_sides_have_forgotten_is_closed_and_one_that_is_used_is_not() {
    let (origin, _) = origin();
    let edge = edge(origin, "tunnel_timeout = \"400ms\"\ntimeout = \"500ms\"");
    let token = bearer(&good_token());
    let mut used = edge.connect();
    let mut forgotten = edge.connect();
    for connection in [&mut used, &mut forgotten] {
        assert_eq!(connection.send(&handshake("/ws/x", &[("authorization", &token)])).status, 101);
    }
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(100));
        used.write(b"ping"); // for longer than either timeout
        assert_eq!(used.read_until("ping"), "ping");
    }
    assert!(forgotten.is_closed());
}
