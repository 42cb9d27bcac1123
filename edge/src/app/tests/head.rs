//! One canonical request: what has two readings is refused, and identity comes from the edge alone.

use super::harness::{Edge, request};
use super::{bearer, good_token};

#[test]
fn identity_headers_from_outside_never_arrive() {
    let edge = Edge::start();
    let token = bearer(&good_token());
    for name in ["x-user-id", "X-User-Id", "x_user_id", "X_USER_ID", "x.user.id", "x-groups", "x_groups"] {
        let answer = edge.send(&request("/api/x", &[(name, "root"), ("authorization", &token), (name, "root")]));
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert!(!answer.body.contains("root"), "{name}: {}", answer.body);
        assert_eq!(answer.echoed("x-user-id"), ["ada"]);
        let answer = edge.send(&request("/public/x", &[(name, "root")]));
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains("root"), "{name}: {}", answer.body);
    }
}

#[test]
fn what_the_edge_alone_says_cannot_be_said_for_it() {
    let edge = Edge::start();
    for name in
        ["x-forwarded-for", "X_Forwarded_For", "forwarded", "x-original-url", "x-http-method-override", "x-request-id"]
    {
        let answer = edge.send(&request("/public/x", &[(name, "outside")]));
        assert_eq!(answer.status, 200);
        assert!(!answer.body.contains("outside"), "{name}: {}", answer.body);
    }
}

#[test]
fn connection_cannot_nominate_identity_away() {
    let edge = Edge::start();
    let token = bearer(&good_token());
    for nominated in ["x-user-id", "close, X-User-Id", "x_user_id", "x-forwarded-for"] {
        let answer = edge.send(&request("/api/x", &[("authorization", &token), ("connection", nominated)]));
        assert_eq!(answer.status, 400, "{nominated}: {answer:?}");
    }
    let answer = edge.send(&request("/api/x", &[("authorization", &token), ("connection", "x-mine"), ("x-mine", "1")]));
    assert_eq!((answer.status, answer.echoed("x-mine").len()), (200, 0));
}

#[test]
fn trailers_carry_no_identity() {
    let edge = Edge::start();
    let head = request("/public/x", &[("transfer-encoding", "chunked"), ("trailer", "x-user-id")]);
    let mut chunked = String::from_utf8(head).unwrap().replacen("GET", "POST", 1).into_bytes();
    chunked.extend_from_slice(b"0\r\nx-user-id: root\r\n\r\n");
    let answer = edge.send(&chunked);
    assert!(!answer.body.contains("root"), "{}", answer.body);
}

#[test]
fn ambiguous_paths_are_refused_and_the_canonical_one_is_sent() {
    let edge = Edge::start();
    for target in [
        "/public/../api/x",
        "/public/%2e%2e/api/x",
        "/public%2f..%2fapi",
        "//api/x",
        "/public//x",
        "/public/;/x",
        "/public/x\\y",
        "/public/%00",
        "/public/%5c",
        "/public/%252e",
        "/public/#x",
        "*",
    ] {
        let answer = edge.send(&request(target, &[]));
        assert_eq!(answer.status, 400, "{target}: {answer:?}");
    }
    let answer = edge.send(&request("/%70ublic/%7Ex?q=%2F", &[]));
    assert_eq!(answer.echoed_line(), "GET /public/~x?q=%2F HTTP/1.1");
    let answer = edge.send(&request("http://API.test/public/x", &[]));
    assert_eq!((answer.status, answer.echoed_line()), (400, "")); // Host says api.test: pingora compares the bytes
    let answer = edge.send(&request("http://api.test/public/x", &[]));
    assert_eq!(answer.echoed_line(), "GET /public/x HTTP/1.1");
    assert_eq!(edge.send(&request("/%61pi/x", &[])).status, 401, "rules judge the decoded path");
}

#[test]
fn ambiguous_messages_are_refused_and_closed() {
    let edge = Edge::start();
    let cases: [(&str, &str); 12] = [
        ("two lengths", "POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        (
            "length and encoding",
            "POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "encoding and length",
            "POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        (
            "two encodings",
            "POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("odd encoding", "POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("bad length", "POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc"),
        ("two hosts", "GET /public/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        ("no host", "GET /public/x HTTP/1.1\r\n\r\n"),
        ("bare line feed", "GET /public/x HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n"),
        ("folded line", "GET /public/x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n"),
        ("space before the colon", "GET /public/x HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n"),
        ("framing alias", "POST /public/x HTTP/1.1\r\nHost: a\r\nContent_Length: 3\r\n\r\nabc"),
    ];
    for (what, text) in cases {
        let mut connection = edge.connect();
        assert_eq!(connection.send(text.as_bytes()).status, 400, "{what}");
        assert!(connection.is_closed(), "{what}");
    }
}

#[test]
fn methods_that_never_pass() {
    let edge = Edge::start();
    for (line, status) in [("CONNECT api.test:443", 405), ("TRACE /public/x", 405), ("get /public/x", 400)] {
        let text = format!("{line} HTTP/1.1\r\nHost: api.test\r\n\r\n");
        assert_eq!(edge.send(text.as_bytes()).status, status, "{line}");
    }
}

#[test]
fn the_body_of_a_refused_request_is_never_the_next_request() {
    let edge = Edge::start();
    let inner = "GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut connection = edge.connect();
    let text = format!("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    assert_eq!(connection.send(text.as_bytes()).status, 401);
    let next = connection.send(&request("/public/next", &[]));
    assert_eq!(next.echoed_line(), "GET /public/next HTTP/1.1");
    let text = format!(
        "POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n",
        inner.len()
    );
    let mut connection = edge.connect();
    assert_eq!(connection.send(text.as_bytes()).status, 401);
    assert!(connection.is_closed());
}
