//! What a record says, by kind.

use std::borrow::Cow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::raw::{Kind, RawChange, RawRef, RecordError};
use crate::clock::UnixMillis;
use crate::ids::{ClientId, InvalidId, PoolId, Sub};

/// How long a revocation is kept: the longest life of an ID or access token (Cognito: 24 h), and ten minutes for clocks that
/// differ.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600 + 600);

/// One change, as the code on both sides speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    PublicKey(PublicKey),
    Revoked(Revoked),
    Pool(PoolSettings),
    Client(ClientSettings),
    NameKey(NameKey),
    DeploymentKey(DeploymentKey),
    /// A document that the issuer manages centrally and the edge alone understands.
    Managed {
        kind: ManagedKind,
        name: String,
        document: Vec<u8>,
    },
    /// The subject is gone: a deleted client, a key that nobody needs any more.
    Removed(Removable),
}

/// A signing key's public half. Subject: the `kid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// RFC 7517 JSON of the public key.
    pub jwk: String,
    /// JWS algorithm (RFC 7518 §3.1): `RS256`, `ES256` or `EdDSA`.
    pub alg: String,
    pub purpose: KeyPurpose,
    pub state: KeyState,
}

/// Which tokens a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyPurpose {
    IdToken,
    AccessToken,
    /// Device certificates (`cnf.jwk`).
    Device,
}

/// A key is published while pending, so that edges know it before the first token that it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyState {
    Pending,
    Active,
    Retiring,
    Retired,
    Revoked,
}

impl KeyState {
    /// Whether a token under this key may be accepted.
    pub const fn verifies(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Retiring)
    }
}

/// Something that was good and is not any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// One token, by `jti`.
    Token { jti: String },
    /// Every token of one refresh family, by `origin_jti`.
    Session { origin_jti: String },
    /// Every token of a user minted at or before this instant.
    User { sub: Sub, valid_after: UnixMillis },
    /// A trusted device, by its key. `until`: when the last certificate given to it ends.
    Device { device_key: String, until: UnixMillis },
    /// Every token of an app client.
    Client { client_id: ClientId },
    /// A signing key, for ever: whoever stole it can sign new tokens.
    Key { kid: String },
}

/// What edges must know of a pool. Subject: the pool's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSettings {
    pub pool: PoolId,
    /// The exact `iss` of its tokens.
    pub iss: String,
    pub enabled: bool,
    /// The longest life of its ID and access tokens, in seconds.
    pub max_token_life_s: u64,
}

/// What edges must know of an app client. Subject: the client id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSettings {
    pub client_id: ClientId,
    pub enabled: bool,
    /// Scopes that its tokens may carry; `None`: any.
    pub scopes: Option<Vec<String>>,
}

/// The HMAC-SHA-256 key under which a pool's user names are hashed before they leave for rules and logs. Subject: `id`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameKey {
    pub id: String,
    pub key: [u8; 32],
}

impl std::fmt::Debug for NameKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NameKey({}, [secret])", self.id)
    }
}

/// A secret that all edges of a deployment share, on the global feed. Of several for one use the newest makes, and what was made with the others is
/// accepted until they are removed. Subject: its number.
#[derive(Clone, PartialEq, Eq)]
pub struct DeploymentKey {
    pub usage: KeyUsage,
    /// From 1, each newer than those before.
    pub number: u64,
    pub key: [u8; 32],
}

/// What edges do with a key of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUsage {
    /// Sign the puzzles of challenges, and the tokens for them.
    Challenge,
    /// Name what limits count that edges share.
    Limit,
}

impl KeyUsage {
    pub const ALL: [Self; 2] = [Self::Challenge, Self::Limit];

    const fn kind(self) -> Kind {
        match self {
            Self::Challenge => Kind::CHALLENGE_KEY,
            Self::Limit => Kind::LIMIT_KEY,
        }
    }

    fn of(kind: Kind) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.kind() == kind)
    }
}

impl std::fmt::Debug for DeploymentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeploymentKey({:?}, {}, [secret])", self.usage, self.number)
    }
}

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManagedKind {
    Routes,
    /// The web ACL of a pool, by the pool's id: `common::waf::Bundle::web_acl`.
    WebAcl,
    /// A set or a group that the pool's web ACL uses, by its id: one of `common::waf::Bundle::parts`. It comes before the web ACL that uses it, and
    /// goes after it.
    WebAclPart,
    /// A domain of the pool, by its name: the hosts at which its pages answer, a line each. `host` stands for every port, `host:port` for one.
    Domain,
}

/// What can be removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Removable {
    PublicKey { kid: String },
    Pool(PoolId),
    Client(ClientId),
    NameKey { id: String },
    DeploymentKey { usage: KeyUsage, number: u64 },
    Managed { kind: ManagedKind, name: String },
}

/// Why a record is not a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("a record of kind {0} has a body or a subject that does not belong to it")]
    Body(u8),
}

impl Change {
    /// The record that says this, committed at `now`.
    pub fn to_raw(&self, now: UnixMillis) -> Result<RawChange, ChangeError> {
        let (kind, subject, body) = match self {
            Self::PublicKey(key) => (Kind::PUBLIC_KEY, key.kid.clone(), encode(key)?),
            Self::Revoked(revoked) => return revoked.to_raw(now),
            Self::Pool(pool) => (Kind::POOL_SETTINGS, pool.pool.to_string(), encode(pool)?),
            Self::Client(client) => (Kind::CLIENT_SETTINGS, client.client_id.to_string(), encode(client)?),
            Self::NameKey(key) => (Kind::NAME_KEY, key.id.clone(), encode(key)?),
            Self::DeploymentKey(key) => (key.usage.kind(), key.number.to_string(), encode(&(key.number, key.key))?),
            Self::Managed { kind, document, .. } if document.is_empty() => {
                return Err(ChangeError::Body(kind.kind().0));
            }
            Self::Managed { kind, name, document } => (kind.kind(), name.clone(), document.clone()),
            Self::Removed(what) => {
                // It leaves, too, once nobody can have missed it: the log does not grow with what is gone.
                let (kind, subject) = (what.kind(), what.subject().into_owned());
                return Ok(RawChange { kind, subject, body: Vec::new(), leave_at: Some(now.plus(LONGEST_TOKEN_LIFE)) });
            }
        };
        Ok(RawChange { kind, subject, body, leave_at: None })
    }

    /// What a record says; `None` for a kind that this version does not know, which is to be skipped.
    pub fn from_raw(raw: &RawChange) -> Result<Option<Self>, ChangeError> {
        Self::from_borrowed(raw.borrowed())
    }

    pub(super) fn from_borrowed(raw: RawRef<'_>) -> Result<Option<Self>, ChangeError> {
        if let Some(revoked) = Revocation::from_raw(raw)? {
            let revoked = revoked.to_owned().map_err(|_| ChangeError::Body(raw.kind.0))?;
            return Ok(Some(Self::Revoked(revoked)));
        }
        if raw.body.is_empty() {
            return Removable::from_raw(raw).map(|what| what.map(Self::Removed));
        }
        let change = match raw.kind {
            Kind::PUBLIC_KEY => Self::PublicKey(decode(raw, |key: &PublicKey| &key.kid)?),
            Kind::POOL_SETTINGS => Self::Pool(decode(raw, |pool: &PoolSettings| pool.pool.as_str())?),
            Kind::CLIENT_SETTINGS => Self::Client(decode(raw, |client: &ClientSettings| client.client_id.as_str())?),
            Kind::NAME_KEY => Self::NameKey(decode(raw, |key: &NameKey| &key.id)?),
            Kind::CHALLENGE_KEY | Kind::LIMIT_KEY => Self::DeploymentKey(deployment_key(raw)?),
            Kind::ROUTES => managed(ManagedKind::Routes, raw),
            Kind::WEB_ACL => managed(ManagedKind::WebAcl, raw),
            Kind::WEB_ACL_PART => managed(ManagedKind::WebAclPart, raw),
            Kind::DOMAIN => managed(ManagedKind::Domain, raw),
            _ => return Ok(None),
        };
        Ok(Some(change))
    }
}

impl Revoked {
    fn to_raw(&self, now: UnixMillis) -> Result<RawChange, ChangeError> {
        let tokens_end = now.plus(LONGEST_TOKEN_LIFE);
        // A body of one byte: an empty one would mean removal.
        let (kind, subject, body, leave_at) = match self {
            Self::Token { jti } => (Kind::TOKEN_REVOKED, jti.as_str(), vec![1], Some(tokens_end)),
            Self::Session { origin_jti } => (Kind::SESSION_REVOKED, origin_jti.as_str(), vec![1], Some(tokens_end)),
            Self::User { sub, valid_after } => (
                Kind::USER_NOT_BEFORE,
                sub.as_str(),
                encode(valid_after)?,
                Some(tokens_end.max(valid_after.plus(LONGEST_TOKEN_LIFE))),
            ),
            Self::Device { device_key, until } => {
                (Kind::DEVICE_FORGOTTEN, device_key.as_str(), encode(until)?, Some(tokens_end.max(*until)))
            }
            Self::Client { client_id } => (Kind::CLIENT_REVOKED, client_id.as_str(), vec![1], Some(tokens_end)),
            Self::Key { kid } => (Kind::KEY_REVOKED, kid.as_str(), vec![1], None),
        };
        Ok(RawChange { kind, subject: subject.to_owned(), body, leave_at })
    }

    pub(super) fn borrowed(&self) -> Revocation<'_> {
        match self {
            Self::Token { jti } => Revocation::Token(jti),
            Self::Session { origin_jti } => Revocation::Session(origin_jti),
            Self::User { sub, valid_after } => Revocation::User(sub.as_str(), *valid_after),
            Self::Device { device_key, until } => Revocation::Device(device_key, *until),
            Self::Client { client_id } => Revocation::Client(client_id.as_str()),
            Self::Key { kid } => Revocation::Key(kid),
        }
    }
}

/// A [`Revoked`] whose names lie elsewhere: nothing is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revocation<'a> {
    Token(&'a str),
    Session(&'a str),
    User(&'a str, UnixMillis),
    Device(&'a str, UnixMillis),
    Client(&'a str),
    Key(&'a str),
}

impl<'a> Revocation<'a> {
    /// `None` for a record of another kind. Nothing takes a revocation back: one without a body is wrong.
    pub fn from_raw(raw: RawRef<'a>) -> Result<Option<Self>, ChangeError> {
        let wrong = ChangeError::Body(raw.kind.0);
        let marked = |revoked| if raw.body == [1] { Ok(Some(revoked)) } else { Err(wrong) };
        match raw.kind {
            Kind::TOKEN_REVOKED => marked(Self::Token(raw.subject)),
            Kind::SESSION_REVOKED => marked(Self::Session(raw.subject)),
            Kind::CLIENT_REVOKED if !ClientId::accepts(raw.subject) => Err(wrong),
            Kind::CLIENT_REVOKED => marked(Self::Client(raw.subject)),
            Kind::KEY_REVOKED => marked(Self::Key(raw.subject)),
            Kind::USER_NOT_BEFORE if !Sub::accepts(raw.subject) => Err(wrong),
            Kind::USER_NOT_BEFORE => Ok(Some(Self::User(raw.subject, decode_body(raw)?))),
            Kind::DEVICE_FORGOTTEN => Ok(Some(Self::Device(raw.subject, decode_body(raw)?))),
            _ => Ok(None),
        }
    }

    fn to_owned(self) -> Result<Revoked, InvalidId> {
        Ok(match self {
            Self::Token(jti) => Revoked::Token { jti: jti.into() },
            Self::Session(origin_jti) => Revoked::Session { origin_jti: origin_jti.into() },
            Self::User(sub, valid_after) => Revoked::User { sub: Sub::parse(sub)?, valid_after },
            Self::Device(device_key, until) => Revoked::Device { device_key: device_key.into(), until },
            Self::Client(client_id) => Revoked::Client { client_id: ClientId::parse(client_id)? },
            Self::Key(kid) => Revoked::Key { kid: kid.into() },
        })
    }
}

impl Removable {
    fn kind(&self) -> Kind {
        match self {
            Self::PublicKey { .. } => Kind::PUBLIC_KEY,
            Self::Pool(_) => Kind::POOL_SETTINGS,
            Self::Client(_) => Kind::CLIENT_SETTINGS,
            Self::NameKey { .. } => Kind::NAME_KEY,
            Self::DeploymentKey { usage, .. } => usage.kind(),
            Self::Managed { kind, .. } => kind.kind(),
        }
    }

    fn subject(&self) -> Cow<'_, str> {
        match self {
            Self::PublicKey { kid } => kid.into(),
            Self::Pool(pool) => pool.as_str().into(),
            Self::Client(client) => client.as_str().into(),
            Self::NameKey { id } => id.into(),
            Self::DeploymentKey { number, .. } => number.to_string().into(),
            Self::Managed { name, .. } => name.into(),
        }
    }

    fn from_raw(raw: RawRef<'_>) -> Result<Option<Self>, ChangeError> {
        let wrong = ChangeError::Body(raw.kind.0);
        let subject = raw.subject.to_owned();
        Ok(Some(match raw.kind {
            Kind::PUBLIC_KEY => Self::PublicKey { kid: subject },
            Kind::POOL_SETTINGS => Self::Pool(PoolId::parse(subject).map_err(|_| wrong)?),
            Kind::CLIENT_SETTINGS => Self::Client(ClientId::parse(subject).map_err(|_| wrong)?),
            Kind::NAME_KEY => Self::NameKey { id: subject },
            Kind::CHALLENGE_KEY | Kind::LIMIT_KEY => {
                let usage = KeyUsage::of(raw.kind).ok_or(wrong)?;
                Self::DeploymentKey { usage, number: number(raw.subject).ok_or(wrong)? }
            }
            Kind::ROUTES => Self::Managed { kind: ManagedKind::Routes, name: subject },
            Kind::WEB_ACL => Self::Managed { kind: ManagedKind::WebAcl, name: subject },
            Kind::WEB_ACL_PART => Self::Managed { kind: ManagedKind::WebAclPart, name: subject },
            Kind::DOMAIN => Self::Managed { kind: ManagedKind::Domain, name: subject },
            _ => return Ok(None),
        }))
    }
}

impl ManagedKind {
    const fn kind(self) -> Kind {
        match self {
            Self::Routes => Kind::ROUTES,
            Self::WebAcl => Kind::WEB_ACL,
            Self::WebAclPart => Kind::WEB_ACL_PART,
            Self::Domain => Kind::DOMAIN,
        }
    }
}

fn managed(kind: ManagedKind, raw: RawRef<'_>) -> Change {
    Change::Managed { kind, name: raw.subject.to_owned(), document: raw.body.to_owned() }
}

fn deployment_key(raw: RawRef<'_>) -> Result<DeploymentKey, ChangeError> {
    let wrong = ChangeError::Body(raw.kind.0);
    let (of_body, key): (u64, [u8; 32]) = decode_body(raw)?;
    let usage = KeyUsage::of(raw.kind).ok_or(wrong)?;
    let number = number(raw.subject).filter(|number| *number == of_body).ok_or(wrong)?;
    Ok(DeploymentKey { usage, number, key })
}

/// In the one text that a number has.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, ChangeError> {
    postcard::to_stdvec(body).map_err(|_| ChangeError::Record(RecordError::Malformed))
}

fn decode_body<T: DeserializeOwned>(raw: RawRef<'_>) -> Result<T, ChangeError> {
    match postcard::take_from_bytes(raw.body) {
        Ok((body, [])) => Ok(body),
        _ => Err(ChangeError::Body(raw.kind.0)),
    }
}

fn decode<T: DeserializeOwned>(raw: RawRef<'_>, subject: impl Fn(&T) -> &str) -> Result<T, ChangeError> {
    let body = decode_body(raw)?;
    if subject(&body) == raw.subject { Ok(body) } else { Err(ChangeError::Body(raw.kind.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn every_change() -> Vec<Change> {
        let sub = Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap();
        let client_id = ClientId::parse("4kfu1abc").unwrap();
        let pool = PoolId::parse("us-east-1_AbCdEf123").unwrap();
        let managed = ManagedKind::WebAcl;
        vec![
            Change::PublicKey(PublicKey {
                kid: "k1".into(),
                jwk: "{}".into(),
                alg: "RS256".into(),
                purpose: KeyPurpose::AccessToken,
                state: KeyState::Pending,
            }),
            Change::Revoked(Revoked::Token { jti: "j".into() }),
            Change::Revoked(Revoked::Session { origin_jti: "o".into() }),
            Change::Revoked(Revoked::User { sub, valid_after: NOW }),
            Change::Revoked(Revoked::Device { device_key: "d".into(), until: NOW }),
            Change::Revoked(Revoked::Client { client_id: client_id.clone() }),
            Change::Revoked(Revoked::Key { kid: "k1".into() }),
            Change::Pool(PoolSettings {
                pool: pool.clone(),
                iss: "https://i/p".into(),
                enabled: true,
                max_token_life_s: 86_400,
            }),
            Change::Client(ClientSettings {
                client_id: client_id.clone(),
                enabled: true,
                scopes: Some(vec!["a/b".into()]),
            }),
            Change::NameKey(NameKey { id: "1".into(), key: [7; 32] }),
            Change::DeploymentKey(key(KeyUsage::Challenge)),
            Change::DeploymentKey(key(KeyUsage::Limit)),
            Change::Managed { kind: managed, name: "api".into(), document: b"{}".to_vec() },
            Change::Managed { kind: ManagedKind::Routes, name: "all".into(), document: b"[]".to_vec() },
            Change::Removed(Removable::PublicKey { kid: "k1".into() }),
            Change::Removed(Removable::Pool(pool)),
            Change::Removed(Removable::Client(client_id)),
            Change::Removed(Removable::NameKey { id: "1".into() }),
            Change::Removed(Removable::DeploymentKey { usage: KeyUsage::Challenge, number: 12 }),
            Change::Removed(Removable::Managed { kind: managed, name: "api".into() }),
        ]
    }

    fn key(usage: KeyUsage) -> DeploymentKey {
        DeploymentKey { usage, number: 12, key: [7; 32] }
    }

    #[test]
    fn every_change_survives_the_way() {
        for change in every_change() {
            let record = change.to_raw(NOW).unwrap().encode().unwrap();
            let raw = RawChange::decode(&record).unwrap();
            assert_eq!(Change::from_raw(&raw).unwrap(), Some(change));
        }
    }

    /// Numbers and bodies of the records of web ACLs and domains are wire format as those of frames are.
    #[test]
    fn records_of_web_acls_and_domains_are_these_bytes() {
        let change =
            |kind, name: &str, document: &[u8]| Change::Managed { kind, name: name.into(), document: document.into() };
        let removed = |kind, name: &str| Change::Removed(Removable::Managed { kind, name: name.into() });
        let leaves = NOW.plus(LONGEST_TOKEN_LIFE);
        for (change, kind, subject, body, leave_at) in [
            (change(ManagedKind::WebAcl, "eu_a", b"{}"), 12, "eu_a", b"{}".as_slice(), None),
            (change(ManagedKind::WebAclPart, "id", b"[]"), 13, "id", b"[]".as_slice(), None),
            (removed(ManagedKind::WebAcl, "eu_a"), 12, "eu_a", b"".as_slice(), Some(leaves)),
            (removed(ManagedKind::WebAclPart, "id"), 13, "id", b"".as_slice(), Some(leaves)),
            (
                change(ManagedKind::Domain, "shop", b"a.test\nb.test:8443"),
                16,
                "shop",
                b"a.test\nb.test:8443".as_slice(),
                None,
            ),
            (removed(ManagedKind::Domain, "shop"), 16, "shop", b"".as_slice(), Some(leaves)),
        ] {
            let raw = RawChange { kind: Kind(kind), subject: subject.into(), body: body.into(), leave_at };
            assert_eq!(change.to_raw(NOW).unwrap(), raw);
            assert_eq!(Change::from_raw(&raw).unwrap(), Some(change));
        }
    }

    #[test]
    fn records_of_keys_of_the_deployment_are_these_bytes() {
        for (usage, kind) in [(KeyUsage::Challenge, 14), (KeyUsage::Limit, 15)] {
            let body = [&[12], [7; 32].as_slice()].concat();
            let raw = RawChange { kind: Kind(kind), subject: "12".into(), body, leave_at: None };
            let change = Change::DeploymentKey(key(usage));
            assert_eq!(change.to_raw(NOW).unwrap(), raw);
            assert!(!format!("{change:?}").contains("7, 7"), "no secret in a log");
            for subject in ["13", "012", "+12", "", "x"] {
                let other = RawChange { subject: subject.into(), ..raw.clone() };
                assert_eq!(Change::from_raw(&other), Err(ChangeError::Body(kind)), "{subject}");
            }
        }
    }

    #[test]
    fn revocations_outlive_the_tokens_and_settings_stay() {
        for change in every_change() {
            let leave_at = change.to_raw(NOW).unwrap().leave_at;
            match change {
                Change::Revoked(Revoked::Key { .. }) => assert_eq!(leave_at, None),
                Change::Revoked(_) | Change::Removed(_) => assert!(leave_at.unwrap() >= NOW.plus(LONGEST_TOKEN_LIFE)),
                _ => assert_eq!(leave_at, None),
            }
        }
    }

    #[test]
    fn a_kind_of_the_future_is_skipped_and_a_wrong_body_is_not() {
        let raw = |kind, body: &[u8]| RawChange { kind, subject: "s".into(), body: body.into(), leave_at: None };
        assert_eq!(Change::from_raw(&raw(Kind(250), b"x")), Ok(None));
        assert_eq!(Change::from_raw(&raw(Kind(250), b"")), Ok(None));
        for kind in [1, 2, 4, 8, 9, 10, 14, 15] {
            assert_eq!(Change::from_raw(&raw(Kind(kind), &[0xff; 3])), Err(ChangeError::Body(kind)), "{kind}");
        }
        assert_eq!(Change::from_raw(&raw(Kind::TOKEN_REVOKED, b"")), Err(ChangeError::Body(2)), "no way back");
    }

    #[test]
    fn a_body_about_another_subject_is_refused() {
        let mut raw = Change::NameKey(NameKey { id: "1".into(), key: [7; 32] }).to_raw(NOW).unwrap();
        raw.subject = "2".into();
        assert_eq!(Change::from_raw(&raw), Err(ChangeError::Body(10)));
    }
}
