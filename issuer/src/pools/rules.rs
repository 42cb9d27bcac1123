//! From CreateUserPool's and UpdateUserPool's input to settings that hold together (pure).

use cognito_model::Fault;
use cognito_model::idp::op::{
    CreateUserPool, SetLogDeliveryConfiguration, SetUserPoolMfaConfig, SetUserPoolSessionConfiguration,
};
use cognito_model::idp::types as wire;
use cognito_model::idp::types::{CreateUserPoolRequest, PasswordPolicyType, UpdateUserPoolRequest};

use super::error::PoolError;
use super::model::Settings;
use super::{logs, mail, mfa, schema, tags, triggers};

/// Cognito: SchemaAttributesListType, and the quota of custom attributes.
const CUSTOM_LIMIT: usize = 50;
/// Requests are checked by the model, which wants a pool in them.
const SOME_POOL: &str = "any_1";

/// Checks what the model's limits don't say and fills in the defaults that later answers show.
pub fn settings(request: CreateUserPoolRequest) -> Result<Settings, PoolError> {
    let settings = of_request(request)?;
    mfa::check(&settings).map_err(|_| PoolError::Settings(mfa::WITHOUT_SMS.into()))?;
    Ok(settings)
}

fn of_request(request: CreateUserPoolRequest) -> Result<Settings, PoolError> {
    mail::check(&request).map_err(PoolError::Settings)?;
    request.user_pool_tags.as_ref().map_or(Ok(()), tags::check).map_err(PoolError::Tags)?;
    let unused_days = request.admin_create_user_config.as_ref().and_then(|c| c.unused_account_validity_days);
    let alias_attributes = request.alias_attributes.unwrap_or_default();
    let username_attributes = request.username_attributes.unwrap_or_default();
    if !alias_attributes.is_empty() && !username_attributes.is_empty() {
        return Err(PoolError::Settings(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.".into(),
        ));
    }
    check_proven_first(&request.user_attribute_update_settings, request.auto_verified_attributes.as_deref())?;
    let declared = request.schema.unwrap_or_default();
    if declared.len() > CUSTOM_LIMIT {
        return Err(PoolError::Settings(format!("A user pool has at most {CUSTOM_LIMIT} schema attributes.")));
    }
    let custom_attributes =
        declared.into_iter().map(schema::declare).collect::<Result<Vec<_>, _>>().map_err(PoolError::Settings)?;
    schema::check_distinct(&custom_attributes).map_err(PoolError::Settings)?;
    let given = request.verification_message_template.clone();
    let template =
        |text: fn(&wire::VerificationMessageTemplateType) -> Option<&String>| given.as_ref().and_then(text).cloned();
    Ok(Settings {
        account_recovery_setting: request.account_recovery_setting,
        acr_configuration: request.acr_configuration.unwrap_or_default(),
        admin_create_user_config: Some(admin_create_user_config(request.admin_create_user_config)),
        alias_attributes,
        auto_verified_attributes: request.auto_verified_attributes.unwrap_or_default(),
        custom_attributes,
        dcr_configuration: request.dcr_configuration,
        deletion_protection: request.deletion_protection.or(Some(wire::DeletionProtectionType::Inactive)),
        device_configuration: request.device_configuration,
        email_configuration: Some(email_configuration(request.email_configuration)),
        // A template shows under the older names, too.
        email_verification_message: template(|t| t.email_message.as_ref()).or(request.email_verification_message),
        email_verification_subject: template(|t| t.email_subject.as_ref()).or(request.email_verification_subject),
        issuer_configuration: request.issuer_configuration,
        key_configuration: request.key_configuration,
        lambda_config: triggers::settings(request.lambda_config).map_err(PoolError::Settings)?,
        mfa: request.mfa_configuration,
        policies: Some(policies(request.policies, unused_days)?),
        sms_authentication_message: request.sms_authentication_message,
        sms_configuration: request.sms_configuration,
        sms_verification_message: template(|t| t.sms_message.as_ref()).or(request.sms_verification_message),
        user_attribute_update_settings: request.user_attribute_update_settings,
        user_pool_add_ons: request.user_pool_add_ons,
        user_pool_tags: request.user_pool_tags.unwrap_or_default(),
        user_pool_tier: request.user_pool_tier.or(Some(wire::UserPoolTierType::Essentials)),
        username_attributes,
        username_configuration: request.username_configuration,
        verification_message_template: request.verification_message_template.or_else(default_template),
        // What operations of their own set.
        changing: None,
        email_mfa: None,
        logs: Vec::new(),
        passkeys: None,
        session_configuration: None,
        software_token_mfa: None,
    })
}

/// Checks settings that were stored elsewhere: CreateUserPool must take them, by the model's limits and by the rules above.
/// What operations of their own set must be what they take, and no change of the schema may be under way: nothing here would end it.
pub fn check_again(name: &str, stored: &Settings) -> Result<(), Fault> {
    if stored.changing.is_some() {
        return Err(Fault::invalid_parameter("The settings are those of a pool whose schema is being changed."));
    }
    check_set_apart(stored)?;
    let schema: Vec<_> = stored.custom_attributes.iter().cloned().map(schema::undeclared).collect();
    let request = as_request(serde_json::json!({
        "PoolName": name,
        "AccountRecoverySetting": stored.account_recovery_setting,
        "AcrConfiguration": stored.acr_configuration,
        "AdminCreateUserConfig": stored.admin_create_user_config,
        "AliasAttributes": stored.alias_attributes,
        "AutoVerifiedAttributes": stored.auto_verified_attributes,
        "DcrConfiguration": stored.dcr_configuration,
        "DeletionProtection": stored.deletion_protection,
        "DeviceConfiguration": stored.device_configuration,
        "EmailConfiguration": stored.email_configuration,
        "EmailVerificationMessage": stored.email_verification_message,
        "EmailVerificationSubject": stored.email_verification_subject,
        "IssuerConfiguration": stored.issuer_configuration,
        "KeyConfiguration": stored.key_configuration,
        "LambdaConfig": stored.lambda_config,
        "Policies": stored.policies,
        "Schema": schema,
        "SmsAuthenticationMessage": stored.sms_authentication_message,
        "SmsConfiguration": stored.sms_configuration,
        "SmsVerificationMessage": stored.sms_verification_message,
        "UserAttributeUpdateSettings": stored.user_attribute_update_settings,
        "UserPoolAddOns": stored.user_pool_add_ons,
        "UserPoolTags": stored.user_pool_tags,
        "UserPoolTier": stored.user_pool_tier,
        "UsernameAttributes": stored.username_attributes,
        "UsernameConfiguration": stored.username_configuration,
        "VerificationMessageTemplate": stored.verification_message_template,
    }))?;
    let request = cognito_model::decode::<CreateUserPool>(&request)?;
    settings(request)?;
    // Which factors there are is said by an operation of its own.
    mfa::check(stored).map_err(|_| PoolError::Settings(mfa::WITHOUT_SMS.into()))?;
    Ok(())
}

/// The same for what SetUserPoolMfaConfig, SetUserPoolSessionConfiguration and SetLogDeliveryConfiguration set.
fn check_set_apart(stored: &Settings) -> Result<(), Fault> {
    let request = as_request(serde_json::json!({
        "UserPoolId": SOME_POOL,
        "EmailMfaConfiguration": stored.email_mfa,
        "WebAuthnConfiguration": stored.passkeys,
    }))?;
    cognito_model::decode::<SetUserPoolMfaConfig>(&request)?;
    mfa::check_kept(stored).map_err(PoolError::Settings)?;
    if let Some(sessions) = &stored.session_configuration {
        let request = as_request(serde_json::json!({
            "UserPoolId": SOME_POOL,
            "TokenSession": { "MaxPerUser": sessions.max_per_user },
            "UserSessionTracking": sessions.tracking,
        }))?;
        cognito_model::decode::<SetUserPoolSessionConfiguration>(&request)?;
    }
    if !stored.logs.is_empty() {
        let request = as_request(serde_json::json!({ "UserPoolId": SOME_POOL, "LogConfigurations": stored.logs }))?;
        cognito_model::decode::<SetLogDeliveryConfiguration>(&request)?;
        logs::check(&stored.logs).map_err(PoolError::Settings)?;
    }
    Ok(())
}

/// The members that say something, as a request has them.
fn as_request(mut request: serde_json::Value) -> Result<Vec<u8>, Fault> {
    if let Some(members) = request.as_object_mut() {
        // The model does not allow what is there and empty.
        let is_empty = |value: &serde_json::Value| {
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        members.retain(|_, value| !value.is_null() && !is_empty(value));
    }
    serde_json::to_vec(&request).map_err(Fault::internal)
}

/// The custom attributes of a pool that gets more of them (AddCustomAttributes).
pub fn extended(
    there: &[wire::SchemaAttributeType],
    added: Vec<wire::SchemaAttributeType>,
) -> Result<Vec<wire::SchemaAttributeType>, PoolError> {
    let added = added.into_iter().map(schema::declare_custom).collect::<Result<Vec<_>, _>>();
    let all: Vec<_> = there.iter().cloned().chain(added.map_err(PoolError::Settings)?).collect();
    schema::check_distinct(&all).map_err(PoolError::Settings)?;
    let custom = all.iter().filter(|attribute| attribute.name.as_deref().is_some_and(|name| name.contains(':')));
    if custom.count() > CUSTOM_LIMIT {
        return Err(PoolError::Settings(format!("A user pool has at most {CUSTOM_LIMIT} custom attributes.")));
    }
    Ok(all)
}

/// Name and settings after an update. What the request leaves out goes back to its default; by the same rules as at creation.
/// What an update can't say stays as it was made: the schema, how people sign in, whether names mind case, and what operations of their
/// own set. So does the name, which has no default.
pub fn updated(request: UpdateUserPoolRequest, name: &str, made: &Settings) -> Result<(String, Settings), PoolError> {
    let request = as_creation(request, name);
    let name = request.pool_name.clone();
    let kept = made.clone();
    let settings = Settings {
        alias_attributes: kept.alias_attributes,
        changing: kept.changing,
        custom_attributes: kept.custom_attributes,
        email_mfa: kept.email_mfa,
        logs: kept.logs,
        passkeys: kept.passkeys,
        session_configuration: kept.session_configuration,
        software_token_mfa: kept.software_token_mfa,
        username_attributes: kept.username_attributes,
        username_configuration: kept.username_configuration,
        ..of_request(request)?
    };
    mfa::check(&settings).map_err(|_| PoolError::Settings(mfa::WITHOUT_SMS.into()))?;
    Ok((name, settings))
}

fn as_creation(request: UpdateUserPoolRequest, name: &str) -> CreateUserPoolRequest {
    CreateUserPoolRequest {
        account_recovery_setting: request.account_recovery_setting,
        acr_configuration: request.acr_configuration,
        admin_create_user_config: request.admin_create_user_config,
        alias_attributes: None,
        auto_verified_attributes: request.auto_verified_attributes,
        dcr_configuration: request.dcr_configuration,
        deletion_protection: request.deletion_protection,
        device_configuration: request.device_configuration,
        email_configuration: request.email_configuration,
        email_verification_message: request.email_verification_message,
        email_verification_subject: request.email_verification_subject,
        issuer_configuration: request.issuer_configuration,
        key_configuration: request.key_configuration,
        lambda_config: request.lambda_config,
        mfa_configuration: request.mfa_configuration,
        policies: request.policies,
        pool_name: request.pool_name.unwrap_or_else(|| name.to_owned()),
        schema: None,
        sms_authentication_message: request.sms_authentication_message,
        sms_configuration: request.sms_configuration,
        sms_verification_message: request.sms_verification_message,
        user_attribute_update_settings: request.user_attribute_update_settings,
        user_pool_add_ons: request.user_pool_add_ons,
        user_pool_tags: request.user_pool_tags,
        user_pool_tier: request.user_pool_tier,
        username_attributes: None,
        username_configuration: None,
        verification_message_template: request.verification_message_template,
    }
}

/// What must be proven before it changes must be what codes are sent for (Cognito's text).
fn check_proven_first(
    given: &Option<wire::UserAttributeUpdateSettingsType>,
    auto_verified: Option<&[wire::VerifiedAttributeType]>,
) -> Result<(), PoolError> {
    let first = given.as_ref().and_then(|settings| settings.attributes_require_verification_before_update.as_ref());
    let verified = auto_verified.unwrap_or_default();
    if first.into_iter().flatten().all(|attribute| verified.contains(attribute)) {
        return Ok(());
    }
    let text = "All attributes in AttributesRequireVerificationBeforeUpdate must exist in AutoVerifiedAttributes";
    Err(PoolError::Settings(text.into()))
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
    let first_factors = given.sign_in_policy.as_ref().and_then(|policy| policy.allowed_first_auth_factors.as_deref());
    if first_factors.is_some_and(|factors| factors.contains(&wire::AuthFactorType::SoftwareToken)) {
        return Err(PoolError::Settings("SOFTWARE_TOKEN is not a first factor.".into()));
    }
    Ok(wire::UserPoolPolicyType { password_policy: Some(password), sign_in_policy: given.sign_in_policy })
}

fn email_configuration(given: Option<wire::EmailConfigurationType>) -> wire::EmailConfigurationType {
    let given = given.unwrap_or_default();
    let account = given.email_sending_account.or(Some(wire::EmailSendingAccountType::CognitoDefault));
    wire::EmailConfigurationType { email_sending_account: account, ..given }
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
    use crate::pools::model::{Changing, Sessions};

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
    fn an_update_resets_what_it_leaves_out_and_keeps_what_it_cannot_say() {
        let made = settings(CreateUserPoolRequest {
            deletion_protection: Some(wire::DeletionProtectionType::Active),
            auto_verified_attributes: Some(vec![wire::VerifiedAttributeType::Email]),
            username_attributes: Some(vec![wire::UsernameAttributeType::Email]),
            username_configuration: Some(wire::UsernameConfigurationType { case_sensitive: false }),
            user_pool_tags: Some([("a".to_owned(), "b".to_owned())].into()),
            schema: Some(vec![wire::SchemaAttributeType {
                name: Some("tier".into()),
                attribute_data_type: Some(wire::AttributeDataType::String),
                ..wire::SchemaAttributeType::default()
            }]),
            ..CreateUserPoolRequest::default()
        })
        .unwrap();
        let (name, left) = updated(UpdateUserPoolRequest::default(), "old", &made).unwrap();
        assert_eq!(name, "old");
        assert!(!left.is_protected() && left.auto_verified_attributes.is_empty() && left.user_pool_tags.is_empty());
        assert!(left.signs_in_by(&wire::UsernameAttributeType::Email) && !left.case_sensitive());
        assert_eq!(left.custom_attributes.len(), 1);
        let request = UpdateUserPoolRequest { pool_name: Some("new".into()), ..UpdateUserPoolRequest::default() };
        assert_eq!(updated(request, "old", &made).unwrap().0, "new");
        let mfa = UpdateUserPoolRequest {
            mfa_configuration: Some(wire::UserPoolMfaType::On),
            ..UpdateUserPoolRequest::default()
        };
        assert!(updated(mfa.clone(), "old", &made).unwrap_err().to_string().contains("SMS configuration"));
        let with_token = Settings { software_token_mfa: Some(true), ..made.clone() };
        assert_eq!(updated(mfa, "old", &with_token).unwrap().1.mfa(), wire::UserPoolMfaType::On);
    }

    #[test]
    fn settings_from_elsewhere_are_what_operations_take() {
        let made = settings(CreateUserPoolRequest::default()).unwrap();
        check_again("p", &made).unwrap();
        let relying = |id: &str| {
            Some(wire::WebAuthnConfigurationType { relying_party_id: Some(id.into()), ..Default::default() })
        };
        let sessions = |max_per_user| Some(Sessions { max_per_user, ..Sessions::default() });
        let log = wire::LogConfigurationType {
            cloud_watch_logs_configuration: None,
            event_source: wire::EventSourceName::UserAuthEvents,
            firehose_configuration: None,
            log_level: wire::LogLevel::Info,
            s3_configuration: None,
        };
        let email = wire::EmailMfaConfigType { message: Some("no place for it".into()), ..Default::default() };
        let good = Settings { passkeys: relying("a.example"), session_configuration: sessions(3), ..made.clone() };
        check_again("p", &good).unwrap();
        for odd in [
            Settings { changing: Some(Changing::Renamed { from: "custom:a".into(), to: None }), ..made.clone() },
            Settings { passkeys: relying("https://a.example"), ..made.clone() },
            Settings { email_mfa: Some(email), ..made.clone() },
            Settings { session_configuration: sessions(-1), ..made.clone() },
            Settings { logs: vec![log], ..made.clone() },
        ] {
            assert!(check_again("p", &odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn what_is_proven_first_is_verified_by_code() {
        let first = wire::UserAttributeUpdateSettingsType {
            attributes_require_verification_before_update: Some(vec![wire::VerifiedAttributeType::Email]),
        };
        let with = |verified: Option<Vec<wire::VerifiedAttributeType>>| CreateUserPoolRequest {
            user_attribute_update_settings: Some(first.clone()),
            auto_verified_attributes: verified,
            ..CreateUserPoolRequest::default()
        };
        assert!(settings(with(Some(vec![wire::VerifiedAttributeType::Email]))).is_ok());
        for verified in [None, Some(vec![wire::VerifiedAttributeType::PhoneNumber])] {
            assert!(settings(with(verified)).unwrap_err().to_string().contains("must exist in AutoVerifiedAttributes"));
        }
    }
}
