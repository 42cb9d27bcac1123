//! `tls = { … }` of an upstream: files are read and proven here, since pingora panics on what it cannot parse.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::settings::{Section, SettingError};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use ring::digest;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::snapshot::upstream::tls::Tls;

pub fn read(mut section: Section, folder: &Path) -> Result<Tls, SettingError> {
    let server_name = section.text("server_name")?;
    if let Some(name) = &server_name {
        ServerName::try_from(name.as_str())
            .map_err(|_| section.error("server_name", format!("\"{name}\" is no name or address")))?;
    }
    let ca = section.file("ca")?.map(|file| roots(&section, folder.join(file))).transpose()?;
    let identity = match (section.file("client_cert")?, section.file("client_key")?) {
        (Some(cert), Some(key)) => Some(identity(&section, folder.join(cert), folder.join(key))?),
        (None, None) => None,
        (Some(_), None) => return Err(section.error("client_key", "is missing: `client_cert` needs its key")),
        (None, Some(_)) => return Err(section.error("client_cert", "is missing: `client_key` is of no use alone")),
    };
    let verify = section.flag("verify")?.unwrap_or(true);
    if !verify && ca.is_some() {
        return Err(section.error("verify", "is false, so `ca` would not be asked: leave one of them out"));
    }
    section.finish()?;
    if !verify {
        tracing::warn!("an upstream's certificate is not verified: anyone on the way can read and change what is sent");
    }
    let fingerprint = fingerprint(server_name.as_deref(), ca.as_deref(), identity.as_ref(), verify);
    Ok(Tls {
        server_name: server_name.map(Arc::from),
        ca: ca.map(|ca| ca.into_iter().map(wrapped).collect()),
        identity: identity.map(|(chain, key)| Arc::new(CertKey::new(chain, key))),
        verify,
        fingerprint,
    })
}

type Der = Vec<u8>;

fn wrapped(der: Der) -> WrappedX509 {
    WrappedX509::new(der, parse_x509)
}

fn roots(section: &Section, file: PathBuf) -> Result<Vec<Der>, SettingError> {
    let roots = certificates(section, "ca", &file)?;
    let mut store = RootCertStore::empty();
    for root in &roots {
        store
            .add(CertificateDer::from(root.as_slice()))
            .map_err(|error| section.error("ca", format!("{}: {error}", file.display())))?;
    }
    Ok(roots)
}

fn identity(section: &Section, cert: PathBuf, key: PathBuf) -> Result<(Vec<Der>, Der), SettingError> {
    let chain = certificates(section, "client_cert", &cert)?;
    let wrong = |problem: &dyn std::fmt::Display| section.error("client_key", format!("{}: {problem}", key.display()));
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| wrong(&error))?;
    let der = private.secret_der().to_vec();
    // pingora guesses the kind of the key from its bytes.
    PrivateKeyDer::try_from(der.clone()).map_err(|problem| wrong(&problem))?;
    let owned: Vec<CertificateDer<'static>> = chain.iter().cloned().map(CertificateDer::from).collect();
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(RootCertStore::empty())
        .with_client_auth_cert(owned, private)
        .map_err(|error| wrong(&error))?;
    Ok((chain, der))
}

/// At least one certificate, each of which can be parsed.
fn certificates(section: &Section, key: &'static str, file: &Path) -> Result<Vec<Der>, SettingError> {
    let wrong = |problem: &dyn std::fmt::Display| section.error(key, format!("{}: {problem}", file.display()));
    let found: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| wrong(&error))?;
    if found.is_empty() {
        return Err(wrong(&"holds no certificate"));
    }
    for certificate in &found {
        X509Certificate::from_der(certificate).map_err(|error| wrong(&error))?;
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}

fn fingerprint(name: Option<&str>, ca: Option<&[Der]>, identity: Option<&(Vec<Der>, Der)>, verify: bool) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(name.unwrap_or_default().as_bytes());
    part(&[u8::from(verify), u8::from(name.is_some()), u8::from(ca.is_some()), u8::from(identity.is_some())]);
    ca.into_iter().flatten().for_each(|der| part(der));
    part(b"identity");
    if let Some((chain, key)) = identity {
        chain.iter().for_each(|der| part(der));
        part(key);
    }
    let digest = context.finish();
    digest.as_ref().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
