//! A user pool as the rest of the issuer sees it.

use std::collections::BTreeMap;
use std::time::Duration;

use cognito_model::Timestamp;
use cognito_model::idp::types as wire;
use common::clock::UnixMillis;
use common::ids::PoolId;
use serde::{Deserialize, Serialize};

use super::schema::{Attributes, Schema, Writer};
use crate::passwords::{PasswordPolicy, PolicyRules};

/// One user pool.
#[derive(Clone, Debug)]
pub struct Pool {
    pub id: PoolId,
    pub name: String,
    /// The exact `iss` of its tokens.
    pub iss: String,
    pub settings: Settings,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// What CreateUserPool set, with Cognito's defaults filled in where they decide something. Kept as JSON in the pool's row; a new
/// field needs a default, so that old rows stay readable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub account_recovery_setting: Option<wire::AccountRecoverySettingType>,
    pub acr_configuration: BTreeMap<String, wire::AcrLevelConfigType>,
    pub admin_create_user_config: Option<wire::AdminCreateUserConfigType>,
    pub alias_attributes: Vec<wire::AliasAttributeType>,
    pub auto_verified_attributes: Vec<wire::VerifiedAttributeType>,
    /// Of `tollgate admin schema`, while users' rows do not yet say the same as the settings.
    pub changing: Option<Changing>,
    pub custom_attributes: Vec<wire::SchemaAttributeType>,
    pub dcr_configuration: Option<wire::DcrConfigurationType>,
    pub deletion_protection: Option<wire::DeletionProtectionType>,
    pub device_configuration: Option<wire::DeviceConfigurationType>,
    pub email_configuration: Option<wire::EmailConfigurationType>,
    /// Of SetUserPoolMfaConfig, as are `software_token_mfa` and `passkeys`.
    pub email_mfa: Option<wire::EmailMfaConfigType>,
    pub email_verification_message: Option<String>,
    pub email_verification_subject: Option<String>,
    pub issuer_configuration: Option<wire::IssuerConfigurationType>,
    pub key_configuration: Option<wire::KeyConfigurationType>,
    pub lambda_config: wire::LambdaConfigType,
    /// Of SetLogDeliveryConfiguration.
    pub logs: Vec<wire::LogConfigurationType>,
    pub mfa: Option<wire::UserPoolMfaType>,
    pub passkeys: Option<wire::WebAuthnConfigurationType>,
    pub policies: Option<wire::UserPoolPolicyType>,
    /// Of SetUserPoolSessionConfiguration.
    pub session_configuration: Option<Sessions>,
    pub sms_authentication_message: Option<String>,
    pub sms_configuration: Option<wire::SmsConfigurationType>,
    pub sms_verification_message: Option<String>,
    pub software_token_mfa: Option<bool>,
    pub user_attribute_update_settings: Option<wire::UserAttributeUpdateSettingsType>,
    pub user_pool_add_ons: Option<wire::UserPoolAddOnsType>,
    pub user_pool_tags: BTreeMap<String, String>,
    pub user_pool_tier: Option<wire::UserPoolTierType>,
    pub username_attributes: Vec<wire::UsernameAttributeType>,
    pub username_configuration: Option<wire::UsernameConfigurationType>,
    pub verification_message_template: Option<wire::VerificationMessageTemplateType>,
}

/// A change of the schema that is being made (see `schema_changes`): what readers and writers keep to until it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changing {
    /// Rows may have a value under the old name. `None`: the attribute is gone.
    Renamed { from: String, to: Option<String> },
    /// New values must conform to this definition, too, which is to replace the present one.
    Retyped { definition: wire::SchemaAttributeType },
    /// Names are claimed for this way to sign in, too, which is to replace the present one.
    SignIn(SignIn),
}

/// How people sign in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignIn {
    pub alias_attributes: Vec<wire::AliasAttributeType>,
    pub username_attributes: Vec<wire::UsernameAttributeType>,
    pub case_sensitive: bool,
}

impl SignIn {
    pub fn of(settings: &Settings) -> Self {
        Self {
            alias_attributes: settings.alias_attributes.clone(),
            username_attributes: settings.username_attributes.clone(),
            case_sensitive: settings.case_sensitive(),
        }
    }

    /// The settings with this in them.
    pub fn settings(&self, settings: Settings) -> Settings {
        let configuration = wire::UsernameConfigurationType { case_sensitive: self.case_sensitive };
        let as_it_is = self.case_sensitive == settings.case_sensitive();
        Settings {
            alias_attributes: self.alias_attributes.clone(),
            username_attributes: self.username_attributes.clone(),
            username_configuration: if as_it_is { settings.username_configuration } else { Some(configuration) },
            ..settings
        }
    }
}

impl Changing {
    /// A value of these that the new definition does not allow, and why.
    pub fn misfit<'a>(&self, values: &'a Attributes) -> Option<(&'a str, String)> {
        let Self::Retyped { definition } = self else { return None };
        let name = definition.name.as_deref()?;
        let value = values.get(name)?;
        let one = Attributes::from([(name.to_owned(), value.clone())]);
        let why = Schema::new(std::slice::from_ref(definition)).check(&one, Writer::Admin).err()?;
        Some((value, why.trim_end().to_owned()))
    }

    /// The name that rows may still have.
    pub fn old_name(&self) -> Option<&str> {
        match self {
            Self::Renamed { from, .. } => Some(from),
            _ => None,
        }
    }
}

/// How many sessions a user may have at a time, and whether users see them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sessions {
    pub max_per_user: i32,
    pub tracking: wire::UserSessionTrackingType,
}

impl Default for Sessions {
    /// Cognito's.
    fn default() -> Self {
        Self { max_per_user: 20, tracking: wire::UserSessionTrackingType::Disabled }
    }
}

impl Pool {
    /// `arn:aws:cognito-idp:<region>:<account>:userpool/<id>`
    pub fn arn(&self, account_id: &str) -> String {
        format!("arn:aws:cognito-idp:{}:{account_id}:userpool/{}", self.id.region(), self.id)
    }

    pub fn schema(&self) -> Schema<'_> {
        Schema::new(&self.settings.custom_attributes)
    }

    /// Checks values before they are stored, by the schema as it is and as it is about to be.
    pub fn check_values(&self, values: &Attributes, writer: Writer) -> Result<(), String> {
        self.schema().check(values, writer)?;
        match self.settings.changing.as_ref().and_then(|changing| changing.misfit(values)) {
            Some((_, why)) => Err(format!("{why}\n")),
            None => Ok(()),
        }
    }

    /// The pool as it will be, while its way to sign in is being changed.
    pub fn becoming(&self) -> Option<Self> {
        let Some(Changing::SignIn(after)) = &self.settings.changing else { return None };
        let settings = after.settings(Settings { changing: None, ..self.settings.clone() });
        Some(Self { settings, ..self.clone() })
    }

    /// The answer of CreateUserPool and DescribeUserPool.
    pub fn describe(&self, account_id: &str, users: u64) -> wire::UserPoolType {
        let settings = self.settings.clone();
        wire::UserPoolType {
            account_recovery_setting: settings.account_recovery_setting,
            acr_configuration: Some(settings.acr_configuration).filter(|levels| !levels.is_empty()),
            admin_create_user_config: settings.admin_create_user_config,
            alias_attributes: none_if_empty(settings.alias_attributes),
            arn: Some(self.arn(account_id)),
            auto_verified_attributes: none_if_empty(settings.auto_verified_attributes),
            creation_date: Some(Timestamp::from(self.created)),
            dcr_configuration: settings.dcr_configuration,
            deletion_protection: settings.deletion_protection,
            device_configuration: settings.device_configuration,
            email_configuration: settings.email_configuration,
            email_verification_message: settings.email_verification_message,
            email_verification_subject: settings.email_verification_subject,
            estimated_number_of_users: Some(i32::try_from(users).unwrap_or(i32::MAX)),
            id: Some(self.id.to_string()),
            issuer_configuration: settings.issuer_configuration,
            key_configuration: settings.key_configuration,
            last_modified_date: Some(Timestamp::from(self.modified)),
            lambda_config: Some(settings.lambda_config),
            mfa_configuration: Some(self.settings.mfa()),
            name: Some(self.name.clone()),
            policies: settings.policies,
            schema_attributes: Some(self.schema().describe()),
            sms_authentication_message: settings.sms_authentication_message,
            sms_configuration: settings.sms_configuration,
            sms_verification_message: settings.sms_verification_message,
            user_attribute_update_settings: settings.user_attribute_update_settings,
            user_pool_add_ons: settings.user_pool_add_ons,
            user_pool_tags: Some(settings.user_pool_tags),
            user_pool_tier: settings.user_pool_tier,
            username_attributes: none_if_empty(settings.username_attributes),
            username_configuration: settings.username_configuration,
            verification_message_template: settings.verification_message_template,
            ..wire::UserPoolType::default()
        }
    }
}

impl Pool {
    /// What ListUserPools shows of it.
    pub fn describe_shortly(&self) -> wire::UserPoolDescriptionType {
        wire::UserPoolDescriptionType {
            creation_date: Some(Timestamp::from(self.created)),
            id: Some(self.id.to_string()),
            lambda_config: Some(self.settings.lambda_config.clone()),
            last_modified_date: Some(Timestamp::from(self.modified)),
            name: Some(self.name.clone()),
            ..wire::UserPoolDescriptionType::default()
        }
    }
}

impl Settings {
    /// DeletionProtection ACTIVE.
    pub fn is_protected(&self) -> bool {
        self.deletion_protection == Some(wire::DeletionProtectionType::Active)
    }

    /// AdminCreateUserConfig.AllowAdminCreateUserOnly: SignUp is refused.
    pub fn only_admins_create(&self) -> bool {
        self.admin_create_user_config.as_ref().and_then(|c| c.allow_admin_create_user_only).unwrap_or(false)
    }

    /// UsernameConfiguration.CaseSensitive; pools made through the API are case sensitive unless it says otherwise.
    pub fn case_sensitive(&self) -> bool {
        self.username_configuration.as_ref().is_none_or(|c| c.case_sensitive)
    }

    /// MfaConfiguration; OFF by default.
    pub fn mfa(&self) -> wire::UserPoolMfaType {
        self.mfa.unwrap_or(wire::UserPoolMfaType::Off)
    }

    pub fn sessions(&self) -> Sessions {
        self.session_configuration.unwrap_or_default()
    }

    /// UserSessionTracking ENABLED: users and administrators see sessions, and a user has at most [`Sessions::max_per_user`].
    pub fn tracks_sessions(&self) -> bool {
        self.sessions().tracking == wire::UserSessionTrackingType::Enabled
    }

    /// UserPoolAddOns.AdvancedSecurityMode AUDIT or ENFORCED: what users do to prove who they are is recorded.
    pub fn records_auth_events(&self) -> bool {
        let mode = self.user_pool_add_ons.as_ref().map(|add_ons| add_ons.advanced_security_mode);
        mode.is_some_and(|mode| mode != wire::AdvancedSecurityModeType::Off)
    }

    pub fn signs_in_by(&self, attribute: &wire::UsernameAttributeType) -> bool {
        self.username_attributes.contains(attribute)
    }

    pub fn has_alias(&self, attribute: &wire::AliasAttributeType) -> bool {
        self.alias_attributes.contains(attribute)
    }

    pub fn verifies(&self, attribute: &wire::VerifiedAttributeType) -> bool {
        self.auto_verified_attributes.contains(attribute)
    }

    /// What CreateUserPool stored is within the bounds of a policy; whatever is not falls back to Cognito's default.
    pub fn password_policy(&self) -> PasswordPolicy {
        let policy = self.password_settings();
        PasswordPolicy::try_from(PolicyRules {
            minimum_length: u32::try_from(policy.minimum_length.unwrap_or(8)).unwrap_or(8),
            require_uppercase: policy.require_uppercase.unwrap_or(true),
            require_lowercase: policy.require_lowercase.unwrap_or(true),
            require_numbers: policy.require_numbers.unwrap_or(true),
            require_symbols: policy.require_symbols.unwrap_or(true),
        })
        .unwrap_or_default()
    }

    /// SignInPolicy.AllowedFirstAuthFactors has a one-time password.
    pub fn signs_in_without_password(&self) -> bool {
        let policy = self.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
        let factors = policy.and_then(|policy| policy.allowed_first_auth_factors.as_ref());
        let one_time = [wire::AuthFactorType::EmailOtp, wire::AuthFactorType::SmsOtp];
        factors.is_some_and(|factors| factors.iter().any(|factor| one_time.contains(factor)))
    }

    /// How long a temporary password works (TemporaryPasswordValidityDays, default 7).
    pub fn temporary_password_life(&self) -> Duration {
        let days = u64::try_from(self.password_settings().temporary_password_validity_days.unwrap_or(7)).unwrap_or(7);
        // Cognito: 0 counts as not given.
        let days = if days == 0 { 7 } else { days };
        Duration::from_secs(days * 24 * 3600)
    }

    /// The mailbox that the pool's mail comes from, where it has one of its own: EmailConfiguration.From, or the address that SourceArn names.
    pub fn mail_from(&self) -> Option<String> {
        let email = self.email_configuration.as_ref()?;
        email.from.clone().or_else(|| super::mail::identity(email.source_arn.as_deref()?).map(str::to_owned))
    }

    /// EmailConfiguration.ReplyToEmailAddress
    pub fn reply_to(&self) -> Option<String> {
        self.email_configuration.as_ref()?.reply_to_email_address.clone()
    }

    fn password_settings(&self) -> wire::PasswordPolicyType {
        self.policies.as_ref().and_then(|p| p.password_policy.clone()).unwrap_or_default()
    }
}

fn none_if_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}
