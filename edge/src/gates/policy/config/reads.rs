//! What policies read, found in their expressions: attributes of the context and claims of the principal.
//!
//! A verdict may be kept with a token only if nothing of the request went into it, so what can't be told counts as reading everything.

use std::collections::HashSet;

use cedar_policy::Policy;
use serde_json::Value;

use crate::gates::policy::principal::ATTRIBUTES;
use crate::snapshot::authorization::{Claims, ContextAttribute, Reads};

/// What a policy reads; a name that does not exist is an error that says so, unless the policy asks with `has` whether it does.
pub fn of(policy: &Policy) -> Result<Reads, String> {
    let json = policy.to_json().map_err(|error| format!("policy {}: {error}", policy.id()))?;
    let mut found = Found::default();
    found.walk(json.get("conditions").unwrap_or(&Value::Null));
    found.check().map_err(|problem| format!("policy {} {problem}", policy.id()))?;
    let is_read = |one: &ContextAttribute| found.whole_context || found.context.contains(one.name());
    Ok(Reads {
        context: ContextAttribute::ALL.into_iter().filter(is_read).collect(),
        claims: if found.all_claims { Claims::All } else { Claims::Some(found.claims) },
    })
}

#[derive(Debug, Default)]
struct Found {
    context: HashSet<String>,
    whole_context: bool,
    principal: HashSet<String>,
    claims: HashSet<String>,
    all_claims: bool,
    /// What the policy asks for with `has`, so that it need not exist.
    asked: HashSet<String>,
}

impl Found {
    /// Every part of Cedar's JSON form of expressions. Only `.`, `has` and `Var` mean something here; what is not understood is walked through,
    /// and a variable that stands by itself counts as all that it has.
    fn walk(&mut self, node: &Value) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("Var", Value::String(variable)) => self.whole_context |= variable == "context",
                        ("." | "has", Value::Object(access)) => match (access.get("left"), access.get("attr")) {
                            (Some(left), Some(attribute)) => self.access(name == "has", left, attribute),
                            _ => self.walk(value),
                        },
                        _ => self.walk(value),
                    }
                }
            }
            _ => {}
        }
    }

    /// `left.attribute` or `left has attribute`, with all accesses that `left` is made of.
    fn access(&mut self, only_asks: bool, left: &Value, attribute: &Value) {
        let mut path = names(attribute);
        let mut root = left;
        while let Some((inner, attribute)) = access(root) {
            path = names(attribute).into_iter().chain(path).collect();
            root = inner;
        }
        let variable = root.get("Var").and_then(Value::as_str);
        match (variable, path.first()) {
            (Some("context"), Some(first)) => {
                self.name(only_asks && path.len() == 1, first, |found| &mut found.context)
            }
            (Some("principal"), Some(first)) => {
                self.name(only_asks && path.len() == 1, first, |found| &mut found.principal);
            }
            _ => self.walk(root),
        }
        // Whatever it is that has `claims`: it may be the principal under another name.
        for (place, _) in path.iter().enumerate().filter(|(_, name)| *name == "claims") {
            match path.get(place + 1) {
                Some(claim) => drop(self.claims.insert(claim.clone())),
                None => self.all_claims |= !only_asks,
            }
        }
    }

    fn name(&mut self, only_asks: bool, name: &str, kept: impl Fn(&mut Self) -> &mut HashSet<String>) {
        if only_asks {
            self.asked.insert(name.to_owned());
        }
        kept(self).insert(name.to_owned());
    }

    fn check(&self) -> Result<(), String> {
        let context: Vec<&str> = ContextAttribute::ALL.iter().map(|one| one.name()).collect();
        for (of, read, known) in [("context", &self.context, &context[..]), ("principal", &self.principal, &ATTRIBUTES)]
        {
            let unknown = |name: &&String| !known.contains(&name.as_str()) && !self.asked.contains(*name);
            if let Some(name) = read.iter().filter(unknown).min() {
                return Err(format!("reads {of}.{name}, which does not exist; there are {}", known.join(", ")));
            }
        }
        Ok(())
    }
}

/// The parts of an access, if it is one that reads.
fn access(node: &Value) -> Option<(&Value, &Value)> {
    let access = node.get(".")?;
    Some((access.get("left")?, access.get("attr")?))
}

/// One attribute, or the several of `has a.b.c`.
fn names(attribute: &Value) -> Vec<String> {
    match attribute {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
