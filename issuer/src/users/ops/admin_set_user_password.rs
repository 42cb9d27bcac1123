//! Cognito: AdminSetUserPassword. A permanent password confirms the user; a temporary one must be changed at the next sign-in.
//! Either way the tokens that the old password gave die (DESIGN §3; Cognito lets them live).

use cognito_model::Fault;
use cognito_model::idp::types::{AdminSetUserPasswordRequest, AdminSetUserPasswordResponse};

use crate::aws_json::Call;
use crate::limits::lockout::{self, Subject};
use crate::pools;
use crate::users::{self, Status, credentials, rows, sign_out};

pub async fn handle(call: Call, input: AdminSetUserPasswordRequest) -> Result<AdminSetUserPasswordResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let user = users::named(&services.store, &pool, &input.username).await?;
    let fresh = credentials::replace(services, &pool, &user, &input.password).await?;
    let (status, until) = if input.permanent.unwrap_or(false) {
        (Status::Confirmed, None)
    } else {
        (Status::ForceChangePassword, Some(call.now.plus(pool.settings.temporary_password_life())))
    };
    sign_out::everywhere(&call, &pool, &user.sub, |user| {
        let unlocked = lockout::forget(&Subject::user(&pool.id, &user.sub));
        vec![rows::update_credentials(user, &fresh, status, until, call.now), unlocked]
    })
    .await?;
    Ok(AdminSetUserPasswordResponse {})
}
