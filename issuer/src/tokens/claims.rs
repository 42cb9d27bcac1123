//! The claims of ID and access tokens (COGNITO.md §3.2), and their signing.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::claims::{AccessClaims, IdClaims, TokenUse};
use common::clock::UnixMillis;
use common::secret::SecretString;
use serde_json::Value;
use uuid::{NoContext, Timestamp, Uuid};

use crate::clients::Client;
use crate::clients::model::Settings;
use crate::keys::{KeyRing, Purpose};
use crate::pools::Pool;
use crate::sessions::Session;
use crate::users::User;
use crate::users::groups::{Group, preferred_role};
use crate::users::links::{self, IDENTITIES};

/// Whom the tokens are about, and from which sign-in.
pub struct Subject<'a> {
    pub pool: &'a Pool,
    pub client: &'a Client,
    pub user: &'a User,
    pub groups: &'a [Group],
    pub session: &'a Session,
    /// The request that asked for the tokens (`event_id`).
    pub event_id: &'a str,
}

/// Claims that wait for their signature. Signing consumes them.
pub struct Prepared {
    access: AccessClaims,
    id: IdClaims,
    expires_in: i32,
}

/// Signed tokens.
pub struct Signed {
    pub access: SecretString,
    pub id: SecretString,
    /// Seconds that the access token lives.
    pub expires_in: i32,
}

impl Prepared {
    /// `mint` is the instant in both `jti`s; see `users::sign_out`. It is later than `now` where the clock has stepped back since the user's
    /// last sign-out; life is counted from `now` all the same, or edges would refuse the tokens as issued in the future.
    pub fn new(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> Self {
        let expires_in = subject.client.settings.access_token_seconds();
        Self { access: access_claims(subject, mint, now), id: id_claims(subject, mint, now), expires_in }
    }

    pub async fn sign(self, keys: &KeyRing, pool: &Pool) -> Result<Signed, Fault> {
        let access = keys.sign(&pool.id, Purpose::Access, &self.access).await?;
        let id = keys.sign(&pool.id, Purpose::Id, &self.id).await?;
        Ok(Signed {
            access: SecretString::new(access.expose()),
            id: SecretString::new(id.expose()),
            expires_in: self.expires_in,
        })
    }
}

fn access_claims(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> AccessClaims {
    let Subject { pool, client, user, session, .. } = subject;
    AccessClaims {
        sub: user.sub.to_string(),
        groups: group_names(subject.groups),
        iss: pool.iss.clone(),
        version: None,
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
        acr: None,
        amr: Vec::new(),
        extra: BTreeMap::new(),
    }
}

fn id_claims(subject: &Subject<'_>, mint: UnixMillis, now: UnixMillis) -> IdClaims {
    let Subject { pool, client, user, session, .. } = subject;
    let personal = personal(user, &client.settings);
    IdClaims {
        sub: user.sub.to_string(),
        groups: group_names(subject.groups),
        roles: subject.groups.iter().filter_map(|g| g.role_arn.clone()).collect(),
        preferred_role: preferred_role(subject.groups).map(str::to_owned),
        iss: pool.iss.clone(),
        username: user.username.clone(),
        identities: personal.identities,
        nonce: None,
        at_hash: None,
        origin_jti: origin_jti(subject),
        aud: client.id.to_string(),
        event_id: Some(subject.event_id.to_owned()),
        token_use: TokenUse::Id,
        auth_time: session.authenticated.seconds(),
        exp: now.plus(client.settings.id_token_life()).seconds(),
        iat: now.seconds(),
        jti: Some(jti(mint)),
        acr: None,
        amr: Vec::new(),
        attributes: personal.attributes,
    }
}

/// What an ID token says of the user, as far as the client may read it.
pub(super) struct Personal {
    pub identities: Vec<Value>,
    pub attributes: BTreeMap<String, Value>,
}

pub(super) fn personal(user: &User, settings: &Settings) -> Personal {
    let readable = user.attributes.iter().filter(|(name, _)| settings.may_read(name));
    let (identities, others): (Vec<_>, Vec<_>) = readable.partition(|(name, _)| name.as_str() == IDENTITIES);
    Personal {
        identities: identities.into_iter().flat_map(|(_, value)| links::claim(value)).collect(),
        attributes: others.into_iter().map(|(name, value)| (name.clone(), claim_value(name, value))).collect(),
    }
}

/// Attributes are strings but for the two that say whether an address is verified.
fn claim_value(name: &str, value: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => Value::Bool(value == "true"),
        _ => Value::String(value.to_owned()),
    }
}

pub(super) fn group_names(groups: &[Group]) -> Vec<String> {
    groups.iter().map(|group| group.name.clone()).collect()
}

/// Only where token revocation is on, as Cognito has it, or the pool's sessions can be revoked one by one. `jti` is always there: sign-out everywhere needs its instant.
fn origin_jti(subject: &Subject<'_>) -> Option<String> {
    let named = subject.client.settings.enable_token_revocation || subject.pool.settings.tracks_sessions();
    named.then(|| subject.session.origin_jti.clone())
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

    #[test]
    fn verified_flags_are_booleans() {
        assert_eq!(claim_value("email_verified", "true"), Value::Bool(true));
        assert_eq!(claim_value("custom:flag", "true"), Value::String("true".into()));
    }
}
