//! Request lines, targets, hosts and other fields; `Expect` and `Upgrade`.

use super::Reading::{Malformed, MayPass, Passes, Unfinished};
use super::{INNER, Payload, Reading, post};

const REST: &str = "Host: origin.test\r\n\r\n";

pub fn lines() -> Vec<Payload> {
    let cases: &[(&str, &str, Reading)] = &[
        ("0.9", "GET @P\r\n", Malformed),
        ("0.9 by name", "GET @P HTTP/0.9\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 1.2", "GET @P HTTP/1.2\r\nHost: origin.test\r\n\r\n", MayPass("GET", 0)),
        ("version 2.0", "GET @P HTTP/2.0\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 3.0", "GET @P HTTP/3.0\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 1.10", "GET @P HTTP/1.10\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 01.1", "GET @P HTTP/01.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version +1.1", "GET @P HTTP/+1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 1.1 and a space", "GET @P HTTP/1.1 \r\nHost: origin.test\r\n\r\n", Malformed),
        ("version 1,1", "GET @P HTTP/1,1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("version in lower case", "GET @P http/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("another protocol", "GET @P HTTQ/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("no version number", "GET @P HTTP\r\nHost: origin.test\r\n\r\n", Malformed),
        ("two versions", "GET @P HTTP/1.1 HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a space first", " GET @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("an empty line first", "\r\nGET @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", MayPass("GET", 0)),
        ("a line feed first", "\nGET @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a NUL first", "\0GET @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("two spaces", "GET  @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("two spaces before the version", "GET @P  HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a tab", "GET\t@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a vertical tab", "GET\u{b}@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a form feed", "GET @P\u{c}HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a CR in the line", "GET @P HTTP/1.1\rX: y\r\nHost: origin.test\r\n\r\n", Malformed),
        ("the line ends in LF", "GET @P HTTP/1.1\nHost: origin.test\r\n\r\n", Malformed),
        ("the line ends in CR", "GET @P HTTP/1.1\rHost: origin.test\r\n\r\n", Malformed),
        ("all lines end in LF", "GET @P HTTP/1.1\nHost: origin.test\n\n", Malformed),
        ("the last line ends in LF", "GET @P HTTP/1.1\r\nHost: origin.test\r\n\n", Malformed),
        ("an empty line of LF ends the head early", "GET @P HTTP/1.1\r\nHost: origin.test\n\nX: y\r\n\r\n", Malformed),
        ("all lines end in CR", "GET @P HTTP/1.1\rHost: origin.test\r\r", Unfinished),
        ("lower case", "get @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", MayPass("get", 0)),
        ("mixed case", "GeT @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", MayPass("GeT", 0)),
        ("no method", " @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a colon in the method", "GET: @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a slash in the method", "GET/POST @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a NUL in the method", "GE\0T @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a quote in the method", "\"GET\" @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("an own method", "PURGE @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", MayPass("PURGE", 0)),
        ("TRACE", "TRACE @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("TRACK", "TRACK @P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("CONNECT", "CONNECT origin.test:80 HTTP/1.1\r\nHost: origin.test:80\r\n\r\n@E", Malformed),
        ("CONNECT with a path", "CONNECT @P HTTP/1.1\r\nHost: origin.test\r\n\r\n@E", Malformed),
        ("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n@E", Malformed),
        (
            "GET with a body",
            "GET @P HTTP/1.1\r\nHost: origin.test\r\nContent-Length: @L\r\n\r\n@E",
            Passes("GET", INNER),
        ),
        (
            "GET with chunks",
            "GET @P HTTP/1.1\r\nHost: origin.test\r\nTransfer-Encoding: chunked\r\n\r\n@X\r\n@E\r\n0\r\n\r\n",
            Passes("GET", INNER),
        ),
        (
            "HEAD with a body",
            "HEAD @P HTTP/1.1\r\nHost: origin.test\r\nContent-Length: @L\r\n\r\n@E",
            Passes("HEAD", INNER),
        ),
        (
            "DELETE with a body",
            "DELETE @P HTTP/1.1\r\nHost: origin.test\r\nContent-Length: @L\r\n\r\n@E",
            Passes("DELETE", INNER),
        ),
        (
            "OPTIONS with a body",
            "OPTIONS @P HTTP/1.1\r\nHost: origin.test\r\nContent-Length: @L\r\n\r\n@E",
            Passes("OPTIONS", INNER),
        ),
        ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a fragment", "GET @P#x HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("no slash", "GET p HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("an authority", "GET origin.test:80 HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("absolute, same host", "GET http://origin.test@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", MayPass("GET", 0)),
        ("absolute, another host", "GET http://elsewhere.test@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("absolute, another port", "GET http://origin.test:81@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        (
            "absolute with user information",
            "GET http://u:p@@origin.test@P HTTP/1.1\r\nHost: origin.test\r\n\r\n",
            Malformed,
        ),
        ("absolute without slashes", "GET http:@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("another scheme", "GET file://@P HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a space in the target", "GET @P x HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a NUL in the target", "GET @P\0 HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        ("a CR in the target", "GET @P\rx HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
        (
            "a request in the target",
            "GET @P?HTTP/1.1%0d%0aHost:x%0d%0a HTTP/1.1\r\nHost: origin.test\r\n\r\n",
            MayPass("GET", 0),
        ),
        ("raw bytes in the target", "GET @P\u{e4} HTTP/1.1\r\nHost: origin.test\r\n\r\n", Malformed),
    ];
    let mut all: Vec<Payload> =
        cases.iter().map(|(name, text, reading)| Payload::new(format!("line: {name}"), *text, *reading)).collect();
    let long = format!("GET @P?{} HTTP/1.1\r\n{REST}", "x".repeat(9_000));
    all.push(Payload::new("line: a target of 9 KB", long, MayPass("GET", 0)));
    let long = format!("{} @P HTTP/1.1\r\n{REST}", "X".repeat(5_000));
    all.push(Payload::new("line: a method of 5 KB", long, Malformed));
    all
}

pub fn fields() -> Vec<Payload> {
    let cases: &[(&str, &str, Reading)] = &[
        ("no host", "", Malformed),
        ("two hosts", "Host: origin.test\r\nHost: origin.test\r\n", Malformed),
        ("two other hosts", "Host: origin.test\r\nHost: elsewhere.test\r\n", Malformed),
        ("two hosts, two cases", "Host: origin.test\r\nhOST: elsewhere.test\r\n", Malformed),
        ("an empty host", "Host:\r\n", Malformed),
        ("a space in the host", "Host: origin.test elsewhere.test\r\n", Malformed),
        ("a list of hosts", "Host: origin.test, elsewhere.test\r\n", Malformed),
        ("a path in the host", "Host: origin.test/x\r\n", Malformed),
        ("user information in the host", "Host: u@@origin.test\r\n", Malformed),
        ("a bad port", "Host: origin.test:80x\r\n", Malformed),
        ("a space before the host's colon", "Host : origin.test\r\n", Malformed),
        ("a folded host", "Host:\r\n origin.test\r\n", Malformed),
        ("a NUL in the host", "Host: origin.test\0\r\n", Malformed),
        ("a space before the first field", " Host: origin.test\r\n", Malformed),
        ("white space lines before the fields", " \r\nHost: origin.test\r\n", Malformed),
        ("no colon", "Host: origin.test\r\nnothing\r\n", Malformed),
        ("an empty name", "Host: origin.test\r\n: x\r\n", Malformed),
        ("a folded field", "Host: origin.test\r\nX: a\r\n b\r\n", Malformed),
        ("a field folded by a tab", "Host: origin.test\r\nX: a\r\n\tContent-Length: 5\r\n", Malformed),
        ("a bare LF", "Host: origin.test\r\nX: a\nContent-Length: 5\r\n", Malformed),
        ("a bare CR", "Host: origin.test\r\nX: a\rContent-Length: 5\r\n", Malformed),
        ("CR CR LF", "Host: origin.test\r\nX: a\r\r\n", Malformed),
        ("a NUL in a value", "Host: origin.test\r\nX: a\0b\r\n", Malformed),
        ("a NUL in a name", "Host: origin.test\r\nX\0: a\r\n", Malformed),
        ("a vertical tab in a value", "Host: origin.test\r\nX: a\u{b}b\r\n", Malformed),
        ("DEL in a value", "Host: origin.test\r\nX: a\u{7f}\r\n", Malformed),
        ("a space in a name", "Host: origin.test\r\nX Y: a\r\n", Malformed),
        ("a bracket in a name", "Host: origin.test\r\nX[]: a\r\n", Malformed),
        ("bytes above ASCII in a name", "Host: origin.test\r\nX\u{e4}: a\r\n", Malformed),
        ("bytes above ASCII in a value", "Host: origin.test\r\nX: \u{e4}\r\n", MayPass("GET", 0)),
        ("Connection: host", "Host: origin.test\r\nConnection: host\r\n", MayPass("GET", 0)),
        ("Connection: close, x", "Host: origin.test\r\nConnection: close, x\r\nX: y\r\n", MayPass("GET", 0)),
        (
            "Connection: keep-alive twice",
            "Host: origin.test\r\nConnection: keep-alive\r\nConnection: close\r\n",
            MayPass("GET", 0),
        ),
        ("Proxy-Connection", "Host: origin.test\r\nProxy-Connection: keep-alive\r\n", MayPass("GET", 0)),
        ("Keep-Alive", "Host: origin.test\r\nKeep-Alive: timeout=1\r\n", MayPass("GET", 0)),
        ("TE: chunked", "Host: origin.test\r\nTE: chunked\r\n", MayPass("GET", 0)),
        ("TE: trailers, nominated", "Host: origin.test\r\nTE: trailers\r\nConnection: te\r\n", MayPass("GET", 0)),
        ("Trailer: Content-Length", "Host: origin.test\r\nTrailer: Content-Length\r\n", MayPass("GET", 0)),
        ("a length of zero and a request", "Host: origin.test\r\nContent-Length: 0\r\n", Passes("GET", 0)),
        ("a method in a field", "Host: origin.test\r\nX-HTTP-Method-Override: POST\r\n", Passes("GET", 0)),
        ("Max-Forwards", "Host: origin.test\r\nMax-Forwards: 0\r\n", MayPass("GET", 0)),
    ];
    let get = |lines: &str| format!("GET @P HTTP/1.1\r\n{lines}\r\n");
    let mut all: Vec<Payload> = cases
        .iter()
        .map(|(name, lines, reading)| Payload::new(format!("field: {name}"), get(lines), *reading))
        .collect();
    let many = format!("Host: origin.test\r\n{}", "X: y\r\n".repeat(150));
    all.push(Payload::new("field: 150 of them", get(&many), MayPass("GET", 0)));
    let many = format!("Host: origin.test\r\n{}", "X: y\r\n".repeat(300));
    all.push(Payload::new("field: 300 of them", get(&many), MayPass("GET", 0)));
    let large = format!("Host: origin.test\r\nX: {}\r\n", "y".repeat(60_000));
    all.push(Payload::new("field: 60 KB", get(&large), MayPass("GET", 0)));
    all
}

pub fn upgrades() -> Vec<Payload> {
    let length = "Content-Length: @L\r\n";
    let chunks = "Transfer-Encoding: chunked\r\n";
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    let get = |lines: &str, body: &str| format!("GET @P HTTP/1.1\r\nHost: origin.test\r\n{lines}\r\n{body}");
    let cases = [
        ("100-continue with a body", post(&format!("Expect: 100-continue\r\n{length}"), "@E"), MayPass("POST", INNER)),
        (
            "100-continue with chunks",
            post(&format!("Expect: 100-continue\r\n{chunks}"), "@X\r\n@E\r\n0\r\n\r\n"),
            MayPass("POST", INNER),
        ),
        ("100-continue in capitals", post(&format!("Expect: 100-CONTINUE\r\n{length}"), "@E"), MayPass("POST", INNER)),
        (
            "100-continue twice",
            post(&format!("Expect: 100-continue, 100-continue\r\n{length}"), "@E"),
            MayPass("POST", INNER),
        ),
        ("another expectation", post(&format!("Expect: 200-ok\r\n{length}"), "@E"), MayPass("POST", INNER)),
        ("100-continue without a body", get("Expect: 100-continue\r\n", "@E"), MayPass("GET", 0)),
        ("100-continue, folded", post(&format!("Expect:\r\n 100-continue\r\n{length}"), "@E"), Malformed),
        ("websocket, and the next request at once", get(websocket, "@E"), MayPass("GET", 0)),
        ("websocket with a body", get(&format!("{websocket}{length}"), "@E"), MayPass("GET", INNER)),
        ("websocket with chunks", get(&format!("{websocket}{chunks}"), "@X\r\n@E\r\n0\r\n\r\n"), MayPass("GET", INNER)),
        ("websocket by POST with a body", post(&format!("{websocket}{length}"), "@E"), MayPass("POST", INNER)),
        ("h2c, and the next request at once", get(h2c, "@E"), MayPass("GET", 0)),
        ("h2c with a body", post(&format!("{h2c}{length}"), "@E"), MayPass("POST", INNER)),
        ("another protocol", get("Connection: Upgrade\r\nUpgrade: foo/2\r\n", "@E"), MayPass("GET", 0)),
        ("TLS", get("Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n", "@E"), MayPass("GET", 0)),
        ("not nominated", get("Upgrade: websocket\r\n", "@E"), MayPass("GET", 0)),
        ("nominated, not there", get("Connection: Upgrade\r\n", "@E"), MayPass("GET", 0)),
        (
            "1.0",
            "GET @P HTTP/1.0\r\nHost: origin.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n@E".to_owned(),
            MayPass("GET", 0),
        ),
    ];
    cases.into_iter().map(|(name, text, reading)| Payload::new(format!("upgrade: {name}"), text, reading)).collect()
}
