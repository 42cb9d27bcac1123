//! Chunks: their sizes, extensions and line ends, and what may follow the last one.

use super::Reading::{Malformed, MayPass, Passes, Unfinished};
use super::{INNER, Payload, Reading, post};

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

/// Lines before the five bytes of a chunk.
const SIZES: &[(&str, Reading)] = &[
    ("5", Passes("POST", 5)),
    ("05", MayPass("POST", 5)),
    ("0000000000000005", MayPass("POST", 5)),
    ("00000000000000000000000005", MayPass("POST", 5)),
    ("5;ext", MayPass("POST", 5)),
    ("5;ext=val", MayPass("POST", 5)),
    ("5;ext=\"v;v\"", MayPass("POST", 5)),
    ("5 ;ext", MayPass("POST", 5)),
    ("5; ext = val", MayPass("POST", 5)),
    ("5\t;ext", MayPass("POST", 5)),
    // Trailing white space is no part of the grammar, but every reader knows where the line ends.
    ("5 ", MayPass("POST", 5)),
    ("5\t", MayPass("POST", 5)),
    ("5;", MayPass("POST", 5)),
    ("+5", Malformed),
    ("-5", Malformed),
    ("0x5", Malformed),
    ("0X5", Malformed),
    ("x5", Malformed),
    ("\\x5", Malformed),
    (" 5", Malformed),
    ("\t5", Malformed),
    ("\u{b}5", Malformed),
    ("5\0", Malformed),
    ("\u{0}5", Malformed),
    ("5_", Malformed),
    ("0_5", Malformed),
    ("5.", Malformed),
    ("5,5", Malformed),
    ("5 5", Malformed),
    ("5g", Malformed),
    ("g", Malformed),
    ("5h", Malformed),
    ("\"5\"", Malformed),
    ("\u{665}", Malformed),
    ("\u{ff15}", Malformed),
    ("", Malformed),
    ("\r\n5", Malformed),
    ("-1", Malformed),
    ("10000000000000005", Malformed),
    ("fffffffffffffffff5", Malformed),
    ("100000000000000000000000000000005", Malformed),
    ("5;a\nb", Malformed),
    ("5;a\rb", Malformed),
    ("5;\n", Malformed),
    ("5;\0", Malformed),
    ("5\r", Malformed),
    ("5\n", Malformed),
    ("ffffffffffffffff", Unfinished),
    ("8000000000000000", Unfinished),
    ("7fffffffffffffff", Unfinished),
    ("100000005", Unfinished),
];

pub fn chunks() -> Vec<Payload> {
    let mut all: Vec<Payload> = SIZES
        .iter()
        .map(|(size, reading)| {
            let body = format!("{size}\r\nhello\r\n0\r\n\r\n");
            Payload::new(format!("chunk size {}", size.escape_debug()), chunked(&body), *reading)
        })
        .collect();
    let bodies = [
        ("size ends in LF", "5\nhello\r\n0\r\n\r\n", Malformed),
        ("size ends in CR", "5\rhello\r\n0\r\n\r\n", Malformed),
        ("size ends in CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n", Malformed),
        ("data without line end", "5\r\nhello0\r\n\r\n@E", Malformed),
        ("data ends in LF", "5\r\nhello\n0\r\n\r\n@E", Malformed),
        ("data ends in CR", "5\r\nhello\r0\r\n\r\n@E", Malformed),
        ("data ends in two other bytes", "5\r\nhelloXX0\r\n\r\n@E", Malformed),
        ("data ends in LF CR", "5\r\nhello\n\r0\r\n\r\n@E", Malformed),
        ("data is longer", "5\r\nhello, world\r\n0\r\n\r\n@E", Malformed),
        ("data is shorter", "6\r\nhello\r\n0\r\n\r\n@E", Malformed),
        ("a request in a chunk", "@X\r\n@E\r\n0\r\n\r\n", Passes("POST", INNER)),
        ("two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", Passes("POST", 5)),
        ("upper case", "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", Passes("POST", 26)),
        ("no chunk", "0\r\n\r\n", Passes("POST", 0)),
        ("last chunk 00", "00\r\n\r\n", MayPass("POST", 0)),
        ("last chunk, many zeros", "0000000000000000000000\r\n\r\n", MayPass("POST", 0)),
        ("last chunk with extension", "0;x=y\r\n\r\n", MayPass("POST", 0)),
        ("last chunk 0x0", "0x0\r\n\r\n@E", Malformed),
        ("last chunk -0", "-0\r\n\r\n@E", Malformed),
        ("last chunk +0", "+0\r\n\r\n@E", Malformed),
        ("last chunk ends in LF", "0\n\r\n@E", Malformed),
        ("trailer section ends in LF", "0\r\n\n@E", Malformed),
        ("all ends in LF", "0\n\n@E", Malformed),
        ("last chunk without a line for trailers", "0\r\n@E", Malformed),
        ("last chunk ends in CR CR LF", "0\r\r\n\r\n@E", Malformed),
        ("LF in an extension hides a chunk", "5;\nhello\r\n0\r\n\r\n@E", Malformed),
        ("only a size", "5\r\n", Unfinished),
        ("no last chunk", "5\r\nhello\r\n", Unfinished),
    ];
    all.extend(bodies.map(|(name, body, reading)| Payload::new(name, chunked(body), reading)));
    let long = |bytes: usize| format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(bytes));
    all.push(Payload::new("an extension of 1 KB", chunked(&long(1_000)), MayPass("POST", 5)));
    all.push(Payload::new("an extension of 100 KB", chunked(&long(100_000)), MayPass("POST", 5)));
    let many = format!("{}0\r\n\r\n", "1;a=b\r\nx\r\n".repeat(500));
    all.push(Payload::new("500 chunks with extensions", chunked(&many), MayPass("POST", 500)));
    all
}

pub fn trailers() -> Vec<Payload> {
    let cases = [
        ("a field", "X-T: 1\r\n", MayPass("POST", 5)),
        ("Content-Length", "Content-Length: 100\r\n", MayPass("POST", 5)),
        ("Transfer-Encoding", "Transfer-Encoding: chunked\r\n", MayPass("POST", 5)),
        ("Host", "Host: elsewhere.test\r\n", MayPass("POST", 5)),
        ("an identity", "X-User-Id: root\r\n", MayPass("POST", 5)),
        ("a request as a value", "X-T: GET /api/evil HTTP/1.1\r\n", MayPass("POST", 5)),
        ("no colon", "nothing\r\n", Malformed),
        ("a folded line", "X-T: 1\r\n 2\r\n", Malformed),
        ("a bare LF", "X-T: 1\nX-U: 2\r\n", Malformed),
        ("a bare CR", "X-T: 1\rX-U: 2\r\n", Malformed),
        ("a NUL", "X-T: \0\r\n", Malformed),
        ("a space before the colon", "X-T : 1\r\n", Malformed),
        ("an empty name", ": 1\r\n", Malformed),
    ];
    let mut all: Vec<Payload> = cases
        .iter()
        .map(|(name, lines, reading)| {
            Payload::new(format!("trailer: {name}"), chunked(&format!("5\r\nhello\r\n0\r\n{lines}\r\n")), *reading)
        })
        .collect();
    let many = format!("5\r\nhello\r\n0\r\n{}\r\n", "X-T: 1\r\n".repeat(20_000));
    all.push(Payload::new("trailer: 160 KB", chunked(&many), MayPass("POST", 5)));
    all
}
