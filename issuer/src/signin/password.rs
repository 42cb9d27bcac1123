//! USER_PASSWORD_AUTH: the password itself.

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::error::SignInError;
use super::step::{Step, after_password};
use crate::clients::Client;
use crate::pools::Pool;
use crate::services::Services;
use crate::users::{self, credentials};

pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    username: &str,
    password: &SecretString,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let user = users::by_name(&services.store, pool, username).await?;
    // The hash is computed in either case, so that time does not tell who exists (I41).
    let right = credentials::verify(services, user.as_ref(), password).await?;
    let user = match (user, right) {
        (Some(user), true) => user,
        (None, _) if !client.settings.hides_users() => return Err(SignInError::NoUser),
        _ => return Err(SignInError::Refused),
    };
    let key = services.pool_keys.key(&pool.id).await?;
    after_password(&key, pool, client, user, Vec::new(), now)
}
