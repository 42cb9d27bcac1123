//! The certificate authority of one run.

use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{ALPN_FEED, ALPN_JOIN, ISSUER_NAME};
use common::ids::EdgeId;
use quinn::ServerConfig;
use quinn::crypto::rustls::QuicServerConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};

use super::FeedError;

/// Longer than any run.
const LIFE: Duration = Duration::from_hours(24);

/// Signs the certificates of the feed and of the edges that join it.
pub struct Authority {
    certificate: CertificateDer<'static>,
    pin: [u8; 32],
    signer: Issuer<'static, KeyPair>,
    now: UnixMillis,
}

impl Authority {
    pub fn new(now: UnixMillis) -> Result<Self, FeedError> {
        let key = KeyPair::generate()?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
        let pin = digest.as_ref().try_into().map_err(|_| FeedError::Random)?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name.push(DnType::CommonName, "Tollgate bench authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        valid(&mut params, now)?;
        let certificate = params.self_signed(&key)?.der().clone();
        let signer = Issuer::new(params, key);
        Ok(Self { certificate, pin, signer, now })
    }

    /// SHA-256 of the authority's SubjectPublicKeyInfo: what a join token pins.
    pub fn pin(&self) -> [u8; 32] {
        self.pin
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A certificate for the edge on the key of its PKCS#10 request.
    pub fn sign_edge(&self, edge: &EdgeId, csr: &[u8]) -> Result<CertificateDer<'static>, FeedError> {
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr))?;
        let params = leaf(edge.as_str(), ExtendedKeyUsagePurpose::ClientAuth, self.now)?;
        Ok(params.signed_by(&request.public_key, &self.signer)?.der().clone())
    }

    /// TLS 1.3 for both protocols; only the join goes on without a certificate of ours.
    pub fn server_config(&self, now: UnixMillis) -> Result<ServerConfig, FeedError> {
        let tls = |error: &dyn std::fmt::Display| FeedError::Tls(error.to_string());
        let key = KeyPair::generate()?;
        let own = leaf(ISSUER_NAME, ExtendedKeyUsagePurpose::ServerAuth, now)?.signed_by(&key, &self.signer)?;
        let chain = vec![own.der().clone(), self.certificate.clone()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(|error| tls(&error))?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(|error| tls(&error))?;
        let mut crypto = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| tls(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()).into())
            .map_err(|error| tls(&error))?;
        crypto.alpn_protocols = vec![ALPN_FEED.to_vec(), ALPN_JOIN.to_vec()];
        let crypto = QuicServerConfig::try_from(crypto).map_err(|error| tls(&error))?;
        Ok(ServerConfig::with_crypto(Arc::new(crypto)))
    }
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose, now: UnixMillis) -> Result<CertificateParams, FeedError> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now)?;
    Ok(params)
}

fn valid(params: &mut CertificateParams, now: UnixMillis) -> Result<(), FeedError> {
    let date = |at: UnixMillis| {
        let seconds = i64::try_from(at.seconds()).map_err(|error| FeedError::Tls(error.to_string()))?;
        time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| FeedError::Tls(error.to_string()))
    };
    params.not_before = date(now.minus(LIFE))?;
    params.not_after = date(now.plus(LIFE))?;
    Ok(())
}
