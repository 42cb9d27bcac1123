//! As much of HTTP/1.1 as the admin listener needs: one request without a body that matters, one answer, and the connection closes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MOST_HEAD_BYTES: usize = 8 * 1024;

/// A request's head.
pub struct Request(String);

impl Request {
    /// Anything but UTF-8 in it is replaced: nothing here has a use for it.
    pub fn new(head: &[u8]) -> Self {
        Self(String::from_utf8_lossy(head).into_owned())
    }

    pub fn method(&self) -> &str {
        self.word(0)
    }

    /// Without the query.
    pub fn path(&self) -> &str {
        self.word(1).split('?').next().unwrap_or_default()
    }

    /// The first field of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines().skip(1).find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.split("\r\n")
    }

    fn word(&self, number: usize) -> &str {
        self.lines().next().and_then(|line| line.split(' ').nth(number)).unwrap_or_default()
    }
}

/// None when the connection ends first, or the head does not.
pub async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > MOST_HEAD_BYTES || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request::new(&head))
}

pub async fn write(stream: &mut TcpStream, request: &Request, answer: &Answer) -> std::io::Result<()> {
    stream.write_all(answer.text(request.method() != "HEAD").as_bytes()).await?;
    stream.shutdown().await
}

/// What is answered.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: &'static str,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: &'static str, content_type: &'static str, body: String) -> Self {
        Self { status, content_type, headers: Vec::new(), body }
    }

    pub fn json(status: &'static str, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", format!("{body}\n"))
    }

    pub fn error(status: &'static str, code: &str) -> Self {
        Self::json(status, &serde_json::json!({"error": code}))
    }

    pub fn not_allowed(methods: &str) -> Self {
        Self::error("405 Method Not Allowed", "method_not_allowed").with("allow", methods)
    }

    pub fn unauthorized() -> Self {
        let answer = Self::error("401 Unauthorized", "token_required").with("www-authenticate", "Bearer");
        answer.with("www-authenticate", "Basic realm=\"tollgate admin\"") // so that a browser asks
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn text(&self, with_body: bool) -> String {
        let mut text = format!(
            "HTTP/1.1 {}\r\ncontent-type: {}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\nconnection: close\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        text.push_str("\r\n");
        if with_body {
            text.push_str(&self.body);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read() {
        let request = Request::new(b"GET /status?x=1 HTTP/1.1\r\nAccept:  text/plain \r\nX: y: z\r\n\r\n");
        assert_eq!((request.method(), request.path()), ("GET", "/status"));
        assert_eq!(
            (request.header("accept"), request.header("x"), request.header("y")),
            (Some("text/plain"), Some("y: z"), None)
        );
        let odd = Request::new(b"\xff\r\n\r\n");
        assert_eq!((odd.path(), odd.header("accept")), ("", None));
    }

    #[test]
    fn head_gets_no_body_but_its_length() {
        let answer = Answer::error("404 Not Found", "x").with("allow", "GET");
        let (whole, head) = (answer.text(true), answer.text(false));
        assert!(
            whole.starts_with("HTTP/1.1 404 Not Found\r\n")
                && whole.ends_with("\r\nallow: GET\r\n\r\n{\"error\":\"x\"}\n")
        );
        assert!(head.contains("content-length: 14\r\n") && head.ends_with("\r\n\r\n"));
    }
}
