//! IP sets and regex pattern sets.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Invalid;
use super::acl::entity_name;
use super::node::Node;
use crate::waf::model::{IpSet, RegexSet};
use crate::waf::pattern;

/// Networks in a set (AWS's quota).
const MAX_NETWORKS: usize = 10_000;
/// Patterns in a set (AWS's quota).
const MAX_PATTERNS: usize = 10;

pub fn ip_set(node: Node<'_>) -> Result<IpSet, Invalid> {
    let mut object = node.object()?;
    let name = entity_name(&object.required("Name")?)?;
    let arn = object.optional("ARN").map(|arn| arn.text_of(1..=2048)).transpose()?;
    let version = object.required("IPAddressVersion")?.named("IP_ADDRESS_VERSION");
    let is_v4 = version.choice(&[("IPV4", true), ("IPV6", false)])?;
    let list = object.required("Addresses")?.named("IP_ADDRESS");
    let mut networks = Vec::new();
    for item in list.items(0..=MAX_NETWORKS)? {
        networks.push(network(&item, is_v4)?);
    }
    object.ignore(&["Id", "Description", "LockToken", "Scope", "Tags"]);
    object.finish()?;
    Ok(IpSet { name, arn: arn.map(str::to_owned), networks })
}

/// CIDR notation; AWS knows no address without a length and refuses `/0`.
fn network(node: &Node<'_>, is_v4: bool) -> Result<IpNet, Invalid> {
    let text = node.text_of(1..=50)?;
    let network: IpNet = text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(_) => node.invalid("needs a length: in CIDR notation one address ends in /32 or /128"),
        Err(_) => node.invalid("is no network in CIDR notation"),
    })?;
    if network.prefix_len() == 0 {
        return Err(node.invalid("/0 is not allowed"));
    }
    if matches!(network, IpNet::V4(_)) != is_v4 {
        return Err(node.invalid("is of the other version than the set"));
    }
    Ok(network.trunc())
}

pub fn regex_set(node: Node<'_>) -> Result<RegexSet, Invalid> {
    let mut object = node.object()?;
    let name = object.optional("Name").map(|name| entity_name(&name)).transpose()?.unwrap_or_default();
    let arn = object.optional("ARN").map(|arn| arn.text_of(1..=2048)).transpose()?;
    let mut patterns = Vec::new();
    for item in object.required("RegularExpressionList")?.items(0..=MAX_PATTERNS)? {
        let mut one = item.object()?;
        patterns.push(regex(&one.required("RegexString")?)?);
        one.finish()?;
    }
    object.ignore(&["Id", "Description", "LockToken", "Scope", "Tags"]);
    object.finish()?;
    Ok(RegexSet { name, arn: arn.map(str::to_owned), patterns })
}

/// A pattern that compiles.
pub fn regex(node: &Node<'_>) -> Result<String, Invalid> {
    let text = node.text()?;
    pattern::compile(text).map_err(|bad| node.invalid(bad.to_string()))?;
    Ok(text.to_owned())
}
