//! One fetch: what a source says now.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use common::jose::MAX_SET_BYTES;
use common::refresh::{lifetime, retry_after};
use http::header::{ACCEPT, AGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::keys::discovery::Directory;
use crate::outbound::{Address, Answer, Bounds, Client, OutboundError, Question};
use crate::snapshot::source::{KeySource, Place};

/// What a fetch brought.
#[derive(Debug)]
pub(super) enum Brought {
    Set {
        text: String,
        etag: Option<HeaderValue>,
        lifetime: Option<Duration>,
    },
    /// Word that nothing has changed (RFC 9110 §15.4.5).
    Unchanged {
        lifetime: Option<Duration>,
    },
}

/// Why it brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{address}: {error}")]
    Outbound { address: String, error: OutboundError },
    #[error("{address}: status {status}")]
    Status { address: String, status: StatusCode, retry_after: Option<Duration> },
    #[error("{address}: not UTF-8")]
    Text { address: String },
    #[error("{address}: {problem}")]
    Metadata { address: String, problem: &'static str },
    #[error("reading the file: {0}")]
    File(#[from] std::io::Error),
}

impl FetchError {
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Asks one source, again and again.
pub(super) struct Asker {
    client: Client,
    bounds: Bounds,
    directory: Directory,
}

impl Asker {
    pub(super) fn new(source: &KeySource) -> Self {
        Self {
            client: Client::new(&source.authorities, 0),
            bounds: Bounds { bytes: MAX_SET_BYTES, time: source.timeout },
            directory: Directory::default(),
        }
    }

    /// `etag` is that of the set in use.
    pub(super) async fn fetch(
        &mut self,
        source: &KeySource,
        etag: Option<&HeaderValue>,
    ) -> Result<Brought, FetchError> {
        let brought = match &source.place {
            Place::File(file) => read(file).await,
            Place::Url(address) => self.set(address, etag).await,
            Place::Discovery(metadata) => match self.jwks_uri(metadata, &source.reading.iss).await {
                // The tag is of another place, if the keys have moved.
                Ok((address, moved)) => self.set(&address, etag.filter(|_| !moved)).await,
                Err(error) => Err(error),
            },
        };
        if brought.is_err() {
            self.directory.forget();
        }
        brought
    }

    /// Where the keys are, and whether that is another place than before.
    async fn jwks_uri(&mut self, metadata: &[Address; 2], iss: &str) -> Result<(Address, bool), FetchError> {
        if let Some(known) = self.directory.known() {
            return Ok((known.clone(), false));
        }
        let [openid, oauth] = metadata;
        let (address, answer) = match self.get(openid, None).await? {
            answer if answer.status.is_client_error() => (oauth, self.get(oauth, None).await?),
            answer => (openid, answer),
        };
        let text = body(address, answer)?;
        let found = Directory::read(address, &text, iss);
        let found = found.map_err(|problem| FetchError::Metadata { address: address.to_string(), problem })?;
        Ok(self.directory.remember(found))
    }

    async fn set(&self, address: &Address, etag: Option<&HeaderValue>) -> Result<Brought, FetchError> {
        let answer = self.get(address, etag).await?;
        let lifetime = lifetime_of(&answer.headers);
        if answer.status == StatusCode::NOT_MODIFIED && etag.is_some() {
            return Ok(Brought::Unchanged { lifetime });
        }
        let etag = answer.headers.get(ETAG).cloned();
        Ok(Brought::Set { text: body(address, answer)?, etag, lifetime })
    }

    async fn get(&self, address: &Address, etag: Option<&HeaderValue>) -> Result<Answer, FetchError> {
        let mut headers = vec![(ACCEPT, HeaderValue::from_static("application/json, application/jwk-set+json"))];
        headers.extend(etag.map(|etag| (IF_NONE_MATCH, etag.clone())));
        let asked = self.client.ask(address, Question { headers, form: None }, self.bounds).await;
        asked.map_err(|error| FetchError::Outbound { address: address.to_string(), error })
    }
}

fn body(address: &Address, answer: Answer) -> Result<String, FetchError> {
    if answer.status != StatusCode::OK {
        let retry_after = text_of(&answer.headers, &RETRY_AFTER).and_then(retry_after);
        return Err(FetchError::Status { address: address.to_string(), status: answer.status, retry_after });
    }
    String::from_utf8(answer.body.into()).map_err(|_| FetchError::Text { address: address.to_string() })
}

fn lifetime_of(headers: &HeaderMap) -> Option<Duration> {
    let control: Vec<&str> = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    lifetime(&control.join(","), text_of(headers, &AGE))
}

fn text_of<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A longer file is cut one byte past the limit, which the reader of sets then refuses.
async fn read(file: &Path) -> Result<Brought, FetchError> {
    let path = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_SET_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    });
    let bytes = reading.await.map_err(io::Error::other)??;
    let text = String::from_utf8(bytes).map_err(|_| FetchError::Text { address: file.display().to_string() })?;
    Ok(Brought::Set { text, etag: None, lifetime: None })
}
