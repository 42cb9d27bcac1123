//! Who gets a code for another password, and where it goes (pure).

use cognito_model::idp::types::{RecoveryOptionNameType, UserPoolMfaType};

use super::error::RecoveryError;
use crate::pools::mfa::Factor;
use crate::pools::model::Settings;
use crate::users::address::Address;
use crate::users::deliveries::{Destination, PREFERRED};
use crate::users::{Status, User};

/// An address that codes may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    address: Address,
    /// Not for users who have this second factor: its codes go to the same address, and one mailbox would be both factors (SECURITY.md I34).
    unless: Option<Factor>,
    /// Every user has a second factor here: who has enabled none is asked for a code to whatever address there is.
    always: bool,
}

impl Way {
    const fn of(address: Address) -> Self {
        Self { address, unless: None, always: false }
    }

    fn unless_factor(settings: &Settings, address: Address, factor: Factor) -> Self {
        let always = settings.mfa() == UserPoolMfaType::On;
        Self { address, unless: settings.offers(factor).then_some(factor), always }
    }

    fn is_open_to(&self, user: &User) -> bool {
        let enabled = &user.mfa.enabled;
        self.unless.is_none_or(|factor| !(enabled.contains(&factor) || self.always && enabled.is_empty()))
    }
}

/// AccountRecoverySetting: by which addresses users get a code, the preferred first. Without the setting by SMS before e-mail (Cognito
/// API reference, CreateUserPool: "legacy behavior").
pub fn ways(settings: &Settings) -> Result<Vec<Way>, RecoveryError> {
    let setting = settings.account_recovery_setting.as_ref();
    let mut mechanisms = setting.and_then(|setting| setting.recovery_mechanisms.clone()).unwrap_or_default();
    if mechanisms.is_empty() {
        return Ok(PREFERRED.map(Way::of).to_vec());
    }
    mechanisms.sort_by_key(|mechanism| mechanism.priority);
    let way = |name| match name {
        RecoveryOptionNameType::VerifiedEmail => Ok(Way::unless_factor(settings, Address::Email, Factor::Email)),
        RecoveryOptionNameType::VerifiedPhoneNumber => {
            Ok(Way::unless_factor(settings, Address::PhoneNumber, Factor::Sms))
        }
        RecoveryOptionNameType::AdminOnly => Err(RecoveryError::AdminOnly),
    };
    mechanisms.into_iter().map(|mechanism| way(mechanism.name)).collect()
}

/// The addresses of ways.
pub fn addresses(ways: &[Way]) -> Vec<Address> {
    ways.iter().map(|way| way.address).collect()
}

/// The verified address that the user is recovered by.
pub fn destination(user: &User, ways: &[Way]) -> Option<Destination> {
    let open = ways.iter().filter(|way| way.is_open_to(user));
    let verified = open.map(|way| way.address).filter(|address| user.verified(address.attribute()));
    verified.filter_map(|address| Some(address.destination(user.attributes.get(address.attribute())?))).next()
}

/// A user who asks for a code, and where it goes. Who is not confirmed yet may, if an address is verified.
pub fn by_user(user: Option<&User>, ways: &[Way]) -> Result<(User, Destination), RecoveryError> {
    let user = user.ok_or(RecoveryError::NoUser)?;
    recoverable(user, ways, &[Status::Confirmed, Status::ResetRequired, Status::Unconfirmed])
}

/// A user whose password an administrator resets, and where the code goes.
pub fn by_admin(user: &User, ways: &[Way]) -> Result<(User, Destination), RecoveryError> {
    recoverable(user, ways, &[Status::Confirmed, Status::ResetRequired])
}

fn recoverable(user: &User, ways: &[Way], states: &[Status]) -> Result<(User, Destination), RecoveryError> {
    if !user.enabled {
        return Err(RecoveryError::Disabled);
    }
    if !states.contains(&user.status) {
        return Err(RecoveryError::State);
    }
    let to = destination(user, ways).ok_or(RecoveryError::NoAddress)?;
    Ok((user.clone(), to))
}

/// Whether what was decided of a user still holds for the row as it is now.
pub fn still(before: &User, to: &Destination, now: &User, ways: &[Way]) -> bool {
    now.enabled && now.has_same_password(before) && destination(now, ways).as_ref() == Some(to)
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{
        AccountRecoverySettingType, EmailMfaConfigType, RecoveryOptionType, UserPoolMfaType,
    };

    use super::*;
    use crate::messages::Channel;
    use crate::pools::schema::Attributes;
    use crate::users::model::Credentials;

    fn with(mechanisms: Option<&[(RecoveryOptionNameType, i32)]>) -> Settings {
        let list = mechanisms
            .map(|list| list.iter().map(|(name, priority)| RecoveryOptionType { name: *name, priority: *priority }));
        let setting = list.map(|list| AccountRecoverySettingType { recovery_mechanisms: Some(list.collect()) });
        Settings { account_recovery_setting: setting, ..Settings::default() }
    }

    fn user(pairs: &[(&str, &str)]) -> User {
        let attributes: Attributes = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        User { attributes, ..User::sample() }
    }

    fn any(ways: &[Address]) -> Vec<Way> {
        ways.iter().copied().map(Way::of).collect()
    }

    const EMAIL: (&str, &str) = ("email", "jane@example.com");
    const PHONE: (&str, &str) = ("phone_number", "+4915112345678");
    const EMAIL_TRUE: (&str, &str) = ("email_verified", "true");
    const PHONE_TRUE: (&str, &str) = ("phone_number_verified", "true");

    #[test]
    fn the_setting_orders_the_ways() {
        use RecoveryOptionNameType::{AdminOnly, VerifiedEmail, VerifiedPhoneNumber};
        let cases = [
            (None, Ok(vec![Address::PhoneNumber, Address::Email])),
            (Some(&[][..]), Ok(vec![Address::PhoneNumber, Address::Email])),
            (Some(&[(VerifiedEmail, 1)]), Ok(vec![Address::Email])),
            (Some(&[(VerifiedPhoneNumber, 2), (VerifiedEmail, 1)]), Ok(vec![Address::Email, Address::PhoneNumber])),
            (Some(&[(VerifiedPhoneNumber, 1), (VerifiedEmail, 2)]), Ok(vec![Address::PhoneNumber, Address::Email])),
            (Some(&[(AdminOnly, 1)]), Err(RecoveryError::AdminOnly)),
            (Some(&[(VerifiedEmail, 1), (AdminOnly, 2)]), Err(RecoveryError::AdminOnly)),
        ];
        for (mechanisms, expected) in cases {
            let found = ways(&with(mechanisms)).map(|ways| ways.iter().map(|way| way.address).collect());
            assert_eq!(found, expected, "{mechanisms:?}");
        }
    }

    #[test]
    fn a_code_goes_to_a_verified_address_only() {
        let both = [Address::PhoneNumber, Address::Email];
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [Address], Option<Channel>);
        let cases: [Case<'_>; 7] = [
            (&[EMAIL, PHONE, EMAIL_TRUE, PHONE_TRUE], &both, Some(Channel::Sms)),
            (&[EMAIL, PHONE, EMAIL_TRUE, PHONE_TRUE], &[Address::Email], Some(Channel::Email)),
            (&[EMAIL, PHONE, EMAIL_TRUE], &both, Some(Channel::Email)),
            (&[EMAIL, PHONE, EMAIL_TRUE], &[Address::PhoneNumber], None),
            (&[EMAIL, ("email_verified", "false")], &both, None),
            (&[EMAIL_TRUE], &both, None),
            (&[], &both, None),
        ];
        for (attributes, ways, expected) in cases {
            let found = destination(&user(attributes), &any(ways)).map(|to| to.channel);
            assert_eq!(found, expected, "{attributes:?} {ways:?}");
        }
    }

    /// Cognito (AccountRecoverySetting): not by what is the second factor, but where there is no setting.
    #[test]
    fn what_is_a_second_factor_recovers_nothing() {
        use RecoveryOptionNameType::{VerifiedEmail, VerifiedPhoneNumber};
        let mfa = |settings: Settings| Settings {
            mfa: Some(UserPoolMfaType::Optional),
            email_mfa: Some(EmailMfaConfigType::default()),
            ..settings
        };
        let plain = user(&[EMAIL, PHONE, EMAIL_TRUE, PHONE_TRUE]);
        let by_mail = User { mfa: plain.mfa.clone().with(Factor::Email), ..plain.clone() };
        let both = Some(&[(VerifiedEmail, 1), (VerifiedPhoneNumber, 2)][..]);
        let channel =
            |settings: &Settings, user: &User| destination(user, &ways(settings).unwrap()).map(|to| to.channel);
        let guarded = mfa(with(both));
        assert_eq!(channel(&guarded, &plain), Some(Channel::Email));
        assert_eq!(channel(&guarded, &by_mail), Some(Channel::Sms));
        assert_eq!(channel(&mfa(with(Some(&[(VerifiedEmail, 1)]))), &by_mail), None);
        assert_eq!(channel(&with(both), &by_mail), Some(Channel::Email), "MFA is off");
        let always = |settings| Settings { mfa: Some(UserPoolMfaType::On), ..mfa(settings) };
        assert_eq!(channel(&always(with(both)), &plain), Some(Channel::Sms), "whatever there is would be asked for");
        assert_eq!(channel(&always(with(Some(&[(VerifiedEmail, 1)]))), &plain), None);
        let only_mail = user(&[EMAIL, EMAIL_TRUE]);
        let only_mail = User { mfa: by_mail.mfa, ..only_mail };
        assert_eq!(channel(&mfa(with(None)), &only_mail), Some(Channel::Email), "no setting");
    }

    #[test]
    fn states() {
        use RecoveryError::{Disabled, NoAddress, State};
        let ready = user(&[EMAIL, EMAIL_TRUE]);
        let cases = [
            (Status::Confirmed, None, None),
            (Status::ResetRequired, None, None),
            (Status::Unconfirmed, None, Some(State)),
            (Status::ForceChangePassword, Some(State), Some(State)),
        ];
        let ways = any(&[Address::Email]);
        for (status, by_user_says, by_admin_says) in cases {
            let user = User { status, ..ready.clone() };
            assert_eq!(by_user(Some(&user), &ways).err(), by_user_says, "{status:?}");
            assert_eq!(by_admin(&user, &ways).err(), by_admin_says, "{status:?}");
            let disabled = User { enabled: false, ..user };
            assert_eq!(by_user(Some(&disabled), &ways).err(), Some(Disabled));
            assert_eq!(by_admin(&disabled, &ways).err(), Some(Disabled));
        }
        assert_eq!(by_user(Some(&user(&[EMAIL])), &ways).err(), Some(NoAddress));
        assert_eq!(by_user(None, &ways).err(), Some(RecoveryError::NoUser));
    }

    #[test]
    fn what_a_decision_relies_on() {
        let ways = any(&[Address::Email]);
        let before = user(&[EMAIL, EMAIL_TRUE]);
        let to = destination(&before, &ways).unwrap();
        assert!(still(&before, &to, &User { valid_after: common::clock::UnixMillis(9), ..before.clone() }, &ways));
        let credentials = Credentials { password_hash: "another".into(), sealed_srp_verifier: None };
        let others = [
            User { enabled: false, ..before.clone() },
            User { credentials: Some(credentials), ..before.clone() },
            user(&[("email", "joan@example.com"), EMAIL_TRUE]),
            user(&[EMAIL]),
        ];
        for now in others {
            assert!(!still(&before, &to, &now, &ways), "{now:?}");
        }
    }
}
