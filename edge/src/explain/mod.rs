//! `tollgate edge explain`: which route a request would take, and what each gate would say. Nothing is sent anywhere.

mod claims;
mod gates;
mod story;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::canonical::{RequestHead, Version, canonical_request};
use common::clock::{Clock, SystemClock, UnixMillis};
use common::reject::Reject;
use http::{HeaderMap, HeaderName, HeaderValue};

pub use self::story::Explanation;
use self::story::Story;
use crate::app::{PoolAcls, Pools};
use crate::challenge::config::{KeySource, Settings};
use crate::challenge::{self, Challenges, KeyError, Keys, Meter};
use crate::config::{ConfigError, FeedSettings, environment, load};
use crate::facts::{Connection, Scheme};
use crate::gates::RequestView;
use crate::gateway::{preflight, take_apart};
use crate::observe::Metrics;
use crate::rates::Moment;
use crate::routes::{Choice, choose};
use crate::snapshot::Snapshot;
use crate::snapshot::picture::Picture;
use crate::waf::Body;
use crate::{feed, keys, reply, resource, sign_in};

/// What to explain.
#[derive(Clone, Debug)]
pub struct Explain {
    pub config: PathBuf,
    /// A file with the text of an HTTP/1.1 head, with line feeds or CRLF; behind an empty line the body.
    pub request: PathBuf,
    /// The moment to ask about; none: now.
    pub at: Option<UnixMillis>,
    /// Who sends it; none: nobody knows.
    pub client: Option<IpAddr>,
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("reading the request: {0}")]
    Request(#[from] std::io::Error),
    #[error("the key of challenges: {0}")]
    Challenge(#[from] KeyError),
    #[error("the request does not start with a line such as `GET /orders HTTP/1.1`")]
    NoRequestLine,
}

/// Explains a request by the configuration and by what this machine's edge has saved of the feed.
pub fn explain(asked: &Explain) -> Result<Explanation, ExplainError> {
    let metrics = Arc::new(Metrics::default());
    let config = load(&asked.config, &environment(), &metrics)?;
    let now = asked.at.unwrap_or_else(|| SystemClock.now());
    // The file does not say by which listener the request would come.
    let scheme = if config.listen.places.https.is_some() { Scheme::Https } else { Scheme::Http };
    let connection = Connection { scheme, client: asked.client, ..Connection::UNKNOWN };
    let picture = Arc::new(Picture::new(config.verdict_bytes));
    picture.configure(config.routes, config.issuers);
    take_kept_keys(&picture, config.state_dir.as_deref(), now);
    let text = std::fs::read(&asked.request)?;
    let mut story = Story::default();
    if asked.at.is_some() {
        story.step("at", now.to_rfc3339());
    }
    let challenges = Arc::new(challenges(&mut story, config.challenge)?);
    if let Some(settings) = &config.feed {
        let acls = PoolAcls::new(Arc::clone(&picture), Arc::clone(&metrics), config.acl_terms);
        let pools = Pools::new(Arc::clone(&picture), metrics, Arc::default(), Arc::new(acls)); // nothing is signed here
        recall(&mut story, settings, &pools.with_challenges(Arc::clone(&challenges)), now);
    }
    let (head, body) = taken_apart(&text);
    explain_head(story, &picture.load(), (&head, body), &connection, (now, &*challenges))
}

/// With the key that the edge has made, if it has; nothing is made here.
fn challenges(story: &mut Story, mut settings: Settings) -> Result<Challenges, KeyError> {
    if let KeySource::State(path) = &settings.keys {
        settings.keys = match Keys::read(path) {
            Ok(keys) => KeySource::Given(keys),
            Err(error) => {
                story.step("challenge", format!("{}: {error}: no token can be verified", path.display()));
                KeySource::Own
            }
        };
    }
    Challenges::new(settings, Meter::default())
}

/// Nothing is fetched here; what an edge has kept on disk counts.
fn take_kept_keys(picture: &Picture, state_dir: Option<&Path>, now: UnixMillis) {
    let Some(dir) = state_dir else { return };
    for issuer in &picture.load().issuers {
        let Some(keys) = &issuer.keys else { continue };
        if let Some((trust, fetched)) = keys::restored(dir, &issuer.name, &keys.source, now) {
            keys.set(fetched, fetched.plus(keys.source.plan.max_stale()));
            picture.fetched(&issuer.name, keys, trust);
        }
    }
}

/// Puts what the edge has saved of the feed into the picture, without touching a file.
fn recall(story: &mut Story, settings: &FeedSettings, pools: &Pools, now: UnixMillis) {
    let folder = settings.state_dir.display();
    match feed::recall(&settings.state_dir, pools) {
        Ok(None) => story.step("feed", format!("nothing is saved in {folder}: nothing is known of pools")),
        Ok(Some(recalled)) if recalled.damaged => story.step("feed", format!("what is saved in {folder} is damaged")),
        Ok(Some(recalled)) => {
            story.step("feed", format!("as saved in {folder}"));
            for (name, position, fresh_as_of) in recalled.feeds {
                let age = now.since(fresh_as_of).as_secs();
                story.fact("feed", format!("{name} at {}, complete {age} s before", position.seq));
            }
        }
        Err(error) => story.step("feed", format!("{folder}: {error}: nothing is known of pools")),
    }
}

fn explain_head(
    mut story: Story,
    snapshot: &Arc<Snapshot>,
    (raw, body): (&[u8], &[u8]),
    connection: &Connection,
    (now, challenges): (UnixMillis, &Challenges),
) -> Result<Explanation, ExplainError> {
    let (method, target, fields) = take_apart(raw).map_err(|_| ExplainError::NoRequestLine)?;
    let fields: Vec<_> = fields.collect();
    let method = std::str::from_utf8(method).map_err(|_| ExplainError::NoRequestLine)?;
    let head = RequestHead { method, target, version: Version::Http11, authority: None };
    let request = match canonical_request(head, fields.iter().copied(), &snapshot.routes.heads) {
        Ok(request) => request,
        Err(ambiguity) => {
            story.step("canonical", format!("none: {ambiguity}"));
            return Ok(story.refuse(reply::ambiguous(ambiguity)));
        }
    };
    let path = request.path.decoded();
    story.step("canonical", format!("{method} {}{}", request.host.name(), request.target()));
    if request.identity_headers {
        story.step("stripped", "headers that only the edge may say");
    }
    if let Some((resource, _)) = resource::asked(&snapshot.routes, &request) {
        story.step("resource", &*resource.url);
        story.fact("document", resource::document(resource, snapshot));
        return Ok(story.described());
    }
    if let Some((asked, own, _)) = sign_in::asked(&snapshot.routes, request.host.name(), request.path.as_str()) {
        story.step("sign-in", &*asked.name);
        story.fact("path", own.says());
        return Ok(story.own());
    }
    if snapshot.asks() && challenge::is_reserved(request.path.as_str()) {
        story.step("challenge", "one of the edge's own paths, where clients come with what they have solved");
        return Ok(story.own());
    }
    let headers = header_map(&fields);
    if let Some(told) = preflight(&snapshot.routes, (request.host.name(), &path, method), &headers) {
        story.step("route", &*told.route.name);
        for (name, value) in &told.headers {
            story.step("answers", format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        return Ok(story.preflight());
    }
    let route = match choose(&snapshot.routes, request.host.name(), &path, method) {
        Choice::Route(route) => route,
        Choice::WrongMethod => return Ok(story.refuse(Reject::MethodNotAllowed)),
        Choice::NoRoute => return Ok(story.refuse(Reject::NoRoute)),
    };
    story.step("route", &*route.name);
    let body = if body.is_empty() { Body::None } else { Body::Read { bytes: body, more: false } };
    let moment = Moment::default();
    let view =
        RequestView { canonical: &request, connection, headers: &headers, session: None, route, body, now, moment };
    Ok(gates::explain(story, snapshot, view, challenges))
}

fn header_map(fields: &[(&[u8], &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

/// The head, in which an editor's line feeds become CRLF and which ends in an empty line, and the body behind that.
fn taken_apart(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut raw = Vec::with_capacity(text.len() + 16);
    let mut read = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        read += line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        raw.extend_from_slice(line);
        raw.extend_from_slice(b"\r\n");
        if line.is_empty() && raw.len() > 2 {
            return (raw, text.get(read..).unwrap_or_default());
        }
    }
    raw.extend_from_slice(b"\r\n");
    (raw, &[])
}

#[cfg(test)]
mod tests;
