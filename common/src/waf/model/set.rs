//! Sets that statements refer to by ARN.

use ipnet::IpNet;

/// Networks of one version (AWS WAFv2 `IPSet`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpSet {
    pub name: String,
    pub arn: Option<String>,
    pub networks: Vec<IpNet>,
}

/// Patterns of which one has to match (AWS WAFv2 `RegexPatternSet`); each compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexSet {
    pub name: String,
    pub arn: Option<String>,
    pub patterns: Vec<String>,
}
