//! From the language of web ACLs to what is evaluated: references resolved, groups laid out in place, every question asked once.

use std::sync::Arc;

use common::waf::capacity::{self, GroupName};
use common::waf::model::{
    Action, AttemptPlace, Bodies, GroupAction, Overrides, Rule as ModelRule, RuleAction, RuleGroup, Statement, Target,
    WebAcl,
};
use common::waf::pattern::BadPattern;

use crate::waf::attempt::Watcher;
use crate::waf::condition::Condition;
use crate::waf::inspection::Inspections;
use crate::waf::labels::LabelTest;
use crate::waf::library::Library;
use crate::waf::program::{Acl, Act, GroupReference, Rule, Step, Test};
use crate::waf::rate::RateTest;
use crate::waf::response::Response;
use crate::waf::test::Asked;

/// Bytes of a body that are inspected where the web ACL does not say: AWS's default for Cognito user pools.
const BODY_LIMIT: usize = 16 * 1024;

/// Why a web ACL that can be read can't be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    #[error("rule {rule}: there is no {what} {name}")]
    Unknown { rule: String, what: &'static str, name: String },
    #[error("rule {rule}: there is no rule {name} in {group}, whose action it sets")]
    NoSuchRule { rule: String, group: String, name: String },
    #[error("rule {rule}: {problem}")]
    Pattern { rule: String, problem: BadPattern },
    #[error("the rules cost {0} units of capacity, more than {max}", max = capacity::MAX)]
    TooLarge(u64),
    #[error("rule {rule}: the rate can't be counted")]
    Rate { rule: String },
}

/// Compiles a web ACL with what it refers to.
pub fn compile(acl: &WebAcl, library: &Library) -> Result<Acl, CompileError> {
    compile_as("", acl, library)
}

/// The same; `counted_as` tells its rates from those of other web ACLs with the same names.
pub fn compile_as(counted_as: &str, acl: &WebAcl, library: &Library) -> Result<Acl, CompileError> {
    let known = |name: GroupName<'_>| library.group(name).map(|group| group.capacity);
    let capacity = capacity::of_rules(&acl.rules, &known);
    if let Some(capacity) = capacity.filter(|capacity| *capacity > capacity::MAX) {
        return Err(CompileError::TooLarge(capacity));
    }
    let mut compiler = Compiler { acl, library, counted_as, inspections: Inspections::default(), steps: Vec::new() };
    let context = Context { namespace: &acl.label_namespace, bodies: &acl.bodies, group: None };
    for rule in &acl.rules {
        compiler.add(rule, &context)?;
    }
    let Compiler { mut inspections, steps, .. } = compiler;
    inspections.finish();
    Ok(Acl::new(acl, capacity.unwrap_or_default(), acl.body_limit.unwrap_or(BODY_LIMIT), inspections, steps))
}

struct Compiler<'m> {
    acl: &'m WebAcl,
    library: &'m Library,
    counted_as: &'m str,
    inspections: Inspections,
    steps: Vec<Step>,
}

/// Around a rule.
struct Context<'m> {
    namespace: &'m str,
    bodies: &'m Bodies,
    group: Option<Group<'m>>,
}

struct Group<'m> {
    name: &'m str,
    overrides: &'m Overrides,
}

impl<'m> Compiler<'m> {
    fn add(&mut self, rule: &'m ModelRule, context: &Context<'m>) -> Result<(), CompileError> {
        match (&rule.statement, &rule.action) {
            (Statement::Group(reference), RuleAction::Group(action)) => {
                let group = self.group(rule, GroupName::Arn(&reference.arn))?;
                self.add_group(rule, &group, (&reference.overrides, None), *action, None)
            }
            (Statement::Managed(reference), RuleAction::Group(action)) => {
                let name = GroupName::Managed { vendor: &reference.vendor, name: &reference.name };
                let group = self.group(rule, name)?;
                let scope = reference.scope_down.as_deref();
                let scope = scope.map(|statement| self.condition(rule, statement, context)).transpose()?;
                self.add_group(rule, &group, (&reference.overrides, reference.place.as_ref()), *action, scope)
            }
            (statement, RuleAction::Own(action)) => self.add_rule(rule, statement, action, context),
            // Reading gives groups and only groups a group's action.
            (_, RuleAction::Group(_)) => Ok(()),
        }
    }

    fn group(&self, rule: &ModelRule, name: GroupName<'_>) -> Result<Arc<RuleGroup>, CompileError> {
        self.library.group(name).cloned().ok_or_else(|| CompileError::Unknown {
            rule: rule.name.clone(),
            what: "rule group",
            name: match name {
                GroupName::Arn(arn) => arn.to_owned(),
                GroupName::Managed { vendor, name } => format!("{name} of {vendor}"),
            },
        })
    }

    fn add_group(
        &mut self,
        rule: &ModelRule,
        group: &RuleGroup,
        (overrides, place): (&Overrides, Option<&AttemptPlace>),
        action: GroupAction,
        scope: Option<Condition>,
    ) -> Result<(), CompileError> {
        if let Some(name) = overrides.keys().find(|name| !group.rules.iter().any(|rule| rule.name == **name)) {
            let (rule, group) = (rule.name.clone(), group.name.clone());
            return Err(CompileError::NoSuchRule { rule, group, name: name.clone() });
        }
        let start = self.steps.len();
        self.steps.push(Step::Group {
            reference: reference_of(rule, group),
            scope,
            end: 0,
            counts: action == GroupAction::Count,
        });
        if let Some(watched) = &group.watched {
            let name = format!("{} {}/{}", self.counted_as, self.acl.name, rule.name);
            let watcher = Watcher::new(&name, watched, &group.label_namespace, place);
            let watcher = watcher.ok_or_else(|| CompileError::Rate { rule: rule.name.clone() })?;
            self.steps.push(Step::Watch(Box::new(watcher)));
        }
        let context = Context {
            namespace: &group.label_namespace,
            bodies: &group.bodies,
            group: Some(Group { name: &rule.name, overrides }),
        };
        for inner in &group.rules {
            // A group has no groups.
            if let RuleAction::Own(action) = &inner.action {
                self.add_inner(inner, action, &context)?;
            }
        }
        let after = self.steps.len();
        if let Some(Step::Group { end, .. }) = self.steps.get_mut(start) {
            *end = after;
        }
        Ok(())
    }

    fn add_inner(&mut self, rule: &ModelRule, action: &Action, context: &Context<'_>) -> Result<(), CompileError> {
        let instead = context.group.as_ref().and_then(|group| group.overrides.get(&rule.name));
        let step = self.rule(rule, &rule.statement, instead.unwrap_or(action), instead.map(|_| action), context)?;
        self.steps.push(Step::Rule(Box::new(step)));
        Ok(())
    }

    fn add_rule(
        &mut self,
        rule: &ModelRule,
        statement: &Statement,
        action: &Action,
        context: &Context<'_>,
    ) -> Result<(), CompileError> {
        let step = self.rule(rule, statement, action, None, context)?;
        self.steps.push(Step::Rule(Box::new(step)));
        Ok(())
    }

    fn rule(
        &mut self,
        rule: &ModelRule,
        statement: &Statement,
        action: &Action,
        instead_of: Option<&Action>,
        context: &Context<'_>,
    ) -> Result<Rule, CompileError> {
        let test = match statement {
            Statement::Rate(rate) => {
                let scope = rate.scope_down.as_deref();
                let scope = scope.map(|statement| self.condition(rule, statement, context)).transpose()?;
                let name = format!("{}{}{}", self.counted_as, context.namespace, rule.name);
                let test = RateTest::new(&name, rate, &mut self.inspections, scope);
                Test::Rate(Box::new(test.ok_or_else(|| CompileError::Rate { rule: rule.name.clone() })?))
            }
            other => Test::Condition(self.condition(rule, other, context)?),
        };
        let (questions, forms_read_body) = match &test {
            Test::Condition(condition) => (condition.questions(), false),
            Test::Rate(rate) => (rate.scope.iter().flat_map(Condition::questions).collect(), false),
        };
        let reads_body = forms_read_body || questions.iter().any(|question| self.inspections.reads_body(*question));
        let reads_claims =
            questions.iter().any(|question| self.inspections.reads_claims(*question)) || test.counts_claims();
        Ok(Rule {
            name: rule.name.as_str().into(),
            group: context.group.as_ref().map(|group| group.name.into()),
            test,
            act: self.act(rule, action, context),
            instead_of: instead_of.map(Action::name),
            labels: rule.labels.iter().map(|label| format!("{}{label}", context.namespace).into()).collect(),
            reads_body,
            reads_claims,
            difficulty: 0,
            sampled: sampled(rule),
            metric: rule.visibility.measured.then(|| rule.visibility.metric.as_str().into()),
        })
    }

    fn act(&self, rule: &ModelRule, action: &Action, context: &Context<'_>) -> Act {
        let captcha = rule.captcha_immunity.unwrap_or(self.acl.captcha_immunity);
        let challenge = rule.challenge_immunity.unwrap_or(self.acl.challenge_immunity);
        match action {
            Action::Allow(headers) => Act::Allow(headers.clone()),
            Action::Count(headers) => Act::Count(headers.clone()),
            Action::Block(response) => Act::Block(Response::of(response.as_ref(), context.bodies)),
            Action::Captcha(headers) => Act::Captcha(headers.clone(), captcha),
            Action::Challenge(headers) => Act::Challenge(headers.clone(), challenge),
        }
    }

    fn condition(
        &mut self,
        rule: &ModelRule,
        statement: &Statement,
        context: &Context<'_>,
    ) -> Result<Condition, CompileError> {
        let mut all = |inner: &[Statement]| -> Result<Vec<Condition>, CompileError> {
            inner.iter().map(|statement| self.condition(rule, statement, context)).collect()
        };
        Ok(match statement {
            Statement::And(inner) => Condition::All(all(inner)?),
            Statement::Or(inner) => Condition::Any(all(inner)?),
            Statement::Not(inner) => Condition::Not(Box::new(self.condition(rule, inner, context)?)),
            Statement::ByteMatch { target, search, position } => {
                self.ask(rule, target, Asked::Bytes(*position, search.clone()))?
            }
            Statement::Regex { target, pattern } => self.ask(rule, target, Asked::Patterns(vec![pattern.clone()]))?,
            Statement::RegexSet { target, arn } => {
                let patterns =
                    self.library.patterns(arn).cloned().ok_or_else(|| unknown(rule, "regex pattern set", arn))?;
                self.ask(rule, target, Asked::Patterns(patterns))?
            }
            Statement::Size { target, comparison, bytes } => {
                self.ask(rule, target, Asked::Size(*comparison, *bytes))?
            }
            Statement::Sqli { target, sensitivity } => self.ask(rule, target, Asked::Sqli(*sensitivity))?,
            Statement::Xss { target } => self.ask(rule, target, Asked::Xss)?,
            Statement::Geo { countries, forwarded } => {
                Condition::Geo { countries: countries.clone(), forwarded: forwarded.clone() }
            }
            Statement::Asn { numbers, forwarded } => {
                Condition::Asn { numbers: numbers.clone(), forwarded: forwarded.clone() }
            }
            Statement::IpSet { arn, forwarded } => {
                let networks = self.library.networks(arn).cloned().ok_or_else(|| unknown(rule, "IP set", arn))?;
                Condition::Addresses { networks, forwarded: forwarded.clone() }
            }
            Statement::Label { scope, key } => Condition::Label(LabelTest::new(*scope, key, context.namespace)),
            Statement::Signal(signals) => Condition::Signal(signals.clone()),
            // Reading lets none of these stand inside of another.
            Statement::Rate(_) | Statement::Group(_) | Statement::Managed(_) => Condition::Any(Vec::new()),
        })
    }

    fn ask(&mut self, rule: &ModelRule, target: &Target, asked: Asked) -> Result<Condition, CompileError> {
        let question = self.inspections.ask(target, asked);
        let question = question.map_err(|problem| CompileError::Pattern { rule: rule.name.clone(), problem })?;
        Ok(Condition::Ask(question))
    }
}

fn sampled(rule: &ModelRule) -> Option<Arc<str>> {
    rule.visibility.sampled.then(|| rule.visibility.metric.as_str().into())
}

fn reference_of(rule: &ModelRule, group: &RuleGroup) -> GroupReference {
    let (id, managed) = match &rule.statement {
        Statement::Managed(reference) => (format!("{}#{}", reference.vendor, reference.name), true),
        Statement::Group(reference) => (reference.arn.clone(), false),
        _ => (group.name.clone(), false),
    };
    GroupReference { name: rule.name.as_str().into(), id: id.into(), managed, sampled: sampled(rule) }
}

fn unknown(rule: &ModelRule, what: &'static str, name: &str) -> CompileError {
    CompileError::Unknown { rule: rule.name.clone(), what, name: name.to_owned() }
}
