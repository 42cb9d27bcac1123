//! AWS WAFv2's operations about what a deployment of one's own does not have. Lists of it are empty, one of it does not exist, and what would make it is
//! refused with the reason.

use cognito_model::waf::{op, types as wire};
use cognito_model::{Fault, OperationModel};

use crate::aws_json::{Call, Registered, operation};
use crate::waf::entities::regional;
use crate::waf::error::WafError;

const MONEY: &str = "Nothing is sold here: statistics of revenue are a service of AWS.";
const STATISTICS: &str = "Statistics of traffic are in the metrics and logs of the edges.";
const API_KEYS: &str = "There are no API keys: scripts of pages solve challenges without one.";
const VENDORS: &str = "Versions of managed rule sets are for vendors of the AWS Marketplace.";
const FIREWALL_MANAGER: &str = "There is no AWS Firewall Manager here, and no rule group of it.";
const POLICIES: &str = "A deployment is one account: rule groups are not shared with others.";

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::CreateAPIKey, refused::<op::CreateAPIKey>(API_KEYS)),
        operation(op::DeleteAPIKey, absent::<op::DeleteAPIKey>(API_KEYS)),
        operation(
            op::DeleteFirewallManagerRuleGroups,
            refused::<op::DeleteFirewallManagerRuleGroups>(FIREWALL_MANAGER),
        ),
        operation(op::DeletePermissionPolicy, absent::<op::DeletePermissionPolicy>(POLICIES)),
        operation(op::GenerateMobileSdkReleaseUrl, absent::<op::GenerateMobileSdkReleaseUrl>(SDK)),
        operation(op::GetDecryptedAPIKey, absent::<op::GetDecryptedAPIKey>(API_KEYS)),
        operation(op::GetManagedRuleSet, absent::<op::GetManagedRuleSet>(VENDORS)),
        operation(op::GetMobileSdkRelease, absent::<op::GetMobileSdkRelease>(SDK)),
        operation(op::GetPermissionPolicy, absent::<op::GetPermissionPolicy>(POLICIES)),
        operation(op::GetRevenueStatistics, refused::<op::GetRevenueStatistics>(MONEY)),
        operation(op::GetRevenueStatisticsSummary, refused::<op::GetRevenueStatisticsSummary>(MONEY)),
        operation(op::GetRevenueStatisticsTimeSeries, refused::<op::GetRevenueStatisticsTimeSeries>(MONEY)),
        operation(op::GetTopPathStatisticsByTraffic, refused::<op::GetTopPathStatisticsByTraffic>(STATISTICS)),
        operation(op::ListAPIKeys, api_keys),
        operation(op::ListManagedRuleSets, managed_rule_sets),
        operation(op::ListMobileSdkReleases, mobile_sdk_releases),
        operation(op::ListSettlementRecords, refused::<op::ListSettlementRecords>(MONEY)),
        operation(op::PutManagedRuleSetVersions, refused::<op::PutManagedRuleSetVersions>(VENDORS)),
        operation(op::PutPermissionPolicy, permission_policy),
        operation(
            op::UpdateManagedRuleSetVersionExpiryDate,
            absent::<op::UpdateManagedRuleSetVersionExpiryDate>(VENDORS),
        ),
    ]
}

const SDK: &str = "There is no mobile SDK here.";

fn refused<O: OperationModel>(
    why: &'static str,
) -> impl Fn(Call, O::Input) -> std::future::Ready<Result<O::Output, Fault>> + Copy {
    move |_, _| std::future::ready(Err(WafError::Operation(why).into()))
}

fn absent<O: OperationModel>(
    why: &'static str,
) -> impl Fn(Call, O::Input) -> std::future::Ready<Result<O::Output, Fault>> + Copy {
    move |_, _| std::future::ready(Err(WafError::Nonexistent(why.to_owned()).into()))
}

async fn api_keys(_call: Call, input: wire::ListAPIKeysRequest) -> Result<wire::ListAPIKeysResponse, Fault> {
    regional(input.scope)?;
    Ok(wire::ListAPIKeysResponse { api_key_summaries: Some(Vec::new()), ..Default::default() })
}

async fn managed_rule_sets(
    _call: Call,
    input: wire::ListManagedRuleSetsRequest,
) -> Result<wire::ListManagedRuleSetsResponse, Fault> {
    regional(input.scope)?;
    Ok(wire::ListManagedRuleSetsResponse { managed_rule_sets: Some(Vec::new()), ..Default::default() })
}

async fn mobile_sdk_releases(
    _call: Call,
    _input: wire::ListMobileSdkReleasesRequest,
) -> Result<wire::ListMobileSdkReleasesResponse, Fault> {
    Ok(wire::ListMobileSdkReleasesResponse { release_summaries: Some(Vec::new()), ..Default::default() })
}

async fn permission_policy(
    _call: Call,
    _input: wire::PutPermissionPolicyRequest,
) -> Result<wire::PutPermissionPolicyResponse, Fault> {
    Err(WafError::Policy(POLICIES).into())
}
