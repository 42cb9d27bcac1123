//! The key by which a pool signs requests to SAML identity providers, in a certificate that their administrators install (Cognito:
//! GetSigningCertificate). It is made when it is first asked for, and stays: who installed it would be locked out by another.

use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::Alg;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::error::KeyError;
use super::generate::generate;
use crate::envelope::{Context, PoolKey};
use crate::store::{Migration, Query, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 32,
    name: "federation_keys",
    sql: "
CREATE TABLE federation_keys (
    pool TEXT PRIMARY KEY,
    certificate BYTEA NOT NULL,
    private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
",
};

/// Like Cognito's: ten years.
const LIFE: Duration = Duration::from_secs(3_652 * 24 * 3_600);
/// Clocks of providers may be this far behind.
const BACKDATE: Duration = Duration::from_secs(600);

/// The pool's certificate (X.509, DER), if it has one yet.
pub async fn certificate(store: &Store, pool: &PoolId) -> Result<Option<Vec<u8>>, KeyError> {
    let query = Query::new("SELECT certificate FROM federation_keys WHERE pool = $1").bind(pool);
    Ok(store.one(query).await?.map(|row| row.bytes(0).map(<[u8]>::to_vec)).transpose()?)
}

/// Makes a key and its certificate; the statement changes nothing where the pool has one meanwhile.
pub async fn create(now: UnixMillis, pool: &PoolId, key: &PoolKey) -> Result<Statement, KeyError> {
    let generated = tokio::task::spawn_blocking(|| generate(Alg::RS256)).await.map_err(|_| KeyError::Generate)??;
    let certificate = self_signed(now, pool, &generated.pkcs8).ok_or(KeyError::Generate)?;
    let cell = Context { table: "federation_keys", row: &[], column: "private_key" };
    let sealed = key.seal(cell, &generated.pkcs8)?;
    let insert = "INSERT INTO federation_keys (pool, certificate, private_key, created_at) VALUES ($1, $2, $3, $4)
                  ON CONFLICT DO NOTHING";
    Ok(Statement::new(insert).bind(pool).bind(certificate).bind(sealed).bind(now).expect(Rows::Any))
}

fn self_signed(now: UnixMillis, pool: &PoolId, pkcs8: &[u8]) -> Option<Vec<u8>> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_RSA_SHA256).ok()?;
    let mut params = CertificateParams::new(Vec::<String>::new()).ok()?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, pool.as_str());
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let date = |at: UnixMillis| time::OffsetDateTime::from_unix_timestamp(i64::try_from(at.seconds()).ok()?).ok();
    params.not_before = date(now.minus(BACKDATE))?;
    params.not_after = date(now.plus(LIFE))?;
    Some(params.self_signed(&key).ok()?.der().to_vec())
}
