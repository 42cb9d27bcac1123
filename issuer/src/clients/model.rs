//! An app client as the rest of the issuer sees it.

use std::time::Duration;

use cognito_model::Timestamp;
use cognito_model::idp::types as wire;
use cognito_model::idp::types::{ExplicitAuthFlowsType, FeatureType, PreventUserExistenceErrorTypes, TimeUnitsType};
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use common::secret::SecretString;
use serde::{Deserialize, Serialize};

use super::error::ClientError;
use super::oauth::OAuth;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// `SSOSession.MaxValidityMinutes` where nothing set it.
pub const DEFAULT_SSO_MINUTES: i32 = 60;

/// One app client.
#[derive(Clone, Debug)]
pub struct Client {
    pub pool: PoolId,
    pub id: ClientId,
    pub name: String,
    pub settings: Settings,
    /// None for public clients, else one or two, the oldest first.
    pub secrets: Vec<SealedSecret>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// One of a client's secrets, enveloped.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    pub place: Place,
    pub sealed: Vec<u8>,
    /// Different from that of the client's other secret: it is in the secret's id.
    pub created: UnixMillis,
}

/// Where a secret lies in the client's row. There are two, so that one can be replaced while the other is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    Second,
}

impl SealedSecret {
    /// `ClientSecretId`, in Cognito's form: `<client id>--<milliseconds>`.
    pub fn id(&self, client: &ClientId) -> String {
        format!("{client}--{}", self.created.0)
    }

    /// What AddUserPoolClientSecret and ListUserPoolClientSecrets show.
    pub fn describe(&self, client: &ClientId, value: Option<SecretString>) -> wire::ClientSecretDescriptorType {
        wire::ClientSecretDescriptorType {
            client_secret_create_date: Some(Timestamp::from(self.created)),
            client_secret_id: Some(self.id(client)),
            client_secret_value: value,
        }
    }
}

/// What CreateUserPoolClient set. Kept as JSON in the client's row; a new field needs a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub access_token_validity: Option<i32>,
    pub allowed_oauth_flows: Option<Vec<wire::OAuthFlowType>>,
    pub allowed_oauth_flows_user_pool_client: bool,
    pub allowed_oauth_scopes: Option<Vec<String>>,
    pub analytics_configuration: Option<wire::AnalyticsConfigurationType>,
    pub auth_session_validity: Option<i32>,
    pub callback_urls: Option<Vec<String>>,
    pub default_redirect_uri: Option<String>,
    pub enable_propagate_additional_user_context_data: bool,
    pub enable_token_revocation: bool,
    pub explicit_auth_flows: Vec<ExplicitAuthFlowsType>,
    pub id_token_validity: Option<i32>,
    pub logout_urls: Option<Vec<String>>,
    /// Tollgate's own, which no operation of Cognito sets.
    #[serde(skip_serializing_if = "is_untouched")]
    pub oauth: OAuth,
    pub prevent_user_existence_errors: Option<PreventUserExistenceErrorTypes>,
    pub read_attributes: Option<Vec<String>>,
    pub refresh_token_rotation: Option<wire::RefreshTokenRotationType>,
    pub refresh_token_validity: Option<i32>,
    /// SetUserPoolClientSessionConfiguration's `SSOSession.MaxValidityMinutes`.
    pub sso_session_minutes: Option<i32>,
    pub supported_identity_providers: Option<Vec<String>>,
    pub token_validity_units: Option<wire::TokenValidityUnitsType>,
    pub write_attributes: Option<Vec<String>>,
}

fn is_untouched(oauth: &OAuth) -> bool {
    *oauth == OAuth::default()
}

/// A way to sign in that a client may be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    UserPassword,
    /// The administrators' password flow.
    AdminPassword,
    UserSrp,
    Refresh,
}

impl Flow {
    /// What Cognito says to a client that is not allowed it, each time in other words.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::UserPassword => "USER_PASSWORD_AUTH flow not enabled for this client",
            Self::AdminPassword => "Auth flow not enabled for this client",
            Self::UserSrp => "USER_SRP_AUTH is not enabled for the client.",
            Self::Refresh => "REFRESH_TOKEN_AUTH flow not enabled for this client",
        }
    }

    fn allowed_by(self) -> &'static [ExplicitAuthFlowsType] {
        match self {
            Self::UserPassword => {
                &[ExplicitAuthFlowsType::AllowUserPasswordAuth, ExplicitAuthFlowsType::UserPasswordAuth]
            }
            Self::AdminPassword => {
                &[ExplicitAuthFlowsType::AllowAdminUserPasswordAuth, ExplicitAuthFlowsType::AdminNoSrpAuth]
            }
            Self::UserSrp => &[ExplicitAuthFlowsType::AllowUserSrpAuth],
            Self::Refresh => &[ExplicitAuthFlowsType::AllowRefreshTokenAuth],
        }
    }
}

impl Settings {
    /// A client without ExplicitAuthFlows allows SRP and refresh (and custom authentication, when that is there). The old names
    /// (`USER_PASSWORD_AUTH`, …) can't be mixed with `ALLOW_…`, and allow SRP and refresh beside them. Where refresh tokens are
    /// rotated, GetTokensFromRefreshToken is the only way to refresh.
    pub fn allows(&self, flow: Flow) -> bool {
        if self.oauth.is_for_endpoints_alone() || (flow == Flow::Refresh && self.rotation_grace().is_some()) {
            return false;
        }
        let old_names = !self.explicit_auth_flows.iter().any(|f| f.as_str().starts_with("ALLOW_"));
        let listed = self.explicit_auth_flows.iter().any(|f| flow.allowed_by().contains(f));
        listed || (old_names && matches!(flow, Flow::UserSrp | Flow::Refresh))
    }

    /// Whether its users get refresh tokens: those of a client that registered itself only where it has asked for that grant.
    pub fn gives_refresh_tokens(&self) -> bool {
        self.oauth.registered.is_none()
            || self.explicit_auth_flows.contains(&ExplicitAuthFlowsType::AllowRefreshTokenAuth)
    }

    /// GetClientToken: by ALLOW_CLIENT_TOKEN_AUTH, or as the OAuth flow of the same name.
    pub fn allows_client_tokens(&self) -> bool {
        let flows = self.allowed_oauth_flows.as_deref().unwrap_or_default();
        let by_oauth =
            self.allowed_oauth_flows_user_pool_client && flows.contains(&wire::OAuthFlowType::ClientCredentials);
        by_oauth || self.explicit_auth_flows.contains(&ExplicitAuthFlowsType::AllowClientTokenAuth)
    }

    /// GetDerivedToken. `delegated`: with the token of whoever acts for the user.
    pub fn allows_exchange(&self, delegated: bool) -> bool {
        let flow = if delegated {
            ExplicitAuthFlowsType::AllowTokenExchangeDelegation
        } else {
            ExplicitAuthFlowsType::AllowTokenExchangeImpersonation
        };
        self.explicit_auth_flows.contains(&flow)
    }

    /// The scopes that it may be given (`AllowedOAuthScopes`).
    pub fn scopes(&self) -> &[String] {
        self.allowed_oauth_scopes.as_deref().unwrap_or_default()
    }

    pub fn hides_users(&self) -> bool {
        self.prevent_user_existence_errors == Some(PreventUserExistenceErrorTypes::Enabled)
    }

    /// For how long a browser that has signed in is not asked again (`SSOSession.MaxValidityMinutes`, default 1 h). 0: it is always asked.
    pub fn sso_life(&self) -> Duration {
        let minutes = u64::try_from(self.sso_session_minutes.unwrap_or(DEFAULT_SSO_MINUTES)).unwrap_or(0);
        Duration::from_secs(minutes * MINUTE)
    }

    /// Whether an OAuth flow of Cognito's is switched on.
    pub fn allows_oauth(&self, flow: wire::OAuthFlowType) -> bool {
        self.allowed_oauth_flows_user_pool_client
            && self.allowed_oauth_flows.as_deref().unwrap_or_default().contains(&flow)
    }

    /// Default 1 h.
    pub fn access_token_life(&self) -> Duration {
        let unit = self.token_validity_units.as_ref().and_then(|u| u.access_token);
        life(self.access_token_validity, unit, TimeUnitsType::Hours, HOUR)
    }

    /// For `ExpiresIn`.
    pub fn access_token_seconds(&self) -> i32 {
        i32::try_from(self.access_token_life().as_secs()).unwrap_or(i32::MAX)
    }

    /// Default 1 h.
    pub fn id_token_life(&self) -> Duration {
        let unit = self.token_validity_units.as_ref().and_then(|u| u.id_token);
        life(self.id_token_validity, unit, TimeUnitsType::Hours, HOUR)
    }

    /// Default 30 days.
    pub fn refresh_token_life(&self) -> Duration {
        let unit = self.token_validity_units.as_ref().and_then(|u| u.refresh_token);
        life(self.refresh_token_validity, unit, TimeUnitsType::Days, 30 * DAY)
    }

    /// Where refresh tokens are rotated: for how long a replaced one still gets its successor (RetryGracePeriodSeconds, default 0).
    /// Tollgate's own `rotate_public` rotates without one.
    pub fn rotation_grace(&self) -> Option<Duration> {
        if self.oauth.rotate_public {
            return Some(Duration::ZERO);
        }
        let rotation = self.refresh_token_rotation.as_ref().filter(|r| r.feature == FeatureType::Enabled)?;
        let seconds = rotation.retry_grace_period_seconds.unwrap_or(0);
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// How long a challenge may wait for its answer (AuthSessionValidity, default 3 minutes).
    pub fn challenge_life(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.auth_session_validity.unwrap_or(3)).unwrap_or(3) * MINUTE)
    }

    /// Whether users of this client may set an attribute. Without WriteAttributes: all but those that verify something.
    pub fn may_write(&self, attribute: &str) -> bool {
        self.write_attributes.as_ref().is_none_or(|list| list.iter().any(|name| name == attribute))
    }

    pub fn may_read(&self, attribute: &str) -> bool {
        self.read_attributes.as_ref().is_none_or(|list| attribute == "sub" || list.iter().any(|name| name == attribute))
    }

    /// Whether both are stored alike.
    pub fn is_same(&self, other: &Self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }

    /// Checks what the model's limits don't say: Cognito's bounds in seconds.
    pub fn check(&self) -> Result<(), ClientError> {
        let bounds = [
            (self.access_token_life(), 5 * MINUTE, DAY, "access"),
            (self.id_token_life(), 5 * MINUTE, DAY, "ID"),
            (self.refresh_token_life(), HOUR, 3650 * DAY, "refresh"),
        ];
        for (life, min, max, which) in bounds {
            if !(min..=max).contains(&life.as_secs()) {
                let text = format!("Invalid range for {which} token validity: {min} to {max} seconds.");
                return Err(ClientError::Settings(text));
            }
        }
        let new_names = self.explicit_auth_flows.iter().filter(|f| f.as_str().starts_with("ALLOW_")).count();
        if new_names > 0 && new_names < self.explicit_auth_flows.len() {
            return Err(ClientError::Settings(
                "The ALLOW_ and the old names of ExplicitAuthFlows can't be mixed.".into(),
            ));
        }
        if self.explicit_auth_flows.len() > 1
            && self.explicit_auth_flows.contains(&ExplicitAuthFlowsType::AllowClientTokenAuth)
        {
            return Err(ClientError::Settings(
                "ALLOW_CLIENT_TOKEN_AUTH must be the only one of ExplicitAuthFlows.".into(),
            ));
        }
        let refresh_flow = self.explicit_auth_flows.contains(&ExplicitAuthFlowsType::AllowRefreshTokenAuth);
        if refresh_flow && self.rotation_grace().is_some() {
            return Err(ClientError::Settings(
                "RefreshTokenRotation can't be enabled together with ALLOW_REFRESH_TOKEN_AUTH.".into(),
            ));
        }
        Ok(())
    }
}

fn life(value: Option<i32>, unit: Option<TimeUnitsType>, default_unit: TimeUnitsType, default_s: u64) -> Duration {
    let Some(value) = value.and_then(|v| u64::try_from(v).ok()).filter(|v| *v > 0) else {
        return Duration::from_secs(default_s);
    };
    let seconds = match unit.unwrap_or(default_unit) {
        TimeUnitsType::Seconds => 1,
        TimeUnitsType::Minutes => MINUTE,
        TimeUnitsType::Hours => HOUR,
        TimeUnitsType::Days => DAY,
    };
    Duration::from_secs(value.saturating_mul(seconds))
}

impl Client {
    pub fn has_secret(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// The secret that lies there.
    pub fn secret(&self, place: Place) -> Option<&SealedSecret> {
        self.secrets.iter().find(|secret| secret.place == place)
    }

    /// The answer of CreateUserPoolClient; the secret is shown where Cognito shows it.
    pub fn describe(&self, secret: Option<SecretString>) -> wire::UserPoolClientType {
        let settings = self.settings.clone();
        let flows = if settings.explicit_auth_flows.is_empty() { None } else { Some(settings.explicit_auth_flows) };
        wire::UserPoolClientType {
            access_token_validity: settings.access_token_validity,
            allowed_oauth_flows: settings.allowed_oauth_flows,
            allowed_oauth_flows_user_pool_client: Some(settings.allowed_oauth_flows_user_pool_client),
            allowed_oauth_scopes: settings.allowed_oauth_scopes,
            analytics_configuration: settings.analytics_configuration,
            auth_session_validity: settings.auth_session_validity,
            callback_urls: settings.callback_urls,
            client_id: Some(self.id.to_string()),
            client_name: Some(self.name.clone()),
            client_type: settings.oauth.registered.as_ref().map(|_| wire::ClientTypeType::Dcr),
            client_secret: secret,
            creation_date: Some(Timestamp::from(self.created)),
            default_redirect_uri: settings.default_redirect_uri,
            enable_propagate_additional_user_context_data: Some(settings.enable_propagate_additional_user_context_data),
            enable_token_revocation: Some(settings.enable_token_revocation),
            explicit_auth_flows: flows,
            id_token_validity: settings.id_token_validity,
            last_modified_date: Some(Timestamp::from(self.modified)),
            logout_urls: settings.logout_urls,
            prevent_user_existence_errors: settings.prevent_user_existence_errors,
            read_attributes: settings.read_attributes,
            refresh_token_rotation: settings.refresh_token_rotation,
            refresh_token_validity: Some(settings.refresh_token_validity.unwrap_or(30)),
            supported_identity_providers: settings.supported_identity_providers,
            token_validity_units: settings.token_validity_units,
            user_pool_id: Some(self.pool.to_string()),
            write_attributes: settings.write_attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::oauth::{AuthMethod, Registered};

    fn with(flows: &[ExplicitAuthFlowsType]) -> Settings {
        Settings { explicit_auth_flows: flows.to_vec(), ..Settings::default() }
    }

    #[test]
    fn flows() {
        assert!(with(&[]).allows(Flow::UserSrp) && with(&[]).allows(Flow::Refresh));
        assert!(!with(&[]).allows(Flow::UserPassword));
        let password_only = with(&[ExplicitAuthFlowsType::AllowUserPasswordAuth]);
        assert!(password_only.allows(Flow::UserPassword));
        assert!(!password_only.allows(Flow::UserSrp) && !password_only.allows(Flow::Refresh));
        assert!(with(&[ExplicitAuthFlowsType::UserPasswordAuth]).allows(Flow::UserSrp));
        for admin in [ExplicitAuthFlowsType::AllowAdminUserPasswordAuth, ExplicitAuthFlowsType::AdminNoSrpAuth] {
            assert!(with(&[admin]).allows(Flow::AdminPassword) && !with(&[admin]).allows(Flow::UserPassword));
        }
        assert!(with(&[ExplicitAuthFlowsType::AdminNoSrpAuth]).allows(Flow::UserSrp));
        assert!(!with(&[]).allows(Flow::AdminPassword) && !password_only.allows(Flow::AdminPassword));
        let mixed = with(&[ExplicitAuthFlowsType::UserPasswordAuth, ExplicitAuthFlowsType::AllowUserSrpAuth]);
        assert!(mixed.check().is_err());
    }

    #[test]
    fn a_strangers_client_signs_nobody_in_by_the_api() {
        let all = [
            ExplicitAuthFlowsType::AllowUserPasswordAuth,
            ExplicitAuthFlowsType::AllowUserSrpAuth,
            ExplicitAuthFlowsType::AllowRefreshTokenAuth,
        ];
        let every = [Flow::UserPassword, Flow::UserSrp, Flow::Refresh];
        let mut settings = with(&all);
        assert!(every.iter().all(|flow| settings.allows(*flow)) && settings.gives_refresh_tokens());
        settings.oauth.auth_methods = vec![AuthMethod::PrivateKeyJwt];
        assert!(!every.iter().any(|flow| settings.allows(*flow)), "it would go by without its key");
        settings.oauth = OAuth { registered: Some(Registered::Dynamically), ..OAuth::default() };
        assert!(!every.iter().any(|flow| settings.allows(*flow)) && settings.gives_refresh_tokens());
        settings.explicit_auth_flows.clear();
        assert!(!every.iter().any(|flow| settings.allows(*flow)) && !settings.gives_refresh_tokens());
    }

    fn rotating(flows: &[ExplicitAuthFlowsType], feature: FeatureType, grace: Option<i32>) -> Settings {
        let rotation = wire::RefreshTokenRotationType { feature, retry_grace_period_seconds: grace };
        Settings { refresh_token_rotation: Some(rotation), ..with(flows) }
    }

    #[test]
    fn rotation_takes_the_place_of_the_refresh_flow() {
        let password = ExplicitAuthFlowsType::AllowUserPasswordAuth;
        let both = [password, ExplicitAuthFlowsType::AllowRefreshTokenAuth];
        assert!(rotating(&both, FeatureType::Enabled, None).check().is_err());
        assert!(rotating(&both, FeatureType::Disabled, Some(10)).check().is_ok());
        assert!(rotating(&both, FeatureType::Disabled, Some(10)).allows(Flow::Refresh));
        for flows in [[].as_slice(), &[password], &[ExplicitAuthFlowsType::UserPasswordAuth]] {
            let settings = rotating(flows, FeatureType::Enabled, None);
            assert!(settings.check().is_ok() && !settings.allows(Flow::Refresh), "{flows:?}");
        }
    }

    #[test]
    fn grace() {
        let seconds = |feature, grace| rotating(&[], feature, grace).rotation_grace().map(|grace| grace.as_secs());
        assert_eq!(with(&[]).rotation_grace(), None);
        assert_eq!(seconds(FeatureType::Disabled, Some(10)), None);
        assert_eq!(seconds(FeatureType::Enabled, None), Some(0));
        assert_eq!(seconds(FeatureType::Enabled, Some(60)), Some(60));
    }

    #[test]
    fn lives() {
        let mut settings = Settings::default();
        assert_eq!(settings.access_token_life(), Duration::from_secs(HOUR));
        assert_eq!(settings.refresh_token_life(), Duration::from_secs(30 * DAY));
        settings.access_token_validity = Some(10);
        settings.token_validity_units = Some(wire::TokenValidityUnitsType {
            access_token: Some(TimeUnitsType::Minutes),
            id_token: None,
            refresh_token: None,
        });
        assert_eq!(settings.access_token_life(), Duration::from_secs(600));
        assert!(settings.check().is_ok());
        settings.access_token_validity = Some(4);
        assert!(settings.check().is_err());
    }
}
