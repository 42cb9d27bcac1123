//! Which second factor a sign-in is asked for (pure).

use cognito_model::idp::types::UserPoolMfaType;

use crate::pools::mfa::Factor;
use crate::pools::model::Settings;
use crate::users::User;

/// What is asked after the first factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    Nothing,
    Ask(Factor),
    /// SELECT_MFA_TYPE: there are several and none is preferred.
    Choose(Vec<Factor>),
    /// MFA_SETUP: there has to be one, and there is none. Those that the pool offers.
    SetUp(Vec<Factor>),
}

/// What a pool asks of a user. `has_token`: whether the user has a software token that was verified.
///
/// Where MFA is OPTIONAL, the factors count that the user has enabled. Where it is ON, whatever the user has counts if nothing is enabled: an
/// address is enough. A factor that is enabled and can't be asked for (an administrator enabled a token that was never registered, an address
/// is gone) is not passed over in silence: without another one, it has to be set up.
pub fn demand(settings: &Settings, user: &User, has_token: bool) -> Demand {
    let usable = |factor: &Factor| can_be_asked(user, *factor, has_token);
    let offered: Vec<Factor> = Factor::ALL.into_iter().filter(|factor| settings.offers(*factor)).collect();
    let enabled: Vec<Factor> = offered.iter().copied().filter(|factor| user.mfa.enabled.contains(factor)).collect();
    let must = match settings.mfa() {
        UserPoolMfaType::Off => return Demand::Nothing,
        UserPoolMfaType::Optional => false,
        UserPoolMfaType::On => true,
    };
    let mut ready: Vec<Factor> = enabled.iter().copied().filter(usable).collect();
    if ready.is_empty() && !must && enabled.is_empty() {
        return Demand::Nothing;
    }
    if ready.is_empty() && must {
        ready = offered.iter().copied().filter(usable).collect();
    }
    match (ready.as_slice(), user.mfa.preferred) {
        ([], _) => Demand::SetUp(offered),
        ([one], _) => Demand::Ask(*one),
        (several, Some(preferred)) if several.contains(&preferred) => Demand::Ask(preferred),
        _ => Demand::Choose(ready),
    }
}

/// Whether there is what the factor needs: an address, a token.
pub fn can_be_asked(user: &User, factor: Factor, has_token: bool) -> bool {
    match factor {
        Factor::Sms => user.attributes.contains_key("phone_number"),
        Factor::Email => user.attributes.contains_key("email"),
        Factor::SoftwareToken => has_token,
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{EmailMfaConfigType, SmsConfigurationType};

    use super::*;
    use crate::users::MfaPreferences;
    use Factor::{Email, Sms, SoftwareToken};

    fn pool(mfa: UserPoolMfaType) -> Settings {
        Settings {
            mfa: Some(mfa),
            software_token_mfa: Some(true),
            email_mfa: Some(EmailMfaConfigType::default()),
            sms_configuration: Some(SmsConfigurationType::default()),
            ..Settings::default()
        }
    }

    fn user(addresses: &[&str], enabled: &[Factor], preferred: Option<Factor>) -> User {
        let mfa = MfaPreferences { enabled: enabled.iter().copied().collect(), preferred, passkey: false };
        let attributes = addresses.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        User { mfa, attributes, ..User::sample() }
    }

    #[test]
    fn off_asks_for_nothing() {
        let user = user(&["email"], &[Email, SoftwareToken], Some(Email));
        assert_eq!(demand(&pool(UserPoolMfaType::Off), &user, true), Demand::Nothing);
    }

    #[test]
    fn optional_asks_for_what_is_enabled() {
        let optional = pool(UserPoolMfaType::Optional);
        let all = ["email", "phone_number"];
        let cases = [
            (user(&all, &[], None), true, Demand::Nothing),
            (user(&all, &[SoftwareToken], None), true, Demand::Ask(SoftwareToken)),
            (user(&all, &[Email, SoftwareToken], None), true, Demand::Choose(vec![Email, SoftwareToken])),
            (user(&all, &[Email, SoftwareToken], Some(SoftwareToken)), true, Demand::Ask(SoftwareToken)),
            // The preferred one is not there: one that is enabled is.
            (user(&all, &[Email, SoftwareToken], Some(SoftwareToken)), false, Demand::Ask(Email)),
            // Enabled, and nothing of it there.
            (user(&all, &[SoftwareToken], None), false, Demand::SetUp(vec![Sms, Email, SoftwareToken])),
            (user(&[], &[Email], None), true, Demand::SetUp(vec![Sms, Email, SoftwareToken])),
        ];
        for (user, has_token, expected) in cases {
            assert_eq!(demand(&optional, &user, has_token), expected, "{:?} {has_token}", user.mfa);
        }
    }

    #[test]
    fn on_asks_for_what_is_there() {
        let on = pool(UserPoolMfaType::On);
        let cases = [
            (user(&[], &[], None), false, Demand::SetUp(vec![Sms, Email, SoftwareToken])),
            (user(&[], &[], None), true, Demand::Ask(SoftwareToken)),
            (user(&["email"], &[], None), false, Demand::Ask(Email)),
            (user(&["email"], &[], None), true, Demand::Choose(vec![Email, SoftwareToken])),
            (user(&["email"], &[SoftwareToken], None), true, Demand::Ask(SoftwareToken)),
            // What is enabled is gone: what is there is asked for.
            (user(&["email"], &[SoftwareToken], None), false, Demand::Ask(Email)),
        ];
        for (user, has_token, expected) in cases {
            assert_eq!(demand(&on, &user, has_token), expected, "{:?} {has_token}", user.mfa);
        }
    }

    #[test]
    fn what_the_pool_does_not_offer_is_not_asked_for() {
        let settings = Settings { email_mfa: None, software_token_mfa: None, ..pool(UserPoolMfaType::On) };
        let user = user(&["email"], &[Email, SoftwareToken], Some(Email));
        assert_eq!(demand(&settings, &user, true), Demand::SetUp(vec![Sms]));
        let settings = Settings { mfa: Some(UserPoolMfaType::Optional), ..settings };
        assert_eq!(demand(&settings, &user, true), Demand::Nothing);
    }
}
