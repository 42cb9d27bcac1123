//! Signing out: here at once, at the provider as far as it lets itself be told (RFC 7009, OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use url::Url;

use super::desk::Desk;
use super::flow::failed;
use super::page::{self, Failure};
use super::provider::Metadata;
use super::session::Session;
use super::visit::{Visit, is_cross_site};
use super::{Answered, SignIns, patience};
use crate::reply::Reply;
use crate::snapshot::sign_in::SignOutAt;

impl SignIns {
    /// Ends the session: the refresh token is revoked before the browser goes on, so that an issuer that tells edges of it has told them, and a
    /// copy of the cookies is worth nothing.
    pub(super) async fn sign_out(self: &Arc<Self>, desk: &Arc<Desk>, visit: Visit<'_>) -> Answered {
        if is_cross_site(visit.headers) {
            self.metrics.sign_out(&desk.settings.name, "cross_site");
            return failed(Failure::CrossSite, "/");
        }
        let session = desk.session(visit.host, visit.headers, visit.now);
        let metadata = self.metadata_for(desk, visit).await;
        let result = match (&session, &metadata) {
            (None, _) => "no_session",
            (Some(session), Some(metadata)) => self.revoke(desk, metadata, session, visit).await,
            (Some(_), None) => "not_revoked",
        };
        self.metrics.sign_out(&desk.settings.name, result);
        let cookies = desk.cleared(visit.headers);
        Answered { reply: gone(desk, metadata.as_ref(), session.as_ref(), visit, cookies), code: "signed_out" }
    }

    async fn revoke(
        self: &Arc<Self>,
        desk: &Arc<Desk>,
        metadata: &Metadata,
        session: &Session,
        visit: Visit<'_>,
    ) -> &'static str {
        let (Some(address), Some(token)) = (metadata.revocation.clone(), session.refresh.clone()) else {
            return "not_revocable";
        };
        let of = Arc::clone(desk);
        let work = async move {
            let form = [("token", token.expose()), ("token_type_hint", "refresh_token")];
            of.provider.post(&address, &of.settings.client, &form).await
        };
        match self.on_control(patience(desk), work).await {
            Some(Ok(answer)) if answer.status.is_success() => "revoked",
            Some(Ok(answer)) => {
                desk.complain(&format!("the revocation endpoint answers status {}", answer.status.as_u16()), visit.now);
                "not_revoked"
            }
            Some(Err(error)) => {
                desk.complain(&error, visit.now);
                "not_revoked"
            }
            None => "not_revoked",
        }
    }
}

fn gone(
    desk: &Desk,
    metadata: Option<&Metadata>,
    session: Option<&Session>,
    visit: Visit<'_>,
    cookies: Vec<HeaderValue>,
) -> Reply {
    let then = desk.settings.sign_out.then.as_deref();
    let at_provider = metadata.and_then(|metadata| match desk.settings.sign_out.at {
        SignOutAt::Provider => end_session(desk, metadata, session, visit),
        SignOutAt::Cognito => cognito_logout(desk, metadata, visit),
        SignOutAt::Edge => None,
    });
    let to = at_provider.or_else(|| then.map(str::to_owned));
    if let Some(reply) = to.and_then(|to| page::redirect(StatusCode::SEE_OTHER, &to, cookies.clone())) {
        return reply;
    }
    let mut reply = page::signed_out(&desk.settings.paths.sign_in);
    reply.headers.extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
    reply
}

/// OpenID Connect RP-Initiated Logout 1.0 §2.
fn end_session(desk: &Desk, metadata: &Metadata, session: Option<&Session>, visit: Visit<'_>) -> Option<String> {
    let mut url = Url::parse(metadata.end_session.as_ref()?.as_str()).ok()?;
    let mut query = url.query_pairs_mut();
    query.append_pair("client_id", &desk.settings.client.id);
    if let Some(hint) = session.and_then(|session| session.id.as_ref()) {
        query.append_pair("id_token_hint", hint.expose());
    }
    if let Some(then) = absolute(desk, visit) {
        query.append_pair("post_logout_redirect_uri", &then);
    }
    drop(query);
    Some(url.into())
}

/// Cognito's own, beside its authorization endpoint.
fn cognito_logout(desk: &Desk, metadata: &Metadata, visit: Visit<'_>) -> Option<String> {
    let mut url = match &metadata.end_session {
        Some(given) => Url::parse(given.as_str()).ok()?,
        None => {
            let mut url = Url::parse(metadata.authorization.as_str()).ok()?;
            url.set_path("/logout");
            url.set_query(None);
            url
        }
    };
    url.query_pairs_mut()
        .append_pair("client_id", &desk.settings.client.id)
        .append_pair("logout_uri", &absolute(desk, visit)?);
    Some(url.into())
}

/// Where people are led in the end, as providers want it.
fn absolute(desk: &Desk, visit: Visit<'_>) -> Option<String> {
    let then = desk.settings.sign_out.then.as_deref()?;
    Some(if then.starts_with('/') { format!("{}{then}", visit.origin()) } else { then.to_owned() })
}
