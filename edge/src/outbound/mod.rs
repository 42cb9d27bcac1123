//! What the edge asks of others over HTTP: key sets, metadata, introspection. Every answer is bounded in bytes and time, and nothing but a configured
//! address, or one that a configured address named, is ever asked (SECURITY.md I57).

mod address;
mod tls;

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use self::address::{Address, AddressError};
pub use self::tls::Authorities;

const MOST_REDIRECTS: usize = 3;
/// Heads of answers; bytes and fields.
const HEAD_BYTES: usize = 64 * 1024;
const HEAD_FIELDS: usize = 100;
const IDLE: Duration = Duration::from_secs(30);

/// Asks servers that one set of authorities vouches for. It may be made anywhere, and must be used inside a tokio runtime.
#[derive(Clone, Debug)]
pub struct Client(Hyper<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// What is asked.
#[derive(Debug, Default)]
pub struct Question {
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// None: a GET.
    pub form: Option<Bytes>,
}

/// How much may come, and how long it may take, redirects and all.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub bytes: usize,
    pub time: Duration,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer. The texts hold nothing of the question or the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("not reached: {0}")]
    Unreachable(String),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer broke off")]
    Broken,
    #[error("redirected to another host, or too often")]
    Redirect,
}

impl Client {
    /// `idle` connections are kept to each host.
    pub fn new(authorities: &Authorities, idle: usize) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(authorities.client_config())
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(http);
        let mut builder = Hyper::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(idle);
        builder.http1_max_buf_size(HEAD_BYTES).http1_max_headers(HEAD_FIELDS);
        builder.http2_max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
        Self(builder.build(connector))
    }

    /// The answer, after at most three redirects within the host. A form is never sent to where a redirect points.
    pub async fn ask(&self, address: &Address, question: Question, bounds: Bounds) -> Result<Answer, OutboundError> {
        let asking = self.follow(address, question, bounds.bytes);
        tokio::time::timeout(bounds.time, asking).await.unwrap_or(Err(OutboundError::Timeout(bounds.time)))
    }

    async fn follow(&self, address: &Address, question: Question, most: usize) -> Result<Answer, OutboundError> {
        let mut address = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.once(&address, &question, most).await?;
            if !is_redirect(answer.status) {
                return Ok(answer);
            }
            let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
            let next = location.filter(|_| question.form.is_none()).and_then(|location| address.redirected(location));
            address = next.ok_or(OutboundError::Redirect)?;
        }
        Err(OutboundError::Redirect)
    }

    async fn once(&self, address: &Address, question: &Question, most: usize) -> Result<Answer, OutboundError> {
        let method = if question.form.is_some() { Method::POST } else { Method::GET };
        let body = question.form.clone().unwrap_or_default();
        let mut request = Request::builder().method(method).uri(address.as_str());
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| OutboundError::Unreachable(error.to_string()))?;
        let response = self.0.request(request).await.map_err(|error| OutboundError::Unreachable(cause(&error)))?;
        let (head, body) = response.into_parts();
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > most as u64) {
            return Err(OutboundError::TooLong(most));
        }
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { OutboundError::TooLong(most) } else { OutboundError::Broken }
        })?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The innermost reason: hyper's own text says that it could not connect, not why.
fn cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
