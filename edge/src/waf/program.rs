//! A compiled web ACL, and its evaluation.

use std::sync::Arc;

use common::waf::model::{Action, InsertedHeader, Redacted, Signals, WebAcl};

use crate::waf::attempt::{Awaited, Watcher};
use crate::waf::condition::{Condition, Scene, Wants};
use crate::waf::inspection::Inspections;
use crate::waf::labels::Labels;
use crate::waf::origin::Locate;
use crate::waf::origins::Origins;
use crate::waf::part::Part;
use crate::waf::rate::{Counting, RateTest};
use crate::waf::request::{Body, Clearance, Request, Solved};
use crate::waf::response::Response;
use crate::waf::tokens::TokenLabels;

/// A web ACL that can be evaluated.
#[derive(Debug)]
pub struct Acl {
    pub name: Arc<str>,
    /// Where it has one: what a file holds may be new.
    pub arn: Option<Arc<str>>,
    /// Under which metric all requests are sampled, and those that no rule ends; None: they are not.
    pub sampled: Option<Arc<str>>,
    /// What is told of no request.
    pub protected: Redacted,
    /// In units of AWS's (WCU).
    pub capacity: u64,
    /// Bytes of bodies that are inspected.
    pub body_limit: usize,
    /// Hosts whose tokens count besides the request's own.
    pub token_domains: Vec<String>,
    /// Whether a rule asks for claims of a verified token.
    pub reads_claims: bool,
    /// Whether a rule asks for a body.
    pub reads_body: bool,
    /// Whether a rule asks what the client's TLS looks like.
    pub reads_fingerprints: bool,
    default: Act,
    /// Where rules ask for challenges, or for labels about tokens.
    tokens: Option<TokenLabels>,
    inspections: Inspections,
    steps: Vec<Step>,
}

/// Rules in their order, groups laid out in place.
#[derive(Debug)]
pub enum Step {
    Rule(Box<Rule>),
    /// The rules that follow in a group judge attempts: this finds them, and says what is to be said of them.
    Watch(Box<Watcher>),
    /// Its rules follow, up to `end`. Outside of the scope they are left out; where it `counts`, what would have ended the evaluation does not.
    Group {
        reference: GroupReference,
        scope: Option<Condition>,
        end: usize,
        counts: bool,
    },
}

/// A rule of a web ACL that refers to a group.
#[derive(Clone, Debug)]
pub struct GroupReference {
    pub name: Arc<str>,
    /// The group's ARN, or `AWS#AWSManagedRulesCommonRuleSet`.
    pub id: Arc<str>,
    pub managed: bool,
    /// As a rule's.
    pub sampled: Option<Arc<str>>,
}

/// A rule, compiled.
#[derive(Debug)]
pub struct Rule {
    pub name: Arc<str>,
    /// The rule of the web ACL that refers to the group it is from.
    pub group: Option<Arc<str>>,
    pub test: Test,
    pub act: Act,
    /// The name of the action that a reference has replaced.
    pub instead_of: Option<&'static str>,
    /// With their namespace.
    pub labels: Vec<Arc<str>>,
    pub reads_body: bool,
    pub reads_claims: bool,
    /// How hard what it asks for must be, where it asks for a puzzle or a challenge.
    pub difficulty: u8,
    /// Under which metric its requests are sampled; None: they are not.
    pub sampled: Option<Arc<str>>,
    pub metric: Option<Arc<str>>,
}

#[derive(Debug)]
pub enum Test {
    Condition(Condition),
    Rate(Box<RateTest>),
}

impl Test {
    fn wants(&self) -> Wants {
        match self {
            Self::Condition(condition) => condition.wants(),
            Self::Rate(rate) => rate.wants(),
        }
    }

    pub fn counts_claims(&self) -> bool {
        matches!(self, Self::Rate(rate) if rate.reads_claims())
    }
}

/// What a rule does. Times are seconds for which a solved puzzle or challenge counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Allow(Vec<InsertedHeader>),
    Block(Option<Arc<Response>>),
    Count(Vec<InsertedHeader>),
    Captcha(Vec<InsertedHeader>, u32),
    Challenge(Vec<InsertedHeader>, u32),
}

impl Act {
    fn headers(&self) -> &[InsertedHeader] {
        match self {
            Self::Allow(headers) | Self::Count(headers) | Self::Captcha(headers, _) | Self::Challenge(headers, _) => {
                headers
            }
            Self::Block(_) => &[],
        }
    }

    /// As logs and samples write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow(_) => "ALLOW",
            Self::Block(_) => "BLOCK",
            Self::Count(_) => "COUNT",
            Self::Captcha(..) => "CAPTCHA",
            Self::Challenge(..) => "CHALLENGE",
        }
    }
}

/// Hears what rules say, as it comes.
pub(super) trait Witness {
    fn group(&mut self, name: &str, applies: bool);
    fn attempt(&mut self, watcher: &Watcher, request: &Request<'_>);
    /// The rule at this place.
    fn rule(&mut self, rule: (usize, &Rule), holds: bool, scene: &mut Scene<'_, '_, '_>, counting: Counting<'_>);
}

impl Witness for () {
    fn group(&mut self, _name: &str, _applies: bool) {}
    fn attempt(&mut self, _watcher: &Watcher, _request: &Request<'_>) {}
    fn rule(&mut self, _: (usize, &Rule), _: bool, _: &mut Scene<'_, '_, '_>, _: Counting<'_>) {}
}

/// What has come of a request so far. It borrows nothing, so the evaluation can go on when a body has been read.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    next: usize,
    /// Where the group whose rules are being evaluated ends, and whether it only counts.
    group: Option<(usize, bool)>,
    pub labels: Labels,
    pub origins: Origins,
    /// Headers that go upstream, if the request does. Names are without AWS's prefix.
    pub headers: Vec<InsertedHeader>,
    /// The rules that matched and did not end the evaluation, by their places.
    pub matched: Vec<Match>,
    /// What is said of the attempt that the request is, by the group that was asked last.
    signals: Signals,
    /// Attempts that have begun with this request; whoever forwards it tells how they end ([`Acl::end`]).
    pub awaited: Vec<Awaited>,
}

/// A rule that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub step: usize,
    /// It would have ended the evaluation, if its group did not only count.
    pub counted: bool,
}

/// What a web ACL says of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The next rule asks for the body: read so much of it, and go on.
    NeedsBody(usize),
    Done(Verdict),
}

/// Which rules only count, whatever they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    None,
    All,
    /// By name; a group's name stands for its rules.
    Rules(Vec<String>),
}

/// How it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub ending: Ending,
    /// The place of the rule that ended it; None for the default action.
    pub step: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Allow,
    Block(Option<Arc<Response>>),
    Captcha,
    Challenge,
}

impl Acl {
    pub(super) fn new(
        acl: &WebAcl,
        capacity: u64,
        body_limit: usize,
        inspections: Inspections,
        steps: Vec<Step>,
    ) -> Self {
        let rules = || steps.iter().filter_map(Step::rule);
        let wants = steps.iter().map(Step::wants).fold(Wants::default(), |all, one| all | one);
        let tokens = (wants.tokens || wants.sessions || rules().any(Rule::asks)).then(|| TokenLabels::new(acl, wants));
        let default = match &acl.default_action {
            Action::Block(response) => Act::Block(Response::of(response.as_ref(), &acl.bodies)),
            Action::Allow(headers) | Action::Count(headers) | Action::Captcha(headers) | Action::Challenge(headers) => {
                Act::Allow(headers.clone())
            }
        };
        Self {
            name: acl.name.as_str().into(),
            arn: acl.arn.as_deref().map(Arc::from),
            sampled: acl.visibility.sampled.then(|| acl.visibility.metric.as_str().into()),
            protected: acl.protected.clone(),
            capacity,
            body_limit,
            token_domains: acl.token_domains.clone(),
            reads_claims: rules().any(|rule| rule.reads_claims),
            reads_body: rules().any(|rule| rule.reads_body) || steps.iter().any(|step| matches!(step, Step::Watch(_))),
            reads_fingerprints: inspections.read(Part::reads_fingerprint),
            default,
            tokens,
            inspections,
            steps,
        }
    }

    /// The rule at a place.
    pub fn rule(&self, step: usize) -> Option<&Rule> {
        self.steps.get(step)?.rule()
    }

    /// Lets rules count that would do something else, and remembers what that was. The error is a name that no rule has.
    pub fn only_count(&mut self, dry_run: &DryRun) -> Result<(), String> {
        let names: &[String] = if let DryRun::Rules(names) = dry_run { names } else { &[] };
        let is_named =
            |name: &str, group: Option<&str>| names.iter().any(|one| one == name || Some(one.as_str()) == group);
        if let Some(stranger) = names.iter().find(|one| {
            !self.rules().any(|(_, rule)| *rule.name == ***one || rule.group.as_deref() == Some(one.as_str()))
        }) {
            return Err(stranger.clone());
        }
        for step in &mut self.steps {
            let Step::Rule(rule) = step else { continue };
            if *dry_run == DryRun::All || is_named(&rule.name, rule.group.as_deref()) {
                rule.only_count();
            }
        }
        if let (DryRun::All, Act::Block(_)) = (dry_run, &self.default) {
            self.default = Act::Allow(Vec::new());
        }
        Ok(())
    }

    /// How hard challenges and captchas must be: as all rules have it, and as those have it that are named, or whose group is. The error is the name of a
    /// rule that asks for neither.
    pub fn set_difficulty(&mut self, (challenge, captcha): (u8, u8), named: &[(String, u8)]) -> Result<(), String> {
        if let Some(tokens) = &mut self.tokens {
            tokens.set_difficulty((challenge, captcha));
        }
        let mut strangers: Vec<&String> = named.iter().map(|(name, _)| name).collect();
        for step in &mut self.steps {
            let Step::Rule(rule) = step else { continue };
            let usual = match rule.act {
                Act::Challenge(..) => challenge,
                Act::Captcha(..) => captcha,
                Act::Allow(_) | Act::Block(_) | Act::Count(_) => continue,
            };
            let is_this = |name: &str| *name == *rule.name || Some(name) == rule.group.as_deref();
            strangers.retain(|name| !is_this(name));
            rule.difficulty = named.iter().find(|(name, _)| is_this(name)).map_or(usual, |(_, difficulty)| *difficulty);
        }
        strangers.first().map_or(Ok(()), |name| Err((*name).clone()))
    }

    /// Whether a rule asks for a challenge or a captcha, or for labels about the tokens of those who have solved one.
    pub fn reads_token(&self) -> bool {
        self.tokens.is_some()
    }

    /// The names of rules and groups, each once, whose statements or scopes must know something of addresses.
    pub fn wanting(&self, something: fn(Wants) -> bool) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for step in &self.steps {
            let name = match step {
                Step::Rule(rule) => rule.group.as_ref().unwrap_or(&rule.name),
                Step::Group { reference, .. } => &reference.name,
                Step::Watch(_) => continue,
            };
            if something(step.wants()) && !names.contains(&&**name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether a group judges attempts to sign in or to sign up.
    pub fn watches(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Watch(_)))
    }

    /// What watches at a place.
    pub fn watcher(&self, step: usize) -> Option<&Watcher> {
        match self.steps.get(step)? {
            Step::Watch(watcher) => Some(watcher),
            Step::Rule(_) | Step::Group { .. } => None,
        }
    }

    /// Every header that may go upstream, by its name without AWS's prefix.
    pub fn inserted_headers(&self) -> impl Iterator<Item = &str> {
        let acts = std::iter::once(&self.default).chain(self.rules().map(|(_, rule)| &rule.act));
        acts.flat_map(Act::headers).map(|header| header.name.as_str())
    }

    /// What becomes of requests that no rule ends.
    pub fn default_action(&self) -> &'static str {
        self.default.name()
    }

    /// The group that a rule is from, by the name of the rule that refers to it.
    pub fn group(&self, name: &str) -> Option<&GroupReference> {
        self.steps.iter().find_map(|step| match step {
            Step::Group { reference, .. } if *reference.name == *name => Some(reference),
            Step::Group { .. } | Step::Rule(_) | Step::Watch(_) => None,
        })
    }

    /// How many places there are.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Every rule with its place.
    pub fn rules(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.rule()?)))
    }

    /// Evaluates the rules from where `progress` stands. A request whose body is asked for is given back with [`Said::NeedsBody`] before
    /// anything of that rule has happened; whoever has read it calls again with the same progress.
    pub fn evaluate(
        &self,
        request: Request<'_>,
        progress: &mut Progress,
        locate: &dyn Locate,
        counting: Counting<'_>,
    ) -> Said {
        self.evaluate_before(&mut (), request, progress, locate, counting)
    }

    /// The same before somebody who wants to know what each rule says.
    pub(super) fn evaluate_before(
        &self,
        witness: &mut impl Witness,
        request: Request<'_>,
        progress: &mut Progress,
        locate: &dyn Locate,
        counting: Counting<'_>,
    ) -> Said {
        let mut inspected = self.inspections.of(request);
        let body_is_unread = matches!(request.body, Body::Unread);
        if let Some(tokens) = self.tokens.as_ref().filter(|_| progress.next == 0) {
            tokens.label(&request.clearance, &mut progress.labels);
        }
        while let Some(step) = self.steps.get(progress.next) {
            let at = progress.next;
            if progress.group.is_some_and(|(end, _)| at >= end) {
                progress.group = None;
            }
            let mut labels = std::mem::take(&mut progress.labels);
            let mut origins = std::mem::take(&mut progress.origins);
            let mut scene = Scene {
                inspected: &mut inspected,
                labels: &mut labels,
                origins: &mut origins,
                signals: progress.signals,
                locate,
            };
            let ended = match step {
                Step::Group { reference, scope, end, counts } => {
                    if body_is_unread && scope.as_ref().is_some_and(|scope| self.reads_body(scope)) {
                        (progress.labels, progress.origins) = (labels, origins);
                        return Said::NeedsBody(self.body_limit);
                    }
                    let applies = scope.as_ref().is_none_or(|scope| scope.holds(&mut scene));
                    witness.group(&reference.name, applies);
                    origins.label(&mut labels);
                    progress.group = applies.then_some((*end, *counts));
                    progress.next = if applies { at + 1 } else { *end };
                    None
                }
                Step::Watch(watcher) => {
                    if body_is_unread && watcher.wants_body(&request) {
                        (progress.labels, progress.origins) = (labels, origins);
                        return Said::NeedsBody(self.body_limit);
                    }
                    progress.next = at + 1;
                    witness.attempt(watcher, &request);
                    let (signals, awaited) = watcher.watch(&request, counting, at);
                    watcher.labels(signals).for_each(|label| labels.add(label));
                    progress.signals = signals;
                    progress.awaited.extend(awaited);
                    None
                }
                Step::Rule(rule) => {
                    if body_is_unread && rule.reads_body {
                        (progress.labels, progress.origins) = (labels, origins);
                        return Said::NeedsBody(self.body_limit);
                    }
                    progress.next = at + 1;
                    let holds = match &rule.test {
                        Test::Condition(condition) => condition.holds(&mut scene),
                        Test::Rate(rate) => rate.holds(&mut scene, counting),
                    };
                    witness.rule((at, rule), holds, &mut scene, counting);
                    origins.label(&mut labels);
                    if holds {
                        rule.labels.iter().for_each(|label| labels.add(label));
                        self.act(rule, at, &request.clearance, progress)
                    } else {
                        None
                    }
                }
            };
            (progress.labels, progress.origins) = (labels, origins);
            if let Some(ending) = ended {
                return Said::Done(Verdict { ending, step: Some(at) });
            }
        }
        let ending = match &self.default {
            Act::Block(response) => Ending::Block(response.clone()),
            Act::Allow(headers) => {
                progress.headers.extend(headers.iter().cloned());
                Ending::Allow
            }
            Act::Count(_) | Act::Captcha(..) | Act::Challenge(..) => Ending::Allow,
        };
        Said::Done(Verdict { ending, step: None })
    }

    fn reads_body(&self, condition: &Condition) -> bool {
        condition.questions().iter().any(|question| self.inspections.reads_body(*question))
    }

    /// Does what a rule that matches says; what comes back ends the evaluation.
    fn act(&self, rule: &Rule, at: usize, clearance: &Clearance, progress: &mut Progress) -> Option<Ending> {
        let (ending, headers) = match &rule.act {
            Act::Count(headers) => (None, headers.as_slice()),
            Act::Allow(headers) => (Some(Ending::Allow), headers.as_slice()),
            Act::Block(response) => (Some(Ending::Block(response.clone())), &[][..]),
            Act::Captcha(headers, immunity) => (
                (!clearance.has_solved_captcha(*immunity, rule.difficulty)).then_some(Ending::Captcha),
                headers.as_slice(),
            ),
            Act::Challenge(headers, immunity) => (
                (!clearance.has_solved_challenge(*immunity, rule.difficulty)).then_some(Ending::Challenge),
                headers.as_slice(),
            ),
        };
        if let (Some(_), Some((end, true))) = (&ending, progress.group) {
            progress.matched.push(Match { step: at, counted: true });
            progress.next = end;
            progress.group = None;
            return None;
        }
        if matches!(ending, None | Some(Ending::Allow)) {
            progress.headers.extend(headers.iter().cloned());
        }
        if ending.is_none() {
            progress.matched.push(Match { step: at, counted: false });
        }
        ending
    }
}

impl Ending {
    /// As logs and samples write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Block(_) => "BLOCK",
            Self::Captcha => "CAPTCHA",
            Self::Challenge => "CHALLENGE",
        }
    }
}

impl Rule {
    /// What the rule would have done to a request that it matched, if it, or its group, did not only count.
    pub fn would_have(&self, matched: &Match) -> Option<&'static str> {
        if matched.counted { Some(self.act.name()) } else { self.instead_of }
    }

    fn asks(&self) -> bool {
        matches!(self.act, Act::Challenge(..) | Act::Captcha(..))
    }

    /// It goes by what is said of attempts.
    pub fn judges_attempts(&self) -> bool {
        matches!(&self.test, Test::Condition(Condition::Signal(_)))
    }

    fn only_count(&mut self) {
        if !matches!(self.act, Act::Count(_)) {
            self.instead_of = Some(self.act.name());
            self.act = Act::Count(self.act.headers().to_vec());
        }
    }
}

impl Step {
    fn wants(&self) -> Wants {
        match self {
            Self::Rule(rule) => rule.test.wants(),
            Self::Group { scope, .. } => scope.as_ref().map(Condition::wants).unwrap_or_default(),
            // As AWS has it of its groups against fraud.
            Self::Watch(_) => Wants { tokens: true, ..Wants::default() },
        }
    }

    fn rule(&self) -> Option<&Rule> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::Group { .. } | Self::Watch(_) => None,
        }
    }
}

impl Clearance {
    fn has_solved_captcha(&self, immunity: u32, difficulty: u8) -> bool {
        self.captcha.is_some_and(|solved| solved.counts(immunity, difficulty))
    }

    /// A solved puzzle is a solved challenge too.
    fn has_solved_challenge(&self, immunity: u32, difficulty: u8) -> bool {
        [self.challenge, self.captcha].into_iter().flatten().any(|solved| solved.counts(immunity, difficulty))
    }
}

impl Solved {
    fn counts(self, immunity: u32, difficulty: u8) -> bool {
        self.ago <= u64::from(immunity) && self.difficulty >= difficulty
    }
}

#[cfg(test)]
impl Acl {
    /// Lets everything through.
    pub fn fixture() -> Self {
        let json = serde_json::json!({"Name": "a", "DefaultAction": {"Allow": {}},
            "VisibilityConfig": {"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"}});
        let acl = common::waf::read::web_acl(&json, common::waf::read::Dialect::default()).unwrap();
        super::compile(&acl, &super::Library::default()).unwrap()
    }
}
