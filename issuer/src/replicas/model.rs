//! One replica.

use std::collections::BTreeMap;

use cognito_model::idp::types::{ReplicaRoleType, ReplicaStatusType, UserPoolReplicaType};
use common::clock::UnixMillis;
use common::ids::PoolId;

/// Cognito: a pool is in two regions at most.
pub const MOST: u64 = 1;

/// A pool in another region.
#[derive(Clone, Debug)]
pub struct Replica {
    pub pool: PoolId,
    pub region: String,
    /// `INACTIVE` until UpdateUserPoolReplica says otherwise.
    pub status: ReplicaStatusType,
    pub tags: BTreeMap<String, String>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// Letters, digits and hyphens, as in `eu-central-1`.
pub fn check_region(region: &str) -> Result<(), String> {
    let plain = region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let parts = region.split('-').count() > 2 && !region.split('-').any(str::is_empty);
    if plain && parts { Ok(()) } else { Err("RegionName is no region.".into()) }
}

impl Replica {
    pub fn describe(&self, account_id: &str) -> UserPoolReplicaType {
        describe(&self.pool, &self.region, account_id, ReplicaRoleType::Secondary, self.status)
    }
}

/// The pool itself, which ListUserPoolReplicas shows, too.
pub fn primary(pool: &PoolId, account_id: &str) -> UserPoolReplicaType {
    describe(pool, pool.region(), account_id, ReplicaRoleType::Primary, ReplicaStatusType::Active)
}

fn describe(
    pool: &PoolId,
    region: &str,
    account_id: &str,
    role: ReplicaRoleType,
    status: ReplicaStatusType,
) -> UserPoolReplicaType {
    UserPoolReplicaType {
        region_name: Some(region.to_owned()),
        role: Some(role),
        status: Some(status),
        user_pool_arn: Some(format!("arn:aws:cognito-idp:{region}:{account_id}:userpool/{pool}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for (region, good) in [
            ("eu-central-1", true),
            ("us-gov-west-1", true),
            ("mars", false),
            ("eu--1", false),
            ("EU-central-1", false),
            ("eu-central-\0", false),
        ] {
            assert_eq!(check_region(region).is_ok(), good, "{region:?}");
        }
    }
}
