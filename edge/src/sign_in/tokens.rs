//! What the token endpoint gives for a code or a refresh token (RFC 6749 §4.1.3, §6; OpenID Connect Core §3.1.3, §12), and what of it is believed.

use std::sync::Arc;
use std::time::Duration;

use common::claims::TokenUse;
use common::clock::{Clock, UnixMillis};
use common::jose::Jws;
use common::jose::json::Object;
use common::reject::Reject;
use common::secret::SecretString;
use common::verify::{Profile, Unverified, Verified};

use super::desk::Desk;
use super::provider::{Metadata, ProviderError};
use super::session::Session;
use super::transaction::Transaction;
use crate::outbound::Answer;
use crate::snapshot::issuer::Issuer;
use crate::snapshot::picture::Picture;

/// A token of which nobody says how long it lives; seconds.
const UNTOLD_LIFE: u64 = 300;
/// How often, and in all how long, keys are waited for that are not known yet.
const KEYS_AFTER: Duration = Duration::from_millis(250);
const KEY_LOOKS: u32 = 8;
pub const KEYS_WAIT: Duration = Duration::from_secs(2);

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// `invalid_grant`: the code or the refresh token is not good, or no more.
    #[error("the token endpoint refuses the grant")]
    Grant,
    #[error("the token endpoint answers status {0}")]
    Status(u16),
    #[error("the token endpoint's answer {0}")]
    Answer(&'static str),
    #[error("the ID token is refused: {0}")]
    IdToken(Reject),
    #[error("the ID token {0}")]
    Mismatch(&'static str),
}

/// A good answer of the token endpoint.
struct Tokens {
    access: SecretString,
    refresh: Option<SecretString>,
    id: Option<SecretString>,
    expires_in: Option<u64>,
}

/// What questions about tokens need.
pub struct Asker<'a> {
    pub desk: &'a Desk,
    pub metadata: &'a Metadata,
    pub picture: &'a Picture,
    pub clock: &'a dyn Clock,
}

impl Asker<'_> {
    /// Exchanges a code for a session.
    pub async fn by_code(&self, code: &str, transaction: &Transaction) -> Result<Session, TokenError> {
        let tokens = self
            .ask(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &transaction.redirect_uri),
                ("code_verifier", transaction.verifier.expose()),
            ])
            .await?;
        let id = tokens.id.as_ref().ok_or(TokenError::Answer("has no id_token"))?;
        let verified = self.verified(id).await?;
        match verified.claims().text("nonce") {
            Ok(Some(nonce)) if nonce == transaction.nonce => {}
            _ => return Err(TokenError::Mismatch("is of another sign-in")),
        }
        let now = self.clock.now();
        let text = |name: &str| verified.claim_text(name).map(String::from);
        let expires = self.expires(&tokens, now);
        let keeps_id = self.keeps_id();
        Ok(Session {
            sub: verified.sub.to_string(),
            sid: text("sid").or_else(|| text("origin_jti")),
            username: text("preferred_username").or_else(|| verified.username.as_deref().map(str::to_owned)),
            email: text("email"),
            created: now.seconds(),
            seen: now.seconds(),
            expires,
            access: self.kept(tokens.access),
            refresh: tokens.refresh,
            id: tokens.id.filter(|_| keeps_id),
        })
    }

    /// The same session with other tokens. A provider that sends no refresh token means the old one to go on (RFC 6749 §6).
    pub async fn by_refresh(&self, session: &Session) -> Result<Session, TokenError> {
        let old = session.refresh.as_ref().ok_or(TokenError::Grant)?;
        let tokens = self.ask(&[("grant_type", "refresh_token"), ("refresh_token", old.expose())]).await?;
        if let Some(id) = &tokens.id {
            // OpenID Connect Core §12.2.
            if *self.verified(id).await?.sub != *session.sub {
                return Err(TokenError::Mismatch("is of another user"));
            }
        } else if self.desk.settings.judged == TokenUse::Id {
            return Err(TokenError::Answer("has no id_token"));
        }
        let now = self.clock.now();
        let expires = self.expires(&tokens, now);
        let keeps_id = self.keeps_id();
        Ok(Session {
            access: self.kept(tokens.access),
            refresh: tokens.refresh.or_else(|| session.refresh.clone()),
            id: tokens.id.or_else(|| session.id.clone()).filter(|_| keeps_id),
            seen: now.seconds(),
            expires,
            ..session.clone()
        })
    }

    async fn ask(&self, form: &[(&str, &str)]) -> Result<Tokens, TokenError> {
        let answer = self.desk.provider.post(&self.metadata.token, &self.desk.settings.client, form).await?;
        read(&answer)
    }

    /// Who it is by, for whom and of when (OpenID Connect Core §3.1.3.7). A key that was published a moment ago is waited for.
    async fn verified(&self, id: &SecretString) -> Result<Verified, TokenError> {
        let mut looks = 0;
        loop {
            match self.judge(id.expose()) {
                Err(Reject::UnknownKey | Reject::NotReady) if looks < KEY_LOOKS => looks += 1,
                Err(reject) => return Err(TokenError::IdToken(reject)),
                Ok(verified) => {
                    let client = self.desk.settings.client.id.as_str();
                    let is_ours = verified.audience.iter().any(|audience| **audience == *client);
                    return match is_ours && *verified.client_id == *client {
                        true => Ok(verified),
                        false => Err(TokenError::Mismatch("is for another client")),
                    };
                }
            }
            tokio::time::sleep(KEYS_AFTER).await;
        }
    }

    fn judge(&self, id: &str) -> Result<Verified, Reject> {
        let now = self.clock.now();
        let issuer = issuer(self.picture, &self.desk.settings.issuer).ok_or(Reject::NotReady)?;
        let trust = issuer.trust.as_ref().filter(|_| issuer.is_good(now)).ok_or(Reject::NotReady)?;
        Unverified::parse(id)?.authenticate(&trust.id_keys, Profile::OpenId, trust.leeway, now).inspect_err(|reject| {
            if let (Reject::UnknownKey, Some(fetched)) = (reject, &issuer.keys) {
                fetched.miss();
            }
        })
    }

    /// Where the ID token is judged nobody needs the access token, unless the upstream does.
    fn kept(&self, access: SecretString) -> SecretString {
        let settings = &self.desk.settings;
        if settings.judged == TokenUse::Access || settings.forward_token { access } else { SecretString::default() }
    }

    fn keeps_id(&self) -> bool {
        self.desk.settings.keeps_id_token || self.desk.settings.judged == TokenUse::Id
    }

    /// When the token that is judged ends, by whoever says so first.
    fn expires(&self, tokens: &Tokens, now: UnixMillis) -> u64 {
        let (judged, told) = match self.desk.settings.judged {
            TokenUse::Access => (Some(&tokens.access), tokens.expires_in),
            TokenUse::Id => (tokens.id.as_ref(), None),
        };
        let told = told.map(|span| now.seconds().saturating_add(span));
        let written = judged.and_then(|token| end_of(token.expose()));
        match (told, written) {
            (Some(told), Some(written)) => told.min(written),
            (one, other) => one.or(other).unwrap_or(now.seconds().saturating_add(UNTOLD_LIFE)),
        }
    }
}

pub fn issuer(picture: &Picture, name: &str) -> Option<Arc<Issuer>> {
    picture.load().issuers.iter().find(|issuer| *issuer.name == *name).cloned()
}

/// The `exp` that a token says it has; the gate judges it.
fn end_of(token: &str) -> Option<u64> {
    let text = String::from_utf8(Jws::parse(token).ok()?.payload).ok()?;
    Some(Object::parse(text).ok()?.numeric_date("exp").ok()??.seconds())
}

/// RFC 6749 §5.1, §5.2.
fn read(answer: &Answer) -> Result<Tokens, TokenError> {
    let object = std::str::from_utf8(&answer.body).ok().and_then(|text| Object::parse(text).ok());
    if answer.status != http::StatusCode::OK {
        let error = object.as_ref().and_then(|object| object.text("error").ok().flatten());
        let status = answer.status.as_u16();
        return Err(if error.as_deref() == Some("invalid_grant") {
            TokenError::Grant
        } else {
            TokenError::Status(status)
        });
    }
    let object = object.ok_or(TokenError::Answer("is no JSON object with one reading"))?;
    let text = |name: &str| match object.text(name) {
        Ok(text) => Ok(text.filter(|text| !text.is_empty()).map(String::from)),
        Err(_) => Err(TokenError::Answer("has a token that is no string")),
    };
    match text("token_type")? {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => {}
        _ => return Err(TokenError::Answer("is of another token_type than Bearer")),
    }
    Ok(Tokens {
        access: text("access_token")?.ok_or(TokenError::Answer("has no access_token"))?.into(),
        refresh: text("refresh_token")?.map(SecretString::from),
        id: text("id_token")?.map(SecretString::from),
        expires_in: object.value("expires_in").unwrap_or_default(),
    })
}
