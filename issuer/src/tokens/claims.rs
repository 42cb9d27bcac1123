//! The claims of ID and access tokens (COGNITO.md §3.2), and their signing.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::claims::{AccessClaims, IdClaims, TokenUse};
use common::clock::UnixMillis;
use common::jose::{Alg, base64url_encode};
use common::secret::SecretString;
use ring::digest;
use serde_json::{Value, json};
use uuid::{NoContext, Timestamp, Uuid};

use super::personal::{Told, personal};
use crate::clients::Client;
use crate::clients::oauth::Profile;
use crate::keys::{KeyRing, Purpose};
use crate::pools::Pool;
use crate::sessions::{Details, Session};
use crate::users::User;
use crate::users::groups::{Group, preferred_role};

/// RFC 9068 §2.1.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// Whom the tokens are about, and from which sign-in.
pub struct Subject<'a> {
    pub pool: &'a Pool,
    pub client: &'a Client,
    pub user: &'a User,
    pub groups: &'a [Group],
    pub session: &'a Session,
    /// What the ID token answers.
    pub asked: Asked<'a>,
    /// The request that asked for the tokens (`event_id`).
    pub event_id: &'a str,
}

/// What an authorization request wants to find again in its ID token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    pub nonce: Option<&'a str>,
    /// The code that is sent beside the ID token (`c_hash`, OpenID Connect Core §3.3.2.11).
    pub code: Option<&'a str>,
    /// No access token is sent beside it.
    pub alone: bool,
}

/// Claims that wait for their signature. Signing consumes them.
pub struct Prepared {
    access: AccessClaims,
    typ: Option<&'static str>,
    /// None: see [`Signed::id`].
    id: Option<IdClaims>,
    /// The ID token says which access token it came with (`at_hash`, OpenID Connect Core §3.1.3.6).
    hashed: bool,
    code: Option<String>,
    expires_in: i32,
}

/// Signed tokens.
pub struct Signed {
    pub access: SecretString,
    /// Not where the hosted flows were not asked for `openid`.
    pub id: Option<SecretString>,
    /// Seconds that the access token lives.
    pub expires_in: i32,
}

impl Prepared {
    /// `mint` is the instant in both `jti`s; see `users::sign_out`. It is later than `now` where the clock has stepped back since the user's
    /// last sign-out; life is counted from `now` all the same, or edges would refuse the tokens as issued in the future.
    pub fn new(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> Self {
        let expires_in = subject.client.settings.access_token_seconds();
        let details = &subject.session.details;
        Self {
            access: access_claims(subject, mint, now),
            typ: (details.profile == Profile::Openid).then_some(ACCESS_TOKEN_TYPE),
            id: has_id(subject.session).then(|| id_claims(subject, mint, now)),
            hashed: is_hosted(details) && !subject.asked.alone,
            code: subject.asked.code.map(str::to_owned),
            expires_in,
        }
    }

    pub async fn sign(self, keys: &KeyRing, pool: &Pool) -> Result<Signed, Fault> {
        let access = keys.sign_typed(&pool.id, Purpose::Access, self.typ, &self.access).await?;
        let access = SecretString::new(access.expose());
        let id = match self.id {
            None => None,
            Some(mut claims) => {
                if self.hashed || self.code.is_some() {
                    let alg = keys.algorithm(&pool.id, Purpose::Id).await?;
                    claims.at_hash = self.hashed.then(|| half_hash(alg, access.expose()));
                    let code = self.code.map(|code| ("c_hash".to_owned(), Value::String(half_hash(alg, &code))));
                    claims.attributes.extend(code);
                }
                let id = keys.sign(&pool.id, Purpose::Id, &claims).await?;
                Some(SecretString::new(id.expose()))
            }
        };
        Ok(Signed { access, id, expires_in: self.expires_in })
    }
}

/// Sign-ins through the API have one always.
fn has_id(session: &Session) -> bool {
    !is_hosted(&session.details) || session.scope.split(' ').any(|scope| scope == "openid")
}

fn access_claims(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> AccessClaims {
    let Subject { pool, client, user, session, .. } = subject;
    AccessClaims {
        sub: user.sub.to_string(),
        groups: group_names(subject.groups),
        iss: pool.iss.clone(),
        version: session.details.version,
        client_id: client.id.to_string(),
        origin_jti: origin_jti(subject),
        device_key: session.device.clone(),
        event_id: Some(subject.event_id.to_owned()),
        token_use: TokenUse::Access,
        scope: Some(session.scope.clone()),
        auth_time: Some(session.authenticated.seconds()),
        exp: now.plus(client.settings.access_token_life()).seconds(),
        iat: now.seconds(),
        jti: Some(jti(mint)),
        username: Some(user.username.clone()),
        acr: session.details.acr.clone(),
        amr: session.details.amr.clone(),
        extra: extra(&session.details),
    }
}

fn id_claims(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> IdClaims {
    let Subject { pool, client, user, session, .. } = subject;
    let told = Told::InIdToken { with_access: !subject.asked.alone };
    let mut personal = personal(user, &client.settings, &session.scope, session.details.profile, told);
    if let Some(sid) = session.parent.as_ref().filter(|_| session.details.sid) {
        personal.attributes.insert("sid".to_owned(), Value::String(sid.clone()));
    }
    IdClaims {
        sub: user.sub.to_string(),
        groups: group_names(subject.groups),
        roles: subject.groups.iter().filter_map(|g| g.role_arn.clone()).collect(),
        preferred_role: preferred_role(subject.groups).map(str::to_owned),
        iss: pool.iss.clone(),
        username: user.username.clone(),
        identities: personal.identities,
        nonce: subject.asked.nonce.map(str::to_owned),
        at_hash: None,
        origin_jti: origin_jti(subject),
        aud: client.id.to_string(),
        event_id: Some(subject.event_id.to_owned()),
        token_use: TokenUse::Id,
        auth_time: session.authenticated.seconds(),
        exp: now.plus(client.settings.id_token_life()).seconds(),
        iat: now.seconds(),
        jti: Some(jti(mint)),
        acr: session.details.acr.clone(),
        amr: session.details.amr.clone(),
        attributes: personal.attributes,
    }
}

pub(super) fn group_names(groups: &[Group]) -> Vec<String> {
    groups.iter().map(|group| group.name.clone()).collect()
}

/// Only where token revocation is on, as Cognito has it, or the pool's sessions can be revoked one by one; and in tokens of the hosted flows,
/// which end with their browser session. `jti` is always there: sign-out everywhere needs its instant.
fn origin_jti(subject: &Subject<'_>) -> Option<String> {
    let named = subject.client.settings.enable_token_revocation
        || subject.pool.settings.tracks_sessions()
        || is_hosted(&subject.session.details);
    named.then(|| subject.session.origin_jti.clone())
}

fn is_hosted(details: &Details) -> bool {
    details.version.is_some()
}

/// `aud` and `cnf` of an access token.
pub(super) fn extra(details: &Details) -> BTreeMap<String, Value> {
    let mut claims = BTreeMap::new();
    match details.aud.as_slice() {
        [] => {}
        [one] => drop(claims.insert("aud".to_owned(), json!(one))),
        several => drop(claims.insert("aud".to_owned(), json!(several))),
    }
    if let Some(confirmation) = details.binding().confirmation() {
        claims.insert("cnf".to_owned(), Value::Object(confirmation));
    }
    claims
}

/// The left half of the hash that goes with the ID token's algorithm (OpenID Connect Core §3.1.3.6): SHA-512 with Ed25519.
fn half_hash(alg: Alg, shown: &str) -> String {
    let hash = match alg {
        Alg::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let whole = digest::digest(hash, shown.as_bytes());
    let half = whole.as_ref().len() / 2;
    base64url_encode(whole.as_ref().get(..half).unwrap_or_default())
}

/// A UUIDv7 whose 48-bit time is the mint instant (RFC 9562 §5.7).
pub(super) fn jti(mint: UnixMillis) -> String {
    let nanos = u32::try_from(mint.0 % 1000).unwrap_or_default() * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, mint.seconds(), nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jti_holds_the_mint_instant() {
        for millis in [1_763_900_000_000, 1_763_900_000_001, 1_763_900_000_999] {
            let mint = UnixMillis(millis);
            assert_eq!(common::verify::not_before::mint_time(&jti(mint)), Some(mint));
        }
        assert_ne!(jti(UnixMillis(5)), jti(UnixMillis(5)));
    }

    /// The example of OpenID Connect Core, appendix A.3.
    #[test]
    fn an_at_hash_is_the_left_half() {
        assert_eq!(half_hash(Alg::RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash(Alg::EdDSA, "x").len(), 43);
    }

    #[test]
    fn audience_and_confirmation_are_there_only_where_they_are() {
        assert!(extra(&Details::default()).is_empty());
        let one = Details { aud: vec!["a".into()], jkt: Some("k".into()), ..Details::default() };
        assert_eq!(json!(extra(&one)), json!({ "aud": "a", "cnf": { "jkt": "k" } }));
        let two = Details { aud: vec!["a".into(), "b".into()], x5t: Some("c".into()), ..Details::default() };
        assert_eq!(json!(extra(&two)), json!({ "aud": ["a", "b"], "cnf": { "x5t#S256": "c" } }));
    }
}
