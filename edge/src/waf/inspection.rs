//! What of a request is inspected, and how it is kept: each part is taken apart once a request, each chain of transformations is applied once, and
//! each question is asked once, whichever rules want to know. Nothing is done that no rule asks for.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use common::waf::Transform;
use common::waf::model::{Fallback, Oversize, Target};
use common::waf::pattern::BadPattern;

use crate::waf::part::{Handling, Invalid, Part, Values};
use crate::waf::request::Request;
use crate::waf::test::{Asked, Test};

/// Questions on one form that are filtered; further ones are asked unfiltered.
const MAX_FILTERED: usize = 256;
/// Bytes that an automaton over the literals of one form may take. A larger one is built in the slower, smaller kind.
const MAX_DFA_LITERALS: usize = 2_000;

/// All that the rules of one web ACL ask, each thing once.
#[derive(Debug, Default)]
pub struct Inspections {
    forms: Vec<Form>,
    questions: Vec<Question>,
}

/// The values of a part in one form.
#[derive(Debug)]
struct Form {
    source: Source,
    /// The questions about it that need not be asked of a value without certain texts.
    filter: Option<Filter>,
}

#[derive(Debug, PartialEq)]
enum Source {
    Part(Part),
    /// Of the form at this place, which comes before this one.
    Transformed(usize, Transform),
}

/// A test of the values in a form.
#[derive(Debug)]
struct Question {
    form: usize,
    /// The form that is the part itself.
    part: usize,
    handling: Handling,
    asked: Asked,
    test: Test,
    /// Its place in the form's filter.
    filtered: Option<usize>,
}

/// Which questions may have yes for an answer: one pass over a value tells it of all of them.
#[derive(Debug)]
struct Filter {
    literals: AhoCorasick,
    /// For each literal, the places of the questions it stands for.
    places: Vec<Vec<usize>>,
}

/// What is known of one request.
pub struct Inspected<'a, 'r> {
    inspections: &'a Inspections,
    request: Request<'r>,
    forms: Vec<Known<'r>>,
    /// By form.
    candidates: Vec<Candidates>,
    answers: Vec<Option<bool>>,
}

/// A form of a request.
enum Known<'r> {
    NotYet,
    /// The transformation changed nothing: the values of that form.
    As(usize),
    Values(Values<'r>),
}

/// The places in a form's filter that may say yes; none where nobody has looked.
type Candidates = Option<Places>;

/// Places in a filter, one bit each.
#[derive(Clone, Copy, Default)]
struct Places([u64; MAX_FILTERED / 64]);

impl Places {
    fn set(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_none_or(|word| word & (1 << (place % 64)) != 0)
    }
}

impl Inspections {
    /// Adds a question, or finds it.
    pub fn ask(&mut self, target: &Target, asked: Asked) -> Result<usize, BadPattern> {
        let (part, handling) = Part::of(&target.field, &target.pre);
        let part = self.form(Source::Part(part));
        let form = target.transforms.iter().fold(part, |form, step| self.form(Source::Transformed(form, *step)));
        let known =
            self.questions.iter().position(|one| one.form == form && one.handling == handling && one.asked == asked);
        if let Some(known) = known {
            return Ok(known);
        }
        let test = asked.compile()?;
        self.questions.push(Question { form, part, handling, asked, test, filtered: None });
        Ok(self.questions.len() - 1)
    }

    /// Adds a form of a part by itself, for keys of rate-based rules, or finds it.
    pub fn part(&mut self, part: Part, chain: &[Transform]) -> usize {
        let part = self.form(Source::Part(part));
        chain.iter().fold(part, |form, step| self.form(Source::Transformed(form, *step)))
    }

    fn form(&mut self, source: Source) -> usize {
        self.forms.iter().position(|form| form.source == source).unwrap_or_else(|| {
            self.forms.push(Form { source, filter: None });
            self.forms.len() - 1
        })
    }

    /// Builds the filters, when all questions are there.
    pub fn finish(&mut self) {
        for number in 0..self.forms.len() {
            let mut texts: Vec<Vec<u8>> = Vec::new();
            let mut places: Vec<Vec<usize>> = Vec::new();
            let mut questions = 0;
            for question in self.questions.iter_mut().filter(|question| question.form == number) {
                let Some(literals) = question.asked.literals().filter(|_| questions < MAX_FILTERED) else { continue };
                question.filtered = Some(questions);
                for literal in literals {
                    let at = texts.iter().position(|text| *text == literal).unwrap_or_else(|| {
                        texts.push(literal);
                        places.push(Vec::new());
                        texts.len() - 1
                    });
                    if let Some(places) = places.get_mut(at) {
                        places.push(questions);
                    }
                }
                questions += 1;
            }
            let built = automaton(&texts).map(|literals| Filter { literals, places });
            if built.is_none() {
                self.questions
                    .iter_mut()
                    .filter(|question| question.form == number)
                    .for_each(|one| one.filtered = None);
            }
            if let Some(form) = self.forms.get_mut(number) {
                form.filter = built;
            }
        }
    }

    pub fn reads_body(&self, question: usize) -> bool {
        self.questions.get(question).is_some_and(|one| self.form_reads(one.part, Part::reads_body))
    }

    pub fn reads_claims(&self, question: usize) -> bool {
        self.questions.get(question).is_some_and(|one| self.form_reads(one.part, Part::reads_claims))
    }

    /// A question in words: `QueryString, URL_DECODE: contains "select"`.
    pub fn describe(&self, question: usize) -> String {
        let Some(question) = self.questions.get(question) else { return String::new() };
        let mut steps = Vec::new();
        let mut at = question.form;
        while let Some(Form { source: Source::Transformed(before, step), .. }) = self.forms.get(at) {
            steps.push(step.name());
            at = *before;
        }
        let part = match self.forms.get(at).map(|form| &form.source) {
            Some(Source::Part(part)) => part.describe(),
            _ => String::new(),
        };
        let steps: String = steps.iter().rev().map(|step| format!(", {step}")).collect();
        format!("{part}{steps}: {}", question.asked.describe())
    }

    fn form_reads(&self, form: usize, what: fn(&Part) -> bool) -> bool {
        matches!(self.forms.get(form), Some(Form { source: Source::Part(part), .. }) if what(part))
    }

    pub fn of<'a, 'r>(&'a self, request: Request<'r>) -> Inspected<'a, 'r> {
        Inspected {
            inspections: self,
            request,
            forms: self.forms.iter().map(|_| Known::NotYet).collect(),
            candidates: vec![None; self.forms.len()],
            answers: vec![None; self.questions.len()],
        }
    }
}

/// None without texts, or where the library can't build one.
fn automaton(texts: &[Vec<u8>]) -> Option<AhoCorasick> {
    if texts.is_empty() {
        return None;
    }
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let kind = if bytes <= MAX_DFA_LITERALS { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(texts)
        .ok()
}

impl Filter {
    fn candidates(&self, values: &[Cow<'_, [u8]>]) -> Places {
        let mut candidates = Places::default();
        for value in values {
            for found in self.literals.find_overlapping_iter(&**value) {
                for place in self.places.get(found.pattern().as_usize()).into_iter().flatten() {
                    candidates.set(*place);
                }
            }
        }
        candidates
    }
}

impl<'r> Inspected<'_, 'r> {
    pub fn request(&self) -> &Request<'r> {
        &self.request
    }

    /// The answer to a question; a question that nobody asked has no for one.
    pub fn answer(&mut self, question: usize) -> bool {
        if let Some(Some(known)) = self.answers.get(question) {
            return *known;
        }
        let answer = self.find(question);
        if let Some(place) = self.answers.get_mut(question) {
            *place = Some(answer);
        }
        answer
    }

    fn find(&mut self, number: usize) -> bool {
        let inspections = self.inspections;
        let Some(question) = inspections.questions.get(number) else { return false };
        if let Some(early) = self.by_handling(question) {
            return early;
        }
        if !self.may_pass(question) {
            return false;
        }
        let at = self.resolve(question.form);
        self.some_passes(at, question)
    }

    fn some_passes(&self, form: usize, question: &Question) -> bool {
        let Some(Known::Values(values)) = self.forms.get(form) else { return false };
        values.values.iter().any(|value| question.test.passes(value))
    }

    /// Whether the question's form holds what the test needs. The form's filter is run once. It does not mind case, so it looks at what a form
    /// was before its letters were made alike; most forms are never made.
    fn may_pass(&mut self, question: &Question) -> bool {
        let Some(place) = question.filtered else { return true };
        if let Some(Some(candidates)) = self.candidates.get(question.form) {
            return candidates.has(place);
        }
        let Some(Form { source, filter: Some(filter) }) = self.inspections.forms.get(question.form) else {
            return true;
        };
        let looked_at = match source {
            Source::Transformed(before, Transform::Lowercase | Transform::Uppercase) => *before,
            _ => question.form,
        };
        let at = self.resolve(looked_at);
        let Some(Known::Values(values)) = self.forms.get(at) else { return true };
        let found = filter.candidates(&values.values);
        if let Some(candidates) = self.candidates.get_mut(question.form) {
            *candidates = Some(found);
        }
        found.has(place)
    }

    /// What is said of a part that is not there, not whole, or no JSON, without looking into it.
    fn by_handling(&mut self, question: &Question) -> Option<bool> {
        let part = self.resolve(question.part);
        let Some(Known::Values(values)) = self.forms.get(part) else { return Some(false) };
        if values.missing {
            return Some(question.handling.missing == Fallback::Match);
        }
        if values.oversize {
            match question.handling.oversize {
                Oversize::Match => return Some(true),
                Oversize::NoMatch => return Some(false),
                Oversize::Continue => {}
            }
        }
        match question.handling.invalid {
            Invalid::Match if values.invalid => Some(true),
            Invalid::NoMatch if values.invalid => Some(false),
            _ => None,
        }
    }

    /// Makes a form, and says where its values lie.
    fn resolve(&mut self, form: usize) -> usize {
        match self.forms.get(form) {
            Some(Known::As(other)) => return *other,
            Some(Known::Values(_)) => return form,
            Some(Known::NotYet) | None => {}
        }
        let inspections = self.inspections;
        let known = match inspections.forms.get(form).map(|form| &form.source) {
            Some(Source::Part(part)) => Known::Values(part.extract(&self.request)),
            Some(Source::Transformed(before, step)) => {
                let before = self.resolve(*before);
                match self.forms.get(before) {
                    Some(Known::Values(values)) => match transformed(values, *step) {
                        Some(values) => Known::Values(values),
                        None => Known::As(before),
                    },
                    _ => return form,
                }
            }
            None => return form,
        };
        let lies = if let Known::As(other) = known { other } else { form };
        if let Some(place) = self.forms.get_mut(form) {
            *place = known;
        }
        lies
    }

    /// The values of a form.
    pub fn values(&mut self, form: usize) -> &[Cow<'r, [u8]>] {
        let at = self.resolve(form);
        match self.forms.get(at) {
            Some(Known::Values(values)) => &values.values,
            _ => &[],
        }
    }
}

/// None where nothing changed.
fn transformed<'r>(values: &Values<'r>, step: Transform) -> Option<Values<'r>> {
    let mut changed = false;
    let transformed = values
        .values
        .iter()
        .map(|value| match one(value, step) {
            Some(other) => {
                changed = true;
                other
            }
            None => value.clone(),
        })
        .collect();
    changed.then_some(Values { values: transformed, ..*values })
}

fn one<'r>(value: &Cow<'r, [u8]>, step: Transform) -> Option<Cow<'r, [u8]>> {
    match value {
        Cow::Borrowed(bytes) => {
            let bytes: &'r [u8] = bytes;
            match step.apply(bytes) {
                Cow::Borrowed(same) if same.len() == bytes.len() => None,
                other => Some(other),
            }
        }
        Cow::Owned(bytes) => match step.apply(bytes) {
            Cow::Borrowed(same) if same.len() == bytes.len() => None,
            other => Some(Cow::Owned(other.into_owned())),
        },
    }
}
