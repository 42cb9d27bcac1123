//! A pool's second factors (pure; Cognito: SetUserPoolMfaConfig).

use cognito_model::idp::types::{
    ChallengeNameType, EmailMfaConfigType, SetUserPoolMfaConfigRequest, SmsMfaConfigType, SoftwareTokenMfaConfigType,
    UserPoolMfaType, WebAuthnConfigurationType,
};
use cognito_model::idp::types::{GetUserPoolMfaConfigResponse, SetUserPoolMfaConfigResponse};
use serde::{Deserialize, Serialize};

use super::model::Settings;

/// A second factor, by the name of its challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Factor {
    #[serde(rename = "SMS_MFA")]
    Sms,
    #[serde(rename = "EMAIL_OTP")]
    Email,
    #[serde(rename = "SOFTWARE_TOKEN_MFA")]
    SoftwareToken,
}

impl Factor {
    pub const ALL: [Self; 3] = [Self::Sms, Self::Email, Self::SoftwareToken];

    pub const fn challenge(self) -> ChallengeNameType {
        match self {
            Self::Sms => ChallengeNameType::SmsMfa,
            Self::Email => ChallengeNameType::EmailOtp,
            Self::SoftwareToken => ChallengeNameType::SoftwareTokenMfa,
        }
    }

    pub fn of(challenge: ChallengeNameType) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.challenge() == challenge)
    }

    /// `SMS_MFA`, `EMAIL_OTP`, `SOFTWARE_TOKEN_MFA`
    pub fn as_str(self) -> &'static str {
        self.challenge().as_str()
    }
}

impl Settings {
    /// Whether users of the pool may have this factor. With MFA OFF there is none.
    pub fn offers(&self, factor: Factor) -> bool {
        self.mfa() != UserPoolMfaType::Off && self.has_set_up(factor)
    }

    fn has_set_up(&self, factor: Factor) -> bool {
        match factor {
            Factor::Sms => self.sms_configuration.is_some(),
            Factor::Email => self.email_mfa.is_some(),
            Factor::SoftwareToken => self.software_token_mfa == Some(true),
        }
    }
}

/// MFA wants a factor.
pub struct NoFactor;

/// Cognito's text of CreateUserPool and UpdateUserPool.
pub const WITHOUT_SMS: &str =
    "SMS configuration and Auto verification for phone_number are required when MFA is required/optional";

/// A pool that asks for second factors has one.
pub fn check(settings: &Settings) -> Result<(), NoFactor> {
    let any = Factor::ALL.into_iter().any(|factor| settings.has_set_up(factor));
    if settings.mfa() == UserPoolMfaType::Off || any { Ok(()) } else { Err(NoFactor) }
}

/// Settings after the request. What it leaves out goes back to its default, but for the SMS settings, which are UpdateUserPool's too.
pub fn set(request: SetUserPoolMfaConfigRequest, made: &Settings) -> Result<Settings, String> {
    let factor = request.sms_mfa_configuration.is_some()
        || request.software_token_mfa_configuration.as_ref().is_some_and(|token| token.enabled.unwrap_or(false));
    if factor && request.mfa_configuration == Some(UserPoolMfaType::Off) {
        // Cognito's text.
        return Err("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.".into());
    }
    request.webauthn_configuration.as_ref().map_or(Ok(()), check_passkeys)?;
    request.email_mfa_configuration.as_ref().map_or(Ok(()), check_email)?;
    let sms = request.sms_mfa_configuration.unwrap_or_default();
    let settings = Settings {
        mfa: request.mfa_configuration.or(made.mfa),
        email_mfa: request.email_mfa_configuration,
        sms_authentication_message: sms.sms_authentication_message.or_else(|| made.sms_authentication_message.clone()),
        sms_configuration: sms.sms_configuration.or_else(|| made.sms_configuration.clone()),
        software_token_mfa: request.software_token_mfa_configuration.and_then(|token| token.enabled),
        passkeys: request.webauthn_configuration,
        ..made.clone()
    };
    // Cognito's text.
    check(&settings)
        .map_err(|NoFactor| "Invalid MFA configuration given, can't disable all MFAs and require an MFA together.")?;
    Ok(settings)
}

/// The answer of GetUserPoolMfaConfig.
pub fn describe(settings: &Settings) -> GetUserPoolMfaConfigResponse {
    // Either is kept without the other.
    let sms = SmsMfaConfigType {
        sms_authentication_message: settings.sms_authentication_message.clone(),
        sms_configuration: settings.sms_configuration.clone(),
    };
    let sms = Some(sms).filter(|sms| sms.sms_authentication_message.is_some() || sms.sms_configuration.is_some());
    GetUserPoolMfaConfigResponse {
        email_mfa_configuration: settings.email_mfa.clone(),
        mfa_configuration: Some(settings.mfa()),
        sms_mfa_configuration: sms,
        software_token_mfa_configuration: settings
            .software_token_mfa
            .map(|enabled| SoftwareTokenMfaConfigType { enabled: Some(enabled) }),
        webauthn_configuration: settings.passkeys.clone(),
    }
}

/// The answer of SetUserPoolMfaConfig: the same.
pub fn confirm(settings: &Settings) -> SetUserPoolMfaConfigResponse {
    let now = describe(settings);
    SetUserPoolMfaConfigResponse {
        email_mfa_configuration: now.email_mfa_configuration,
        mfa_configuration: now.mfa_configuration,
        sms_mfa_configuration: now.sms_mfa_configuration,
        software_token_mfa_configuration: now.software_token_mfa_configuration,
        webauthn_configuration: now.webauthn_configuration,
    }
}

/// What [`set`] says of settings that were kept elsewhere.
pub fn check_kept(settings: &Settings) -> Result<(), String> {
    settings.passkeys.as_ref().map_or(Ok(()), check_passkeys)?;
    settings.email_mfa.as_ref().map_or(Ok(()), check_email)
}

/// A message without its code helps nobody.
fn check_email(email: &EmailMfaConfigType) -> Result<(), String> {
    match &email.message {
        Some(message) if !message.contains("{####}") => {
            Err("EmailMfaConfiguration.Message must contain the placeholder {####}.".into())
        }
        _ => Ok(()),
    }
}

/// A relying party's id is a domain (WebAuthn §5.1.2).
fn check_passkeys(passkeys: &WebAuthnConfigurationType) -> Result<(), String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match &passkeys.relying_party_id {
        Some(id) if !id.split('.').all(label) => Err(format!("RelyingPartyId {id:?} is no domain.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::SmsConfigurationType;

    use super::*;

    fn with_token(mfa: Option<UserPoolMfaType>, enabled: bool) -> SetUserPoolMfaConfigRequest {
        SetUserPoolMfaConfigRequest {
            mfa_configuration: mfa,
            software_token_mfa_configuration: Some(SoftwareTokenMfaConfigType { enabled: Some(enabled) }),
            ..SetUserPoolMfaConfigRequest::default()
        }
    }

    #[test]
    fn mfa_wants_a_factor() {
        let made = Settings::default();
        for on in [UserPoolMfaType::On, UserPoolMfaType::Optional] {
            let set_up = set(with_token(Some(on), true), &made).unwrap();
            assert!(set_up.mfa() == on && set_up.offers(Factor::SoftwareToken) && !set_up.offers(Factor::Email));
            let said = set(with_token(Some(on), false), &made).unwrap_err();
            assert_eq!(said, "Invalid MFA configuration given, can't disable all MFAs and require an MFA together.");
            assert!(set(with_token(None, false), &set_up).is_err(), "MFA stays as it is");
            let off = set(with_token(Some(UserPoolMfaType::Off), false), &set_up).unwrap();
            assert!(off.mfa() == UserPoolMfaType::Off && !off.offers(Factor::SoftwareToken));
        }
        assert!(
            set(with_token(Some(UserPoolMfaType::Off), true), &made).unwrap_err().contains("configure an MFA together")
        );
        assert_eq!(set(with_token(Some(UserPoolMfaType::Off), false), &made).unwrap().software_token_mfa, Some(false));
        assert_eq!(set(with_token(None, true), &made).unwrap().software_token_mfa, Some(true));
    }

    #[test]
    fn what_is_left_out_goes_but_for_sms() {
        let sms = SmsConfigurationType::default();
        let made = Settings {
            sms_configuration: Some(sms),
            sms_authentication_message: Some("{####}".into()),
            email_mfa: Some(EmailMfaConfigType::default()),
            software_token_mfa: Some(true),
            ..Settings::default()
        };
        let left = set(SetUserPoolMfaConfigRequest::default(), &made).unwrap();
        assert!(left.email_mfa.is_none() && left.software_token_mfa.is_none());
        let shown = describe(&left).sms_mfa_configuration.unwrap();
        assert_eq!(shown.sms_authentication_message.as_deref(), Some("{####}"));
    }

    #[test]
    fn a_text_shows_without_what_sends_it() {
        let sms = SmsMfaConfigType { sms_authentication_message: Some("{####}".into()), sms_configuration: None };
        let request = SetUserPoolMfaConfigRequest { sms_mfa_configuration: Some(sms), ..Default::default() };
        let shown = describe(&set(request, &Settings::default()).unwrap()).sms_mfa_configuration.unwrap();
        assert!(shown.sms_authentication_message.as_deref() == Some("{####}") && shown.sms_configuration.is_none());
        assert!(describe(&Settings::default()).sms_mfa_configuration.is_none());
    }

    #[test]
    fn relying_parties_are_domains() {
        for (id, good) in
            [("auth.example.com", true), ("localhost", true), ("https://example.com", false), ("a b", false)]
        {
            let passkeys = WebAuthnConfigurationType { relying_party_id: Some(id.into()), ..Default::default() };
            assert_eq!(check_passkeys(&passkeys).is_ok(), good, "{id}");
        }
    }
}
