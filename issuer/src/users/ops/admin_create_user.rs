//! Cognito: AdminCreateUser. The user gets a temporary password, by message unless `SUPPRESS`, and sets an own one at the first
//! sign-in. `RESEND` sends a new temporary password to a user who has not signed in yet.

use cognito_model::idp::types::{AdminCreateUserRequest, AdminCreateUserResponse, MessageActionType};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::messages::Message;
use crate::passwords::temporary_password;
use crate::pools::{self, Pool};
use crate::store::Batch;
use crate::users::attributes::names::Taking;
use crate::users::create::{NewUser, create};
use crate::users::{self, Status, User, credentials, deliveries, rows, sign_out};

pub async fn handle(call: Call, input: AdminCreateUserRequest) -> Result<AdminCreateUserResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let user = match input.message_action {
        Some(MessageActionType::Resend) => resend(&call, &pool, &input).await?,
        _ => invite(&call, &pool, &input).await?,
    };
    Ok(AdminCreateUserResponse { user: Some(user.describe()) })
}

async fn invite(call: &Call, pool: &Pool, input: &AdminCreateUserRequest) -> Result<User, Fault> {
    let password = match &input.temporary_password {
        Some(given) => given.clone(),
        None => temporary_password(&pool.settings.password_policy()).map_err(Fault::internal)?,
    };
    let new = NewUser {
        username: &input.username,
        attributes: input.user_attributes.as_deref().unwrap_or_default(),
        writer: pools::schema::Writer::Admin,
        password: Some(&password),
        status: Status::ForceChangePassword,
        temporary_until: Some(call.now.plus(pool.settings.temporary_password_life())),
        taking: Taking::when(input.force_alias_creation),
    };
    let silent = input.message_action == Some(MessageActionType::Suppress);
    create(call, pool, new, |user| {
        let messages = if silent { Vec::new() } else { invitations(call, pool, user, input, password.expose()) };
        (Vec::new(), messages)
    })
    .await
}

async fn resend(call: &Call, pool: &Pool, input: &AdminCreateUserRequest) -> Result<User, Fault> {
    let user = users::named(&call.services.store, pool, &input.username).await?;
    if user.status != Status::ForceChangePassword {
        return Err(Fault::new(
            Exception::UnsupportedUserState,
            format!("Resend not possible. {} status is not FORCE_CHANGE_PASSWORD", user.username),
        ));
    }
    let password = match &input.temporary_password {
        Some(given) => given.clone(),
        None => temporary_password(&pool.settings.password_policy()).map_err(Fault::internal)?,
    };
    let fresh = credentials::derive(&call.services, pool, &user, &password).await?;
    let until = Some(call.now.plus(pool.settings.temporary_password_life()));
    let mut batch = Batch::new();
    batch.add(rows::update_credentials(&user, &fresh, user.status, until, call.now));
    // There are no tokens to end, but a sign-in with the old password may wait for the new one.
    batch.add(rows::set_valid_after(&user, sign_out::next_valid_after(&user, call.now)));
    let messages = invitations(call, pool, &user, input, password.expose());
    call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(messages)).await?;
    Ok(user)
}

fn invitations(call: &Call, pool: &Pool, user: &User, input: &AdminCreateUserRequest, password: &str) -> Vec<Message> {
    deliveries::to_invite(user, input.desired_delivery_mediums.as_deref())
        .iter()
        .map(|to| deliveries::invitation(pool, user, to, password, call.now))
        .collect()
}
