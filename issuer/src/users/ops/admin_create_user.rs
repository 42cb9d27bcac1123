//! Cognito: AdminCreateUser. The user gets a temporary password, by message unless `SUPPRESS`, and sets an own one at the first
//! sign-in. `RESEND` sends a new temporary password to a user who has not signed in yet.

use cognito_model::idp::types::{
    AdminCreateUserRequest, AdminCreateUserResponse, DeliveryMediumType, MessageActionType, UsernameAttributeType,
};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::messages::Message;
use crate::passwords::temporary_password;
use crate::pools::schema::{is_email, is_phone_number};
use crate::pools::{self, Pool};
use crate::store::{Batch, CommitError};
use crate::users::attributes::names::Taking;
use crate::users::create::{NewUser, create};
use crate::users::{self, Status, User, credentials, deliveries, rows, sign_out};

/// By which ways a user can be told the password.
#[derive(Clone, Copy)]
struct Reachable {
    email: bool,
    phone: bool,
}

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
        Some(given) => Some(given.clone()),
        // Cognito: "To create a user with no password, omit this parameter … when passwordless sign-in is available."
        None if pool.settings.signs_in_without_password() => None,
        None => Some(temporary_password(&pool.settings.password_policy()).map_err(Fault::internal)?),
    };
    let life = pool.settings.temporary_password_life();
    let new = NewUser {
        username: &input.username,
        attributes: input.user_attributes.as_deref().unwrap_or_default(),
        writer: pools::schema::Writer::Admin,
        password: password.as_ref(),
        status: if password.is_some() { Status::ForceChangePassword } else { Status::Confirmed },
        temporary_until: password.as_ref().map(|_| call.now.plus(life)),
        taking: Taking::when(input.force_alias_creation),
    };
    // An invitation tells a password.
    let silent = input.message_action == Some(MessageActionType::Suppress) || password.is_none();
    if !silent {
        let has = |name: &str| {
            new.attributes.iter().any(|a| a.name == name && a.value.as_deref().is_some_and(|v| !v.is_empty()))
        };
        let named = |kind| pool.settings.signs_in_by(&kind);
        let email = has("email") || (named(UsernameAttributeType::Email) && is_email(&input.username));
        let phone =
            has("phone_number") || (named(UsernameAttributeType::PhoneNumber) && is_phone_number(&input.username));
        check_mediums(input.desired_delivery_mediums.as_deref(), Reachable { email, phone })?;
    }
    create(call, pool, new, |user| {
        let told = password.as_ref().filter(|_| !silent);
        let messages = told.map(|password| invitations(call, pool, user, input, password.expose()));
        (Vec::new(), messages.unwrap_or_default())
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
    let has = |name: &str| user.attributes.contains_key(name);
    let reachable = Reachable { email: has("email"), phone: has("phone_number") };
    check_mediums(input.desired_delivery_mediums.as_deref(), reachable)?;
    let password = match &input.temporary_password {
        Some(given) => given.clone(),
        None => temporary_password(&pool.settings.password_policy()).map_err(Fault::internal)?,
    };
    let fresh = credentials::replace_by_temporary(&call.services, pool, &user, &password).await?;
    let until = Some(call.now.plus(pool.settings.temporary_password_life()));
    let mut batch = Batch::new();
    batch.add(rows::update_credentials(&user, &fresh, user.status, until, call.now));
    // There are no tokens to end, but a sign-in with the old password may wait for the new one.
    batch.add(rows::set_valid_after(&user, sign_out::next_valid_after(&user, call.now)));
    let messages = invitations(call, pool, &user, input, password.expose());
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).messages(messages)).await {
        Ok(()) => Ok(user),
        // The user set a password, or was signed out, since it was read.
        Err(CommitError::Missed { .. }) => {
            Err(Fault::new(Exception::UnsupportedUserState, "The user has changed meanwhile."))
        }
        Err(error) => Err(error.into()),
    }
}

/// An invitation that was asked for and that can go nowhere is refused, not left out.
fn check_mediums(mediums: Option<&[DeliveryMediumType]>, reachable: Reachable) -> Result<(), Fault> {
    let Some(mediums) = mediums.filter(|mediums| !mediums.is_empty()) else { return Ok(()) };
    let possible = mediums.iter().any(|medium| match medium {
        DeliveryMediumType::Email => reachable.email,
        DeliveryMediumType::Sms => reachable.phone,
    });
    if possible {
        return Ok(());
    }
    Err(Fault::invalid_parameter("The user has no attribute for any of the DesiredDeliveryMediums."))
}

fn invitations(call: &Call, pool: &Pool, user: &User, input: &AdminCreateUserRequest, password: &str) -> Vec<Message> {
    deliveries::to_invite(user, input.desired_delivery_mediums.as_deref())
        .iter()
        .map(|to| deliveries::invitation(pool, user, to, password, call.now))
        .collect()
}
