//! What a key may do: policy documents in the language of AWS IAM (version 2012-10-17), evaluated as IAM does.
//!
//! A request is allowed when a statement allows it and none denies it; a deny always wins; what nothing mentions is denied. Supported:
//! `Effect`, `Action`/`NotAction`, `Resource`/`NotResource`, `Condition`. What is not understood (another operator, a policy variable, an
//! unknown key) is refused when the policy is stored: a condition that is skipped would allow too much.

mod condition;
mod document;
mod pattern;

use std::net::IpAddr;

use common::clock::UnixMillis;

use self::condition::Condition;
use self::pattern::Pattern;

/// The longest document, in bytes (IAM: 6,144 characters for a managed policy).
pub const MAX_BYTES: usize = 6_144;
/// Allows everything: for keys that were made before keys had policies, and for operators who ask for it.
pub const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A checked policy.
#[derive(Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// `service:Operation`, such as `cognito-idp:AdminGetUser` or `tollgate:EnrolEdge`.
    pub action: &'a str,
    /// An ARN, or `*` for what belongs to no pool.
    pub resource: &'a str,
    /// The name of the key (`aws:username`).
    pub username: &'a str,
    /// `aws:SourceIp`
    pub source: IpAddr,
    /// `aws:CurrentTime`, `aws:EpochTime`
    pub now: UnixMillis,
    /// `aws:UserAgent`
    pub user_agent: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// A statement says no.
    DeniedExplicitly,
    /// No statement says yes.
    NotAllowed,
}

/// Why a document is no policy: one sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Which texts a statement is about.
#[derive(Debug)]
enum Scope {
    Among(Vec<Pattern>),
    NotAmong(Vec<Pattern>),
}

#[derive(Debug)]
struct Statement {
    effect: Effect,
    actions: Scope,
    resources: Scope,
    conditions: Vec<Condition>,
}

impl Policy {
    /// Reads a policy document.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_BYTES {
            return Err(PolicyError(format!("A policy has at most {MAX_BYTES} bytes; this one has {}.", text.len())));
        }
        document::parse(text).map(|statements| Self { statements })
    }

    pub fn decide(&self, ask: &Ask<'_>) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in self.statements.iter().filter(|statement| statement.is_about(ask)) {
            match statement.effect {
                Effect::Deny => return Decision::DeniedExplicitly,
                Effect::Allow => decision = Decision::Allowed,
            }
        }
        decision
    }
}

impl Statement {
    fn is_about(&self, ask: &Ask<'_>) -> bool {
        self.actions.holds(ask.action)
            && self.resources.holds(ask.resource)
            && self.conditions.iter().all(|condition| condition.holds(ask))
    }
}

impl Scope {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Among(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            Self::NotAmong(patterns) => !patterns.iter().any(|pattern| pattern.matches(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Abc";

    fn ask<'a>(action: &'a str, resource: &'a str) -> Ask<'a> {
        Ask {
            action,
            resource,
            username: "ann",
            source: IpAddr::from([10, 1, 2, 3]),
            now: UnixMillis(1_700_000_000_000),
            user_agent: Some("Boto3/1.44"),
        }
    }

    fn decide(statements: &str, action: &str, resource: &str) -> Decision {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
        Policy::parse(&text).unwrap().decide(&ask(action, resource))
    }

    #[test]
    fn deny_wins_and_silence_is_no() {
        let statements = r#"[
            {"Effect":"Allow","Action":["cognito-idp:Admin*","cognito-idp:List*"],"Resource":"arn:aws:cognito-idp:*:*:userpool/us-east-1_A*"},
            {"Sid":"never","Effect":"Deny","Action":"cognito-idp:admindeleteuser","Resource":"*"}
        ]"#;
        let cases = [
            ("cognito-idp:AdminGetUser", POOL, Decision::Allowed),
            ("cognito-idp:ListUsers", POOL, Decision::Allowed),
            ("cognito-idp:AdminDeleteUser", POOL, Decision::DeniedExplicitly),
            ("cognito-idp:DeleteUserPool", POOL, Decision::NotAllowed),
            (
                "cognito-idp:AdminGetUser",
                "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_B",
                Decision::NotAllowed,
            ),
            ("cognito-idp:ListUserPools", "*", Decision::NotAllowed),
            ("tollgate:EnrolEdge", "*", Decision::NotAllowed),
        ];
        for (action, resource, want) in cases {
            assert_eq!(decide(statements, action, resource), want, "{action} {resource}");
        }
        assert_eq!(decide("[]", "cognito-idp:ListUsers", POOL), Decision::NotAllowed);
        assert_eq!(Policy::parse(FULL_ACCESS).unwrap().decide(&ask("tollgate:EnrolEdge", "*")), Decision::Allowed);
    }

    #[test]
    fn the_negated_forms() {
        let all_but = r#"{"Effect":"Allow","NotAction":["cognito-idp:Delete*","tollgate:*"],"NotResource":"*_Prod*"}"#;
        assert_eq!(decide(all_but, "cognito-idp:ListUsers", POOL), Decision::Allowed);
        assert_eq!(decide(all_but, "cognito-idp:DeleteUserPool", POOL), Decision::NotAllowed);
        assert_eq!(decide(all_but, "tollgate:CreateAdminKey", "*"), Decision::NotAllowed);
        assert_eq!(decide(all_but, "cognito-idp:ListUsers", "arn:x:userpool/eu_Prod1"), Decision::NotAllowed);
    }

    #[test]
    fn conditions_narrow_a_statement() {
        let with = |condition: &str| {
            let text = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#);
            decide(&text, "cognito-idp:ListUsers", POOL) == Decision::Allowed
        };
        let cases = [
            (r#"{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}"#, true),
            (r#"{"IpAddress":{"AWS:SourceIP":["192.168.0.0/16","10.1.2.3"]}}"#, true),
            (r#"{"IpAddress":{"aws:SourceIp":"10.1.2.4/32"}}"#, false),
            (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (r#"{"DateGreaterThan":{"aws:CurrentTime":"2023-11-14T22:13:19Z"}}"#, true),
            (r#"{"DateLessThan":{"aws:CurrentTime":"2023-11-14T22:13:20Z"}}"#, false),
            (r#"{"NumericLessThanEquals":{"aws:EpochTime":"1700000000"}}"#, true),
            (r#"{"StringLike":{"aws:UserAgent":"Boto3/*"}}"#, true),
            (r#"{"StringEquals":{"aws:username":["bob","ann"]}}"#, true),
            (r#"{"StringNotEquals":{"aws:username":["bob","ann"]}}"#, false),
            (r#"{"StringEquals":{"aws:username":"ann"},"IpAddress":{"aws:SourceIp":"1.1.1.1"}}"#, false),
        ];
        for (condition, want) in cases {
            assert_eq!(with(condition), want, "{condition}");
        }
    }

    #[test]
    fn what_is_absent_meets_only_a_negated_condition() {
        let with = |operator: &str| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*",
                    "Condition":{{"{operator}":{{"aws:UserAgent":"x"}}}}}}}}"#
            );
            let nobody = Ask { user_agent: None, ..ask("cognito-idp:ListUsers", POOL) };
            Policy::parse(&text).unwrap().decide(&nobody) == Decision::Allowed
        };
        assert_eq!(
            ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists"].map(with),
            [false, true, false, true]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let statement = |inner: &str| format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"*",{inner}}}]}}"#);
        let cases = [
            ("".to_owned(), "line 1"),
            (r#"{"Version":"2008-10-17","Statement":[]}"#.to_owned(), "Version"),
            (r#"{"Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}"#.to_owned(), "Perhaps"),
            (r#"{"Statement":[{"Effect":"Allow","Resource":"*"}]}"#.to_owned(), "Action"),
            (r#"{"Statement":[{"Effect":"Allow","Action":"s3","Resource":"*"}]}"#.to_owned(), "s3"),
            (r#"{"Statement":[{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}]}"#.to_owned(), "Effect"),
            (statement(r#""Principal":"*","Resource":"*""#), "Principal"),
            (statement(r#""Resource":[]"#), "Resource"),
            (statement(r#""Resource":"${aws:username}""#), "${"),
            (statement(r#""Resource":"*","NotResource":"x""#), "NotResource"),
            (statement(r#""Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#), "Bool"),
            (
                statement(r#""Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/x":"1"}}"#),
                "aws:PrincipalTag/x",
            ),
            (statement(r#""Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#), "10.0.0.0/33"),
            (statement(r#""Resource":"*","Condition":{"IpAddress":{"aws:username":"10.0.0.1"}}"#), "aws:username"),
            (
                statement(r#""Resource":"*","Condition":{"StringEquals":{"aws:username":"a"},"StringEquals":{}}"#),
                "twice",
            ),
        ];
        for (text, want) in cases {
            let error = Policy::parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
        let long =
            format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"*","Resource":"{}"}}]}}"#, "x".repeat(MAX_BYTES));
        assert!(Policy::parse(&long).unwrap_err().to_string().contains("6144"));
    }
}
