//! From CreateUserPool's input to settings that hold together (pure).

use cognito_model::idp::types as wire;
use cognito_model::idp::types::{CreateUserPoolRequest, PasswordPolicyType};

use super::error::PoolError;
use super::model::Settings;
use super::{mail, schema, unsupported};

const CUSTOM_LIMIT: usize = 50;

/// Checks what the model's limits don't say and fills in the defaults that later answers show.
pub fn settings(request: CreateUserPoolRequest) -> Result<Settings, PoolError> {
    if let Some(why) = unsupported::first(&request) {
        return Err(PoolError::Settings(why));
    }
    mail::check(&request).map_err(PoolError::Settings)?;
    let unused_days = request.admin_create_user_config.as_ref().and_then(|c| c.unused_account_validity_days);
    let alias_attributes = request.alias_attributes.unwrap_or_default();
    let username_attributes = request.username_attributes.unwrap_or_default();
    if !alias_attributes.is_empty() && !username_attributes.is_empty() {
        return Err(PoolError::Settings(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.".into(),
        ));
    }
    let declared = request.schema.unwrap_or_default();
    if declared.len() > CUSTOM_LIMIT {
        return Err(PoolError::Settings(format!("A user pool has at most {CUSTOM_LIMIT} schema attributes.")));
    }
    let custom_attributes =
        declared.into_iter().map(schema::declare).collect::<Result<Vec<_>, _>>().map_err(PoolError::Settings)?;
    schema::check_distinct(&custom_attributes).map_err(PoolError::Settings)?;
    Ok(Settings {
        account_recovery_setting: request.account_recovery_setting,
        admin_create_user_config: Some(admin_create_user_config(request.admin_create_user_config)),
        alias_attributes,
        auto_verified_attributes: request.auto_verified_attributes.unwrap_or_default(),
        custom_attributes,
        deletion_protection: request.deletion_protection.or(Some(wire::DeletionProtectionType::Inactive)),
        device_configuration: request.device_configuration,
        email_configuration: request.email_configuration.or_else(default_email_configuration),
        email_verification_message: request.email_verification_message,
        email_verification_subject: request.email_verification_subject,
        policies: Some(policies(request.policies, unused_days)?),
        sms_authentication_message: request.sms_authentication_message,
        sms_configuration: request.sms_configuration,
        sms_verification_message: request.sms_verification_message,
        user_attribute_update_settings: request.user_attribute_update_settings,
        user_pool_add_ons: request.user_pool_add_ons,
        user_pool_tags: request.user_pool_tags.unwrap_or_default(),
        user_pool_tier: request.user_pool_tier.or(Some(wire::UserPoolTierType::Essentials)),
        username_attributes,
        username_configuration: request.username_configuration,
        verification_message_template: request.verification_message_template.or_else(default_template),
    })
}

fn admin_create_user_config(given: Option<wire::AdminCreateUserConfigType>) -> wire::AdminCreateUserConfigType {
    let given = given.unwrap_or_default();
    wire::AdminCreateUserConfigType {
        allow_admin_create_user_only: given.allow_admin_create_user_only.or(Some(false)),
        unused_account_validity_days: given.unused_account_validity_days.or(Some(7)),
        ..given
    }
}

/// `unused_days` is AdminCreateUserConfig.UnusedAccountValidityDays, the older name of TemporaryPasswordValidityDays; the newer one wins.
fn policies(
    given: Option<wire::UserPoolPolicyType>,
    unused_days: Option<i32>,
) -> Result<wire::UserPoolPolicyType, PoolError> {
    let given = given.unwrap_or_default();
    // Cognito: 0 counts as not given.
    let days = |own: Option<i32>| own.filter(|days| *days > 0).or(unused_days.filter(|days| *days > 0)).or(Some(7));
    let password = match given.password_policy {
        // A policy that is given is taken as it is: what it leaves out is not required.
        Some(policy) => PasswordPolicyType {
            minimum_length: policy.minimum_length.or(Some(6)),
            require_lowercase: policy.require_lowercase.or(Some(false)),
            require_numbers: policy.require_numbers.or(Some(false)),
            require_symbols: policy.require_symbols.or(Some(false)),
            require_uppercase: policy.require_uppercase.or(Some(false)),
            temporary_password_validity_days: days(policy.temporary_password_validity_days),
            password_history_size: policy.password_history_size,
        },
        None => PasswordPolicyType {
            minimum_length: Some(8),
            require_lowercase: Some(true),
            require_numbers: Some(true),
            require_symbols: Some(true),
            require_uppercase: Some(true),
            temporary_password_validity_days: days(None),
            password_history_size: None,
        },
    };
    if password.password_history_size.is_some_and(|size| size > 0) {
        return Err(PoolError::Settings("PasswordHistorySize is not supported by this issuer yet.".into()));
    }
    Ok(wire::UserPoolPolicyType { password_policy: Some(password), sign_in_policy: given.sign_in_policy })
}

fn default_email_configuration() -> Option<wire::EmailConfigurationType> {
    Some(wire::EmailConfigurationType {
        email_sending_account: Some(wire::EmailSendingAccountType::CognitoDefault),
        ..wire::EmailConfigurationType::default()
    })
}

fn default_template() -> Option<wire::VerificationMessageTemplateType> {
    Some(wire::VerificationMessageTemplateType {
        default_email_option: Some(wire::DefaultEmailOptionType::ConfirmWithCode),
        ..wire::VerificationMessageTemplateType::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_cognitos() {
        let settings = settings(CreateUserPoolRequest::default()).unwrap();
        let rules = settings.password_policy().rules();
        assert_eq!((rules.minimum_length, rules.require_symbols), (8, true));
        assert_eq!(settings.temporary_password_life().as_secs(), 7 * 86_400);
        assert!(!settings.only_admins_create());
        assert!(settings.case_sensitive());
    }

    #[test]
    fn how_long_a_temporary_password_works() {
        let life = |policy_days: Option<i32>, unused_days| {
            let policy =
                PasswordPolicyType { temporary_password_validity_days: policy_days, ..PasswordPolicyType::default() };
            let request = CreateUserPoolRequest {
                policies: policy_days
                    .map(|_| wire::UserPoolPolicyType { password_policy: Some(policy), sign_in_policy: None }),
                admin_create_user_config: Some(wire::AdminCreateUserConfigType {
                    unused_account_validity_days: unused_days,
                    ..wire::AdminCreateUserConfigType::default()
                }),
                ..CreateUserPoolRequest::default()
            };
            settings(request).unwrap().temporary_password_life().as_secs() / 86_400
        };
        assert_eq!(life(None, None), 7);
        assert_eq!(life(Some(30), Some(3)), 30);
        assert_eq!(life(None, Some(3)), 3);
        assert_eq!(life(Some(0), None), 7);
        assert_eq!(life(Some(0), Some(0)), 7);
    }

    #[test]
    fn a_given_policy_requires_only_what_it_says() {
        let policy = PasswordPolicyType { minimum_length: Some(12), ..PasswordPolicyType::default() };
        let request = CreateUserPoolRequest {
            policies: Some(wire::UserPoolPolicyType { password_policy: Some(policy), sign_in_policy: None }),
            ..CreateUserPoolRequest::default()
        };
        let rules = settings(request).unwrap().password_policy().rules();
        assert_eq!((rules.minimum_length, rules.require_symbols, rules.require_uppercase), (12, false, false));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let mfa = CreateUserPoolRequest {
            mfa_configuration: Some(wire::UserPoolMfaType::On),
            ..CreateUserPoolRequest::default()
        };
        let trigger = CreateUserPoolRequest {
            lambda_config: Some(wire::LambdaConfigType {
                pre_sign_up: Some("arn:aws:lambda:x".into()),
                ..wire::LambdaConfigType::default()
            }),
            ..CreateUserPoolRequest::default()
        };
        let protected = CreateUserPoolRequest {
            user_pool_add_ons: Some(wire::UserPoolAddOnsType {
                advanced_security_additional_flows: None,
                advanced_security_mode: wire::AdvancedSecurityModeType::Enforced,
            }),
            ..CreateUserPoolRequest::default()
        };
        for request in [mfa, trigger, protected] {
            assert!(settings(request).unwrap_err().to_string().contains("not supported"));
        }
    }
}
