//! Reads HTTP/1.1 responses as a client of a proxy must (RFC 9112 §4, §6): status line, fields, and a body of known length.
//!
//! The measured systems pass on an upstream's `Content-Length`; a chunked body is a different workload, and counts as a failure.

/// Longest head that is accepted, in bytes.
const HEAD_LIMIT: usize = 32 * 1024;
/// Longest body that is accepted, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// One complete response at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Bytes of head and body.
    pub length: usize,
    /// The peer will close the connection after it.
    pub closes: bool,
}

/// Why a response cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// `Ok(None)` asks for more bytes.
pub fn parse(bytes: &[u8]) -> Result<Option<Response>, Malformed> {
    let Some(head_length) = head_length(bytes) else {
        return if bytes.len() > HEAD_LIMIT { Err(Malformed) } else { Ok(None) };
    };
    let head = bytes.get(..head_length).and_then(|head| std::str::from_utf8(head).ok()).ok_or(Malformed)?;
    let mut lines = head.split("\r\n");
    let status = status(lines.next().ok_or(Malformed)?)?;
    let (mut body_length, mut closes) = (None, false);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length: usize = value.parse().map_err(|_| Malformed)?;
            if body_length.replace(length).is_some_and(|earlier| earlier != length) || length > BODY_LIMIT {
                return Err(Malformed);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Malformed);
        } else if name.eq_ignore_ascii_case("connection") {
            closes |= value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close"));
        }
    }
    let body_length = if matches!(status, 204 | 304) { 0 } else { body_length.ok_or(Malformed)? };
    let length = head_length + body_length;
    Ok((bytes.len() >= length).then_some(Response { status, length, closes }))
}

/// Length of the head with its empty line; `None` while that line is missing.
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    let window = bytes.get(..bytes.len().min(HEAD_LIMIT)).unwrap_or(bytes);
    window.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// `HTTP/1.1 200 OK` to 200. Interim responses are not asked for and count as malformed.
fn status(line: &str) -> Result<u16, Malformed> {
    let rest = line.strip_prefix("HTTP/1.1 ").ok_or(Malformed)?;
    let code = rest.split(' ').next().filter(|code| code.len() == 3).ok_or(Malformed)?;
    code.parse().ok().filter(|code| (200..600).contains(code)).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_responses_and_every_cut_of_them() {
        let text = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello";
        let whole = Response { status: 200, length: text.len(), closes: false };
        assert_eq!(parse(text), Ok(Some(whole)));
        for cut in 0..text.len() {
            assert_eq!(parse(&text[..cut]), Ok(None), "cut at {cut}");
        }
        let mut two = text.to_vec();
        two.extend_from_slice(b"HTTP/1.1 4");
        assert_eq!(parse(&two), Ok(Some(whole)), "what follows is left alone");
    }

    #[test]
    fn table_of_heads() {
        let cases = [
            ("HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\nConnection: Keep-Alive, CLOSE\r\n\r\n", Ok((401, true))),
            ("HTTP/1.1 204 No Content\r\n\r\n", Ok((204, false))),
            ("HTTP/1.1 200\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", Ok((200, false))),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", Err(Malformed)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Err(Malformed)),
            ("HTTP/1.1 200 OK\r\n\r\n", Err(Malformed)),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Err(Malformed)),
            ("HTTP/1.1 100 Continue\r\n\r\n", Err(Malformed)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Err(Malformed)),
            ("junk\r\n\r\n", Err(Malformed)),
        ];
        for (head, expected) in cases {
            let found = parse(head.as_bytes()).map(|r| r.map(|r| (r.status, r.closes)));
            assert_eq!(found, expected.map(Some), "{head:?}");
        }
    }

    #[test]
    fn heads_and_bodies_are_bounded() {
        assert_eq!(parse(&vec![b'a'; HEAD_LIMIT + 1]), Err(Malformed));
        let body = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", BODY_LIMIT + 1);
        assert_eq!(parse(body.as_bytes()), Err(Malformed));
    }
}
