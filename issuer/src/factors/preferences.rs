//! Changes of what a user is asked for (pure; Cognito: SetUserMFAPreference, AdminSetUserMFAPreference, SetUserSettings).

use cognito_model::idp::types::{
    AdminSetUserMFAPreferenceRequest, DeliveryMediumType, MFAOptionType, SetUserMFAPreferenceRequest, UserPoolMfaType,
    WebAuthnFactorConfigurationType,
};

use crate::pools::mfa::Factor;
use crate::pools::model::Settings;
use crate::users::{MfaPreferences, User};

/// Who asks: an administrator may enable a software token that is yet to be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    User,
    Administrator,
}

/// What is asked for one factor; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub enabled: Option<bool>,
    pub preferred: Option<bool>,
}

/// A change as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub factors: Vec<(Factor, Wish)>,
    pub passkey: Option<bool>,
}

macro_rules! wishes {
    ($($request:ident),*) => {
        $(impl From<$request> for Wishes {
            fn from(request: $request) -> Self {
                let sms = request.sms_mfa_settings.map(|s| (Factor::Sms, Wish { enabled: s.enabled, preferred: s.preferred_mfa }));
                let email =
                    request.email_mfa_settings.map(|s| (Factor::Email, Wish { enabled: s.enabled, preferred: s.preferred_mfa }));
                let token = request
                    .software_token_mfa_settings
                    .map(|s| (Factor::SoftwareToken, Wish { enabled: s.enabled, preferred: s.preferred_mfa }));
                Self {
                    factors: [sms, email, token].into_iter().flatten().collect(),
                    passkey: request.webauthn_mfa_settings.and_then(|s| s.enabled),
                }
            }
        })*
    };
}

wishes!(SetUserMFAPreferenceRequest, AdminSetUserMFAPreferenceRequest);

impl Wishes {
    /// The old form, `MFAOptions`: text messages are there or not, and nothing is said of other factors.
    ///
    /// # Errors
    /// Another medium or attribute.
    pub fn of_options(options: &[MFAOptionType]) -> Result<Self, String> {
        let is_sms = |option: &MFAOptionType| {
            option.delivery_medium == Some(DeliveryMediumType::Sms)
                && option.attribute_name.as_deref().is_none_or(|name| name == "phone_number")
        };
        if !options.iter().all(is_sms) {
            return Err("MFAOptions: only SMS to phone_number can be set.".into());
        }
        let wish = Wish { enabled: Some(!options.is_empty()), preferred: None };
        Ok(Self { factors: vec![(Factor::Sms, wish)], passkey: None })
    }
}

/// The preferences after a change.
///
/// # Errors
/// What of it can't be, for `InvalidParameterException`.
pub fn change(
    settings: &Settings,
    user: &User,
    has_token: bool,
    author: Author,
    wishes: &Wishes,
) -> Result<MfaPreferences, String> {
    let mut after = user.mfa.clone();
    if wishes.factors.iter().filter(|(_, wish)| wish.preferred == Some(true)).count() > 1 {
        return Err("Only one MFA can be set as preferred.".into());
    }
    for (factor, wish) in &wishes.factors {
        match wish.enabled {
            Some(true) => {
                check(settings, user, has_token, author, *factor)?;
                after.enabled.insert(*factor);
            }
            Some(false) => after = after.without(*factor),
            None => {}
        }
        match wish.preferred {
            Some(true) if !after.enabled.contains(factor) => {
                return Err(format!("{} can't be preferred unless it is enabled.", factor.as_str()));
            }
            Some(true) => after.preferred = Some(*factor),
            Some(false) if after.preferred == Some(*factor) => after.preferred = None,
            Some(false) | None => {}
        }
    }
    if let Some(passkey) = wishes.passkey {
        check_passkey(settings, &after, passkey)?;
        after.passkey = passkey;
    }
    if after.passkey && after.enabled.is_empty() {
        return Err("A passkey can't be the only MFA factor: another one must be enabled.".into());
    }
    let had_some = !user.mfa.enabled.is_empty();
    if settings.mfa() == UserPoolMfaType::On && had_some && after.enabled.is_empty() {
        return Err("MFA is required in this user pool: the last factor can't be disabled.".into());
    }
    Ok(after)
}

/// Cognito's texts, as far as they are known.
fn check(settings: &Settings, user: &User, has_token: bool, author: Author, factor: Factor) -> Result<(), String> {
    if !settings.offers(factor) {
        return Err(format!("{} is not enabled for the user pool.", factor.as_str()));
    }
    let without = || format!("User does not have delivery config set to turn on {}", factor.as_str());
    match factor {
        Factor::Sms if !is_there(user, "phone_number", author) => Err(without()),
        Factor::Email if !is_there(user, "email", author) => Err(without()),
        Factor::SoftwareToken if !has_token && author == Author::User => {
            Err("User has not verified software token mfa".into())
        }
        _ => Ok(()),
    }
}

/// Users have their codes sent to addresses that they have proven.
fn is_there(user: &User, address: &str, author: Author) -> bool {
    user.attributes.contains_key(address) && (author == Author::Administrator || user.verified(address))
}

fn check_passkey(settings: &Settings, after: &MfaPreferences, passkey: bool) -> Result<(), String> {
    let configured = settings.passkeys.as_ref().and_then(|passkeys| passkeys.factor_configuration);
    let offered = configured == Some(WebAuthnFactorConfigurationType::MultiFactorWithUserVerification);
    if passkey && !offered {
        return Err("Passkeys are no MFA factor of this user pool.".into());
    }
    if passkey && after.enabled.is_empty() {
        return Err("A passkey can't be the only MFA factor: another one must be enabled.".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{EmailMfaConfigType, WebAuthnConfigurationType};

    use super::*;
    use Factor::{Email, Sms, SoftwareToken};

    fn pool(mfa: UserPoolMfaType) -> Settings {
        Settings {
            mfa: Some(mfa),
            software_token_mfa: Some(true),
            email_mfa: Some(EmailMfaConfigType::default()),
            ..Settings::default()
        }
    }

    fn user(enabled: &[Factor], preferred: Option<Factor>) -> User {
        let mfa = MfaPreferences { enabled: enabled.iter().copied().collect(), preferred, passkey: false };
        let attributes = [("email", "a@b.c"), ("email_verified", "true")];
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        User { mfa, attributes, ..User::sample() }
    }

    fn one(factor: Factor, enabled: Option<bool>, preferred: Option<bool>) -> Wishes {
        Wishes { factors: vec![(factor, Wish { enabled, preferred })], passkey: None }
    }

    fn by_user(user: &User, has_token: bool, wishes: &Wishes) -> Result<MfaPreferences, String> {
        change(&pool(UserPoolMfaType::Optional), user, has_token, Author::User, wishes)
    }

    #[test]
    fn factors_are_enabled_preferred_and_disabled() {
        let none = user(&[], None);
        let token = by_user(&none, true, &one(SoftwareToken, Some(true), Some(true))).unwrap();
        assert_eq!(token, user(&[SoftwareToken], Some(SoftwareToken)).mfa);
        let both = by_user(&user(&[SoftwareToken], Some(SoftwareToken)), true, &one(Email, Some(true), None)).unwrap();
        assert_eq!(both, user(&[Email, SoftwareToken], Some(SoftwareToken)).mfa);
        let of_both = user(&[Email, SoftwareToken], Some(SoftwareToken));
        let moved = by_user(&of_both, true, &one(Email, None, Some(true))).unwrap();
        assert_eq!(moved, user(&[Email, SoftwareToken], Some(Email)).mfa);
        let unpreferred = by_user(&of_both, true, &one(SoftwareToken, None, Some(false))).unwrap();
        assert_eq!(unpreferred, user(&[Email, SoftwareToken], None).mfa);
        let without = by_user(&of_both, true, &one(SoftwareToken, Some(false), None)).unwrap();
        assert_eq!(without, user(&[Email], None).mfa);
        assert_eq!(by_user(&of_both, true, &Wishes::default()).unwrap(), of_both.mfa);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let none = user(&[], None);
        let refused = |wishes: &Wishes| by_user(&none, false, wishes).unwrap_err();
        assert_eq!(refused(&one(SoftwareToken, Some(true), None)), "User has not verified software token mfa");
        assert_eq!(refused(&one(Sms, Some(true), None)), "SMS_MFA is not enabled for the user pool.");
        assert!(refused(&one(Email, Some(false), Some(true))).contains("unless it is enabled"));
        let two = Wishes {
            factors: [SoftwareToken, Email].map(|f| (f, Wish { enabled: Some(true), preferred: Some(true) })).to_vec(),
            passkey: None,
        };
        assert_eq!(refused(&two), "Only one MFA can be set as preferred.");
        let unverified = User { attributes: Default::default(), ..none.clone() };
        let said = by_user(&unverified, true, &one(Email, Some(true), None)).unwrap_err();
        assert_eq!(said, "User does not have delivery config set to turn on EMAIL_OTP");
        let by_admin = change(
            &pool(UserPoolMfaType::Optional),
            &none,
            false,
            Author::Administrator,
            &one(SoftwareToken, Some(true), Some(true)),
        );
        assert!(by_admin.unwrap().enabled.contains(&SoftwareToken));
    }

    #[test]
    fn where_mfa_is_required_one_factor_stays() {
        let on = pool(UserPoolMfaType::On);
        let with_token = user(&[SoftwareToken], None);
        let off = one(SoftwareToken, Some(false), None);
        assert!(change(&on, &with_token, true, Author::User, &off).unwrap_err().contains("required"));
        let of_both = user(&[Email, SoftwareToken], None);
        assert!(change(&on, &of_both, true, Author::User, &off).is_ok());
    }

    #[test]
    fn passkeys_want_a_pool_that_offers_them_and_another_factor() {
        let passkey = Wishes { factors: Vec::new(), passkey: Some(true) };
        let with_token = user(&[SoftwareToken], None);
        assert!(by_user(&with_token, true, &passkey).unwrap_err().contains("no MFA factor"));
        let passkeys = WebAuthnConfigurationType {
            factor_configuration: Some(WebAuthnFactorConfigurationType::MultiFactorWithUserVerification),
            ..WebAuthnConfigurationType::default()
        };
        let settings = Settings { passkeys: Some(passkeys), ..pool(UserPoolMfaType::Optional) };
        let asked = |user: &User, wishes: &Wishes| change(&settings, user, true, Author::User, wishes);
        assert!(asked(&user(&[], None), &passkey).unwrap_err().contains("only MFA factor"));
        let set = asked(&with_token, &passkey).unwrap();
        assert!(set.passkey);
        let last = User { mfa: set, ..with_token };
        assert!(asked(&last, &one(SoftwareToken, Some(false), None)).unwrap_err().contains("only MFA factor"));
    }

    #[test]
    fn the_old_form_knows_text_messages_alone() {
        let option = |medium, name: Option<&str>| MFAOptionType {
            attribute_name: name.map(str::to_owned),
            delivery_medium: Some(medium),
        };
        let on = Wishes::of_options(&[option(DeliveryMediumType::Sms, Some("phone_number"))]).unwrap();
        assert_eq!(on, one(Sms, Some(true), None));
        assert_eq!(Wishes::of_options(&[]).unwrap(), one(Sms, Some(false), None));
        for bad in [option(DeliveryMediumType::Email, None), option(DeliveryMediumType::Sms, Some("email"))] {
            assert!(Wishes::of_options(&[bad]).is_err());
        }
    }
}
