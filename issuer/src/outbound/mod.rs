//! The one client for URLs that come from others: key sets of clients, client-id metadata documents, sector identifiers, request objects, logout tokens.
//!
//! Invariants (SECURITY.md I57): https alone, to public addresses alone, and the address that was checked is the one that is connected to; no redirect is
//! followed; bytes, time and requests under way are bounded; nothing of an answer or of the network goes into an error. `[outbound] allow_private` opens plain
//! http, this machine and private networks, never link-local, multicast or the clouds' own addresses.

mod address;
mod connect;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod kept;
mod lanes;
mod place;
#[cfg(test)]
mod tests;
mod tls;

pub use self::address::Address;
pub use self::error::OutboundError;
pub use self::kept::Document;
pub use self::tls::AuthoritiesError;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::clock::{Clock, UnixMillis};
use common::settings::{Section, SettingError};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;

use self::kept::Kept;
use self::lanes::Lanes;

/// Bytes of an answer.
const BODY: usize = 64 * 1024;
/// Heads of answers; bytes and fields.
const HEAD_BYTES: usize = 16 * 1024;
const HEAD_FIELDS: usize = 64;
/// From the name to the answer's last byte.
const DEADLINE: Duration = Duration::from_secs(5);
/// A document that is younger is not fetched anew for whoever misses something in it.
const YOUNG: Duration = Duration::from_secs(60);
const AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));

/// `[outbound]`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Also plain http, this machine and private networks.
    pub allow_private: bool,
    /// PEM certificates that may vouch for servers, in the place of the public authorities.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// Relative paths are relative to `folder`.
    pub fn read(mut section: Section, folder: &Path) -> Result<Self, SettingError> {
        let config = Self {
            allow_private: section.flag("allow_private")?.unwrap_or(false),
            ca_file: section.file("ca_file")?.map(|path| folder.join(path)),
        };
        section.finish()?;
        Ok(config)
    }
}

/// What a document must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `application/json`, or a type that ends with `+json` (RFC 6839 §3.1).
    Json,
    /// A JWT: `application/jwt`, or a type that ends with `+jwt`.
    Jwt,
}

impl Kind {
    const fn accepted(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jwt => "application/jwt",
        }
    }

    fn fits(self, headers: &HeaderMap) -> bool {
        let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let suffix = match self {
            Self::Json => "+json",
            Self::Jwt => "+jwt",
        };
        let is_plain = headers.get(CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
        is_plain && (essence == self.accepted() || (essence.starts_with("application/") && essence.ends_with(suffix)))
    }
}

/// Asks URLs of others. It must be used inside a tokio runtime.
pub struct Outbound {
    allow_private: bool,
    deadline: Duration,
    tls: Arc<ClientConfig>,
    clock: Arc<dyn Clock>,
    lanes: Lanes,
    kept: Kept,
}

impl Outbound {
    /// # Errors
    /// `ca_file` that can't be read or holds no authority.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, AuthoritiesError> {
        Ok(Self {
            allow_private: config.allow_private,
            deadline: DEADLINE,
            tls: tls::config(config.ca_file.as_deref())?,
            clock,
            lanes: Lanes::default(),
            kept: Kept::new(),
        })
    }

    /// Whether a URL may be asked, as far as its text tells: for what is registered now and asked later.
    pub fn check(&self, url: &str) -> Result<Address, OutboundError> {
        Address::parse(url, self.allow_private)
    }

    /// A document, fetched now.
    ///
    /// # Errors
    /// Any status but 200 is one.
    pub async fn get(&self, url: &str, kind: Kind) -> Result<Document, OutboundError> {
        let address = self.check(url)?;
        let request = Request::get(address.target())
            .header(HOST, address.authority())
            .header(ACCEPT, kind.accepted())
            .header(USER_AGENT, AGENT)
            .body(Full::default());
        let answer = self.ask(&address, request.map_err(|_| OutboundError::Address("is no URL"))?).await?;
        let (head, body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(refusal(head.status));
        }
        if !kind.fits(&head.headers) {
            return Err(OutboundError::ContentType(kind.accepted()));
        }
        let fetched = self.clock.now();
        Ok(Document { body, fetched, until: fetched.plus(kept::life(&head.headers)) })
    }

    /// A document as it is kept, fetched where there is none that is fresh.
    pub async fn cached(&self, url: &str, kind: Kind) -> Result<Document, OutboundError> {
        self.kept_after(url, kind, UnixMillis(0)).await
    }

    /// The same for whoever missed something in the document that is kept (a key by its id): fetched anew unless that was less than a minute ago.
    pub async fn renewed(&self, url: &str, kind: Kind) -> Result<Document, OutboundError> {
        let now = self.clock.now();
        self.kept_after(url, kind, UnixMillis(now.0.saturating_sub(millis(YOUNG)))).await
    }

    async fn kept_after(&self, url: &str, kind: Kind, after: UnixMillis) -> Result<Document, OutboundError> {
        let key = format!("{} {url}", kind.accepted());
        self.kept.get(key, self.clock.now(), after, self.get(url, kind)).await
    }

    /// Posts a form's text, and gives the status of the answer; what it says is not read on.
    ///
    /// # Errors
    /// A redirect, and no answer. Other statuses are for the caller to judge.
    pub async fn post_form(&self, url: &str, form: String) -> Result<StatusCode, OutboundError> {
        let address = self.check(url)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(address.target())
            .header(HOST, address.authority())
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(CONTENT_LENGTH, form.len())
            .body(Full::from(form));
        let answer = self.ask(&address, request.map_err(|_| OutboundError::Address("is no URL"))?).await?;
        if answer.status().is_redirection() { Err(OutboundError::Redirect) } else { Ok(answer.status()) }
    }

    async fn ask(&self, address: &Address, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, OutboundError> {
        let _lane = self.lanes.enter(address.host().to_string())?;
        let asking = self.exchange(address, request);
        tokio::time::timeout(self.deadline, asking).await.unwrap_or(Err(OutboundError::Timeout(self.deadline)))
    }

    async fn exchange(
        &self,
        address: &Address,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, OutboundError> {
        let stream = connect::connect(address, self.allow_private, &self.tls).await?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES).max_headers(HEAD_FIELDS);
        let (mut sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|_| OutboundError::Broken)?;
        let asked = async {
            let answer = sender.send_request(request).await.map_err(|_| OutboundError::Broken)?;
            read(answer).await
        };
        // The connection moves the bytes; it ends with this request, and so does everything of it.
        tokio::pin!(asked);
        tokio::select! {
            biased;
            answer = &mut asked => answer,
            _ended = connection => asked.await,
        }
    }
}

async fn read(answer: Response<Incoming>) -> Result<Response<Bytes>, OutboundError> {
    let (head, body) = answer.into_parts();
    // Of what is refused anyway no body is read.
    if head.status != StatusCode::OK {
        return Ok(Response::from_parts(head, Bytes::new()));
    }
    let announced = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > BODY as u64) {
        return Err(OutboundError::TooLong(BODY));
    }
    let body = Limited::new(body, BODY).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { OutboundError::TooLong(BODY) } else { OutboundError::Broken }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

fn refusal(status: StatusCode) -> OutboundError {
    if status.is_redirection() { OutboundError::Redirect } else { OutboundError::Status(status.as_u16()) }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
