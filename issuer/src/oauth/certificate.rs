//! Client certificates (RFC 8705): whether the one that a request's connection showed proves a client.
//!
//! The issuer ends no client's TLS. Which certificate there was is the word of an edge or of a trusted proxy ([`crate::aws_json::Certificate`]), and so is that
//! its holder had the key. For `tls_client_auth` that other end must also have verified the chain; edges do.

use std::net::IpAddr;

use axum::http::request::Parts;
use common::jose::{Jwks, PublicKey, Thumbprint};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::public_key;

use super::distinguished_name::DistinguishedName;
use crate::aws_json::Certificate;
use crate::clients::Client;
use crate::clients::oauth::{AuthMethod, CertificateName};

/// What the tokens of who showed it are bound to (RFC 8705 §3.1).
pub fn thumbprint(head: &Parts) -> Option<Thumbprint> {
    head.extensions.get::<Certificate>().map(|certificate| Thumbprint::new(certificate.digest))
}

/// The client's method that the certificate satisfies, if any.
pub fn proves(head: &Parts, client: &Client) -> Option<AuthMethod> {
    let settings = &client.settings.oauth;
    let der = head.extensions.get::<Certificate>()?.der.as_deref()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok().filter(|(rest, _)| rest.is_empty())?;
    let methods = [AuthMethod::TlsClientAuth, AuthMethod::SelfSignedTlsClientAuth];
    methods.into_iter().filter(|method| settings.auth_methods.contains(method)).find(|method| match method {
        AuthMethod::TlsClientAuth => settings.certificate.as_ref().is_some_and(|name| is_named(&certificate, name)),
        _ => settings.jwks.as_ref().is_some_and(|jwks| has_key_of(&certificate, &jwks.to_string())),
    })
}

/// RFC 8705 §2.1.2: the one name that was registered is the certificate's.
fn is_named(certificate: &X509Certificate<'_>, name: &CertificateName) -> bool {
    if let CertificateName::SubjectDn(wanted) = name {
        let wanted = DistinguishedName::parse(wanted);
        return wanted.is_some() && wanted == DistinguishedName::of(certificate.subject());
    }
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|found| match (name, found) {
        (CertificateName::SanDns(wanted), GeneralName::DNSName(found)) => found.eq_ignore_ascii_case(wanted),
        (CertificateName::SanUri(wanted), GeneralName::URI(found)) => found == wanted,
        (CertificateName::SanEmail(wanted), GeneralName::RFC822Name(found)) => found == wanted,
        (CertificateName::SanIp(wanted), GeneralName::IPAddress(found)) => match wanted.parse() {
            Ok(IpAddr::V4(wanted)) => *found == wanted.octets(),
            Ok(IpAddr::V6(wanted)) => *found == wanted.octets(),
            Err(_) => false,
        },
        _ => false,
    })
}

/// RFC 8705 §2.2: nothing but the key counts.
fn has_key_of(certificate: &X509Certificate<'_>, jwks: &str) -> bool {
    let (Some(key), Ok(jwks)) = (public_key(certificate), Jwks::parse_foreign(jwks)) else { return false };
    jwks.keys().iter().any(|jwk| *jwk.key() == key)
}

fn public_key(certificate: &X509Certificate<'_>) -> Option<PublicKey> {
    let info = certificate.public_key();
    match info.parsed().ok()? {
        public_key::PublicKey::RSA(key) => PublicKey::rsa(without_zeros(key.modulus), without_zeros(key.exponent)).ok(),
        // A point of another curve of that size is not on this one.
        public_key::PublicKey::EC(point) => {
            PublicKey::p256(point.data()).or_else(|_| PublicKey::p384(point.data())).ok()
        }
        _ if info.algorithm.algorithm == OID_SIG_ED25519 => PublicKey::ed25519(&info.subject_public_key.data).ok(),
        _ => None,
    }
}

/// DER writes positive numbers so that their first bit is 0.
fn without_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}
