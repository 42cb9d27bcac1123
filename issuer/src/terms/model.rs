//! One document that a client's pages lead to.

use std::collections::BTreeMap;

use cognito_model::Timestamp;
use cognito_model::idp::types::{TermsDescriptionType, TermsEnforcementType, TermsSourceType, TermsType};
use common::clock::UnixMillis;
use common::ids::PoolId;

/// Links to terms of use, or to a privacy policy.
#[derive(Clone, Debug)]
pub struct Terms {
    pub pool: PoolId,
    /// A UUIDv4.
    pub id: String,
    pub client: String,
    /// `terms-of-use` or `privacy-policy`.
    pub name: String,
    /// By language (`cognito:english`); `cognito:default` is always there.
    pub links: BTreeMap<String, String>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

impl Terms {
    pub fn describe(&self) -> TermsType {
        TermsType {
            client_id: self.client.clone(),
            creation_date: Timestamp::from(self.created),
            // Source and enforcement have one value each.
            enforcement: TermsEnforcementType::None,
            last_modified_date: Timestamp::from(self.modified),
            links: self.links.clone(),
            terms_id: self.id.clone(),
            terms_name: self.name.clone(),
            terms_source: TermsSourceType::Link,
            user_pool_id: self.pool.to_string(),
        }
    }

    /// What ListTerms shows of it.
    pub fn describe_shortly(&self) -> TermsDescriptionType {
        TermsDescriptionType {
            creation_date: Timestamp::from(self.created),
            enforcement: TermsEnforcementType::None,
            last_modified_date: Timestamp::from(self.modified),
            terms_id: self.id.clone(),
            terms_name: self.name.clone(),
        }
    }
}
