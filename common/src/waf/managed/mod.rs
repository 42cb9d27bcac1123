//! The rule groups that come with Tollgate, in AWS's own JSON: `core.json` (level 1), `strict.json` (level 2, beside level 1), and groups under the names of
//! AWS's that serve the same purpose, made of the same rules. Groups that judge sign-ins and sign-ups are in `takeover.rs`: their rules go by what was seen before. This is the one place where they are listed: the issuer describes and prices them, the edge
//! evaluates them.
//!
//! Why each rule is there stands in `REASONS.md`; what it must match and must not, in the edge's `waf/managed/vectors.json`, which a test runs.

mod aws;
mod takeover;

use std::sync::LazyLock;

use crate::waf::Invalid;
use crate::waf::model::RuleGroup;
use crate::waf::read::{self, Dialect};

pub use self::takeover::{CREATION, TAKEOVER};

pub const VENDOR: &str = "Tollgate";
pub const CORE: &str = "TollgateCoreRuleSet";
pub const STRICT: &str = "TollgateStrictRuleSet";

/// Capacity units that a reference to a group costs, whatever its rules would cost by themselves: they share what they do to a request.
const CORE_CAPACITY: u64 = 700;
const STRICT_CAPACITY: u64 = 300;

/// A rule group that comes with the product. It has no versions: a new one comes with a new release.
#[derive(Clone, Debug)]
pub struct Shipped {
    pub vendor: &'static str,
    pub name: &'static str,
    /// One sentence, for lists of groups: 1 to 256 of letters, digits, blanks and `+=:#@/-,.` (the API model's `EntityDescription`).
    pub description: &'static str,
    /// With the namespace that its labels have: `awswaf:managed:<vendor>:<name>:`.
    pub group: RuleGroup,
}

/// Why the text of a group that comes with the product can't be used: a defect of the product, which its tests find.
#[derive(Debug, thiserror::Error)]
pub enum BadGroup {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Invalid(#[from] Invalid),
}

/// All of them.
pub fn shipped() -> &'static [Shipped] {
    // What is shipped can be read; a test holds that.
    static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| all().unwrap_or_default());
    &SHIPPED
}

/// The group of that name among these.
pub fn find<'s>(shipped: &'s [Shipped], vendor: &str, name: &str) -> Option<&'s Shipped> {
    shipped.iter().find(|group| group.vendor == vendor && group.name == name)
}

/// The rules as they are written: level 1, level 2, and those that only groups of AWS's have.
pub fn sources() -> Result<[RuleGroup; 3], BadGroup> {
    Ok([read(include_str!("core.json"))?, read(include_str!("strict.json"))?, read(include_str!("extra.json"))?])
}

fn read(json: &str) -> Result<RuleGroup, BadGroup> {
    Ok(read::rule_group(&serde_json::from_str(json)?, Dialect::default())?)
}

fn all() -> Result<Vec<Shipped>, BadGroup> {
    let [core, strict, extra] = sources()?;
    let mut groups = aws::groups(&[&core, &strict, &extra]);
    groups.push(Shipped {
        vendor: VENDOR,
        name: CORE,
        description: "SQL and script injection, traversal, inclusion, command execution, known bad inputs, misuse of the protocol, scanners.",
        group: RuleGroup { label_namespace: "awswaf:managed:tollgate:core:".to_owned(), capacity: CORE_CAPACITY, ..core },
    });
    groups.push(Shipped {
        vendor: VENDOR,
        name: STRICT,
        description: "Stricter rules beside the core rule set: they find more and refuse more that is good, so count first.",
        group: RuleGroup {
            label_namespace: "awswaf:managed:tollgate:strict:".to_owned(),
            capacity: STRICT_CAPACITY,
            ..strict
        },
    });
    groups.extend(takeover::groups());
    Ok(groups)
}

impl Shipped {
    /// A group from its JSON, with a namespace made of vendor and name.
    pub fn of(
        vendor: &'static str,
        name: &'static str,
        description: &'static str,
        json: &str,
    ) -> Result<Self, BadGroup> {
        let label_namespace = format!("awswaf:managed:{}:{name}:", vendor.to_ascii_lowercase());
        Ok(Self { vendor, name, description, group: RuleGroup { label_namespace, ..read(json)? } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::capacity;

    #[test]
    fn every_group_can_be_read_and_is_named_once() {
        let all = all().unwrap_or_else(|bad| panic!("{bad}"));
        assert!(all.len() == shipped().len() && all.len() > 2);
        for one in &all {
            assert!(find(shipped(), one.vendor, one.name).is_some());
            assert!(one.description.len() <= 256 && !one.description.is_empty(), "{}", one.name);
            let allowed = |char: char| char.is_ascii_alphanumeric() || " +=:#@/-,.".contains(char);
            assert!(one.description.chars().all(allowed), "{}", one.description);
            assert!(one.group.capacity <= capacity::MAX, "{}", one.name);
            // AWS's groups against takeover say each label twice, and have rules without one.
            let labels = if one.group.watched.is_some() { 0..=2 } else { 1..=1 };
            assert!(one.group.rules.iter().all(|rule| labels.contains(&rule.labels.len())), "{}", one.name);
            let namespace = &one.group.label_namespace;
            assert!(namespace.starts_with("awswaf:managed:") && namespace.ends_with(':'), "{namespace}");
        }
        let mut names: Vec<_> = all.iter().map(|one| (one.vendor, one.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        let own: u64 = all.iter().filter(|one| one.vendor == VENDOR).map(|one| one.group.capacity).sum();
        assert!(own <= 1_500, "AWS includes so much in the price of a web ACL");
    }

    #[test]
    fn labels_have_the_namespace_of_the_vendor() {
        let json = r#"{"Name": "Bots", "Capacity": 1, "Rules": [],
            "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}}"#;
        let group = Shipped::of("Tollgate", "Bots", "x", json).unwrap();
        assert_eq!(group.group.label_namespace, "awswaf:managed:tollgate:Bots:");
        assert!(find(&[group], "tollgate", "Bots").is_none());
    }
}
