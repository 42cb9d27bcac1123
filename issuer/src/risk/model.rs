//! One configuration.

use cognito_model::Timestamp;
use cognito_model::idp::types as wire;
use common::clock::UnixMillis;
use common::ids::PoolId;
use serde::{Deserialize, Serialize};

/// What was set for a pool or a client of it.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub pool: PoolId,
    /// `None`: for all clients that have nothing of their own.
    pub client: Option<String>,
    pub parts: Parts,
    pub modified: UnixMillis,
}

/// Kept as JSON; a new field needs a default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parts {
    pub account_takeover: Option<wire::AccountTakeoverRiskConfigurationType>,
    pub compromised_credentials: Option<wire::CompromisedCredentialsRiskConfigurationType>,
    pub exceptions: Option<wire::RiskExceptionConfigurationType>,
}

impl Parts {
    pub fn is_empty(&self) -> bool {
        self.account_takeover.is_none() && self.compromised_credentials.is_none() && self.exceptions.is_none()
    }
}

impl Configuration {
    pub fn describe(&self) -> wire::RiskConfigurationType {
        let parts = self.parts.clone();
        wire::RiskConfigurationType {
            account_takeover_risk_configuration: parts.account_takeover,
            client_id: self.client.clone(),
            compromised_credentials_risk_configuration: parts.compromised_credentials,
            last_modified_date: Some(Timestamp::from(self.modified)),
            risk_exception_configuration: parts.exceptions,
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}
