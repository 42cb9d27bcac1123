//! USER_PASSWORD_AUTH: the password itself.

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::device::Named;
use super::error::SignInError;
use super::guess;
use super::step::{Step, after_password};
use crate::clients::Client;
use crate::pools::Pool;
use crate::services::Services;
use crate::users::{self, credentials, login_names};

pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    username: &str,
    password: &SecretString,
    device: Named,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let user = users::by_name(&services.store, pool, username).await?;
    if user.is_none() && !client.settings.hides_users() {
        return Err(SignInError::NoUser);
    }
    let sub = user.map(|user| user.sub);
    let sub = sub.as_ref();
    let who = guess::subject(services, pool, sub, &login_names::key(pool, username)).await?;
    let attempt = guess::take(services, who, Vec::new()).await?;
    // Waiting for the place may take seconds: the password counts as it is now. Asked for names that are nobody's, too.
    let user = users::by_name(&services.store, pool, username).await?.filter(|fresh| Some(&fresh.sub) == sub);
    // The hash is computed in either case, so that time does not tell who exists (I41).
    let verdict = credentials::verify(services, user.as_ref(), password).await;
    let proven = guess::judge(attempt, verdict.map_err(SignInError::from)).await;
    let proven = proven.map_err(|error| error.of(sub.is_some()))?;
    let user = user.ok_or(SignInError::Refused)?;
    let user = credentials::renewed(services, pool, user, password).await;
    after_password(services, pool, client, user, proven, device, now).await
}
