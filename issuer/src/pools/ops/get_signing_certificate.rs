//! Cognito: GetSigningCertificate. The first answer makes the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use cognito_model::idp::types::{GetSigningCertificateRequest, GetSigningCertificateResponse};

use crate::aws_json::{Call, Write};
use crate::keys::federation;
use crate::pools::{self, PoolError, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: GetSigningCertificateRequest) -> Result<GetSigningCertificateResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let mut found = federation::certificate(&services.store, &pool.id).await?;
    if found.is_none() {
        let key = services.pool_keys.key(&pool.id).await?;
        let mut batch = Batch::new();
        let gone = batch.add(rows::hold(&pool.id));
        batch.add(federation::create(call.now, &pool.id, &key).await?);
        let write = Write::new(&pool.id, batch).about(pool.id.as_str());
        call.commit_or(write, [(gone, PoolError::Absent(pool.id.clone()).into())]).await?;
        found = federation::certificate(&services.store, &pool.id).await?;
    }
    let certificate = found.ok_or_else(|| Fault::internal("the certificate is gone"))?;
    Ok(GetSigningCertificateResponse { certificate: Some(STANDARD.encode(certificate)) })
}
