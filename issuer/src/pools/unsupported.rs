//! Settings that ask for features which are not there yet. They are refused: a pool that asks for MFA or a trigger must not
//! silently sign people in without it.

use cognito_model::idp::types::{
    AdvancedSecurityModeType, AuthFactorType, CreateUserPoolRequest, DefaultEmailOptionType, LambdaConfigType,
    UserPoolMfaType,
};

/// One of them.
pub struct Missing(&'static str);

/// There are no factors yet, so nobody could be asked for a second one.
pub const MFA: Missing = Missing("MfaConfiguration other than OFF");

impl Missing {
    /// The words of the refusal.
    pub fn refusal(&self) -> String {
        format!("{} is not supported by this issuer yet.", self.0)
    }
}

/// Whether it asks for second factors.
pub fn is_mfa(configuration: Option<UserPoolMfaType>) -> bool {
    !matches!(configuration, None | Some(UserPoolMfaType::Off))
}

/// The first such setting, in the words of the refusal.
pub fn first(request: &CreateUserPoolRequest) -> Option<String> {
    let mfa = is_mfa(request.mfa_configuration);
    let triggers = request.lambda_config.as_ref().is_some_and(has_trigger);
    let by_link = request
        .verification_message_template
        .as_ref()
        .is_some_and(|template| template.default_email_option == Some(DefaultEmailOptionType::ConfirmWithLink));
    let add_ons = request.user_pool_add_ons.as_ref().is_some_and(|add_ons| {
        add_ons.advanced_security_mode != AdvancedSecurityModeType::Off
            || add_ons.advanced_security_additional_flows.is_some()
    });
    let first_factors = request.policies.as_ref().and_then(|p| p.sign_in_policy.as_ref());
    let passwordless = first_factors
        .and_then(|policy| policy.allowed_first_auth_factors.as_ref())
        .is_some_and(|factors| factors.iter().any(|factor| *factor != AuthFactorType::Password));
    let refusals = [
        (mfa, MFA.0),
        (triggers, "LambdaConfig"),
        (add_ons, "UserPoolAddOns other than AdvancedSecurityMode OFF"),
        (passwordless, "SignInPolicy.AllowedFirstAuthFactors other than PASSWORD"),
        (by_link, "VerificationMessageTemplate.DefaultEmailOption CONFIRM_WITH_LINK"),
        (request.acr_configuration.is_some(), "AcrConfiguration"),
        (request.dcr_configuration.is_some(), "DcrConfiguration"),
        (request.issuer_configuration.is_some(), "IssuerConfiguration"),
        (request.key_configuration.is_some(), "KeyConfiguration"),
    ];
    let (_, what) = refusals.into_iter().find(|(asked, _)| *asked)?;
    Some(Missing(what).refusal())
}

fn has_trigger(config: &LambdaConfigType) -> bool {
    serde_json::to_value(config).ok().and_then(|v| v.as_object().map(|o| !o.is_empty())).unwrap_or(true)
}
