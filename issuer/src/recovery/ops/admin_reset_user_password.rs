//! Cognito: AdminResetUserPassword. The user gets a code, and signs in again only once ConfirmForgotPassword has set another password. Until
//! then the right password is answered with `PasswordResetRequiredException`. Every token ends.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminResetUserPasswordRequest, AdminResetUserPasswordResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::recovery::{code, rules};
use crate::users::sign_out::{self, Also, Outcome};
use crate::users::{self, rows};

pub async fn handle(call: Call, input: AdminResetUserPasswordRequest) -> Result<AdminResetUserPasswordResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let user = users::named(&services.store, &pool, &input.username).await?;
    let ways = rules::ways(&pool.settings)?;
    let (user, to) = rules::by_admin(&user, &ways)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let (code, message) = code::issue(&call, &key, &pool, &user, &to)?;
    let outcome = sign_out::if_still(&call, &pool, &user.sub, |now| {
        let holds = rules::still(&user, &to, now, &ways) && now.status == user.status;
        holds.then(|| Also {
            statements: vec![rows::require_reset(now, call.now), code.clone()],
            messages: vec![message.clone()],
        })
    })
    .await?;
    match outcome {
        Outcome::Done => Ok(AdminResetUserPasswordResponse {}),
        Outcome::Overtaken => Err(Fault::unavailable("the user was changed at the same time")),
    }
}
