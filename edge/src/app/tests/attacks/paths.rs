//! One path in many spellings (T22): what the edge takes for public must not be what the origin protects.
//!
//! The edge protects `/admin/*` and, exactly, `/panel`; everything else is open. The origins mark what they take for one of these.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::origins::{Kind, Origin, edge_before};

/// What may stand before a path without changing where it leads, to somebody.
const BEFORE: &[&str] = &[
    "",
    "/",
    "/.",
    "//",
    "/./.",
    "/x/..",
    "/x/../.",
    "/x//..",
    "/x/y/../..",
    "/..",
    "/../..",
    "/x/../..",
    "/%2e",
    "/%2e%2e",
    "/x/%2e%2e",
    "/x/%2E%2E",
    "/x/.%2e",
    "/x/%2e.",
    "/x/..;",
    "/x/..;a=b",
    "/x;/..",
    "/;",
    "/;a=b",
    "/x/..%3b",
    "/x/..%2f",
    "/x%2f..",
    "/x%2F..",
    "/x%2f%2e%2e",
    "/x%5c..",
    "/x\\..",
    "/\\",
    "/%5c",
    "/%2f",
    "/%2f%2f",
    "/x/..%00",
    "/%00",
    "/x/..%0d%0a",
    "/%0a",
    "/x/..%09",
    "/x/..%20",
    "/%20/..",
    "/x/%252e%252e",
    "/x/%252e.",
    "/x%252f..",
    "/x%252f%252e%252e",
    "/x/%25252e%25252e",
    "/%c0%ae%c0%ae",
    "/x/%c0%ae.",
    "/x/%e0%80%ae%e0%80%ae",
    "/x%c0%af..",
    "/x%ef%bc%8f..",
    "/x/%ef%bc%8e%ef%bc%8e",
    "/x/...",
    "/x/.../..",
    "/x?/..",
    "/x#/..",
    "/?/..",
    "/x/%u002e%u002e",
    "/x/%%32%65%%32%65",
    "http://origin.test",
    "http://origin.test/x/..",
    "http://origin.test//",
    "//origin.test",
    "HTTP://ORIGIN.TEST",
];

/// Spellings of the protected paths themselves.
const INSIDE: &[&str] = &[
    "/%61dmin/x",
    "/a%64min/x",
    "/ad%6din/x",
    "/ad%6Din/x",
    "/adm%69n/x",
    "/admi%6e/x",
    "/%61%64%6d%69%6e/x",
    "/%2561dmin/x",
    "/%%361dmin/x",
    "/ADMIN/x",
    "/Admin/x",
    "/admin%2fx",
    "/admin%2Fx",
    "/admin%5cx",
    "/admin\\x",
    "/admin//x",
    "/admin/./x",
    "/admin/%2e/x",
    "/admin/;/x",
    "/admin;/x",
    "/admin;a=b/x",
    "/admin%3b/x",
    "/admin%20/x",
    "/admin%09/x",
    "/admin./x",
    "/admin%2e/x",
    "/admin%00/x",
    "/admin%0a/x",
    "/admin/..%2fadmin/x",
    "/admin/x/..",
    "/admin/x/../y",
    "/admin/x/%2e%2e/y",
    "/admin/../admin/x",
    "/x%2f../admin/x",
    "/admin/?",
    "/admin/%3f",
    "/admin%3f/x",
    "/admin%23/x",
    "/admin/x#y",
    "/admin:80/x",
    "/%c2%a0admin/x",
    "/admin%e2%80%8b/x",
    "/%d0%b0dmin/x",
    "/%ef%bd%81dmin/x",
    "/%u0061dmin/x",
    "/admin%",
    "/admin/%2",
    "/admin%zz/x",
    "/admin\t/x",
    "/admin/x%00.png",
    "/admin/x.css",
    "/admin/x/.",
    "/admin/%2561",
    "/%70anel",
    "/pane%6c",
    "/%70%61%6e%65%6c",
    "/PANEL",
    "/panel/",
    "/panel/.",
    "/panel/./",
    "/panel/x/..",
    "/panel/x/%2e%2e",
    "/panel;",
    "/panel;a=b",
    "/panel%3b",
    "/panel%20",
    "/panel%00",
    "/panel%0a",
    "/panel%09",
    "/panel?",
    "/panel?x",
    "/panel%3f",
    "/panel#x",
    "/panel%23",
    "/panel%2f",
    "/panel%5c",
    "/panel\\",
    "/panel//",
    "/panel.",
    "/panel%2e",
    "/panel%",
    "/%2570anel",
    "/panel.json",
    "/panel%2e%2e",
    "/panel/..%2fpanel",
    "/x%5c..%5cpanel",
    "/%ef%bd%90anel",
    "/panel%c0%80",
];

fn spellings() -> Vec<String> {
    let ends = ["/admin/x", "/%61dmin/x", "/panel", "/%70anel", "admin/x"];
    let before = BEFORE.iter().flat_map(|before| ends.iter().map(move |end| format!("{before}{end}")));
    let mut all: Vec<String> = before.chain(INSIDE.iter().map(|inside| (*inside).to_owned())).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn nothing_is_public_at_the_edge_and_protected_at_the_origin() {
    let all = spellings();
    assert!(all.len() >= 200, "{}", all.len());
    for kind in Kind::ALL {
        let origin = Origin::start(kind);
        let edge = edge_before(origin.address, &["/admin/*", "/panel"]);
        let (mut forwarded, mut protected, mut dangerous) = (0, 0, 0);
        let mut desyncs = Vec::new();
        for spelling in &all {
            let answer = ask(edge.address, spelling);
            if answer.passed && answer.zone {
                desyncs.push(spelling.as_str());
            }
            forwarded += usize::from(answer.passed);
            protected += usize::from(answer.status == 401);
            dangerous += usize::from(ask(origin.address, spelling).zone);
        }
        println!(
            "{kind:?}: {} spellings, {dangerous} lead where they must not without an edge; with it {forwarded} forwarded, {protected} asked for a token",
            all.len()
        );
        assert!(desyncs.is_empty(), "{kind:?}: public at the edge, protected at the origin: {desyncs:?}");
        assert!(dangerous > 10 && forwarded > 10 && protected > 4, "the origin's marks are not seen");
    }
}

struct Answer {
    status: u16,
    /// The origin answered it.
    passed: bool,
    /// The origin takes the path for a protected one.
    zone: bool,
}

fn ask(address: SocketAddr, target: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
        .write_all(format!("GET {target} HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    let text = String::from_utf8_lossy(&received).to_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, passed: text.contains("\r\nx-seen:"), zone: text.contains("\r\nx-zone:") }
}
