//! Cognito: AdminConfirmSignUp. The user is confirmed without a code; addresses stay as they are, not verified.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminConfirmSignUpRequest, AdminConfirmSignUpResponse};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::signup::code;
use crate::store::{Batch, CommitError};
use crate::users::{self, Status, TRIES, User, UserError, rows};

pub async fn handle(call: Call, input: AdminConfirmSignUpRequest) -> Result<AdminConfirmSignUpResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let mut user = users::named(store, &pool, &input.username).await?;
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        check_waiting(&user)?;
        let mut batch = Batch::new();
        batch.add(rows::update_profile(&user, Status::Confirmed, &user.attributes, call.now));
        batch.add(code::withdraw(&user));
        outcome = call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
        user = user.again(store, &pool).await?;
    }
    outcome?;
    Ok(AdminConfirmSignUpResponse {})
}

fn check_waiting(user: &User) -> Result<(), UserError> {
    match user.status {
        Status::Unconfirmed => Ok(()),
        other => Err(UserError::NotUnconfirmed(other)),
    }
}
