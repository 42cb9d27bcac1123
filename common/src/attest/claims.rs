//! What an attestation says: a closed set of claims, each within bounds.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::attest::MAX_TARGET_BYTES;
use crate::attest::error::AttestError;
use crate::clock::UnixMillis;
use crate::ids::{EdgeId, PoolId};
use crate::jose::json::Object;
use crate::jose::{base64url_decode, base64url_encode};

const MAX_AUDIENCE: usize = 128;
const MAX_METHOD: usize = 32;
/// A name of 253 characters, a colon and a port.
const MAX_HOST: usize = 259;
const MAX_REQUEST_ID: usize = 64;
const MAX_TLS_NAME: usize = 64;
const MAX_SNI: usize = 253;

const CLAIMS: [&str; 13] =
    ["iss", "aud", "iat", "jti", "htm", "host", "target", "hsh", "bsh", "ip", "tls", "rid", "acl"];
const TLS: [&str; 7] = ["version", "cipher", "alpn", "sni", "cert", "ja3", "ja4"];

/// The claims, as the edge says them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation<'a> {
    /// `iss`: the edge, by the name in its certificate.
    #[serde(rename = "iss")]
    pub edge: EdgeId,
    /// `aud`: [`super::audience`].
    #[serde(rename = "aud")]
    pub audience: Cow<'a, str>,
    /// `iat`: seconds since the epoch, by the edge's clock.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// `jti`: good once; [`Attestation::id_at`] makes one.
    #[serde(rename = "jti")]
    pub id: Octets<16>,
    /// `htm`, as it goes to the issuer.
    #[serde(rename = "htm")]
    pub method: Cow<'a, str>,
    /// The value of `Host`.
    pub host: Cow<'a, str>,
    /// The request target in origin form: canonical path, and query where there is one.
    pub target: Cow<'a, str>,
    /// `hsh`: [`super::digest_of_fields`].
    #[serde(rename = "hsh")]
    pub fields: Octets<32>,
    /// `bsh`: SHA-256 of the body; of no bytes where there is none.
    #[serde(rename = "bsh")]
    pub body: Octets<32>,
    /// `ip`: the client, as the edge knows it. IPv4 is never written as IPv6.
    #[serde(rename = "ip")]
    pub client: IpAddr,
    /// How the client reached the edge; absent for plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls<'a>>,
    /// `rid`: the edge's id of the request, as in its access log.
    #[serde(rename = "rid")]
    pub request_id: Cow<'a, str>,
    /// `acl`: the pool whose web ACL the edge has asked, and which let the request pass. Absent: the edge knows of none that stands before it.
    ///
    /// It is said only where one was asked, so that an issuer of an earlier build, which refuses claims that it does not know, never sees it unless it has
    /// web ACLs itself. It does not say which version was asked. How far behind an edge may be is the feed's affair; what must not be is a request that no web ACL of
    /// its pool has seen.
    #[serde(rename = "acl", skip_serializing_if = "Option::is_none")]
    pub web_acl: Option<PoolId>,
}

/// The TLS connection to the edge: the client's, or that of a trusted proxy which speaks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientTls<'a> {
    /// As the edge's TLS library names it, as the cipher.
    pub version: Cow<'a, str>,
    pub cipher: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Cow<'a, str>>,
    /// The server name that the client asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<Cow<'a, str>>,
    /// SHA-256 of the client's certificate, where it showed one and the edge verified it.
    #[serde(rename = "cert", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Octets<32>>,
    /// Fingerprints of the ClientHello.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja3: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja4: Option<Cow<'a, str>>,
}

/// Bytes, in JSON as base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Octets<const N: usize>(pub [u8; N]);

impl<const N: usize> Octets<N> {
    fn parse(text: &str) -> Result<Self, AttestError> {
        let bytes = base64url_decode(text).map_err(|_| AttestError::Claims)?;
        bytes.try_into().map(Self).map_err(|_| AttestError::Claims)
    }
}

impl<const N: usize> Serialize for Octets<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url_encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Octets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url_encode(self.0))
    }
}

impl Attestation<'_> {
    /// An id made at this instant: its milliseconds in six bytes, and ten random ones. `iat` has whole seconds, too coarse to tell what was said before a
    /// restart from what was said after it.
    pub fn id_at(now: UnixMillis, random: [u8; 10]) -> Octets<16> {
        let mut id = [0; 16];
        let time = now.0.to_be_bytes();
        for (to, from) in id.iter_mut().zip(time.iter().skip(2).chain(&random)) {
            *to = *from;
        }
        Octets(id)
    }

    /// When it was made, by the edge's clock.
    pub fn made_at(&self) -> UnixMillis {
        UnixMillis(self.id.0.iter().take(6).fold(0, |time, byte| (time << 8) | u64::from(*byte)))
    }
}

impl Attestation<'static> {
    /// Reads the payload of a JWS. Nothing of it is compared with anything yet.
    pub(super) fn parse(payload: Vec<u8>) -> Result<Self, AttestError> {
        let text = String::from_utf8(payload).map_err(|_| AttestError::Claims)?;
        let claims = Object::parse(text)?;
        closed(&claims, &CLAIMS)?;
        let attestation = Self {
            edge: EdgeId::parse(visible(&claims, "iss", MAX_REQUEST_ID)?).map_err(|_| AttestError::Claims)?,
            audience: visible(&claims, "aud", MAX_AUDIENCE)?.into(),
            issued_at: claims.value("iat")?.ok_or(AttestError::Claims)?,
            id: Octets::parse(&visible(&claims, "jti", MAX_REQUEST_ID)?)?,
            method: visible(&claims, "htm", MAX_METHOD)?.into(),
            host: visible(&claims, "host", MAX_HOST)?.into(),
            target: visible(&claims, "target", MAX_TARGET_BYTES)?.into(),
            fields: Octets::parse(&visible(&claims, "hsh", MAX_REQUEST_ID)?)?,
            body: Octets::parse(&visible(&claims, "bsh", MAX_REQUEST_ID)?)?,
            client: address(&visible(&claims, "ip", MAX_REQUEST_ID)?)?,
            tls: claims.raw("tls").map(ClientTls::parse).transpose()?,
            request_id: visible(&claims, "rid", MAX_REQUEST_ID)?.into(),
            web_acl: claims.contains("acl").then(|| pool(&claims)).transpose()?,
        };
        let one_instant = attestation.made_at().seconds() == attestation.issued_at;
        if one_instant { Ok(attestation) } else { Err(AttestError::Claims) }
    }
}

impl ClientTls<'static> {
    fn parse(text: &str) -> Result<Self, AttestError> {
        let members = Object::parse(text)?;
        closed(&members, &TLS)?;
        let optional = |name: &str, longest: usize| -> Result<Option<Cow<'static, str>>, AttestError> {
            if !members.contains(name) {
                return Ok(None);
            }
            visible(&members, name, longest).map(|text| Some(text.into()))
        };
        Ok(Self {
            version: visible(&members, "version", MAX_TLS_NAME)?.into(),
            cipher: visible(&members, "cipher", MAX_TLS_NAME)?.into(),
            alpn: optional("alpn", MAX_TLS_NAME)?,
            sni: optional("sni", MAX_SNI)?,
            certificate: optional("cert", MAX_TLS_NAME)?.map(|text| Octets::parse(&text)).transpose()?,
            ja3: optional("ja3", MAX_TLS_NAME)?,
            ja4: optional("ja4", MAX_TLS_NAME)?,
        })
    }
}

fn closed(object: &Object, known: &[&str]) -> Result<(), AttestError> {
    if object.names().all(|name| known.contains(&name)) { Ok(()) } else { Err(AttestError::Claims) }
}

/// A text of visible ASCII, not empty: all that any of these claims can be.
fn visible(object: &Object, name: &str, longest: usize) -> Result<String, AttestError> {
    let text = object.text(name)?.ok_or(AttestError::Claims)?;
    let fits = (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.into_owned()) } else { Err(AttestError::Claims) }
}

fn pool(claims: &Object) -> Result<PoolId, AttestError> {
    PoolId::parse(visible(claims, "acl", MAX_REQUEST_ID)?).map_err(|_| AttestError::Claims)
}

/// In the one text that an address has.
fn address(text: &str) -> Result<IpAddr, AttestError> {
    let address: IpAddr = text.parse().map_err(|_| AttestError::Claims)?;
    if address.to_canonical().to_string() == text { Ok(address) } else { Err(AttestError::Claims) }
}
