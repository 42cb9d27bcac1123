//! One file for each kind of thing that operations are about. AWS's four kinds of entity have the same five operations each; what they share is in
//! [`super::entities`].

mod associations;
mod capacity;
mod ip_sets;
mod logging;
mod managed;
mod nothing;
mod rate_keys;
mod regex_sets;
mod rule_groups;
mod samples;
mod tags;
mod web_acls;

use cognito_model::waf::op;

use crate::aws_json::{Registered, operation};

pub(super) fn all() -> Vec<Registered> {
    let here = vec![
        operation(op::AssociateWebACL, associations::associate),
        operation(op::CheckCapacity, capacity::check),
        operation(op::CreateIPSet, ip_sets::create),
        operation(op::CreateRegexPatternSet, regex_sets::create),
        operation(op::CreateRuleGroup, rule_groups::create),
        operation(op::CreateWebACL, web_acls::create),
        operation(op::DeleteIPSet, ip_sets::delete),
        operation(op::DeleteLoggingConfiguration, logging::delete),
        operation(op::DeleteRegexPatternSet, regex_sets::delete),
        operation(op::DeleteRuleGroup, rule_groups::delete),
        operation(op::DeleteWebACL, web_acls::delete),
        operation(op::DescribeAllManagedProducts, managed::products),
        operation(op::DescribeManagedProductsByVendor, managed::products_by_vendor),
        operation(op::DescribeManagedRuleGroup, managed::describe),
        operation(op::DisassociateWebACL, associations::disassociate),
        operation(op::GetIPSet, ip_sets::get),
        operation(op::GetLoggingConfiguration, logging::get),
        operation(op::GetRateBasedStatementManagedKeys, rate_keys::get),
        operation(op::GetRegexPatternSet, regex_sets::get),
        operation(op::GetRuleGroup, rule_groups::get),
        operation(op::GetSampledRequests, samples::get),
        operation(op::GetWebACL, web_acls::get),
        operation(op::GetWebACLForResource, associations::for_resource),
        operation(op::ListAvailableManagedRuleGroupVersions, managed::versions),
        operation(op::ListAvailableManagedRuleGroups, managed::list),
        operation(op::ListIPSets, ip_sets::list),
        operation(op::ListLoggingConfigurations, logging::list),
        operation(op::ListRegexPatternSets, regex_sets::list),
        operation(op::ListResourcesForWebACL, associations::resources),
        operation(op::ListRuleGroups, rule_groups::list),
        operation(op::ListTagsForResource, tags::list),
        operation(op::ListWebACLs, web_acls::list),
        operation(op::PutLoggingConfiguration, logging::put),
        operation(op::TagResource, tags::tag),
        operation(op::UntagResource, tags::untag),
        operation(op::UpdateIPSet, ip_sets::update),
        operation(op::UpdateRegexPatternSet, regex_sets::update),
        operation(op::UpdateRuleGroup, rule_groups::update),
        operation(op::UpdateWebACL, web_acls::update),
    ];
    here.into_iter().chain(nothing::all()).collect()
}
