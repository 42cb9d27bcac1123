//! One public signature key in JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::jose::alg::{Alg, KeyType};
use crate::jose::base64url;
use crate::jose::compact::MAX_KID_BYTES;
use crate::jose::json::{JsonError, Object};
use crate::jose::public_key::{InvalidPublicKey, Material, PublicKey};
use crate::jose::thumbprint::Thumbprint;

const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// A public key with its name and, where its owner said so, its algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    alg: Option<Alg>,
    key: PublicKey,
}

/// Why a JWK is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    #[error("not a JSON object of the right shape")]
    Shape,
    #[error("a member is missing or is not canonical base64url")]
    Member,
    #[error("it has private parts")]
    Private,
    #[error("it is a symmetric key")]
    Symmetric,
    #[error("its kty is not supported")]
    KeyType,
    #[error("its crv is not supported")]
    Curve,
    #[error("its alg is not supported")]
    Algorithm,
    #[error("its alg does not go with its kty or crv")]
    Mismatch,
    #[error("it is not for verifying signatures (use, key_ops)")]
    Use,
    #[error("its kid is empty or longer than 256 bytes")]
    KeyId,
    #[error(transparent)]
    Key(#[from] InvalidPublicKey),
}

impl Jwk {
    /// A key under the name of its thumbprint.
    pub fn new(key: PublicKey, alg: Option<Alg>) -> Result<Self, JwkError> {
        let kid = thumbprint(&key).to_string();
        Self::named(kid, key, alg)
    }

    pub fn named(kid: String, key: PublicKey, alg: Option<Alg>) -> Result<Self, JwkError> {
        if kid.is_empty() || kid.len() > MAX_KID_BYTES {
            return Err(JwkError::KeyId);
        }
        if alg.is_some_and(|alg| alg.key_type() != key.key_type()) {
            return Err(JwkError::Mismatch);
        }
        Ok(Self { kid, alg, key })
    }

    /// From JSON. A key without `kid` goes by its thumbprint.
    pub fn parse(text: &str) -> Result<Self, JwkError> {
        let jwk = Self::parse_for_use(text)?;
        jwk.key.check()?;
        Ok(jwk)
    }

    /// The same for a key that verifies at once: whether a point lies on its curve is left to that verification.
    pub(super) fn parse_for_use(text: &str) -> Result<Self, JwkError> {
        let object = Object::parse(text)?;
        if object.contains("k") || object.text("kty")?.as_deref() == Some("oct") {
            return Err(JwkError::Symmetric);
        }
        if PRIVATE_MEMBERS.iter().any(|name| object.contains(name)) {
            return Err(JwkError::Private);
        }
        check_use(&object)?;
        let alg = object.text("alg")?.map(|name| name.parse().map_err(|_| JwkError::Algorithm)).transpose()?;
        let key = public_key(&object)?;
        match object.text("kid")? {
            Some(kid) => Self::named(kid.into(), key, alg),
            None => Self::new(key, alg),
        }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn alg(&self) -> Option<Alg> {
        self.alg
    }

    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638 §3).
    pub fn thumbprint(&self) -> String {
        self.thumbprint_digest().to_string()
    }

    pub fn thumbprint_digest(&self) -> Thumbprint {
        thumbprint(&self.key)
    }

    /// The JSON that [`Jwk::parse`] reads.
    pub fn to_json(&self) -> String {
        // Strings under distinct names cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The algorithm that the key is pinned to: its own, else the one of its curve, else `rsa`.
    pub(super) fn pinned_alg(&self, rsa: Alg) -> Alg {
        self.alg.unwrap_or(match self.key.key_type() {
            KeyType::Rsa => rsa,
            KeyType::P256 => Alg::ES256,
            KeyType::P384 => Alg::ES384,
            KeyType::Ed25519 => Alg::EdDSA,
        })
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kid", &self.kid)?;
        if let Some(alg) = self.alg {
            map.serialize_entry("alg", alg.name())?;
        }
        map.serialize_entry("use", "sig")?;
        for (name, value) in required_members(&self.key) {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

fn check_use(object: &Object) -> Result<(), JwkError> {
    let wrong_use = object.text("use")?.is_some_and(|usage| usage != "sig");
    let ops: Option<Vec<String>> = object.value("key_ops")?;
    let wrong_ops = ops.is_some_and(|ops| ops.is_empty() || ops.iter().any(|op| op != "verify"));
    if wrong_use || wrong_ops { Err(JwkError::Use) } else { Ok(()) }
}

/// Points are not looked at: see [`PublicKey::check`].
fn public_key(object: &Object) -> Result<PublicKey, JwkError> {
    let kty = object.text("kty")?.ok_or(JwkError::Member)?;
    let crv = object.text("crv")?;
    match (kty.as_ref(), crv.as_deref()) {
        ("RSA", _) => Ok(PublicKey::rsa(&bytes(object, "n")?, &bytes(object, "e")?)?),
        ("EC", Some("P-256")) => Ok(PublicKey::unchecked_p256(&point(object, 32)?)),
        ("EC", Some("P-384")) => Ok(PublicKey::unchecked_p384(&point(object, 48)?)),
        ("OKP", Some("Ed25519")) => Ok(PublicKey::ed25519(&bytes(object, "x")?)?),
        ("EC" | "OKP", _) => Err(JwkError::Curve),
        _ => Err(JwkError::KeyType),
    }
}

/// RFC 7518 §6.2.1.2: each coordinate has the full length of the field.
fn point(object: &Object, length: usize) -> Result<Vec<u8>, JwkError> {
    let (x, y) = (bytes(object, "x")?, bytes(object, "y")?);
    if x.len() != length || y.len() != length {
        return Err(JwkError::Member);
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

fn bytes(object: &Object, name: &str) -> Result<Vec<u8>, JwkError> {
    let text = object.text(name)?.ok_or(JwkError::Member)?;
    base64url::decode(&text).map_err(|_| JwkError::Member)
}

/// In the order of their names: what RFC 7638 §3.2 hashes.
fn required_members(key: &PublicKey) -> Vec<(&'static str, String)> {
    let ec = |crv: &str, point: &[u8]| {
        let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
        vec![("crv", crv.into()), ("kty", "EC".into()), ("x", base64url::encode(x)), ("y", base64url::encode(y))]
    };
    match key.material() {
        Material::Rsa { n, e } => {
            vec![("e", base64url::encode(e)), ("kty", "RSA".into()), ("n", base64url::encode(n))]
        }
        Material::P256(point) => ec("P-256", point),
        Material::P384(point) => ec("P-384", point),
        Material::Ed25519(x) => {
            vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", base64url::encode(x))]
        }
    }
}

fn thumbprint(key: &PublicKey) -> Thumbprint {
    let members: Vec<String> =
        required_members(key).iter().map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    let text = format!("{{{}}}", members.join(","));
    Thumbprint::of(text.as_bytes())
}

impl From<JsonError> for JwkError {
    fn from(_: JsonError) -> Self {
        Self::Shape
    }
}

impl JwkError {
    /// Whether the key is merely for something else: another use, or a kind of key that we do not know.
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Self::Use | Self::KeyType | Self::Curve | Self::Algorithm)
    }
}
