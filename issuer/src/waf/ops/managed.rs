//! AWS WAFv2: the rule groups that come with Tollgate (`common::waf::managed`), listed and described.

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use common::waf::managed::{self, Shipped};
use common::waf::model::RuleAction;
use serde_json::{Value, json};

use crate::aws_json::Call;
use crate::waf::entities::{self, regional};
use crate::waf::model::labels;
use crate::waf::rules::shipped;

/// By vendor and name.
pub async fn list(
    call: Call,
    input: wire::ListAvailableManagedRuleGroupsRequest,
) -> Result<wire::ListAvailableManagedRuleGroupsResponse, Fault> {
    regional(input.scope)?;
    let listing = entities::listing(&call, &[], input.limit);
    let after: Option<[String; 1]> = entities::key(&listing, input.next_marker.as_deref())?;
    let place = |group: &Shipped| format!("{}/{}", group.vendor, group.name);
    let mut groups: Vec<&Shipped> =
        managed::shipped().iter().filter(|group| after.as_ref().is_none_or(|[after]| place(group) > *after)).collect();
    groups.sort_by_key(|group| place(group));
    let page = listing.page(groups, |group| [place(group)]);
    let summary = |group: &Shipped| wire::ManagedRuleGroupSummary {
        description: Some(group.description.to_owned()),
        name: Some(group.name.to_owned()),
        vendor_name: Some(group.vendor.to_owned()),
        versioning_supported: Some(false),
    };
    let groups = page.rows.into_iter().map(summary).collect();
    Ok(wire::ListAvailableManagedRuleGroupsResponse { managed_rule_groups: Some(groups), next_marker: page.token })
}

/// They have none: a group changes with a release.
pub async fn versions(
    _call: Call,
    input: wire::ListAvailableManagedRuleGroupVersionsRequest,
) -> Result<wire::ListAvailableManagedRuleGroupVersionsResponse, Fault> {
    regional(input.scope)?;
    shipped(managed::shipped(), &input.vendor_name, &input.name, None)?;
    Ok(wire::ListAvailableManagedRuleGroupVersionsResponse { versions: Some(Vec::new()), ..Default::default() })
}

pub async fn describe(
    _call: Call,
    input: wire::DescribeManagedRuleGroupRequest,
) -> Result<wire::DescribeManagedRuleGroupResponse, Fault> {
    regional(input.scope)?;
    described(shipped(managed::shipped(), &input.vendor_name, &input.name, input.version_name.as_deref())?)
}

fn described(shipped: &Shipped) -> Result<wire::DescribeManagedRuleGroupResponse, Fault> {
    let group = &shipped.group;
    let (added, asked) = labels(group);
    let named =
        |labels: Vec<String>| labels.into_iter().map(|label| wire::LabelSummary { name: Some(label) }).collect();
    let rule = |rule: &common::waf::model::Rule| wire::RuleSummary {
        action: action(&rule.action),
        name: Some(rule.name.clone()),
    };
    Ok(wire::DescribeManagedRuleGroupResponse {
        available_labels: Some(named(added)),
        capacity: i64::try_from(group.capacity).ok(),
        consumed_labels: Some(named(asked)),
        label_namespace: Some(group.label_namespace.clone()),
        rules: Some(group.rules.iter().map(rule).collect()),
        sns_topic_arn: None,
        version_name: None,
    })
}

/// `{"Block": {}}`: what a rule does, without the details.
fn action(action: &RuleAction) -> Option<Value> {
    let RuleAction::Own(action) = action else { return None };
    let name = match action.name() {
        "ALLOW" => "Allow",
        "BLOCK" => "Block",
        "CAPTCHA" => "Captcha",
        "CHALLENGE" => "Challenge",
        _ => "Count",
    };
    Some(json!({ name: {} }))
}

pub async fn products(
    _call: Call,
    input: wire::DescribeAllManagedProductsRequest,
) -> Result<wire::DescribeAllManagedProductsResponse, Fault> {
    regional(input.scope)?;
    let managed_products = managed::shipped().iter().map(product).collect();
    Ok(wire::DescribeAllManagedProductsResponse { managed_products: Some(managed_products) })
}

pub async fn products_by_vendor(
    _call: Call,
    input: wire::DescribeManagedProductsByVendorRequest,
) -> Result<wire::DescribeManagedProductsByVendorResponse, Fault> {
    regional(input.scope)?;
    let of_vendor = managed::shipped().iter().filter(|group| group.vendor == input.vendor_name).map(product).collect();
    Ok(wire::DescribeManagedProductsByVendorResponse { managed_products: Some(of_vendor) })
}

fn product(group: &Shipped) -> wire::ManagedProductDescriptor {
    wire::ManagedProductDescriptor {
        is_advanced_managed_rule_set: Some(false),
        is_versioning_supported: Some(false),
        managed_rule_set_name: Some(group.name.to_owned()),
        product_description: Some(group.description.to_owned()),
        product_id: Some(format!("{}-{}", group.vendor.to_ascii_lowercase(), group.name)),
        product_title: Some(group.name.to_owned()),
        vendor_name: Some(group.vendor.to_owned()),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_described_by_its_own_text() {
        let visibility = r#""VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}"#;
        let json = format!(
            r#"{{"Name": "G", "Capacity": 7, {visibility}, "Rules": [{{"Name": "r", "Priority": 0, {visibility},
            "Statement": {{"GeoMatchStatement": {{"CountryCodes": ["FR"]}}}}, "Action": {{"Block": {{}}}}, "RuleLabels": [{{"Name": "x"}}]}}]}}"#
        );
        let group = Shipped::of("V", "G", "d", &json).unwrap();
        let described = described(&group).unwrap();
        assert_eq!((described.capacity, described.label_namespace.as_deref()), (Some(7), Some("awswaf:managed:v:G:")));
        assert_eq!(described.available_labels.unwrap()[0].name.as_deref(), Some("awswaf:managed:v:G:x"));
        let rules = described.rules.unwrap();
        assert_eq!((rules[0].name.as_deref(), &rules[0].action), (Some("r"), &Some(json!({"Block": {}}))));
    }
}
