//! What is sent: a source makes each request when its turn comes.

use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Which request is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Counts all requests of a run from 0.
    pub number: u64,
    /// Place that sends it, counted from 0: a connection, or one of its streams. It has one request under way at a time, so that a
    /// source can play as many users as there are places, each with steps that follow from the last reply.
    pub place: usize,
}

/// A request without its host, which the target knows. The length of the body is announced where it isn't empty, or where the method
/// is one that has a body.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a Method,
    pub path: &'a PathAndQuery,
    pub headers: &'a HeaderMap,
    /// An `Authorization` beside the other headers, as it often is the only part that changes.
    pub authorization: Option<&'a HeaderValue>,
    pub body: &'a Bytes,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    pub status: u16,
    /// Empty unless the source reads bodies.
    pub body: &'a [u8],
}

/// Makes requests.
pub trait Requests: Send {
    fn request(&mut self, turn: Turn) -> Request<'_>;

    /// Whether [`Requests::answered`] wants to see bodies; at most 1 MiB of each is kept. They are dropped unread otherwise.
    fn reads_bodies(&self) -> bool {
        false
    }

    /// What came back for that turn; not called for a request that got no whole answer.
    fn answered(&mut self, _turn: Turn, _reply: Reply<'_>) {}
}

/// Why a request can't be sent by anyone.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("{0:?} is no method of a request")]
    Method(String),
    #[error("{0:?} is no path of a request")]
    Path(String),
    #[error("{0:?} is no header: NAME: VALUE is wanted")]
    Header(String),
    #[error("{0} is set by the generator itself")]
    Reserved(HeaderName),
    #[error("token {0} can't be sent in a header")]
    Token(usize),
}

/// Bearer tokens that are sent in turn and again from the start; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bearers(Arc<[HeaderValue]>);

impl Bearers {
    /// Without tokens no `Authorization` is sent.
    ///
    /// # Errors
    /// For a token with characters that no header can carry.
    pub fn new<T: AsRef<str>>(tokens: &[T]) -> Result<Self, RequestError> {
        let value = |(index, token): (usize, &T)| {
            HeaderValue::try_from(format!("Bearer {}", token.as_ref())).map_err(|_| RequestError::Token(index))
        };
        tokens.iter().enumerate().map(value).collect::<Result<_, _>>().map(Self)
    }

    fn turn(&self, number: u64) -> Option<&HeaderValue> {
        let turn = number.checked_rem(self.0.len() as u64)?;
        self.0.get(usize::try_from(turn).ok()?)
    }
}

/// The same request every time, but for its token.
#[derive(Clone, Debug)]
pub struct Same {
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    body: Bytes,
    bearers: Bearers,
}

impl Same {
    /// # Errors
    /// For a path that is none; it begins with a slash and may have a query.
    pub fn new(method: Method, path: &str) -> Result<Self, RequestError> {
        let wrong = || RequestError::Path(path.to_owned());
        let path: PathAndQuery = path.parse().map_err(|_| wrong())?;
        if !path.as_str().starts_with('/') {
            return Err(wrong());
        }
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("*/*"))]);
        Ok(Self { method, path, headers, body: Bytes::new(), bearers: Bearers::default() })
    }

    /// # Errors
    /// As [`Same::new`].
    pub fn get(path: &str) -> Result<Self, RequestError> {
        Self::new(Method::GET, path)
    }

    /// # Errors
    /// For a method that is none, and as [`Same::new`].
    pub fn with_method(method: &str, path: &str) -> Result<Self, RequestError> {
        Self::new(method.parse().map_err(|_| RequestError::Method(method.to_owned()))?, path)
    }

    pub fn bearers(self, bearers: Bearers) -> Self {
        Self { bearers, ..self }
    }

    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Adds a header; one of the same name that was set before stays beside it, except `Accept`.
    ///
    /// # Errors
    /// For what is no header, and for those that the generator sets itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let wrong = || RequestError::Header(format!("{name}: {value}"));
        let name: HeaderName = name.parse().map_err(|_| wrong())?;
        let value: HeaderValue = value.parse().map_err(|_| wrong())?;
        if name == ACCEPT {
            self.headers.insert(name, value);
        } else if RESERVED.contains(&name.as_str()) {
            return Err(RequestError::Reserved(name));
        } else {
            self.headers.append(name, value);
        }
        Ok(self)
    }
}

/// Host and framing of a request: said once, by who knows them.
const RESERVED: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

impl Requests for Same {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            headers: &self.headers,
            authorization: self.bearers.turn(turn.number),
            body: &self.body,
        }
    }
}

impl Request<'_> {
    /// Whether the length of the body is to be said, though it may be 0 (RFC 9110 §8.6).
    pub(super) fn says_length(&self) -> bool {
        !self.body.is_empty() || matches!(*self.method, Method::POST | Method::PUT | Method::PATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization(source: &mut Same, number: u64) -> Option<String> {
        let request = source.request(Turn { number, place: 0 });
        request.authorization.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn tokens_come_in_turn() {
        let mut same = Same::get("/a?b=c").unwrap();
        assert_eq!(authorization(&mut same, 0), None);
        same = same.bearers(Bearers::new(&["one", "two"]).unwrap());
        let turns: Vec<_> = (0..3).filter_map(|number| authorization(&mut same, number)).collect();
        assert_eq!(turns, ["Bearer one", "Bearer two", "Bearer one"]);
    }

    #[test]
    fn what_no_request_can_carry_is_refused() {
        for path in ["", "a", "/a b", "http://host/"] {
            assert!(matches!(Same::get(path), Err(RequestError::Path(_))), "{path:?}");
        }
        let header = |name, value| Same::get("/").unwrap().header(name, value).err().map(|error| error.to_string());
        assert_eq!(header("x-a", "b"), None);
        assert_eq!(header("x a", "b").as_deref(), Some("\"x a: b\" is no header: NAME: VALUE is wanted"));
        assert!(header("x-a", "b\r\nc: d").is_some());
        assert_eq!(header("Host", "other").as_deref(), Some("host is set by the generator itself"));
        assert!(matches!(Bearers::new(&["good", "bad\n"]), Err(RequestError::Token(1))));
    }
}
