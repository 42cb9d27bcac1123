//! What web ACLs are made of, and their names.

use cognito_model::Fault;
use common::waf::model as waf;
use serde_json::{Map, Value};

use crate::config::Deployment;

/// In the order in which edges are told of them: what is referred to comes before what refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    IpSet,
    RegexSet,
    RuleGroup,
    WebAcl,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::IpSet, Self::RegexSet, Self::RuleGroup, Self::WebAcl];

    /// Its part of an ARN, and the name in the table.
    pub const fn path(self) -> &'static str {
        match self {
            Self::IpSet => "ipset",
            Self::RegexSet => "regexpatternset",
            Self::RuleGroup => "rulegroup",
            Self::WebAcl => "webacl",
        }
    }

    /// The member of a `Get…` answer that it is.
    pub const fn member(self) -> &'static str {
        match self {
            Self::IpSet => "IPSet",
            Self::RegexSet => "RegexPatternSet",
            Self::RuleGroup => "RuleGroup",
            Self::WebAcl => "WebACL",
        }
    }

    pub fn parse(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == path)
    }
}

/// How one of them is named: `regional/<kind>/<name>/<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub id: &'a str,
}

impl<'a> Address<'a> {
    /// `arn:aws:wafv2:<region>:<account>:regional/<kind>/<name>/<id>`
    pub fn arn(&self, deployment: &Deployment) -> String {
        format!("{}{}/{}/{}", prefix(deployment), self.kind.path(), self.name, self.id)
    }

    /// What an ARN of this deployment names.
    pub fn of_arn(arn: &'a str, deployment: &Deployment) -> Option<Self> {
        let mut parts = arn.strip_prefix(&prefix(deployment))?.split('/');
        let address = Self { kind: Kind::parse(parts.next()?)?, name: parts.next()?, id: parts.next()? };
        parts.next().is_none().then_some(address)
    }
}

fn prefix(deployment: &Deployment) -> String {
    format!("arn:aws:wafv2:{}:{}:regional/", deployment.region, deployment.account_id)
}

/// A stored one.
#[derive(Clone, Debug)]
pub struct Entity {
    pub kind: Kind,
    pub name: String,
    /// A UUID.
    pub id: String,
    /// A UUID, another one after each change.
    pub lock_token: String,
    pub description: Option<String>,
    /// The object of the `Get…` answer.
    pub body: String,
    /// Of web ACLs what they cost, of groups what they may cost, else 0.
    pub capacity: u64,
}

impl Entity {
    /// The object of the `Get…` answer.
    pub fn object(&self) -> Result<Value, Fault> {
        serde_json::from_str(&self.body).map_err(Fault::internal)
    }

    pub fn address(&self) -> Address<'_> {
        Address { kind: self.kind, name: &self.name, id: &self.id }
    }
}

/// What a request says that one is to be.
#[derive(Debug)]
pub struct Draft {
    pub kind: Kind,
    pub name: String,
    pub description: Option<String>,
    /// What it consists of, as it came.
    pub members: Map<String, Value>,
}

impl Draft {
    pub fn new(kind: Kind, name: String, description: Option<String>) -> Self {
        Self { kind, name, description, members: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.members.insert(member.to_owned(), value);
        self
    }

    #[must_use]
    pub fn with_optional(self, member: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(member, value),
            None => self,
        }
    }
}

/// The labels that rules add, in their namespace, and those that they ask for: each once.
pub fn labels(group: &waf::RuleGroup) -> (Vec<String>, Vec<String>) {
    let namespace = &group.label_namespace;
    let mut added: Vec<String> =
        group.rules.iter().flat_map(|rule| &rule.labels).map(|label| format!("{namespace}{label}")).collect();
    let of_signals = group.watched.iter().flat_map(|watched| &watched.labels);
    added.extend(of_signals.map(|(_, label)| format!("{namespace}{label}")));
    let mut asked = Vec::new();
    group.rules.iter().for_each(|rule| asked_for(&rule.statement, &mut asked));
    for list in [&mut added, &mut asked] {
        list.sort_unstable();
        list.dedup();
    }
    (added, asked)
}

fn asked_for(statement: &waf::Statement, found: &mut Vec<String>) {
    match statement {
        waf::Statement::Label { key, .. } => found.push(key.clone()),
        waf::Statement::And(inner) | waf::Statement::Or(inner) => {
            inner.iter().for_each(|statement| asked_for(statement, found));
        }
        waf::Statement::Not(inner) => asked_for(inner, found),
        waf::Statement::Rate(rate) => rate.scope_down.iter().for_each(|statement| asked_for(statement, found)),
        waf::Statement::Managed(group) => group.scope_down.iter().for_each(|statement| asked_for(statement, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_this_deployment_and_no_others() {
        let deployment = Deployment {
            public_url: String::new(),
            region: "eu-1".into(),
            account_id: "000000000001".into(),
            domains: Default::default(),
        };
        let address = Address { kind: Kind::RegexSet, name: "n", id: "i" };
        let arn = address.arn(&deployment);
        assert_eq!(arn, "arn:aws:wafv2:eu-1:000000000001:regional/regexpatternset/n/i");
        assert_eq!(Address::of_arn(&arn, &deployment), Some(address));
        for other in [
            "",
            "arn:aws:wafv2:eu-2:000000000001:regional/ipset/n/i",
            "arn:aws:wafv2:eu-1:000000000002:regional/ipset/n/i",
            "arn:aws:wafv2:eu-1:000000000001:global/ipset/n/i",
            "arn:aws:wafv2:eu-1:000000000001:regional/other/n/i",
            "arn:aws:wafv2:eu-1:000000000001:regional/ipset/n",
            "arn:aws:wafv2:eu-1:000000000001:regional/ipset/n/i/x",
        ] {
            assert_eq!(Address::of_arn(other, &deployment), None, "{other}");
        }
    }
}
