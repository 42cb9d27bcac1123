//! One connection over HTTP/2 (RFC 9113), shared by several places that each have one stream at a time.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::Uri;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::uri::{Authority, Scheme};
use tokio::sync::Mutex;

use super::http1::keep;
use super::outcome::Failure;
use super::requests::Request;
use super::stream::{Stream, Wire};
use super::target::Target;

/// Flow-control window of a stream and of the connection, in bytes: wide, so that the server need not wait for the generator.
const WINDOW: u32 = 16 * 1024 * 1024;

/// A connection that is opened when it is needed, and again after its end.
pub struct Session {
    live: Mutex<Option<Live>>,
    requests_per_connection: u64,
    /// Connections so far.
    opened: Cell<u64>,
}

struct Live {
    sender: SendRequest<Bytes>,
    /// Requests that may still be sent.
    left: u64,
    /// Which connection of the session it is.
    generation: u64,
}

/// A request as HTTP/2 sends it.
pub struct Sent {
    head: http::Request<()>,
    body: Bytes,
}

impl Sent {
    /// `None` where the target's host can't be an authority.
    pub fn new(request: &Request<'_>, target: &Target) -> Option<Self> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if target.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
        parts.authority = Some(Authority::try_from(target.host.as_str()).ok()?);
        parts.path_and_query = Some(request.path.clone());
        let mut head = http::Request::new(());
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = Uri::from_parts(parts).ok()?;
        let mut headers = request.headers.clone();
        if let Some(value) = request.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        if request.says_length() {
            headers.insert(CONTENT_LENGTH, request.body.len().into());
        }
        *head.headers_mut() = headers;
        Some(Self { head, body: request.body.clone() })
    }
}

/// How an exchange can fail.
enum Broken {
    /// Before the server has looked at the request: another connection may be tried.
    Unseen,
    Failed(Failure),
}

impl Session {
    pub fn new(requests_per_connection: Option<u64>) -> Self {
        let requests_per_connection = requests_per_connection.unwrap_or(u64::MAX).max(1);
        Self { live: Mutex::new(None), requests_per_connection, opened: Cell::new(0) }
    }

    /// Opens the connection where there is none, so that the time of a request doesn't include it.
    pub async fn prepare(&self, target: &Target, wire: &Arc<Wire>) -> Result<(), Failure> {
        let mut slot = self.live.lock().await;
        if slot.as_ref().is_none_or(|live| live.left == 0) {
            *slot = Some(self.open(target, wire).await?);
        }
        Ok(())
    }

    /// Sends a request and reads its response to the end; content goes to `kept`, where that is wanted. A connection that the server
    /// has orderly ended meanwhile is replaced, once, without a failure.
    pub async fn exchange(
        &self,
        target: &Target,
        wire: &Arc<Wire>,
        request: &Sent,
        mut kept: Option<&mut Vec<u8>>,
    ) -> Result<u16, Failure> {
        for _ in 0..2 {
            let (sender, generation) = self.sender(target, wire).await?;
            let broken = match attempt(sender, request, kept.as_deref_mut()).await {
                Ok(status) => return Ok(status),
                Err(broken) => broken,
            };
            if !matches!(broken, Broken::Failed(Failure::Reset)) {
                self.forget(generation).await;
            }
            if let Broken::Failed(failure) = broken {
                return Err(failure);
            }
        }
        Err(Failure::Broken)
    }

    async fn sender(&self, target: &Target, wire: &Arc<Wire>) -> Result<(SendRequest<Bytes>, u64), Failure> {
        let mut slot = self.live.lock().await;
        let mut live = match slot.take() {
            Some(live) if live.left > 0 => live,
            _ => self.open(target, wire).await?,
        };
        live.left -= 1;
        let found = (live.sender.clone(), live.generation);
        *slot = Some(live);
        Ok(found)
    }

    async fn open(&self, target: &Target, wire: &Arc<Wire>) -> Result<Live, Failure> {
        let stream = Stream::open(target, wire).await?;
        let mut builder = Builder::new();
        builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW).enable_push(false);
        let (sender, connection) = builder.handshake::<_, Bytes>(stream).await.map_err(|_| Failure::Broken)?;
        // It ends when the last sender and stream are gone, and with the runtime at the latest; its error shows at every stream.
        tokio::spawn(connection);
        let generation = self.opened.replace(self.opened.get() + 1);
        Ok(Live { sender, left: self.requests_per_connection, generation })
    }

    /// The next request opens another connection, except where that has happened already.
    async fn forget(&self, generation: u64) {
        let mut slot = self.live.lock().await;
        if let Some(live) = slot.as_mut().filter(|live| live.generation == generation) {
            live.left = 0;
        }
    }
}

async fn attempt(sender: SendRequest<Bytes>, request: &Sent, kept: Option<&mut Vec<u8>>) -> Result<u16, Broken> {
    let mut sender = sender.ready().await.map_err(|_| Broken::Unseen)?;
    // As an HTTP/2 request is made of owned parts, this copies a few counters, not the headers' bytes.
    let head = request.head.clone();
    let (response, mut body) = sender.send_request(head, request.body.is_empty()).map_err(|_| Broken::Unseen)?;
    drop(sender);
    if !request.body.is_empty() {
        body.send_data(request.body.clone(), true).map_err(|error| broken(&error))?;
    }
    let response = response.await.map_err(|error| broken(&error))?;
    let status = response.status().as_u16();
    let mut content = response.into_body();
    let mut kept = kept;
    while let Some(part) = content.data().await {
        let part = part.map_err(|error| broken(&error))?;
        if let Some(kept) = kept.as_deref_mut() {
            keep(kept, &part);
        }
        // Refused only when more is released than was received.
        let _ = content.flow_control().release_capacity(part.len());
    }
    Ok(status)
}

fn broken(error: &h2::Error) -> Broken {
    if error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR) {
        Broken::Unseen
    } else if error.is_reset() && error.is_remote() {
        Broken::Failed(Failure::Reset)
    } else if error.is_io() {
        Broken::Failed(Failure::Broken)
    } else if error.is_library() {
        Broken::Failed(Failure::Malformed)
    } else {
        Broken::Failed(Failure::Broken)
    }
}
