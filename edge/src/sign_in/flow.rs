//! From a page that needs a session to the provider, and back (RFC 6749 §4.1, RFC 7636, RFC 9207).

use std::borrow::Cow;
use std::sync::Arc;

use common::canonical::CanonicalPath;
use common::reject::Reject;
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use url::{Url, form_urlencoded};

use super::desk::Desk;
use super::page::{self, Failure};
use super::provider::Metadata;
use super::session::Session;
use super::tokens::TokenError;
use super::transaction::{Transaction, is_local};
use super::visit::Visit;
use super::{Again, Answered, Own, SignIns, patience};
use crate::reply::Reply;
use crate::snapshot::route::TokenRule;
use crate::snapshot::sign_in::SignIn;

/// Errors by which a provider says that this user can't sign in, or would not.
const DENIALS: [&str; 5] =
    ["access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required"];
/// Longer codes, states and issuers are none.
const LONGEST_PARAMETER: usize = 4_096;

/// A failed return, and where people may try again.
struct Failed(Failure, String, Option<HeaderValue>);

impl SignIns {
    /// The answer on one of the edge's own paths.
    pub async fn answer(self: &Arc<Self>, sign_in: &SignIn, own: Own, visit: Visit<'_>) -> Answered {
        let Some(desk) = self.desk(&sign_in.name) else { return failed(Failure::Unavailable, "/") };
        match (own, visit.method) {
            (Own::Callback, "GET") => self.come_back(&desk, visit).await,
            (Own::Callback, _) => failed(Failure::Method("GET"), "/"),
            (Own::SignIn, "GET" | "HEAD") => {
                let return_to = asked_return(visit.query());
                match self.begin(&desk, visit, &return_to, &[]).await {
                    Ok(reply) => Answered { reply, code: "sign_in" },
                    Err(failure) => failed(failure, &return_to),
                }
            }
            (Own::SignOut, "GET" | "POST") => self.sign_out(&desk, visit).await,
            (Own::SignOut, _) => failed(Failure::Method("GET, POST"), "/"),
            (Own::Keys, "GET" | "HEAD") => match &desk.signer {
                Some(signer) => Answered {
                    reply: crate::reply::document(signer.jwks().to_owned(), &HeaderValue::from_static("")),
                    code: "identity_keys",
                },
                None => failed(Failure::Unavailable, "/"),
            },
            (Own::SignIn | Own::Keys, _) => failed(Failure::Method("GET, HEAD"), "/"),
        }
    }

    /// Sends a browser that wants a page to sign in, and back to it afterwards.
    pub async fn lead(
        self: &Arc<Self>,
        sign_in: &SignIn,
        visit: Visit<'_>,
        rule: &TokenRule,
        again: Again,
    ) -> Result<Reply, Failure> {
        let desk = self.desk(&sign_in.name).ok_or(Failure::Unavailable)?;
        let wanted = match again {
            Again::Anew => None,
            Again::Later => rule.max_age.map(|span| ("max_age", span.as_secs().to_string())),
            Again::Better => (!rule.acr_any.is_empty()).then(|| ("acr_values", rule.acr_any.join(" "))),
        };
        self.begin(&desk, visit, visit.target, wanted.as_slice()).await
    }

    async fn begin(
        self: &Arc<Self>,
        desk: &Arc<Desk>,
        visit: Visit<'_>,
        return_to: &str,
        wanted: &[(&str, String)],
    ) -> Result<Reply, Failure> {
        let metadata = self.metadata_for(desk, visit).await.ok_or(Failure::Unavailable)?;
        let redirect_uri = format!("{}{}", visit.origin(), desk.settings.paths.callback);
        let begun = || {
            let transaction = Transaction::begin(redirect_uri, return_to, visit.now)?;
            let cookies = transaction.cookies(desk, visit.host, visit.headers, visit.now)?;
            page::redirect(StatusCode::FOUND, &request(&metadata, desk, &transaction, wanted)?, cookies)
        };
        let reply = begun().ok_or(Failure::Unavailable)?;
        self.metrics.sign_in(&desk.settings.name, "begun");
        Ok(reply)
    }

    /// What is known of the provider; asked for where it is not.
    pub(super) async fn metadata_for(self: &Arc<Self>, desk: &Arc<Desk>, visit: Visit<'_>) -> Option<Metadata> {
        if let Some(known) = desk.provider.known(&self.iss(desk)?, visit.now) {
            return Some(known);
        }
        let (this, of) = (Arc::clone(self), Arc::clone(desk));
        let found = self.on_control(patience(desk), async move { this.metadata(&of).await }).await?;
        found.inspect_err(|error| desk.complain(error, visit.now)).ok()
    }

    async fn come_back(self: &Arc<Self>, desk: &Arc<Desk>, visit: Visit<'_>) -> Answered {
        let name = &desk.settings.name;
        match self.completed(desk, visit).await {
            Ok(reply) => {
                self.metrics.sign_in(name, "signed_in");
                Answered { reply, code: "signed_in" }
            }
            Err(Failed(failure, again, cookie)) => {
                self.metrics.sign_in(name, failure.code());
                let mut answered = failed(failure, &again);
                answered.reply.headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
                answered
            }
        }
    }

    async fn completed(self: &Arc<Self>, desk: &Arc<Desk>, visit: Visit<'_>) -> Result<Reply, Failed> {
        let nowhere = |failure| Failed(failure, "/".to_owned(), None);
        let answer = Response::read(visit.query()).ok_or_else(|| nowhere(Failure::Mismatch))?;
        let state = answer.state.as_deref().ok_or_else(|| nowhere(Failure::Mismatch))?;
        let transaction = Transaction::of_state(desk, visit.host, state, visit.headers, visit.now)
            .ok_or_else(|| nowhere(Failure::NotBegun))?;
        let failed = |failure| Failed(failure, transaction.return_to.clone(), transaction.cleared(desk));
        let iss = self.iss(desk).ok_or_else(|| failed(Failure::Unavailable))?;
        if answer.iss.as_deref().is_some_and(|said| *said != *iss) {
            return Err(failed(Failure::Mismatch));
        }
        let code = match (answer.error.as_deref(), answer.code) {
            (None, Some(code)) => code.into_owned(),
            (Some(error), None) if DENIALS.contains(&error) => return Err(failed(Failure::Denied)),
            (Some(_), None) => return Err(failed(Failure::Provider)),
            _ => return Err(failed(Failure::Mismatch)),
        };
        let metadata = self.metadata_for(desk, visit).await.ok_or_else(|| failed(Failure::Unavailable))?;
        if metadata.sends_iss && answer.iss.is_none() {
            return Err(failed(Failure::Mismatch));
        }
        if !desk.spend(&transaction.state) {
            return Err(failed(Failure::Spent));
        }
        let session = self.exchanged(desk, metadata, code, &transaction, visit).await.map_err(failed)?;
        let lines = desk.cookies(&session, visit.host, visit.headers, visit.now);
        let mut lines = lines.ok_or_else(|| failed(Failure::TooLong))?;
        lines.extend(transaction.cleared(desk));
        page::redirect(StatusCode::SEE_OTHER, &transaction.return_to, lines).ok_or_else(|| failed(Failure::Unusable))
    }

    async fn exchanged(
        self: &Arc<Self>,
        desk: &Arc<Desk>,
        metadata: Metadata,
        code: String,
        transaction: &Transaction,
        visit: Visit<'_>,
    ) -> Result<Session, Failure> {
        let (this, of, transaction) = (Arc::clone(self), Arc::clone(desk), transaction.clone());
        let work = async move { this.asker(&of, &metadata).by_code(&code, &transaction).await };
        let done = self.on_control(patience(desk), work).await.ok_or(Failure::Unavailable)?;
        done.map_err(|error| {
            desk.complain(&error, visit.now);
            match error {
                TokenError::Grant => Failure::Grant,
                TokenError::Provider(_) | TokenError::IdToken(Reject::NotReady) => Failure::Unavailable,
                TokenError::Status(status) if status >= 500 => Failure::Unavailable,
                TokenError::Status(_) | TokenError::Answer(_) | TokenError::IdToken(_) | TokenError::Mismatch(_) => {
                    Failure::Unusable
                }
            }
        })
    }
}

pub(super) fn failed(failure: Failure, again: &str) -> Answered {
    Answered { reply: page::failed(failure, again), code: failure.code() }
}

/// The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
fn request(metadata: &Metadata, desk: &Desk, transaction: &Transaction, wanted: &[(&str, String)]) -> Option<String> {
    let client = &desk.settings.client;
    let mut url = Url::parse(metadata.authorization.as_str()).ok()?;
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", &transaction.redirect_uri)
        .append_pair("scope", &client.scope)
        .append_pair("state", &transaction.state)
        .append_pair("nonce", &transaction.nonce)
        .append_pair("code_challenge", &transaction.challenge())
        .append_pair("code_challenge_method", "S256");
    let usual = client.authorization.iter().filter(|(name, _)| !wanted.iter().any(|(other, _)| other == name));
    query.extend_pairs(usual).extend_pairs(wanted);
    drop(query);
    Some(url.into())
}

/// Where a link to the sign-in leads afterwards: `return`, if it is a path of this host in the one form in which requests for it would come.
fn asked_return(query: &str) -> String {
    let mut asked = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "return");
    let is_good = |target: &str| {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        is_local(target) && CanonicalPath::parse(path.as_bytes()).is_ok()
    };
    match (asked.next(), asked.next()) {
        (Some((_, target)), None) if is_good(&target) => target.into_owned(),
        _ => "/".to_owned(),
    }
}

/// What the provider says through the browser (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Debug, Default)]
struct Response<'q> {
    state: Option<Cow<'q, str>>,
    code: Option<Cow<'q, str>>,
    error: Option<Cow<'q, str>>,
    iss: Option<Cow<'q, str>>,
}

impl<'q> Response<'q> {
    /// None where something is there twice (RFC 6749 §3.1) or too long.
    fn read(query: &'q str) -> Option<Self> {
        let mut response = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "state" => &mut response.state,
                "code" => &mut response.code,
                "error" => &mut response.error,
                "iss" => &mut response.iss,
                _ => continue,
            };
            if value.len() > LONGEST_PARAMETER || slot.replace(value).is_some() {
                return None;
            }
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_back_to_this_host_or_to_its_root() {
        for (query, expected) in [
            ("return=%2Fa%3Fb%3D1", "/a?b=1"),
            ("return=/a/b&x=y", "/a/b"),
            ("", "/"),
            ("return=//evil", "/"),
            ("return=%2F%2Fevil.example", "/"),
            ("return=/%5Cevil", "/"),
            ("return=%2F%09%2Fevil", "/"),
            ("return=/%2Fevil", "/"),
            ("return=https://evil.example/", "/"),
            ("return=javascript:alert(1)", "/"),
            ("return=/a&return=/b", "/"),
            ("return=/a/../b", "/"),
            ("return=/a%0d%0aset-cookie:x", "/"),
        ] {
            assert_eq!(asked_return(query), expected, "{query}");
        }
    }

    #[test]
    fn an_answer_has_one_reading() {
        let read = |query| Response::read(query).map(|answer| answer.code.map(Cow::into_owned));
        assert_eq!(read("code=a%2Bb&state=s&session_state=x&x=1&x=2"), Some(Some("a+b".to_owned())));
        assert_eq!(read("code=a&code=a&state=s"), None);
        assert_eq!(read("code=a&%63ode=b"), None);
        assert_eq!(read(&format!("code={}", "x".repeat(5_000))), None);
    }
}
