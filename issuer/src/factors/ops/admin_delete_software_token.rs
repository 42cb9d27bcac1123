//! Cognito: AdminDeleteSoftwareToken. The token goes, and with it that the user is asked for its codes. A user who has none stays as is.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminDeleteSoftwareTokenRequest, AdminDeleteSoftwareTokenResponse};

use crate::aws_json::{Call, Write};
use crate::factors::rows;
use crate::pools::mfa::Factor;
use crate::store::{Batch, CommitError};
use crate::users::TRIES;
use crate::{devices, pools, users};

pub async fn handle(
    call: Call,
    input: AdminDeleteSoftwareTokenRequest,
) -> Result<AdminDeleteSoftwareTokenResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let mut user = users::named(store, &pool, &input.username).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let mut batch = Batch::new();
        batch.add(users::rows::set_mfa(&user, &user.mfa.clone().without(Factor::SoftwareToken), call.now));
        batch.add(rows::forget(&pool.id, &user.sub));
        batch.add(devices::rows::distrust(&pool.id, &user.sub));
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
        user = user.again(store, &pool).await?;
    }
    outcome?;
    Ok(AdminDeleteSoftwareTokenResponse {})
}
