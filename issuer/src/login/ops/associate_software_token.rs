//! Cognito: AssociateSoftwareToken. By access token for a user who is signed in; by Session for one whom MFA_SETUP holds up.

use cognito_model::Fault;
use cognito_model::idp::types::{AssociateSoftwareTokenRequest, AssociateSoftwareTokenResponse};
use common::secret::SecretString;

use super::{Authorization, authorization, pool_of_session};
use crate::aws_json::{Call, Write};
use crate::factors::error::not_offered;
use crate::factors::software_token::{self, Seed};
use crate::login::set_up;
use crate::pools::mfa::Factor;
use crate::store::Batch;
use crate::users::self_service::{Caller, caller};
use crate::users::{UserError, rows};

pub async fn handle(call: Call, input: AssociateSoftwareTokenRequest) -> Result<AssociateSoftwareTokenResponse, Fault> {
    match authorization(input.access_token.as_ref(), input.session.as_ref())? {
        Authorization::Token => by_token(&call).await,
        Authorization::Session(session) => by_session(&call, session).await,
    }
}

async fn by_token(call: &Call) -> Result<AssociateSoftwareTokenResponse, Fault> {
    let Caller { pool, user, .. } = caller(call).await?;
    if !pool.settings.offers(Factor::SoftwareToken) {
        return Err(not_offered());
    }
    let seed = Seed::draw()?;
    let key = call.services.pool_keys.key(&pool.id).await?;
    let mut batch = Batch::new();
    let gone = batch.add(rows::still_there(&user));
    batch.add(software_token::keep_pending(&key, &user, &seed, call.now)?);
    let write = Write::new(&pool.id, batch).about(user.sub.as_str());
    call.commit_or(write, [(gone, UserError::Absent.into())]).await?;
    Ok(AssociateSoftwareTokenResponse { secret_code: Some(seed.to_text()), session: None })
}

async fn by_session(call: &Call, session: &SecretString) -> Result<AssociateSoftwareTokenResponse, Fault> {
    let pool = pool_of_session(call, session).await?;
    let (seed, session) = set_up::associate(call, &pool, session).await?;
    Ok(AssociateSoftwareTokenResponse { secret_code: Some(seed.to_text()), session: Some(session) })
}
