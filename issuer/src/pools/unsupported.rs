//! Settings that ask for features which are not there yet. They are refused: a pool that asks for MFA or a trigger must not
//! silently sign people in without it.

use cognito_model::idp::types::{CreateUserPoolRequest, DefaultEmailOptionType, LambdaConfigType, UserPoolMfaType};

/// The first such setting, in the words of the refusal.
pub fn first(request: &CreateUserPoolRequest) -> Option<String> {
    let mfa = !matches!(request.mfa_configuration, None | Some(UserPoolMfaType::Off));
    let triggers = request.lambda_config.as_ref().is_some_and(has_trigger);
    let by_link = request
        .verification_message_template
        .as_ref()
        .is_some_and(|template| template.default_email_option == Some(DefaultEmailOptionType::ConfirmWithLink));
    let refusals = [
        (mfa, "MfaConfiguration other than OFF"),
        (triggers, "LambdaConfig"),
        (by_link, "VerificationMessageTemplate.DefaultEmailOption CONFIRM_WITH_LINK"),
        (request.acr_configuration.is_some(), "AcrConfiguration"),
        (request.dcr_configuration.is_some(), "DcrConfiguration"),
        (request.issuer_configuration.is_some(), "IssuerConfiguration"),
        (request.key_configuration.is_some(), "KeyConfiguration"),
    ];
    let (_, what) = refusals.into_iter().find(|(asked, _)| *asked)?;
    Some(format!("{what} is not supported by this issuer yet."))
}

fn has_trigger(config: &LambdaConfigType) -> bool {
    serde_json::to_value(config).ok().and_then(|v| v.as_object().map(|o| !o.is_empty())).unwrap_or(true)
}
