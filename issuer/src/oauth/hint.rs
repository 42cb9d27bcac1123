//! `id_token_hint`: an ID token of the pool's, whether or not it is over (OpenID Connect Core §3.1.2.1, RP-Initiated Logout 1.0 §2).

use cognito_model::Fault;
use common::claims::{ClaimSet, IdClaims};
use common::ids::Sub;
use common::jose::Jws;
use serde_json::Value;

use crate::pools::Pool;
use crate::services::Services;

/// Whom it is about, whom it was for, and in which browser session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub sub: Sub,
    /// `aud`
    pub client: String,
    pub sid: Option<String>,
}

/// `None`: no key of the pool's has signed it, or it is no ID token of the pool's.
///
/// # Errors
/// Storage.
pub async fn read(services: &Services, pool: &Pool, token: &str) -> Result<Option<Hint>, Fault> {
    let keys = services.keys.key_set(&pool.id, &pool.iss).await?;
    let Ok(jws) = Jws::parse(token) else { return Ok(None) };
    if keys.verify(&jws).is_err() {
        return Ok(None);
    }
    let claims = std::str::from_utf8(&jws.payload).ok().and_then(|text| IdClaims::parse(text).ok());
    let Some(claims) = claims.filter(|claims| claims.iss == pool.iss) else { return Ok(None) };
    let Ok(sub) = Sub::parse(claims.sub) else { return Ok(None) };
    let sid = claims.attributes.get("sid").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(Hint { sub, client: claims.aud, sid }))
}
