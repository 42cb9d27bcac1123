//! Request quotas: how many requests a second a pool may get in each of Cognito's categories.
//!
//! A bucket a pool and category holds one second's worth and refills evenly. Buckets are this process's own: behind N issuers a pool
//! gets up to N times its rates. They live in a [`Table`], so neither pools nor made-up names make memory grow.

pub mod category;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use common::clock::UnixMillis;

pub use self::category::{Category, Share};
use self::category::{ENDPOINTS, OPERATIONS};
use crate::limits::gcra::{Decision, Quota};
use crate::limits::table::Table;

/// Buckets at 24 bytes: 3,600 pools that use all their categories within one second.
const CAPACITY: usize = 65_536;
const SECOND: Duration = Duration::from_secs(1);

/// What the operator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub enabled: bool,
    /// Requests a second where Cognito's default is not wanted; at least 1.
    pub rates: BTreeMap<Category, u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { enabled: true, rates: BTreeMap::new() }
    }
}

/// Whose bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place<'a> {
    Pool(&'a str),
    /// What administrators do to no pool, such as ListUserPools.
    Deployment,
    /// Unsigned requests that name no client of ours: all of them share.
    Nowhere,
}

/// What a bucket said to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name of the quota.
    pub policy: &'static str,
    pub decision: Decision,
}

/// The buckets. `now` is of any clock that never goes back; its zero is free.
pub struct RequestQuotas {
    /// By operation or endpoint; empty where quotas are off.
    shares: HashMap<&'static str, (Share, Quota)>,
    buckets: Table,
}

impl RequestQuotas {
    pub fn new(settings: &Settings) -> Self {
        if !settings.enabled {
            return Self { shares: HashMap::new(), buckets: Table::new(0) };
        }
        let shares = OPERATIONS.iter().chain(ENDPOINTS).filter_map(|(share, names)| {
            let category = share.category();
            let rate = settings.rates.get(&category).copied().unwrap_or(category.default_rate());
            // The settings allow no rate that is no quota.
            let quota = Quota::per(SECOND, share.rate(rate)).ok()?;
            Some(names.iter().map(move |name| (*name, (*share, quota))))
        });
        Self { shares: shares.flatten().collect(), buckets: Table::new(CAPACITY) }
    }

    /// Takes one request out of the bucket. `None`: nothing is counted.
    pub fn take(&self, operation: &str, place: Place<'_>, now: UnixMillis) -> Option<Standing> {
        let (share, quota) = self.shares.get(operation)?;
        let decision = self.buckets.take(&(place, *share), *quota, now, 1);
        Some(Standing { policy: share.name(), decision })
    }

    /// What [`RequestQuotas::take`] would say, without taking anything and without making a bucket: strangers may cause it.
    pub fn look(&self, operation: &str, place: Place<'_>, now: UnixMillis) -> Option<Standing> {
        let (share, quota) = self.shares.get(operation)?;
        let decision = self.buckets.look(&(place, *share), *quota, now, 1);
        Some(Standing { policy: share.name(), decision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(rates: &[(Category, u32)]) -> RequestQuotas {
        RequestQuotas::new(&Settings { enabled: true, rates: rates.iter().copied().collect() })
    }

    const A: Place<'_> = Place::Pool("eu-test-1_A");
    const B: Place<'_> = Place::Pool("eu-test-1_B");

    fn at(millis: u64) -> UnixMillis {
        UnixMillis(millis)
    }

    fn passes(quotas: &RequestQuotas, operation: &str, place: Place<'_>, now: UnixMillis) -> usize {
        (0..2_000).filter(|_| quotas.take(operation, place, now).unwrap().decision.is_allowed()).count()
    }

    #[test]
    fn cognitos_rates_from_the_first_millisecond() {
        let quotas = quotas(&[]);
        for (operation, rate) in [
            ("InitiateAuth", 120),
            ("RespondToAuthChallenge", 360),
            ("SignUp", 50),
            ("ForgotPassword", 30),
            ("GetUser", 120),
            ("UpdateUserAttributes", 25),
            ("RevokeToken", 120),
            ("ResendConfirmationCode", 50),
            ("AssociateSoftwareToken", 25),
            ("ListUsers", 30),
            ("DescribeUserPool", 15),
            ("UpdateUserPool", 15),
            ("ListGroups", 20),
            ("CreateGroup", 15),
            ("DescribeUserPoolClient", 15),
            ("CreateUserPoolClient", 15),
            ("GetClientToken", 150),
        ] {
            assert_eq!(passes(&quotas, operation, A, at(0)), rate, "{operation}");
            assert_eq!(passes(&quotas, operation, A, at(1_000)), rate, "{operation} a second later");
        }
    }

    #[test]
    fn operations_of_a_category_share_and_nothing_else_does() {
        let quotas = quotas(&[(Category::UserList, 3)]);
        assert_eq!(passes(&quotas, "ListUsers", A, at(5)), 3);
        assert_eq!(passes(&quotas, "ListUsersInGroup", A, at(5)), 0);
        assert_eq!(passes(&quotas, "ListUsers", B, at(5)), 3);
        assert_eq!(passes(&quotas, "ListUsers", Place::Deployment, at(5)), 3);
        assert_eq!(passes(&quotas, "ListUsers", Place::Nowhere, at(5)), 3);
        assert_eq!(passes(&quotas, "AdminGetUser", A, at(5)), 120);
    }

    #[test]
    fn challenges_follow_their_category() {
        let quotas = quotas(&[(Category::UserAuthentication, 2)]);
        assert_eq!(passes(&quotas, "AdminInitiateAuth", A, at(0)), 2);
        assert_eq!(passes(&quotas, "AdminRespondToAuthChallenge", A, at(0)), 6);
    }

    #[test]
    fn looking_takes_nothing_and_makes_nothing() {
        let quotas = quotas(&[(Category::UserList, 2)]);
        for name in 0..100_000 {
            let name = name.to_string();
            assert!(quotas.look("ListUsers", Place::Pool(&name), at(0)).unwrap().decision.is_allowed());
        }
        assert_eq!(passes(&quotas, "ListUsers", A, at(0)), 2);
        let looked = quotas.look("ListUsers", A, at(0)).unwrap();
        assert_eq!((looked.policy, looked.decision.is_allowed(), looked.decision.remaining), ("UserList", false, 0));
        assert!(quotas.look("ListUsers", A, at(500)).unwrap().decision.is_allowed());
    }

    #[test]
    fn off_counts_nothing() {
        let quotas = RequestQuotas::new(&Settings { enabled: false, ..Settings::default() });
        assert_eq!(quotas.take("InitiateAuth", A, at(0)), None);
        assert_eq!(quotas.look("InitiateAuth", A, at(0)), None);
    }
}
