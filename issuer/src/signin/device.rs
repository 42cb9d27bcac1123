//! The device that a sign-in comes from: what the sign-in says of it, and what that is worth.

use common::ids::Sub;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::SignInError;
use super::next::{Standing, Trust};
use crate::devices::rules::{self, stands_for_factor};
use crate::devices::{self, Device, DeviceKey};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::users::{self, User};

/// `DEVICE_KEY`, as a sign-in says it.
#[derive(Clone, Debug, Default)]
pub struct Named {
    key: Option<String>,
    /// Said by this very request: a client that is wrong must learn it, to forget the key. What was said earlier in the sign-in, and is not
    /// true any more, is as if it had not been said.
    now: bool,
}

impl Named {
    pub fn now(key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), now: true }
    }

    pub(super) fn before(key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), now: false }
    }

    pub(super) fn or(self, other: Self) -> Self {
        if self.key.is_some() { self } else { other }
    }

    /// A key that can be one, for the attempt's row.
    pub(super) fn well_formed(&self) -> Option<DeviceKey> {
        self.key.as_deref().and_then(DeviceKey::parse)
    }
}

/// What is known of the device in the middle of a sign-in.
pub(super) enum Presence {
    Said(Named),
    /// It has just proven itself.
    Proven(Device),
}

/// A device that a finished sign-in comes from.
#[derive(Clone, Debug)]
pub struct Seen {
    pub device: Device,
    /// By its secret; else it was only named.
    pub proven: bool,
}

/// What a device owes to a sign-in that has proven all else, with what must still be true when it pays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Owed {
    pub(super) device: String,
    pub(super) authenticated_at: u64,
    /// The user's, when it was asked: what moves it ends the sign-in.
    pub(super) valid_after: u64,
    /// Of the password that was proven.
    pub(super) password: rules::Ground,
    /// What stands behind the sign-in once the device is proven.
    pub(super) then: Trust,
    /// The second factor that was shown before.
    #[serde(default)]
    pub(super) factor: Option<Factor>,
}

/// The device that is there.
///
/// # Errors
/// [`SignInError::NoDevice`] for one that this request names and the user does not have, storage.
pub(super) async fn seen(
    services: &Services,
    pool: &Pool,
    user: &User,
    presence: Presence,
) -> Result<Option<Seen>, SignInError> {
    let named = match presence {
        Presence::Proven(device) => return Ok(Some(Seen { device, proven: true })),
        Presence::Said(named) => named,
    };
    if !devices::are_tracked(pool) || named.key.is_none() {
        return Ok(None);
    }
    let found = match named.well_formed() {
        Some(key) => devices::find(&services.store, user, &key).await?,
        None => None,
    };
    match found {
        Some(device) => Ok(Some(Seen { device, proven: false })),
        None if named.now => Err(SignInError::NoDevice),
        None => Ok(None),
    }
}

/// Whether a request names a device that its user does not have. It is asked for names of nobody, too (I41).
pub(super) async fn is_lost(
    services: &Services,
    pool: &Pool,
    user: Option<&User>,
    named: &Named,
) -> Result<bool, SignInError> {
    if !named.now || named.key.is_none() || !devices::are_tracked(pool) {
        return Ok(false);
    }
    let Some(key) = named.well_formed() else { return Ok(true) };
    let query = devices::rows::by_key(&pool.id, &sub_or_nobodys(user)?, &key);
    Ok(services.store.one(query).await?.is_none())
}

/// The user's, or one that nobody has: so that names of nobody are looked up as those of users are.
pub(super) fn sub_or_nobodys(user: Option<&User>) -> Result<Sub, SignInError> {
    match user {
        Some(user) => Ok(user.sub.clone()),
        None => Sub::parse(Uuid::new_v4().to_string()).map_err(|_| SignInError::Session),
    }
}

/// What the device is worth to the sign-in.
pub(super) fn standing(pool: &Pool, user: &User, seen: Option<&Seen>) -> Standing {
    let Some(Seen { device, proven }) = seen else { return Standing::Nothing };
    if *proven {
        return Standing::Proven;
    }
    if !device.remembered || device.sealed_verifier.is_none() {
        return Standing::Nothing;
    }
    let trusted = device.trust == Some(rules::ground(user));
    let configured = pool.settings.device_configuration.as_ref().is_some_and(stands_for_factor);
    Standing::Remembered { for_factor: trusted && configured }
}

/// The user's device again, at the moment when it is to prove itself.
pub(super) async fn again(services: &Services, user: &User, key: &str) -> Result<Device, SignInError> {
    let key = DeviceKey::parse(key).ok_or(SignInError::NoDevice)?;
    devices::find(&services.store, user, &key).await?.ok_or(SignInError::NoDevice)
}

/// The user of an attempt, whom the answer must name: an edge has judged the answer by the name in it.
pub(super) async fn user(
    services: &Services,
    pool: &Pool,
    sub: Option<&Sub>,
    username: &str,
) -> Result<User, SignInError> {
    let user = users::by_name(&services.store, pool, username).await?;
    user.filter(|user| Some(&user.sub) == sub).ok_or(SignInError::Session)
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::DeviceConfigurationType;
    use common::clock::UnixMillis;
    use common::ids::PoolId;

    use super::*;
    use crate::pools::model::Settings;
    use crate::users::model::Credentials;

    fn pool(for_factor: bool) -> Pool {
        let configuration =
            DeviceConfigurationType { challenge_required_on_new_device: Some(for_factor), ..Default::default() };
        Pool {
            id: PoolId::parse("eu_a").unwrap(),
            name: "p".into(),
            iss: "https://i/eu_a".into(),
            settings: Settings { device_configuration: Some(configuration), ..Settings::default() },
            created: UnixMillis(0),
            modified: UnixMillis(0),
        }
    }

    fn user(hash: &str) -> User {
        let credentials = Credentials { password_hash: hash.into(), sealed_srp_verifier: None };
        User { credentials: Some(credentials), ..User::sample() }
    }

    fn device(user: &User) -> Device {
        Device {
            pool: user.pool.clone(),
            sub: user.sub.clone(),
            key: DeviceKey::parse("eu_0").unwrap(),
            group_key: "-0".into(),
            name: None,
            sealed_verifier: Some(vec![1]),
            remembered: true,
            trust: Some(rules::ground(user)),
            last_address: String::new(),
            authenticated: UnixMillis(0),
            created: UnixMillis(0),
            modified: UnixMillis(0),
            version: 0,
        }
    }

    /// SECURITY.md I45, T73: trust ends with the password and with a change of factors.
    #[test]
    fn a_device_stands_for_a_factor_while_it_is_trusted() {
        let (before, after) = (user("one"), user("two"));
        let trusted = device(&before);
        let worth = |pool: &Pool, user: &User, device: &Device| {
            standing(pool, user, Some(&Seen { device: device.clone(), proven: false }))
        };
        let (instead, beside) = (Standing::Remembered { for_factor: true }, Standing::Remembered { for_factor: false });
        assert_eq!(worth(&pool(true), &before, &trusted), instead);
        assert_eq!(worth(&pool(false), &before, &trusted), beside, "the pool does not want it");
        assert_eq!(worth(&pool(true), &after, &trusted), beside, "another password");
        let distrusted = Device { trust: None, ..trusted.clone() };
        assert_eq!(worth(&pool(true), &before, &distrusted), beside, "other factors");
        let not_remembered = Device { remembered: false, ..trusted.clone() };
        assert_eq!(worth(&pool(true), &before, &not_remembered), Standing::Nothing);
        let without_secret = Device { sealed_verifier: None, ..trusted };
        assert_eq!(worth(&pool(true), &before, &without_secret), Standing::Nothing);
        assert_eq!(standing(&pool(true), &before, None), Standing::Nothing);
    }
}
