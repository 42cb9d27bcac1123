//! Reads HTTP/1.1 responses as a client of a proxy must (RFC 9112 §4, §6, §7.1): status line, fields, and the end of the body.
//!
//! Interim responses are not asked for, and no message may be HTTP/1.0: both count as malformed.

/// Longest head that is accepted, in bytes.
const HEAD_LIMIT: usize = 32 * 1024;
/// Longest body that is accepted, in bytes.
const BODY_LIMIT: u64 = 1024 * 1024 * 1024;
/// Longest body that [`parse`] keeps, in bytes.
const KEPT_LIMIT: usize = 1024 * 1024;
/// Longest size line or trailer field of a chunked body, in bytes.
const LINE_LIMIT: usize = 4096;

/// What the head of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Bytes of the head with its empty line.
    pub length: usize,
    pub body: Body,
    /// The peer will close the connection after it.
    pub closes: bool,
}

/// What is still to come of a body; fed with what was received until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    Chunked(Chunked),
    /// To the end of the connection.
    UntilClose,
}

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunked {
    /// In the line of a chunk's size.
    Size,
    /// In a chunk, before so many bytes of it.
    Data(u64),
    /// Before the line end after a chunk.
    DataEnd,
    /// In the trailer fields.
    Trailer,
    Over,
}

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

/// A response whose body has a known length and is kept; `Ok(None)` asks for more bytes.
pub fn parse(bytes: &[u8]) -> Result<Option<Response>, Malformed> {
    let Some(head) = head(bytes, Asked::Body)? else { return Ok(None) };
    let Body::Length(body) = head.body else { return Err(Malformed) };
    let body = usize::try_from(body).ok().filter(|body| *body <= KEPT_LIMIT).ok_or(Malformed)?;
    let length = head.length + body;
    Ok((bytes.len() >= length).then_some(Response { status: head.status, length, closes: head.closes }))
}

/// What was asked for, which decides whether a body follows (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By HEAD.
    Head,
    Body,
}

/// `Ok(None)` asks for more bytes.
pub fn head(bytes: &[u8], asked: Asked) -> Result<Option<Head>, Malformed> {
    let Some(length) = head_length(bytes) else {
        return if bytes.len() > HEAD_LIMIT { Err(Malformed) } else { Ok(None) };
    };
    let text = bytes.get(..length).and_then(|head| std::str::from_utf8(head).ok()).ok_or(Malformed)?;
    let mut lines = text.split("\r\n");
    let status = status(lines.next().ok_or(Malformed)?)?;
    let (mut body_length, mut chunked, mut closes) = (None, false, false);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length: u64 = value.parse().map_err(|_| Malformed)?;
            if body_length.replace(length).is_some_and(|earlier| earlier != length) || length > BODY_LIMIT {
                return Err(Malformed);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case("chunked") {
                return Err(Malformed);
            }
            chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            closes |= value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close"));
        }
    }
    let body = match (chunked, body_length) {
        _ if asked == Asked::Head || matches!(status, 204 | 304) => Body::Length(0),
        (true, Some(_)) => return Err(Malformed),
        (true, None) => Body::Chunked(Chunked::Size),
        (false, Some(length)) => Body::Length(length),
        (false, None) => Body::UntilClose,
    };
    let closes = closes || body == Body::UntilClose;
    Ok(Some(Head { status, length, body, closes }))
}

impl Body {
    /// Whether nothing more is to come. Never of a body that only ends with its connection.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunked::Over))
    }

    /// Takes the next part of the body from the front of `bytes`: returns how many bytes it has used and which of them are content.
    /// `(0, 0..0)` asks for more bytes, or says that the body is over.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(usize, std::ops::Range<usize>), Malformed> {
        match self {
            Self::UntilClose => Ok((bytes.len(), 0..bytes.len())),
            Self::Length(left) => {
                let taken = take(left, bytes);
                Ok((taken, 0..taken))
            }
            Self::Chunked(chunked) => chunked.take(bytes),
        }
    }
}

impl Chunked {
    fn take(&mut self, bytes: &[u8]) -> Result<(usize, std::ops::Range<usize>), Malformed> {
        if let Self::Data(left) = self {
            let taken = take(left, bytes);
            if *left == 0 {
                *self = Self::DataEnd;
            }
            return Ok((taken, 0..taken));
        }
        if *self == Self::Over {
            return Ok((0, 0..0));
        }
        let Some(length) = bytes.windows(2).take(LINE_LIMIT).position(|two| two == b"\r\n") else {
            return if bytes.len() > LINE_LIMIT { Err(Malformed) } else { Ok((0, 0..0)) };
        };
        let line = bytes.get(..length).ok_or(Malformed)?;
        *self = match (*self, line.is_empty()) {
            (Self::Size, _) => match chunk_size(line)? {
                0 => Self::Trailer,
                size => Self::Data(size),
            },
            (Self::DataEnd, true) => Self::Size,
            (Self::Trailer, true) => Self::Over,
            (Self::Trailer, false) => Self::Trailer,
            _ => return Err(Malformed),
        };
        Ok((length + 2, 0..0))
    }
}

fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= taken as u64;
    taken
}

/// Hexadecimal digits, and extensions that mean nothing to us.
fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let text = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let digits = text.split(';').next().unwrap_or_default().trim_end();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Malformed);
    }
    u64::from_str_radix(digits, 16).ok().filter(|size| *size <= BODY_LIMIT).ok_or(Malformed)
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
        let long = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        assert_eq!(parse(&long(KEPT_LIMIT as u64 + 1)), Err(Malformed));
        assert!(head(&long(BODY_LIMIT), Asked::Body).is_ok());
        assert_eq!(head(&long(BODY_LIMIT + 1), Asked::Body), Err(Malformed));
        let mut endless = Body::Chunked(Chunked::Size);
        assert_eq!(endless.take(&vec![b'0'; LINE_LIMIT + 1]), Err(Malformed));
    }

    #[test]
    fn which_body_follows_which_head() {
        let framed = |fields: &str, status: u16, asked| {
            head(format!("HTTP/1.1 {status} X\r\n{fields}\r\n").as_bytes(), asked)
                .map(|h| h.map(|h| (h.body, h.closes)))
        };
        let (length, chunks) = ("Content-Length: 7\r\n", "Transfer-Encoding: Chunked\r\n");
        let none = Ok(Some((Body::Length(0), false)));
        assert_eq!(framed(length, 200, Asked::Body), Ok(Some((Body::Length(7), false))));
        assert_eq!(framed(chunks, 200, Asked::Body), Ok(Some((Body::Chunked(Chunked::Size), false))));
        assert_eq!(framed("", 200, Asked::Body), Ok(Some((Body::UntilClose, true))));
        for fields in [length, chunks, ""] {
            assert_eq!(framed(fields, 200, Asked::Head), none, "{fields:?}");
            assert_eq!(framed(fields, 204, Asked::Body), none, "{fields:?}");
            assert_eq!(framed(fields, 304, Asked::Body), none, "{fields:?}");
        }
        assert_eq!(framed("Transfer-Encoding: gzip, chunked\r\n", 200, Asked::Body), Err(Malformed));
        assert_eq!(framed(&format!("{length}{chunks}"), 200, Asked::Body), Err(Malformed), "smuggling");
    }

    /// Content of a chunked body, and what was left behind it, received `at_once` bytes at a time.
    fn unchunk(bytes: &[u8], at_once: usize) -> Result<(Vec<u8>, usize), Malformed> {
        let (mut body, mut content, mut buffer) = (Body::Chunked(Chunked::Size), Vec::new(), Vec::new());
        let mut rest = bytes.chunks(at_once);
        loop {
            let (used, range) = body.take(&buffer)?;
            content.extend_from_slice(&buffer[range]);
            buffer.drain(..used);
            if body.is_over() {
                return Ok((content, buffer.len()));
            }
            if used == 0 {
                buffer.extend_from_slice(rest.next().expect("the body ends"));
            }
        }
    }

    #[test]
    fn chunked_bodies_however_they_arrive() {
        let text = b"5;name=value\r\nhello\r\n00A\r\n, world. 0\r\n0\r\nX-Trailer: 1\r\n\r\n";
        for at_once in 1..=text.len() {
            assert_eq!(unchunk(text, at_once), Ok((b"hello, world. 0".to_vec(), 0)), "{at_once} at once");
        }
        assert_eq!(unchunk(b"0\r\n\r\nHTTP/1.1 200 OK", 64), Ok((vec![], 15)), "what follows is left alone");
        for bad in ["\r\n", "+5\r\nhello\r\n", "5\r\nhello0\r\n", "g\r\n", "ffffffffffffffffff\r\n", "40000001\r\n"] {
            assert_eq!(unchunk(bad.as_bytes(), 64), Err(Malformed), "{bad:?}");
        }
    }
}
