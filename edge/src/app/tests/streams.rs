//! Bodies and time: events as they come, limits of size and pace, deadlines.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::harness::{Edge, read_answer, request};
use super::origins::{answer, h2_origin, raw, read_head, until};

fn edge(origin: SocketAddr, upstream: &str, route: &str) -> Edge {
    Edge::start_with_routes(&format!(
        "[[upstream]]\nname = \"s\"\nservers = [\"{origin}\"]\n{upstream}\n\
         [[route]]\nmatch = {{ path = \"/s/*\" }}\nupstream = \"s\"\n{route}\n"
    ))
}

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: api.test\r\nContent-Length: {length}\r\n\r\n")
}

const CHUNKED: &str = "POST /s/x HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Reads requests with their bodies of known length and answers `taken`; counts the requests that came whole.
fn taking() -> (SocketAddr, Arc<AtomicUsize>) {
    let whole = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&whole);
    let address = raw(move |mut stream| {
        while let Some(head) = read_head(&mut stream) {
            let length = head.to_ascii_lowercase();
            let length =
                length.split("content-length: ").nth(1).map(|rest| rest.split('\r').next().unwrap().to_owned());
            match length {
                Some(length) => {
                    let mut body = vec![0; length.parse().unwrap()];
                    if stream.read_exact(&mut body).is_err() {
                        return;
                    }
                }
                None if head.to_ascii_lowercase().contains("chunked") => {
                    let mut last = Vec::new();
                    while !last.ends_with(b"\r\n0\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read(&mut byte).unwrap_or(0) == 0 {
                            return;
                        }
                        last.push(byte[0]);
                    }
                }
                None => {}
            }
            counted.fetch_add(1, Ordering::Relaxed);
            stream.write_all(&answer(200, "taken")).unwrap();
        }
    });
    (address, whole)
}

#[test]
fn each_event_leaves_when_it_comes() {
    let (send, events) = mpsc::channel::<&str>();
    let events = std::sync::Mutex::new(events);
    let origin = raw(move |mut stream| {
        read_head(&mut stream).unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for event in events.lock().unwrap().iter() {
            stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let edge = edge(origin, "read_timeout = \"300ms\"", "read_timeout = \"0s\"");
    let mut connection = edge.connect();
    connection.write(&request("/s/events", &[]));
    assert!(connection.read_until("\r\n\r\n").contains("text/event-stream"), "the head waits for no event");
    for event in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
        thread::sleep(Duration::from_millis(400)); // longer than the upstream's read_timeout: the route's counts
        send.send(event).unwrap();
        assert!(connection.read_until(event).contains(event));
    }
    drop(send);
    connection.read_until("0\r\n\r\n");
}

#[test]
fn a_body_over_the_limit_is_refused_before_a_server_sees_it_whole() {
    let (origin, whole) = taking();
    let edge = edge(origin, "", "max_body = \"1KiB\"");
    let mut connection = edge.connect();
    let answer = connection.send(post("/s/x", 1025).as_bytes());
    assert_eq!(answer.status, 413, "at once, before anything of it was sent");
    assert!(connection.is_closed() || connection.is_closed());

    let piece = format!("{:x}\r\n{}\r\n", 512, "a".repeat(512));
    let mut connection = edge.connect();
    connection.write(format!("{CHUNKED}{piece}{piece}").as_bytes());
    let answer = connection.send(b"1\r\na\r\n");
    assert_eq!(answer.status, 413);
    assert_eq!(whole.load(Ordering::Relaxed), 0, "no server took a part for the whole");

    let good = format!("{}{}", post("/s/x", 1024), "a".repeat(1024));
    assert_eq!(edge.send(good.as_bytes()).body, "taken");
    let good = format!("{CHUNKED}{piece}{piece}0\r\n\r\n");
    assert_eq!(edge.send(good.as_bytes()).body, "taken");
    assert_eq!(whole.load(Ordering::Relaxed), 2);
    until("counted", || edge.admin("GET", "/metrics").body.contains("reason=\"body_too_large\"} 2"));
}

/// What is left of a body whose request has been answered is still this body, and its chunks are still judged.
#[test]
fn the_rest_of_an_answered_body_is_no_request() {
    // It answers at once and is gone, so that the edge learns while it sends on that nobody reads.
    let origin = raw(|mut stream| {
        while read_head(&mut stream).is_some() {
            if stream.write_all(&answer(200, "early")).is_err() {
                return;
            }
            if stream.peek(&mut [0]).is_ok() {
                return;
            }
        }
    });
    let edge = edge(origin, "", "");
    let good = request("/public/after", &[]);
    let piece = vec![b'x'; 64 * 1024];
    let chunk = [b"10000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let long = vec![b'x'; 1_000_000];
    let cases: [(&str, String, Vec<u8>, bool); 4] = [
        ("a length", post("/s/x", 1_000_000), long, true),
        ("chunks", CHUNKED.to_owned(), [chunk.repeat(8).as_slice(), b"0\r\n\r\n"].concat(), true),
        (
            "a bad chunk",
            CHUNKED.to_owned(),
            [chunk.repeat(8).as_slice(), b"\r\n5\r\nhello\r\n0\r\n\r\n"].concat(),
            false,
        ),
        ("a bad size", CHUNKED.to_owned(), [chunk.repeat(8).as_slice(), b"5;\nhello\r\n0\r\n\r\n"].concat(), false),
    ];
    for (what, head, body, is_whole) in cases {
        let mut stream = TcpStream::connect(edge.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let (first, rest) = body.split_at(100_000);
        stream.write_all(first).unwrap();
        let early = read_answer(&mut stream).expect(what);
        assert_eq!(early.status, 200, "{what}: {early:?}");
        // It may be closed by now: an answer that comes before the end of a body says so.
        let _ = stream.write_all(rest).and_then(|()| stream.write_all(&good));
        let Some(after) = read_answer(&mut stream) else { continue };
        assert!(is_whole && after.status == 200 && early.header("connection") != Some("close"), "{what}: {after:?}");
    }
}

#[test]
fn a_body_that_stops_is_given_up() {
    let (origin, whole) = taking();
    let edge = edge(origin, "", "body_timeout = \"300ms\"");
    let mut stopped = edge.connect();
    let answer = stopped.send(format!("{}half", post("/s/x", 8)).as_bytes());
    assert_eq!(answer.status, 408, "{answer:?}");
    assert!(answer.body.contains("invalid_request"));
    let mut slow = edge.connect();
    slow.write(post("/s/x", 4).as_bytes());
    for byte in [b"a", b"b", b"c", b"d"] {
        thread::sleep(Duration::from_millis(150));
        slow.write(byte);
    }
    assert!(slow.read_until("taken").starts_with("HTTP/1.1 200"), "slow is not stopped");
    assert_eq!(whole.load(Ordering::Relaxed), 1);
}

#[test]
fn a_request_has_a_deadline_however_its_server_spends_it() {
    // /silent never answers; /drip answers for ever; /late begins, and goes silent.
    let origin = raw(|mut stream| {
        let head = read_head(&mut stream).unwrap();
        if head.contains("/silent") {
            thread::sleep(Duration::from_secs(20));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").unwrap();
        while head.contains("/drip") && stream.write_all(b"1\r\na\r\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_secs(20));
    });
    let edge = edge(origin, "", "timeout = \"500ms\"");
    assert_eq!(edge.send(&request("/s/silent", &[])).status, 504);
    for path in ["/s/drip", "/s/late"] {
        let mut connection = edge.connect();
        connection.write(&request(path, &[]));
        let mut all = Vec::new();
        loop {
            let more = connection.read();
            if more.is_empty() {
                break;
            }
            all.extend_from_slice(&more);
        }
        let all = String::from_utf8(all).unwrap();
        assert!(all.starts_with("HTTP/1.1 200") && !all.ends_with("0\r\n\r\n"), "cut, and seen to be: {all}");
    }
}

#[test]
fn a_client_that_drips_its_body_to_an_http2_server_is_within_the_deadline_too() {
    let (origin, _) = h2_origin(None);
    let edge = edge(origin, "protocol = \"http2\"\nread_timeout = \"400ms\"", "timeout = \"1500ms\"");
    // Longer than read_timeout, as any large upload is: pingora would have counted it as one wait for the answer.
    let mut slow = edge.connect();
    slow.write(CHUNKED.replace("/s/x", "/s/sink").as_bytes());
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(150));
        slow.write(b"1\r\na\r\n");
    }
    slow.write(b"0\r\n\r\n");
    assert!(slow.read_until("taken").starts_with("HTTP/1.1 200"));
    // Silence is still silence.
    let mut silent = edge.connect();
    silent.write(CHUNKED.replace("/s/x", "/s/silent").as_bytes());
    silent.write(b"1\r\na\r\n0\r\n\r\n");
    assert!(silent.is_closed(), "cut off");
    until("counted", || edge.admin("GET", "/metrics").body.contains("tollgate_edge_requests_cut_total 1"));
}

#[test]
fn a_client_that_does_not_read_holds_up_its_server_and_then_goes() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    static GONE: AtomicBool = AtomicBool::new(false);
    let origin = raw(|mut stream| {
        read_head(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n").unwrap();
        let piece = vec![0; 64 << 10];
        while SENT.load(Ordering::Relaxed) < 1 << 30 {
            if stream.write_all(&piece).is_err() {
                GONE.store(true, Ordering::Relaxed);
                return;
            }
            SENT.fetch_add(piece.len(), Ordering::Relaxed);
        }
    });
    let edge = edge(origin, "", "send_timeout = \"700ms\"");
    let mut lazy = edge.connect();
    lazy.write(&request("/s/big", &[]));
    lazy.read_until("HTTP/1.1 200");
    until("the edge gives up", || GONE.load(Ordering::Relaxed));
    // What lies between is in the sockets' buffers, which the kernel bounds; the edge has read no more than it could pass on.
    assert!(SENT.load(Ordering::Relaxed) < 64 << 20, "{} bytes", SENT.load(Ordering::Relaxed));
}
