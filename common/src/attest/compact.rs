//! The compact form: made in two steps by the edge, taken apart in two by the issuer.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

use crate::attest::claims::{Attestation, Octets};
use crate::attest::error::AttestError;
use crate::attest::{LEEWAY, TYP};
use crate::clock::UnixMillis;
use crate::ids::EdgeId;
use crate::jose::json::Object;
use crate::jose::{Alg, Jws, base64url_decode, base64url_encode};

const HEAD: [&str; 3] = ["alg", "typ", "x5c"];
/// A certificate of an edge has about 500 bytes.
const MAX_CERTIFICATE: usize = 2048;
/// An uncompressed point of P-256 (SEC 1 §2.3.3).
const POINT_BYTES: usize = 65;

/// The encoded first part of every JWS by one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head(String);

impl Head {
    /// `certificate` is DER.
    pub fn new(certificate: &[u8]) -> Self {
        let x5c = STANDARD.encode(certificate);
        Self(base64url_encode(format!(r#"{{"alg":"ES256","typ":"{TYP}","x5c":["{x5c}"]}}"#)))
    }

    /// What has to be signed; [`Head::finish`] makes the JWS of it. `None` when the claims do not serialise, which they always do.
    pub fn signing_input(&self, claims: &Attestation<'_>) -> Option<String> {
        let claims = serde_json::to_vec(claims).ok()?;
        let mut input = String::with_capacity(self.0.len() + claims.len() * 4 / 3 + 100);
        input.push_str(&self.0);
        input.push('.');
        input.push_str(&base64url_encode(claims));
        Some(input)
    }

    /// `signature` is r ‖ s (RFC 7518 §3.4).
    pub fn finish(mut input: String, signature: &[u8]) -> String {
        input.push('.');
        input.push_str(&base64url_encode(signature));
        input
    }
}

/// The public key of an edge's certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct EdgeKey([u8; POINT_BYTES]);

impl EdgeKey {
    /// From the uncompressed point in a certificate for P-256; `None` for any other key.
    pub fn p256(point: &[u8]) -> Option<Self> {
        let point: [u8; POINT_BYTES] = point.try_into().ok()?;
        point.starts_with(&[4]).then_some(Self(point))
    }
}

impl fmt::Debug for EdgeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeKey")
    }
}

/// The request that an attestation came with, and what the receiver knows by itself.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Whom the certificate names.
    pub edge: &'a EdgeId,
    pub audience: &'a str,
    pub now: UnixMillis,
    pub method: &'a str,
    /// The value of `Host`.
    pub host: &'a str,
    /// Path and query, as received.
    pub target: &'a str,
    /// [`super::digests_of_fields`]: any of them will do.
    pub fields: &'a [[u8; 32]],
    /// SHA-256.
    pub body: &'a [u8; 32],
}

/// A well-formed attestation of which nothing is proven. Only the certificate can be looked at.
pub struct Unverified<'a> {
    jws: Jws<'a>,
    certificate: Vec<u8>,
}

impl<'a> Unverified<'a> {
    pub fn parse(text: &'a str) -> Result<Self, AttestError> {
        let jws = Jws::parse(text)?;
        if jws.header.alg != Alg::ES256 {
            return Err(AttestError::Algorithm);
        }
        if jws.header.typ.as_deref() != Some(TYP) {
            return Err(AttestError::Type);
        }
        let certificate = certificate(jws.signing_input)?;
        Ok(Self { jws, certificate })
    }

    /// DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Signature first, then the claims, then whether they are about this request at this time. `key` is the certificate's.
    pub fn verify(&self, key: &EdgeKey, arrived: &Arrived<'_>) -> Result<Attestation<'static>, AttestError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.0)
            .verify(self.jws.signing_input.as_bytes(), &self.jws.signature)
            .map_err(|_| AttestError::Signature)?;
        let claims = Attestation::parse(self.jws.payload.clone())?;
        check(&claims, arrived)?;
        Ok(claims)
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

fn check(claims: &Attestation<'_>, arrived: &Arrived<'_>) -> Result<(), AttestError> {
    let (now, leeway) = (arrived.now.seconds(), LEEWAY.as_secs());
    let checks = [
        (claims.edge == *arrived.edge, AttestError::Edge),
        (claims.audience == arrived.audience, AttestError::Audience),
        (claims.issued_at.saturating_add(leeway) >= now, AttestError::TooOld),
        (claims.issued_at <= now.saturating_add(leeway), AttestError::InFuture),
        (claims.method == arrived.method, AttestError::Method),
        (claims.host == arrived.host, AttestError::Host),
        (claims.target == arrived.target, AttestError::Target),
        (arrived.fields.iter().any(|fields| claims.fields == Octets(*fields)), AttestError::Fields),
        (claims.body == Octets(*arrived.body), AttestError::Body),
    ];
    checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
}

/// The one certificate of a head that has nothing but what it must.
fn certificate(signing_input: &str) -> Result<Vec<u8>, AttestError> {
    let (head, _) = signing_input.split_once('.').ok_or(AttestError::Head)?;
    let head = base64url_decode(head).map_err(|_| AttestError::Head)?;
    let head = Object::parse(String::from_utf8(head).map_err(|_| AttestError::Head)?).map_err(|_| AttestError::Head)?;
    if !head.names().all(|name| HEAD.contains(&name)) {
        return Err(AttestError::Head);
    }
    let chain: Vec<String> = head.value("x5c").ok().flatten().ok_or(AttestError::Head)?;
    let [leaf] = chain.as_slice() else { return Err(AttestError::Head) };
    let leaf = STANDARD.decode(leaf).map_err(|_| AttestError::Head)?;
    if leaf.is_empty() || leaf.len() > MAX_CERTIFICATE { Err(AttestError::Head) } else { Ok(leaf) }
}
