//! What a sign-in still lacks: one pure function of the user and of what has been proven.
//!
//! Nothing but [`next`] says that a sign-in is over, and it is asked after every proof. So there is no way to tokens around a challenge
//! (SECURITY.md T58).

use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};

use super::error::SignInError;
use crate::users::{Status, User};

/// What stands behind a sign-in beside its first factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    #[default]
    Nothing,
    /// A second factor was proven.
    SecondFactor,
    /// A device of the user's that the pool trusts has proven itself: nobody asks for a second factor.
    Device,
}

/// What the device that a sign-in comes from is worth to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None is known, or it can prove nothing, or the user does not want it to.
    Nothing,
    /// It is remembered, and has to prove itself. `for_factor`: in the place of a second factor.
    Remembered {
        for_factor: bool,
    },
    Proven,
}

/// What is to be asked of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    NewPassword,
    /// The device is to prove itself.
    Device,
    Done,
}

/// What is next for a user whose first factor was proven.
///
/// # Errors
/// Whoever may not go on: disabled, not confirmed, or with a password that does not count any more.
pub fn next(user: &User, trust: Trust, device: Standing, now: UnixMillis) -> Result<Next, SignInError> {
    admit(user, now)?;
    if user.status == Status::ForceChangePassword {
        return Ok(Next::NewPassword);
    }
    // Before second factors, where it stands for one.
    if trust == Trust::Nothing && device == (Standing::Remembered { for_factor: true }) {
        return Ok(Next::Device);
    }
    // After them where it does not.
    if matches!(device, Standing::Remembered { .. }) {
        return Ok(Next::Device);
    }
    Ok(Next::Done)
}

fn admit(user: &User, now: UnixMillis) -> Result<(), SignInError> {
    match user.status {
        _ if !user.enabled => Err(SignInError::Disabled),
        Status::Unconfirmed => Err(SignInError::Unconfirmed),
        Status::ResetRequired => Err(SignInError::ResetRequired),
        Status::ForceChangePassword if user.temporary_until.is_some_and(|until| until <= now) => {
            Err(SignInError::TemporaryExpired)
        }
        Status::ForceChangePassword | Status::Confirmed => Ok(()),
    }
}

#[cfg(test)]
mod device_tests {
    use super::*;

    #[test]
    fn a_remembered_device_is_always_asked_and_a_proven_one_never_again() {
        let after = |trust, device| next(&User::sample(), trust, device, UnixMillis(0)).unwrap();
        for for_factor in [false, true] {
            for trust in [Trust::Nothing, Trust::SecondFactor] {
                assert_eq!(after(trust, Standing::Remembered { for_factor }), Next::Device);
            }
        }
        for trust in [Trust::Nothing, Trust::SecondFactor, Trust::Device] {
            assert_eq!(after(trust, Standing::Proven), Next::Done);
            assert_eq!(after(trust, Standing::Nothing), Next::Done);
        }
        let disabled = User { enabled: false, ..User::sample() };
        assert!(next(&disabled, Trust::Device, Standing::Proven, UnixMillis(0)).is_err());
    }
}
