//! A pool's second factors (pure; Cognito: SetUserPoolMfaConfig). None exists yet, so MFA stays OFF; texts and passkey settings are kept.

use cognito_model::idp::types::{GetUserPoolMfaConfigResponse, SetUserPoolMfaConfigResponse};
use cognito_model::idp::types::{
    SetUserPoolMfaConfigRequest, SmsMfaConfigType, SoftwareTokenMfaConfigType, UserPoolMfaType,
    WebAuthnConfigurationType,
};

use super::model::Settings;
use super::unsupported;

/// Settings after the request. What it leaves out goes back to its default, but for the SMS settings, which are UpdateUserPool's too.
pub fn set(request: SetUserPoolMfaConfigRequest, made: &Settings) -> Result<Settings, String> {
    if unsupported::is_mfa(request.mfa_configuration) {
        return Err(unsupported::MFA.refusal());
    }
    let factor = request.sms_mfa_configuration.is_some()
        || request.software_token_mfa_configuration.as_ref().is_some_and(|token| token.enabled.unwrap_or(false));
    if factor && request.mfa_configuration == Some(UserPoolMfaType::Off) {
        // Cognito's text.
        return Err("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.".into());
    }
    request.webauthn_configuration.as_ref().map_or(Ok(()), check_passkeys)?;
    let sms = request.sms_mfa_configuration.unwrap_or_default();
    Ok(Settings {
        email_mfa: request.email_mfa_configuration,
        sms_authentication_message: sms.sms_authentication_message.or_else(|| made.sms_authentication_message.clone()),
        sms_configuration: sms.sms_configuration.or_else(|| made.sms_configuration.clone()),
        software_token_mfa: request.software_token_mfa_configuration.and_then(|token| token.enabled),
        passkeys: request.webauthn_configuration,
        ..made.clone()
    })
}

/// The answer of GetUserPoolMfaConfig.
pub fn describe(settings: &Settings) -> GetUserPoolMfaConfigResponse {
    let sms = settings.sms_configuration.clone().map(|sms_configuration| SmsMfaConfigType {
        sms_authentication_message: settings.sms_authentication_message.clone(),
        sms_configuration: Some(sms_configuration),
    });
    GetUserPoolMfaConfigResponse {
        email_mfa_configuration: settings.email_mfa.clone(),
        mfa_configuration: Some(UserPoolMfaType::Off),
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
    use cognito_model::idp::types::{EmailMfaConfigType, SmsConfigurationType};

    use super::*;

    fn with_token(mfa: Option<UserPoolMfaType>, enabled: bool) -> SetUserPoolMfaConfigRequest {
        SetUserPoolMfaConfigRequest {
            mfa_configuration: mfa,
            software_token_mfa_configuration: Some(SoftwareTokenMfaConfigType { enabled: Some(enabled) }),
            ..SetUserPoolMfaConfigRequest::default()
        }
    }

    #[test]
    fn mfa_stays_off() {
        let made = Settings::default();
        for on in [UserPoolMfaType::On, UserPoolMfaType::Optional] {
            let said = set(with_token(Some(on), true), &made).unwrap_err();
            assert_eq!(said, "MfaConfiguration other than OFF is not supported by this issuer yet.");
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
    fn relying_parties_are_domains() {
        for (id, good) in
            [("auth.example.com", true), ("localhost", true), ("https://example.com", false), ("a b", false)]
        {
            let passkeys = WebAuthnConfigurationType { relying_party_id: Some(id.into()), ..Default::default() };
            assert_eq!(check_passkeys(&passkeys).is_ok(), good, "{id}");
        }
    }
}
