//! Labels that rules put on a request, and rules that ask for them.

use std::sync::Arc;

use common::waf::model::LabelScope;

use crate::waf::tokens;

/// The labels of a request, in the order in which they came, each once.
#[derive(Clone, Debug, Default)]
pub struct Labels(Vec<Arc<str>>);

impl Labels {
    pub fn add(&mut self, label: &Arc<str>) {
        if !self.0.contains(label) {
            self.0.push(Arc::clone(label));
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter()
    }

    /// Those that logs and samples show: not which requests come from one client.
    pub fn told(&self) -> impl Iterator<Item = &Arc<str>> {
        self.iter().filter(|label| !label.starts_with(tokens::SESSION))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A label match statement where it stands.
#[derive(Clone, Debug)]
pub struct LabelTest {
    scope: LabelScope,
    key: String,
    /// The namespace of the rule's own web ACL or group; None where the key begins with a prefix.
    context: Option<String>,
}

impl LabelTest {
    pub fn new(scope: LabelScope, key: &str, context: &str) -> Self {
        let context = (!key.starts_with("awswaf:")).then(|| context.to_owned());
        Self { scope, key: key.to_owned(), context }
    }

    /// A key without a prefix matches the end of labels of its own context (names), or any whole run of their namespaces; one with a prefix
    /// matches exactly, or from the start.
    pub fn matches(&self, label: &str) -> bool {
        match (&self.context, self.scope) {
            (None, LabelScope::Label) => label == self.key,
            (None, LabelScope::Namespace) => label.starts_with(&self.key),
            (Some(context), scope) => label.strip_prefix(&**context).is_some_and(|rest| match scope {
                LabelScope::Label => {
                    rest.strip_suffix(&*self.key).is_some_and(|before| before.is_empty() || before.ends_with(':'))
                }
                LabelScope::Namespace => {
                    rest.match_indices(&*self.key).any(|(at, _)| at == 0 || rest.as_bytes().get(at - 1) == Some(&b':'))
                }
            }),
        }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn is_on(&self, labels: &Labels) -> bool {
        labels.iter().any(|label| self.matches(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACL: &str = "awswaf:111122223333:webacl:testWebACL:";

    #[test]
    fn as_the_developer_guide_has_it() {
        let on = |scope, key: &str, label: &str| LabelTest::new(scope, key, ACL).matches(label);
        let (label, namespace) = (LabelScope::Label, LabelScope::Namespace);
        for (scope, key, of, expected) in [
            (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
            (
                label,
                "header:encoding:utf8",
                "awswaf:111122223333:webacl:testWebACL:testNS1:testNS2:header:encoding:utf8",
                true,
            ),
            (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL:header:encoding2:utf8", false),
            (
                label,
                "header:encoding:utf8",
                "awswaf:111122223333:rulegroup:productionRules:header:encoding:utf8",
                false,
            ),
            (label, "header:encoding:utf8", "awswaf:111122223333:webacl:testWebACL:subheader:encoding:utf8", false),
            (
                label,
                "awswaf:111122223333:rulegroup:testRules:header:encoding:utf8",
                "awswaf:111122223333:rulegroup:testRules:header:encoding:utf8",
                true,
            ),
            (
                label,
                "awswaf:111122223333:rulegroup:testRules:header:encoding:utf8",
                "awswaf:111122223333:rulegroup:testRules:x:header:encoding:utf8",
                false,
            ),
            (namespace, "header:encoding:", "awswaf:111122223333:webacl:testWebACL:header:encoding:utf8", true),
            (namespace, "header:encoding:", "awswaf:444455556666:webacl:testWebACL:header:encoding:utf8", false),
            (namespace, "header:encoding:", "awswaf:managed:aws:managed-rule-set:header:encoding:utf8", false),
            (
                namespace,
                "awswaf:managed:aws:managed-rule-set:header:",
                "awswaf:managed:aws:managed-rule-set:header:encoding:utf8",
                true,
            ),
            (
                namespace,
                "awswaf:managed:aws:managed-rule-set:header:",
                "awswaf:managed:aws:managed-rule-set:query:badstring",
                false,
            ),
        ] {
            assert_eq!(on(scope, key, of), expected, "{scope:?} {key} {of}");
        }
    }
}
