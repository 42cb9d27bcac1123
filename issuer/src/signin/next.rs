//! What a sign-in still lacks: one pure function of the user and of what has been proven.
//!
//! Nothing but [`next`] says that a sign-in is over, and it is asked after every proof. So there is no way to tokens around a challenge
//! (SECURITY.md T58).

use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};

use super::error::SignInError;
use crate::factors::Demand;
use crate::pools::mfa::Factor;
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
    SecondFactor(Factor),
    /// SELECT_MFA_TYPE
    SelectFactor(Vec<Factor>),
    /// MFA_SETUP
    SetUpFactor(Vec<Factor>),
    Done,
}

/// What is next for a user whose first factor was proven. `demand`: what the pool asks of this user after it.
///
/// # Errors
/// Whoever may not go on: disabled, not confirmed, or with a password that does not count any more.
pub fn next(user: &User, demand: Demand, trust: Trust, device: Standing, now: UnixMillis) -> Result<Next, SignInError> {
    admit(user, now)?;
    if user.status == Status::ForceChangePassword {
        return Ok(Next::NewPassword);
    }
    let lacking = match (demand, trust) {
        (Demand::Nothing, _) | (_, Trust::SecondFactor) => None,
        (Demand::Ask(_) | Demand::Choose(_), Trust::Device) => None,
        (Demand::Ask(factor), Trust::Nothing) => Some(Next::SecondFactor(factor)),
        (Demand::Choose(factors), Trust::Nothing) => Some(Next::SelectFactor(factors)),
        // A device stands for a factor that there is, not for one that has to be set up.
        (Demand::SetUp(factors), Trust::Nothing | Trust::Device) => Some(Next::SetUpFactor(factors)),
    };
    Ok(match (lacking, device) {
        (Some(set_up @ Next::SetUpFactor(_)), _) => set_up,
        (Some(_), Standing::Remembered { for_factor: true }) => Next::Device,
        (Some(factor), _) => factor,
        // After second factors where it does not stand for one.
        (None, Standing::Remembered { .. }) => Next::Device,
        (None, Standing::Nothing | Standing::Proven) => Next::Done,
    })
}

fn admit(user: &User, now: UnixMillis) -> Result<(), SignInError> {
    match user.status {
        _ if !user.enabled => Err(SignInError::Disabled),
        Status::Unconfirmed => Err(SignInError::Unconfirmed),
        Status::ResetRequired => Err(SignInError::ResetRequired),
        Status::ForceChangePassword if user.temporary_until.is_some_and(|until| until <= now) => {
            Err(SignInError::TemporaryExpired)
        }
        // There is no password to be right.
        Status::ExternalProvider => Err(SignInError::Refused),
        Status::ForceChangePassword | Status::Confirmed => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn user(status: Status) -> User {
        User { status, temporary_until: Some(UnixMillis(2_000)), ..User::sample() }
    }

    fn demands() -> [Demand; 4] {
        let both = vec![Factor::Email, Factor::SoftwareToken];
        [Demand::Nothing, Demand::Ask(Factor::Email), Demand::Choose(both.clone()), Demand::SetUp(both)]
    }

    fn devices() -> [Standing; 4] {
        let remembered = [false, true].map(|for_factor| Standing::Remembered { for_factor });
        [Standing::Nothing, remembered[0], remembered[1], Standing::Proven]
    }

    #[test]
    fn a_remembered_device_is_always_asked_and_a_proven_one_never_again() {
        let after = |demand, trust, device| next(&user(Status::Confirmed), demand, trust, device, NOW).unwrap();
        let [_, beside, instead, proven] = devices();
        let [nothing, ask, choose, set_up] = demands();
        for device in [beside, instead] {
            for trust in [Trust::Nothing, Trust::SecondFactor] {
                assert_eq!(after(nothing.clone(), trust, device), Next::Device);
            }
            assert_eq!(after(ask.clone(), Trust::SecondFactor, device), Next::Device, "the factor comes first");
            assert!(matches!(after(set_up.clone(), Trust::Nothing, device), Next::SetUpFactor(_)));
        }
        assert_eq!(after(ask.clone(), Trust::Nothing, instead), Next::Device, "in its place");
        assert_eq!(after(choose, Trust::Nothing, instead), Next::Device);
        assert_eq!(after(ask.clone(), Trust::Nothing, beside), Next::SecondFactor(Factor::Email));
        for trust in [Trust::Nothing, Trust::SecondFactor, Trust::Device] {
            assert_eq!(after(nothing.clone(), trust, proven), Next::Done);
        }
        assert_eq!(after(ask.clone(), Trust::Device, proven), Next::Done);
        assert_eq!(after(ask, Trust::Nothing, proven), Next::SecondFactor(Factor::Email), "proven, and not trusted");
    }

    /// Every state of a user, with every demand, trust and device: nobody gets through who lacks something.
    #[test]
    fn nobody_is_done_who_lacks_something() {
        for status in [Status::Confirmed, Status::Unconfirmed, Status::ResetRequired, Status::ForceChangePassword] {
            for enabled in [true, false] {
                for demand in demands() {
                    for trust in [Trust::Nothing, Trust::SecondFactor, Trust::Device] {
                        for device in devices() {
                            let user = User { enabled, ..user(status) };
                            let is_done = matches!(next(&user, demand.clone(), trust, device, NOW), Ok(Next::Done));
                            let factor = match &demand {
                                Demand::Nothing => true,
                                Demand::SetUp(_) => trust == Trust::SecondFactor,
                                Demand::Ask(_) | Demand::Choose(_) => trust != Trust::Nothing,
                            };
                            let owes = matches!(device, Standing::Remembered { .. });
                            let may = enabled && status == Status::Confirmed && factor && !owes;
                            assert_eq!(is_done, may, "{status:?} {enabled} {demand:?} {trust:?} {device:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn in_which_order_things_are_asked() {
        let asked = |user: &User, demand, now| next(user, demand, Trust::Nothing, Standing::Nothing, now);
        let temporary = user(Status::ForceChangePassword);
        assert!(matches!(asked(&temporary, Demand::Ask(Factor::Email), NOW), Ok(Next::NewPassword)));
        let late = asked(&temporary, Demand::Nothing, UnixMillis(2_000));
        assert!(matches!(late, Err(SignInError::TemporaryExpired)));
        let confirmed = user(Status::Confirmed);
        let [nothing, ask, choose, set_up] = demands().map(|demand| asked(&confirmed, demand, NOW).unwrap());
        assert_eq!((nothing, ask), (Next::Done, Next::SecondFactor(Factor::Email)));
        assert!(matches!((choose, set_up), (Next::SelectFactor(_), Next::SetUpFactor(_))));
        let disabled = User { enabled: false, ..user(Status::Unconfirmed) };
        assert!(matches!(asked(&disabled, Demand::Nothing, NOW), Err(SignInError::Disabled)));
        assert!(matches!(asked(&user(Status::ResetRequired), Demand::Nothing, NOW), Err(SignInError::ResetRequired)));
    }
}
