//! Documents that were fetched, kept for as long as their server says, within bounds. Who asks for one that is being fetched waits for that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::clock::UnixMillis;
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use moka::sync::Cache;
use tokio::sync::Mutex;

use super::error::OutboundError;

/// At 64 KiB each at most.
const MOST: u64 = 512;
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// Where the server says nothing.
const USUAL: Duration = Duration::from_secs(300);
/// How long a failure stands: whoever asks makes no flood of requests to somebody else.
const FAILURE: Duration = Duration::from_secs(10);

/// A document as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub body: Bytes,
    pub fetched: UnixMillis,
    /// It is fetched anew after that.
    pub until: UnixMillis,
}

#[derive(Clone)]
struct Outcome {
    at: UnixMillis,
    found: Result<Document, OutboundError>,
}

type Slot = Arc<Mutex<Option<Outcome>>>;

pub struct Kept(Cache<String, Slot>);

impl Kept {
    pub fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// The document under this key as kept, or as `fetch` gives it where there is none, or none that was fetched after `after`. A failure stands for a while.
    pub async fn get(
        &self,
        key: String,
        now: UnixMillis,
        after: UnixMillis,
        fetch: impl Future<Output = Result<Document, OutboundError>>,
    ) -> Result<Document, OutboundError> {
        let slot = self.0.get_with(key, Slot::default);
        let mut slot = slot.lock().await;
        if let Some(outcome) = slot.as_ref().filter(|outcome| outcome.stands(now, after)) {
            return outcome.found.clone();
        }
        let found = fetch.await;
        *slot = Some(Outcome { at: now, found: found.clone() });
        found
    }
}

impl Outcome {
    fn stands(&self, now: UnixMillis, after: UnixMillis) -> bool {
        match &self.found {
            Ok(document) => now < document.until && document.fetched >= after,
            Err(_) => now < self.at.plus(FAILURE),
        }
    }
}

/// How long an answer may be kept (RFC 9111 §5.2.2), within a minute and a day.
pub fn life(headers: &HeaderMap) -> Duration {
    let fields = headers.get_all(CACHE_CONTROL).iter().filter_map(|field| field.to_str().ok());
    let mut life = USUAL;
    for directive in fields.flat_map(|field| field.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        if directive == "no-store" || directive == "no-cache" {
            return SHORTEST;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            life = seconds.trim_matches('"').parse().map_or(SHORTEST, Duration::from_secs);
        }
    }
    life.clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_within_bounds() {
        for (said, seconds) in [
            ("", 300),
            ("max-age=600", 600),
            ("public, Max-Age=\"900\"", 900),
            ("max-age=0", 60),
            ("max-age=99999999999", 86_400),
            ("max-age=-1", 60),
            ("max-age=600, no-store", 60),
            ("no-cache", 60),
            ("s-maxage=5", 300),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, said.parse().unwrap());
            assert_eq!(life(&headers).as_secs(), seconds, "{said}");
        }
    }
}
