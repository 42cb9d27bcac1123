//! Where an OpenID provider is (OpenID Connect Discovery 1.0 §4), and questions to it. All of this runs on the control runtime.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::clock::UnixMillis;
use common::jose::json::Object;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use tokio::sync::{Mutex, Semaphore};
use url::form_urlencoded;

use crate::outbound::{Address, AddressError, Answer, Bounds, Client, OutboundError, Question};
use crate::snapshot::introspection::ClientAuth;
use crate::snapshot::sign_in::{self as settings, SignIn};

/// How long metadata is believed; while it can't be had anew, what was had before goes on.
const FRESH: Duration = Duration::from_secs(600);
/// After a question for it that came to nothing.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// Metadata, and answers of the token endpoint; bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Questions at a time; others wait, as long as a question may take.
const CONCURRENCY: usize = 64;

/// Where browsers and the edge go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub iss: String,
    pub authorization: Address,
    pub token: Address,
    pub end_session: Option<Address>,
    pub revocation: Option<Address>,
    /// Answers name their issuer (RFC 9207 §3).
    pub sends_iss: bool,
}

/// Why a provider could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("{address}: {error}")]
    Outbound { address: String, error: OutboundError },
    #[error("{address}: status {status}")]
    Status { address: String, status: u16 },
    #[error("{0}")]
    Metadata(String),
    #[error("too many wait to ask it")]
    Busy,
}

pub struct Provider {
    client: Client,
    timeout: Duration,
    places: Semaphore,
    current: ArcSwapOption<(Metadata, UnixMillis)>,
    /// When the last question for metadata came to nothing; who asks holds it.
    failed: Mutex<Option<UnixMillis>>,
}

impl Provider {
    pub fn new(settings: &settings::Provider) -> Self {
        Self {
            client: Client::new(&settings.authorities, CONCURRENCY),
            timeout: settings.timeout,
            places: Semaphore::new(CONCURRENCY),
            current: ArcSwapOption::empty(),
            failed: Mutex::new(None),
        }
    }

    /// What is known and fresh.
    pub fn known(&self, iss: &str, now: UnixMillis) -> Option<Metadata> {
        let current = self.current.load_full()?;
        let (metadata, at) = &*current;
        (metadata.iss == iss && now.since(*at) < FRESH && now >= *at).then(|| metadata.clone())
    }

    /// The same, asked for where it is not known; one asks, the others wait for it.
    pub async fn metadata(&self, settings: &SignIn, iss: &str, now: UnixMillis) -> Result<Metadata, ProviderError> {
        if let Some(known) = self.known(iss, now) {
            return Ok(known);
        }
        let mut failed = self.failed.lock().await;
        if let Some(known) = self.known(iss, now) {
            return Ok(known);
        }
        let of_before = || self.current.load_full().filter(|known| known.0.iss == iss).map(|known| known.0.clone());
        if failed.is_some_and(|at| now >= at && now.since(at) < COOL_DOWN) {
            return of_before().ok_or_else(|| ProviderError::Metadata("no metadata a moment ago".to_owned()));
        }
        match self.ask_for_metadata(settings, iss).await {
            Ok(metadata) => {
                *failed = None;
                self.current.store(Some(Arc::new((metadata.clone(), now))));
                Ok(metadata)
            }
            Err(error) => {
                *failed = Some(now);
                of_before().ok_or(error)
            }
        }
    }

    async fn ask_for_metadata(&self, settings: &SignIn, iss: &str) -> Result<Metadata, ProviderError> {
        let given = &settings.provider;
        if let (Some(authorization), Some(token)) = (&given.authorization, &given.token) {
            return Ok(Metadata {
                iss: iss.to_owned(),
                authorization: authorization.clone(),
                token: token.clone(),
                end_session: given.end_session.clone(),
                revocation: given.revocation.clone(),
                sends_iss: false,
            });
        }
        let unusable = |error: AddressError| ProviderError::Metadata(format!("the issuer's `iss`, \"{iss}\", {error}"));
        let address = Address::of_openid_configuration(iss, given.allow_http).map_err(unusable)?;
        let answer = self.ask(&address, Question { headers: accept(), form: None }).await?;
        if answer.status != http::StatusCode::OK {
            return Err(ProviderError::Status { address: address.to_string(), status: answer.status.as_u16() });
        }
        let read = || read(&address, std::str::from_utf8(&answer.body).ok()?, iss, given);
        read().ok_or_else(|| {
            let problem = "is no metadata of this issuer with an authorization_endpoint and a token_endpoint";
            ProviderError::Metadata(format!("{address}: {problem}"))
        })
    }

    /// Posts a form as this client (RFC 6749 §2.3.1, §3.2.1).
    pub async fn post(
        &self,
        address: &Address,
        client: &settings::Client,
        form: &[(&str, &str)],
    ) -> Result<Answer, ProviderError> {
        self.ask(address, as_client(client, form)).await
    }

    async fn ask(&self, address: &Address, question: Question) -> Result<Answer, ProviderError> {
        let place = tokio::time::timeout(self.timeout, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(ProviderError::Busy) };
        let bounds = Bounds { bytes: MOST_BYTES, time: self.timeout };
        let asked = self.client.ask(address, question, bounds).await;
        asked.map_err(|error| ProviderError::Outbound { address: address.to_string(), error })
    }
}

fn as_client(client: &settings::Client, form: &[(&str, &str)]) -> Question {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form);
    let mut headers = accept();
    headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
    match &client.secret {
        Some((secret, ClientAuth::Basic)) => {
            headers.extend(basic(&client.id, secret.expose()).map(|value| (AUTHORIZATION, value)));
        }
        Some((secret, ClientAuth::Post)) => {
            text.append_pair("client_id", &client.id).append_pair("client_secret", secret.expose());
        }
        None => drop(text.append_pair("client_id", &client.id)),
    }
    Question { headers, form: Some(Bytes::from(text.finish())) }
}

fn accept() -> Vec<(HeaderName, HeaderValue)> {
    vec![(ACCEPT, HeaderValue::from_static("application/json"))]
}

/// Both halves are form-encoded before they are joined.
fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A document whose `issuer` is ours to the letter (SECURITY.md I49). What the settings name counts for more.
fn read(from: &Address, text: &str, iss: &str, given: &settings::Provider) -> Option<Metadata> {
    let document = Object::parse(text).ok()?;
    if document.text("issuer").ok()?? != iss {
        return None;
    }
    let named = |name: &str| from.named(&document.text(name).ok()??).ok();
    Some(Metadata {
        iss: iss.to_owned(),
        authorization: given.authorization.clone().or_else(|| named("authorization_endpoint"))?,
        token: given.token.clone().or_else(|| named("token_endpoint"))?,
        end_session: given.end_session.clone().or_else(|| named("end_session_endpoint")),
        revocation: given.revocation.clone().or_else(|| named("revocation_endpoint")),
        sends_iss: document.value("authorization_response_iss_parameter_supported").ok().flatten().unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Authorities;

    fn nothing_given() -> settings::Provider {
        settings::Provider {
            authorization: None,
            token: None,
            end_session: None,
            revocation: None,
            authorities: Authorities::public().unwrap(),
            allow_http: false,
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn metadata_is_of_this_issuer_and_names_places_to_ask() {
        let from = Address::parse("https://a.example/.well-known/openid-configuration", false).unwrap();
        let good = r#"{"issuer":"https://a.example","authorization_endpoint":"https://a.example/auth","token_endpoint":"https://b.example/t","authorization_response_iss_parameter_supported":true}"#;
        let found = read(&from, good, "https://a.example", &nothing_given()).unwrap();
        assert_eq!((found.token.as_str(), found.sends_iss, found.end_session), ("https://b.example/t", true, None));
        for (part, other) in [
            ("https://a.example\"", "https://a.example/\""),
            ("\"issuer\"", "\"isuer\""),
            ("{", "{\"issuer\":\"https://b.example\","),
            ("https://a.example/auth", "http://a.example/auth"),
            ("https://a.example/auth", "javascript:alert(1)"),
            ("https://b.example/t", "http://127.0.0.1:1/t"),
            ("\"token_endpoint\"", "\"token\""),
        ] {
            assert_eq!(
                read(&from, &good.replacen(part, other, 1), "https://a.example", &nothing_given()),
                None,
                "{other}"
            );
        }
        let token = Some(Address::parse("https://c.example/t", false).unwrap());
        let given = settings::Provider { token: token.clone(), ..nothing_given() };
        assert_eq!(Some(read(&from, good, "https://a.example", &given).unwrap().token), token);
    }
}
