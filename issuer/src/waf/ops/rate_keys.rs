//! AWS WAFv2: GetRateBasedStatementManagedKeys, of what edges have reported.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cognito_model::Fault;
use cognito_model::waf::types as wire;
use common::waf::model::{Aggregation, Rule, Statement};
use common::waf::read::{self, Dialect};

use crate::aws_json::Call;
use crate::sampled::RateRule;
use crate::waf::book;
use crate::waf::entities::{self, regional};
use crate::waf::error::WafError;
use crate::waf::model::{Address, Kind};

pub async fn get(
    call: Call,
    input: wire::GetRateBasedStatementManagedKeysRequest,
) -> Result<wire::GetRateBasedStatementManagedKeysResponse, Fault> {
    regional(input.scope)?;
    let address = Address { kind: Kind::WebAcl, name: &input.web_acl_name, id: &input.web_acl_id };
    let acl = entities::get(&call, address).await?.object()?;
    let acl = read::web_acl(&acl, Dialect::default()).map_err(WafError::from)?;
    let rule = named(&acl.rules, &input.rule_name)?;
    match (&input.rule_group_rule_name, &rule.statement) {
        (None, _) => counts_addresses(rule)?,
        (Some(inner), Statement::Group(group)) => {
            let address = entities::of_arn(&call, Kind::RuleGroup, &group.arn)?;
            let group = book::entity(&call, address.id).await?.object()?;
            let group = read::rule_group(&group, Dialect::default()).map_err(WafError::from)?;
            counts_addresses(named(&group.rules, inner)?)?;
        }
        (Some(_), _) => {
            return Err(WafError::Nonexistent(format!("The rule {} refers to no rule group.", input.rule_name)).into());
        }
    }
    let rule =
        RateRule { web_acl: input.web_acl_id, rule: input.rule_name, rule_within_group: input.rule_group_rule_name };
    let held = call.services.sampled.held_back(call.now, &rule);
    Ok(wire::GetRateBasedStatementManagedKeysResponse {
        managed_keys_ipv4: Some(list(&held, wire::IPAddressVersion::Ipv4)),
        managed_keys_ipv6: Some(list(&held, wire::IPAddressVersion::Ipv6)),
    })
}

fn named<'r>(rules: &'r [Rule], name: &str) -> Result<&'r Rule, WafError> {
    let rule = rules.iter().find(|rule| rule.name == name);
    rule.ok_or_else(|| WafError::Nonexistent(format!("There is no rule {name}.")))
}

fn counts_addresses(rule: &Rule) -> Result<(), WafError> {
    match &rule.statement {
        Statement::Rate(rate) => match rate.aggregation {
            Aggregation::Ip | Aggregation::ForwardedIp(_) => Ok(()),
            Aggregation::Keys(_) | Aggregation::Constant => {
                Err(WafError::KeyType("Only rules that count by IP or FORWARDED_IP have addresses to show."))
            }
        },
        _ => Err(WafError::Nonexistent(format!("The rule {} is not rate-based.", rule.name))),
    }
}

fn list(held: &BTreeSet<IpAddr>, version: wire::IPAddressVersion) -> wire::RateBasedStatementManagedKeysIPSet {
    let is_v4 = version == wire::IPAddressVersion::Ipv4;
    // IPv6 clients are counted by their /64.
    let cidr = |address: &IpAddr| format!("{address}/{}", if is_v4 { 32 } else { 64 });
    let addresses = held.iter().filter(|address| address.is_ipv4() == is_v4).map(cidr).collect();
    wire::RateBasedStatementManagedKeysIPSet { addresses: Some(addresses), ip_address_version: Some(version) }
}
