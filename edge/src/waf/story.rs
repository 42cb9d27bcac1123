//! What each statement of each rule says of one request, in words.

use common::waf::model::Signal;

use crate::waf::attempt::Watcher;
use crate::waf::condition::{Condition, Scene};
use crate::waf::inspection::Inspections;
use crate::waf::labels::LabelTest;
use crate::waf::origin::Locate;
use crate::waf::program::{Acl, Progress, Rule, Said, Test, Witness};
use crate::waf::rate::Counting;
use crate::waf::request::Request;

/// One line, so deep inside of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub depth: usize,
    pub text: String,
}

/// Evaluates a web ACL and tells of every rule that is asked. Nothing is counted where `counting` only looks.
pub fn explain(
    acl: &Acl,
    request: Request<'_>,
    progress: &mut Progress,
    locate: &dyn Locate,
    counting: Counting<'_>,
) -> (Said, Vec<Line>) {
    let mut teller = Teller::default();
    let said = acl.evaluate_before(&mut teller, request, progress, locate, counting);
    (said, teller.0)
}

#[derive(Default)]
struct Teller(Vec<Line>);

impl Teller {
    fn say(&mut self, depth: usize, text: String) {
        self.0.push(Line { depth, text });
    }

    fn tell(&mut self, condition: &Condition, depth: usize, scene: &mut Scene<'_, '_, '_>, inspections: &Inspections) {
        let holds = condition.holds(scene);
        let verdict = if holds { "yes" } else { "no" };
        let (what, inner): (String, &[Condition]) = match condition {
            Condition::All(inner) => ("all of".to_owned(), inner),
            Condition::Any(inner) => ("one of".to_owned(), inner),
            Condition::Not(inner) => ("not".to_owned(), std::slice::from_ref(&**inner)),
            Condition::Ask(question) => (inspections.describe(*question), &[]),
            Condition::Addresses { forwarded, .. } => (format!("{} in the IP set", whose(forwarded.is_some())), &[]),
            Condition::Geo { countries, forwarded } => {
                let countries: Vec<_> = countries.iter().map(|code| String::from_utf8_lossy(code)).collect();
                (format!("{} in {}", whose(forwarded.is_some()), countries.join(", ")), &[])
            }
            Condition::Asn { numbers, forwarded } => {
                (format!("{} in the autonomous systems {numbers:?}", whose(forwarded.is_some())), &[])
            }
            Condition::Label(test) => (label(test), &[]),
            Condition::Signal(signals) => (attempt(signals), &[]),
        };
        self.say(depth, format!("{verdict}: {what}"));
        for one in inner {
            self.tell(one, depth + 1, scene, inspections);
        }
    }
}

fn whose(forwarded: bool) -> &'static str {
    if forwarded { "the address that the header names" } else { "the client's address" }
}

/// What was seen before is known to a running edge only.
fn attempt(signals: &[Signal]) -> String {
    match signals {
        [] => "never: there is nothing here that says so".to_owned(),
        _ => format!("an attempt of which is said {signals:?}, by what was seen here"),
    }
}

fn label(test: &LabelTest) -> String {
    format!("has the label {}", test.key())
}

impl Witness for Teller {
    fn group(&mut self, name: &str, applies: bool) {
        let scope = if applies { "is asked" } else { "is left out: the request is not in its scope" };
        self.say(0, format!("group {name} {scope}"));
    }

    fn attempt(&mut self, watcher: &Watcher, request: &Request<'_>) {
        self.say(1, watcher.describe(request));
    }

    fn rule(&mut self, (_, rule): (usize, &Rule), holds: bool, scene: &mut Scene<'_, '_, '_>, _: Counting<'_>) {
        let inspections = scene.inspected.inspections();
        let group = rule.group.as_ref().map_or_else(String::new, |group| format!("{group}/"));
        let action = match (holds, rule.instead_of) {
            (false, _) => "does not match".to_owned(),
            (true, None) => format!("matches: {}", rule.act.name()),
            (true, Some(other)) => format!("matches: {} instead of {other}", rule.act.name()),
        };
        self.say(0, format!("rule {group}{} {action}", rule.name));
        match &rule.test {
            Test::Condition(condition) => self.tell(condition, 1, scene, inspections),
            Test::Rate(rate) => {
                if let Some(scope) = &rate.scope {
                    self.tell(scope, 1, scene, inspections);
                }
                let (limit, window) = (rate.quota.rate(), rate.quota.window().as_secs());
                let verdict = if holds { "yes" } else { "no" };
                self.say(1, format!("{verdict}: more than {limit} requests in {window} s, as counted here"));
            }
        }
    }
}
