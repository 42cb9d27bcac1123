//! One identity provider.

use std::collections::BTreeMap;

use cognito_model::Timestamp;
use cognito_model::idp::types::{IdentityProviderType, IdentityProviderTypeType, ProviderDescription};
use common::clock::UnixMillis;
use common::ids::PoolId;
use serde::{Deserialize, Serialize};

/// `ProviderDetails`; some values are secrets, so there is no `Debug`.
pub type Details = BTreeMap<String, String>;

/// An identity provider of a pool.
#[derive(Clone)]
pub struct Provider {
    pub pool: PoolId,
    /// Never changes; that of the four companies' providers is their type.
    pub name: String,
    pub kind: IdentityProviderTypeType,
    pub details: Details,
    pub settings: Settings,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// What is known of a provider without opening its details.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    pub kind: IdentityProviderTypeType,
    pub settings: Settings,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// What is no secret. Kept as JSON in the provider's row; a new field needs a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Attribute of the pool: claim of the provider.
    pub attribute_mapping: BTreeMap<String, String>,
    /// Level of assurance: value of the provider's `acr`.
    pub acr_mapping: Option<BTreeMap<String, String>>,
    pub identifiers: Vec<String>,
}

impl Provider {
    pub fn describe(&self) -> IdentityProviderType {
        let mut details = self.details.clone();
        // Cognito shows client secrets, and never Apple's private key.
        details.remove("private_key");
        IdentityProviderType {
            acr_mapping: self.settings.acr_mapping.clone(),
            attribute_mapping: Some(self.settings.attribute_mapping.clone()),
            creation_date: Some(Timestamp::from(self.created)),
            idp_identifiers: Some(self.settings.identifiers.clone()),
            last_modified_date: Some(Timestamp::from(self.modified)),
            provider_details: Some(details),
            provider_name: Some(self.name.clone()),
            provider_type: Some(self.kind),
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}

impl Known {
    /// What ListIdentityProviders shows of it.
    pub fn describe_shortly(&self) -> ProviderDescription {
        ProviderDescription {
            creation_date: Some(Timestamp::from(self.created)),
            last_modified_date: Some(Timestamp::from(self.modified)),
            provider_name: Some(self.name.clone()),
            provider_type: Some(self.kind),
        }
    }
}
