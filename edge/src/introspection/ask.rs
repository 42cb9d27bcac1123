//! One question (RFC 7662 §2.1) and its answer (§2.2).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::clock::Clock;
use common::reject::Reject;
use common::verify::{Introspected, MAX_INTROSPECTION_BYTES, UnreadableAnswer};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use url::form_urlencoded;

use crate::introspection::Said;
use crate::outbound::{Bounds, Client, OutboundError, Question};
use crate::snapshot::introspection::{ClientAuth, Endpoint, IntrospectionSettings};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("status {0}: the endpoint does not take this client's credentials")]
    Credentials(StatusCode),
    #[error("status {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Unreadable(#[from] UnreadableAnswer),
}

/// Asks one endpoint.
pub(super) struct Asker {
    client: Client,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Asker {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        let mut headers = vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ];
        headers.extend(basic(endpoint).map(|value| (AUTHORIZATION, value)));
        Self { client: Client::new(&endpoint.authorities, endpoint.concurrency), headers }
    }

    pub(super) async fn ask(
        &self,
        settings: &IntrospectionSettings,
        token: &str,
        clock: &dyn Clock,
    ) -> Result<Said, AskError> {
        let endpoint = &settings.endpoint;
        let question = Question { headers: self.headers.clone(), form: Some(form(endpoint, token)) };
        let bounds = Bounds { bytes: MAX_INTROSPECTION_BYTES, time: endpoint.timeout };
        let answer = self.client.ask(&endpoint.address, question, bounds).await?;
        match answer.status {
            StatusCode::OK => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => return Err(AskError::Credentials(status)),
            status => return Err(AskError::Status(status)),
        }
        let body = std::str::from_utf8(&answer.body).map_err(|_| UnreadableAnswer)?;
        Ok(match settings.terms.read(body, clock.now())? {
            Introspected::Active(verified) => {
                let verified = match &settings.groups {
                    None => *verified,
                    Some(paths) => verified.with_groups_at(paths),
                };
                Said::Active(Arc::new(verified))
            }
            Introspected::Inactive => Said::Refused(Reject::TokenInactive),
            Introspected::Refused(reject) => Said::Refused(reject),
        })
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(endpoint: &Endpoint) -> Option<HeaderValue> {
    if endpoint.auth != ClientAuth::Basic {
        return None;
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(&endpoint.client_id), encoded(endpoint.client_secret.expose()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn form(endpoint: &Endpoint, token: &str) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", "access_token");
    if endpoint.auth == ClientAuth::Post {
        form.append_pair("client_id", &endpoint.client_id);
        form.append_pair("client_secret", endpoint.client_secret.expose());
    }
    form.finish().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outbound::{Address, Authorities};

    fn endpoint(auth: ClientAuth) -> Endpoint {
        Endpoint {
            address: Address::parse("https://a.example/introspect", false).unwrap(),
            authorities: Authorities::public().unwrap(),
            client_id: "edge:1".to_owned(),
            client_secret: "p%s w&".to_owned().into(),
            auth,
            timeout: Duration::from_secs(1),
            concurrency: 1,
            queue: 1,
        }
    }

    #[test]
    fn the_client_shows_itself_as_the_rfc_has_it() {
        let value = basic(&endpoint(ClientAuth::Basic)).unwrap();
        let pair = STANDARD.decode(value.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"edge%3A1:p%25s+w%26");
        assert_eq!(form(&endpoint(ClientAuth::Basic), "a+b/="), "token=a%2Bb%2F%3D&token_type_hint=access_token");
        assert_eq!(basic(&endpoint(ClientAuth::Post)), None);
        let posted = form(&endpoint(ClientAuth::Post), "t");
        assert_eq!(posted, "token=t&token_type_hint=access_token&client_id=edge%3A1&client_secret=p%25s+w%26");
    }
}
