//! `Transfer-Encoding` and `Content-Length`: against each other, twice, and in every disguise.

use super::Reading::{Malformed, MayPass, Passes, Unfinished};
use super::{INNER, Payload, post};

/// Values that some server takes for `chunked` and that are not.
const FALSE_ENCODINGS: &[&str] = &[
    "chunked, identity",
    "identity, chunked",
    "identity",
    "gzip",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked, cow",
    "cow, chunked",
    "cow",
    "chunked,",
    ",chunked",
    "chunked;q=1",
    "chunked; foo=bar",
    "chunked;",
    "xchunked",
    "chunkedx",
    "x chunked",
    "chunked x",
    "chun ked",
    "chun\0ked",
    "chunked\0",
    "\0chunked",
    "\"chunked\"",
    "'chunked'",
    "chunked\u{b}",
    "\u{b}chunked",
    "\u{c}chunked",
    "chunked\u{c}",
    "chunked\u{7f}",
    "\u{7f}chunked",
    "chun\u{212a}ed",
    "\u{a0}chunked",
    "chunked\u{a0}",
    "\u{ff43}hunked",
    "%63hunked",
    "chunked#",
    "(x)chunked",
    "chunked (x)",
    "deflate",
    "compress",
    "br, chunked",
    "trailers",
    "none",
    "null",
    "",
    "chunked\r\n\tidentity",
    "\r\n chunked",
    "\r\n\tchunked",
    "chunked\r\n ",
    "chunked\rX: y",
    "chunked\nX: y",
    "\nchunked",
    "identity\nTransfer-Encoding: chunked",
];

/// Field names that some server takes for `Transfer-Encoding`.
const FALSE_NAMES: &[&str] = &[
    "Transfer-Encoding ",
    "Transfer-Encoding\t",
    "Transfer-Encoding\u{b}",
    "Transfer-Encoding\0",
    " Transfer-Encoding",
    "\tTransfer-Encoding",
    "\u{b}Transfer-Encoding",
    "\0Transfer-Encoding",
    "\u{feff}Transfer-Encoding",
    "Transfer Encoding",
    "Transfer_Encoding",
    "Transfer.Encoding",
    "Transfer\u{2010}Encoding",
    "Transfer-\r\n Encoding",
    "\"Transfer-Encoding\"",
    "(x)Transfer-Encoding",
    "Transfer-Encoding(x)",
    ":Transfer-Encoding",
    "@@Transfer-Encoding",
    "X: y\nTransfer-Encoding",
    "X: y\rTransfer-Encoding",
    "X:\nTransfer-Encoding",
    "\nTransfer-Encoding",
    "\rTransfer-Encoding",
    "Tran\u{17f}fer-Encoding",
];

pub fn encodings() -> Vec<Payload> {
    let mut all = Vec::new();
    for value in FALSE_ENCODINGS {
        let shown = value.escape_debug();
        let line = format!("Transfer-Encoding: {value}\r\n");
        all.push(Payload::new(format!("encoding {shown}"), post(&line, "0\r\n\r\n@E"), Malformed));
        let both = format!("Content-Length: 5\r\n{line}");
        all.push(Payload::new(format!("length and encoding {shown}"), post(&both, "0\r\n\r\n@E"), Malformed));
    }
    for name in FALSE_NAMES {
        let line = format!("{name}: chunked\r\nContent-Length: 5\r\n");
        all.push(Payload::new(format!("name {}", name.escape_debug()), post(&line, "0\r\n\r\n@E"), Malformed));
    }
    // Other names, and so no encoding at all.
    for name in
        ["X-Transfer-Encoding", "Transfer-Encodin", "Transfer-Encodings", "TransferEncoding", "Content-Encoding"]
    {
        let line = format!("{name}: chunked\r\nContent-Length: 5\r\n");
        all.push(Payload::new(format!("another name {name}"), post(&line, "0\r\n\r\n"), Passes("POST", 5)));
    }
    for value in ["chunked", "CHUNKED", "Chunked", " \tchunked\t ", "chunked  "] {
        let line = format!("Transfer-Encoding:{value}\r\n");
        all.push(Payload::new(format!("good {value:?}"), post(&line, "5\r\nhello\r\n0\r\n\r\n"), Passes("POST", 5)));
    }
    let pairs = [
        ("CL.TE", "Content-Length: @L\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@E"),
        ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "@X\r\n@E\r\n0\r\n\r\n"),
        ("CL.0", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@E"),
        ("TE twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@E"),
        ("TE and false TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n", "0\r\n\r\n@E"),
        ("false TE and TE", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@E"),
        ("TE and empty TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", "0\r\n\r\n@E"),
        ("TE, another case, CL", "transfer-encoding: chunked\r\nCONTENT-LENGTH: 5\r\n", "0\r\n\r\n@E"),
        (
            "TE, Connection: transfer-encoding",
            "Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n",
            "0\r\n\r\n@E",
        ),
        (
            "TE, CL, Connection: transfer-encoding",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\nConnection: transfer-encoding\r\n",
            "0\r\n\r\n@E",
        ),
        ("CL, Connection: content-length", "Content-Length: @L\r\nConnection: content-length\r\n", "@E"),
    ];
    for (name, lines, body) in pairs {
        // Nominating a framing field is forbidden to a sender (RFC 9110 §7.6.1); a server may ignore the nomination.
        let reading = match name {
            "TE, Connection: transfer-encoding" => MayPass("POST", 0),
            "CL, Connection: content-length" => MayPass("POST", INNER),
            _ => Malformed,
        };
        all.push(Payload::new(name, post(lines, body), reading));
    }
    let http10 = |lines: &str, body: &str| format!("POST @P HTTP/1.0\r\nHost: origin.test\r\n{lines}\r\n{body}");
    all.extend([
        Payload::new("1.0 with TE", http10("Transfer-Encoding: chunked\r\n", "0\r\n\r\n@E"), Malformed),
        Payload::new(
            "1.0 with TE and CL",
            http10("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n@E"),
            Malformed,
        ),
        Payload::new(
            "1.0 with TE, kept alive",
            http10("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@E"),
            Malformed,
        ),
        Payload::new(
            "1.0 with CL",
            http10("Connection: keep-alive\r\nContent-Length: @L\r\n", "@E"),
            Passes("POST", INNER),
        ),
        Payload::new("1.0 without", http10("Connection: keep-alive\r\n", ""), Passes("POST", 0)),
    ]);
    all
}

const FALSE_LENGTHS: &[&str] = &[
    "+5",
    "-5",
    "-0",
    "+0",
    "--5",
    "5 5",
    "5,5",
    "5, 5",
    "5,6",
    "5,",
    ",5",
    "0x5",
    "0X5",
    "5h",
    "0b101",
    "0o5",
    "5.0",
    "5.",
    "5e0",
    "5;",
    "5_0",
    "1_0",
    "_5",
    "5a",
    "a5",
    "five",
    "",
    "18446744073709551616",
    "18446744073709551621",
    "99999999999999999999999999",
    "\u{665}",
    "\u{ff15}",
    "5\0",
    "\u{0}5",
    "\u{b}5",
    "5\u{b}",
    "5\u{c}",
    "5\u{7f}",
    "\"5\"",
    "(5)",
    "%35",
    "5\r\n 0",
    "\r\n 5",
    "5\rX: y",
    "5\nX: y",
    "5\u{a0}",
    "1 0",
    "5 (x)",
];

const FALSE_LENGTH_NAMES: &[&str] = &[
    "Content-Length ",
    "Content-Length\t",
    " Content-Length",
    "\tContent-Length",
    "Content-Length\0",
    "\u{b}Content-Length",
    "Content Length",
    "Content_Length",
    "content.length",
    "Content\u{2010}Length",
    "Content-\r\n Length",
    "X: y\nContent-Length",
    "X: y\rContent-Length",
    "\nContent-Length",
    "\"Content-Length\"",
];

pub fn lengths() -> Vec<Payload> {
    let mut all = Vec::new();
    for value in FALSE_LENGTHS {
        let line = format!("Content-Length: {value}\r\n");
        all.push(Payload::new(format!("length {}", value.escape_debug()), post(&line, "hello@E"), Malformed));
    }
    for name in FALSE_LENGTH_NAMES {
        let line = format!("{name}: @L\r\n");
        all.push(Payload::new(format!("length's name {}", name.escape_debug()), post(&line, "@E"), Malformed));
    }
    for value in ["5", " 5", "5 ", "\t5\t"] {
        let line = format!("Content-Length:{value}\r\n");
        all.push(Payload::new(format!("good length {value:?}"), post(&line, "hello"), Passes("POST", 5)));
    }
    for value in ["05", "0000000000000000000005"] {
        let line = format!("Content-Length: {value}\r\n");
        all.push(Payload::new(format!("length {value}"), post(&line, "hello"), MayPass("POST", 5)));
    }
    for value in ["18446744073709551615", "9223372036854775807", "9223372036854775808", "4294967296", "4294967301"] {
        let line = format!("Content-Length: {value}\r\n");
        all.push(Payload::new(format!("length {value}"), post(&line, "hello@E"), Unfinished));
    }
    let twice = [
        ("equal", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        ("short and long", "Content-Length: 5\r\nContent-Length: @L\r\n"),
        ("long and short", "Content-Length: @L\r\nContent-Length: 5\r\n"),
        ("zero and more", "Content-Length: 0\r\nContent-Length: 5\r\n"),
        ("two cases", "content-length: 5\r\nCONTENT-LENGTH: 6\r\n"),
        ("one empty", "Content-Length: 5\r\nContent-Length:\r\n"),
        ("an alias", "Content-Length: 5\r\nContent_Length: 6\r\n"),
        ("apart", "Content-Length: 5\r\nX: y\r\nContent-Length: 6\r\n"),
        ("padded", "Content-Length: 5\r\nContent-Length: 05\r\n"),
    ];
    for (name, lines) in twice {
        all.push(Payload::new(format!("two lengths, {name}"), post(lines, "hello@E"), Malformed));
    }
    all.extend([
        Payload::new("a request as the body", post("Content-Length: @L\r\n", "@E"), Passes("POST", INNER)),
        Payload::new("no length, no body", post("", ""), Passes("POST", 0)),
    ]);
    all
}
