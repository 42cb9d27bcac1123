//! The deployment's private certificate authority: it signs the issuers' and the edges' feed certificates, and nothing else.

use std::time::Duration;

use common::attest::EdgeKey;
use common::clock::UnixMillis;
use common::feed::ISSUER_NAME;
use common::ids::EdgeId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::StartError;
use super::sealing::Sealing;
use crate::store::{Batch, Query, Rows, Statement, Store};

/// Validity of an edge's certificate; it renews daily.
pub const EDGE_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// An issuer takes a new certificate at each start.
const ISSUER_LIFE: Duration = Duration::from_secs(2 * 365 * 24 * 3600);
const CA_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// Clocks of edges may be this far behind.
const BACKDATE: Duration = Duration::from_secs(600);
/// Longest certificate request.
const MAX_CSR: usize = 4096;

const CONTEXT: &str = "feed_ca.sealed_key";

/// The request of an edge can't be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate request is malformed")]
pub struct BadRequest;

/// Holds the authority's private key.
pub struct Authority {
    certificate: CertificateDer<'static>,
    signer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The one that the store has, or a new one. Issuers that start together agree on one.
    pub async fn load(store: &Store, sealing: &dyn Sealing, now: UnixMillis) -> Result<Self, StartError> {
        if let Some(authority) = Self::read(store, sealing).await? {
            return Ok(authority);
        }
        let key = KeyPair::generate().map_err(|_| StartError::Authority)?;
        let certificate = ca_params(now)?.self_signed(&key).map_err(|_| StartError::Authority)?;
        let sealed = sealing.seal(CONTEXT, key.serialized_der()).ok_or(StartError::Authority)?;
        let mut batch = Batch::new();
        batch.add(
            Statement::new(
                "INSERT INTO feed_ca (id, certificate, sealed_key, created_at) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(certificate.der().as_ref())
            .bind(sealed)
            .bind(now)
            .expect(Rows::Any),
        );
        store.commit(batch).await?;
        Self::read(store, sealing).await?.ok_or(StartError::Authority)
    }

    async fn read(store: &Store, sealing: &dyn Sealing) -> Result<Option<Self>, StartError> {
        let query = Query::new("SELECT certificate, sealed_key FROM feed_ca WHERE id = 1");
        let Some(row) = store.one(query).await? else { return Ok(None) };
        let certificate = row.bytes(0).map_err(|_| StartError::Authority)?.to_vec();
        let sealed = row.bytes(1).map_err(|_| StartError::Authority)?;
        let key = sealing.open(CONTEXT, sealed).ok_or(StartError::Sealed)?;
        let key = KeyPair::try_from(key.expose()).map_err(|_| StartError::Authority)?;
        let certificate = CertificateDer::from(certificate);
        let signer = Issuer::from_ca_cert_der(&certificate, key).map_err(|_| StartError::Authority)?;
        Ok(Some(Self { certificate, signer }))
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the authority's SubjectPublicKeyInfo: what a join token pins.
    pub fn pin(&self) -> Option<[u8; 32]> {
        let (_, certificate) = x509_parser::parse_x509_certificate(&self.certificate).ok()?;
        ring::digest::digest(&ring::digest::SHA256, certificate.public_key().raw).as_ref().try_into().ok()
    }

    /// Certificate chain and key for this issuer's listener.
    pub fn issuer_identity(
        &self,
        now: UnixMillis,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), StartError> {
        let key = KeyPair::generate().map_err(|_| StartError::Authority)?;
        let params =
            leaf(ISSUER_NAME, ExtendedKeyUsagePurpose::ServerAuth, now, ISSUER_LIFE).ok_or(StartError::Authority)?;
        let certificate = params.signed_by(&key, &self.signer).map_err(|_| StartError::Authority)?;
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        Ok((chain, PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()).into()))
    }

    /// A certificate for `edge` on the key of this PKCS#10 request, whose signature proves possession. Nothing else in the request counts: the
    /// name and the uses are ours.
    pub fn sign_edge(&self, edge: &EdgeId, csr: &[u8], now: UnixMillis) -> Result<CertificateDer<'static>, BadRequest> {
        if csr.len() > MAX_CSR {
            return Err(BadRequest);
        }
        let csr = CertificateSigningRequestDer::from(csr);
        let request = CertificateSigningRequestParams::from_der(&csr).map_err(|_| BadRequest)?;
        let params = leaf(edge.as_str(), ExtendedKeyUsagePurpose::ClientAuth, now, EDGE_LIFE).ok_or(BadRequest)?;
        let certificate = params.signed_by(&request.public_key, &self.signer).map_err(|_| BadRequest)?;
        Ok(certificate.der().clone())
    }
}

/// Who a verified certificate names, and when it was issued (the first six bytes of its serial number).
pub(super) fn edge_of(certificate: &CertificateDer<'_>) -> Option<(EdgeId, UnixMillis)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let [x509_parser::extensions::GeneralName::DNSName(name)] = names.value.general_names.as_slice() else {
        return None;
    };
    let serial = parsed.tbs_certificate.serial.to_bytes_be();
    let issued = serial.get(1..7)?.iter().fold(0, |time, byte| (time << 8) | u64::from(*byte));
    Some((EdgeId::parse(*name).ok()?, UnixMillis(issued)))
}

/// The key of a certificate, where it is one that attestations are signed by.
pub(super) fn p256_key(certificate: &CertificateDer<'_>) -> Option<EdgeKey> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    EdgeKey::p256(&parsed.public_key().subject_public_key.data)
}

fn ca_params(now: UnixMillis) -> Result<CertificateParams, StartError> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(|_| StartError::Authority)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Tollgate feed authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, CA_LIFE).ok_or(StartError::Authority)?;
    Ok(params)
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose, now: UnixMillis, life: Duration) -> Option<CertificateParams> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).ok()?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    // A leading 1 keeps the number positive and the time's place fixed; the rest is random.
    let time = now.0.to_be_bytes();
    let random = *uuid::Uuid::new_v4().as_bytes();
    let serial: Vec<u8> = [1].into_iter().chain(time.into_iter().skip(2)).chain(random.into_iter().take(9)).collect();
    params.serial_number = Some(SerialNumber::from(serial));
    valid(&mut params, now, life)?;
    Some(params)
}

fn valid(params: &mut CertificateParams, now: UnixMillis, life: Duration) -> Option<()> {
    let date = |at: UnixMillis| time::OffsetDateTime::from_unix_timestamp(i64::try_from(at.seconds()).ok()?).ok();
    params.not_before = date(now.minus(BACKDATE))?;
    params.not_after = date(now.plus(life))?;
    Some(())
}
