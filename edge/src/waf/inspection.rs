//! What of a request is inspected, and how it is kept: each part is taken apart once a request, each chain of transformations is applied once, and
//! each question is asked once, whichever rules want to know. Nothing is done that no rule asks for.

use std::borrow::Cow;

use common::waf::Transform;
use common::waf::model::{Fallback, Oversize, Place, Sensitivity, Target};
use common::waf::pattern::BadPattern;

use crate::waf::filter::{Builder, Filter, Scanner};
use crate::waf::part::{Handling, Invalid, Part, Values};
use crate::waf::request::Request;
use crate::waf::test::{Asked, Test};

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
    /// The form that is the part itself.
    part: usize,
    /// Of a part: the questions about all its forms that need not be asked of a value without certain texts.
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
    /// Its place in the part's filter.
    filtered: Option<usize>,
}

/// What is known of one request.
pub struct Inspected<'a, 'r> {
    inspections: &'a Inspections,
    request: Request<'r>,
    forms: Vec<Known<'r>>,
    answers: Vec<Option<bool>>,
    /// For each part whose filter is in use.
    scanners: Vec<(usize, Scanner<'a>)>,
    /// The questions, by their places in the filter, that a value may pass.
    scans: Vec<Vec<usize>>,
}

/// A form of a request.
enum Known<'r> {
    NotYet,
    /// The transformation changed nothing: the values of that form.
    As(usize),
    Values(Values<'r>, Hits),
}

/// What the filter says of the values of a form.
#[derive(Default)]
struct Hits {
    /// For each value where in `Inspected::scans` its questions stand; empty where nobody has looked.
    scans: Vec<usize>,
    /// Questions, by their places in the filter, and the values that may pass them; in the order of the questions.
    candidates: Vec<(usize, usize)>,
    /// For each value whether it differs, in more than case, from the one that it was made of.
    changed: Vec<bool>,
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
            let part = match &source {
                Source::Part(_) => self.forms.len(),
                Source::Transformed(before, _) => self.forms.get(*before).map_or(0, |form| form.part),
            };
            self.forms.push(Form { source, part, filter: None });
            self.forms.len() - 1
        })
    }

    /// Builds the filters, when all questions are there.
    pub fn finish(&mut self) {
        for number in 0..self.forms.len() {
            let mut builder = Builder::default();
            for question in self.questions.iter_mut().filter(|question| question.part == number) {
                question.filtered = question.asked.needs().map(|needs| builder.add(needs));
            }
            let built = builder.build();
            if built.is_none() {
                self.questions
                    .iter_mut()
                    .filter(|question| question.part == number)
                    .for_each(|one| one.filtered = None);
            }
            if let Some(form) = self.forms.get_mut(number) {
                form.filter = built;
            }
        }
    }

    pub fn reads_body(&self, question: usize) -> bool {
        self.questions
            .get(question)
            .is_some_and(|one| one.handling.places.has(Place::Body) && self.form_reads(one.part, Part::reads_body))
    }

    /// Whether some rule asks for such a part.
    pub fn read(&self, what: fn(&Part) -> bool) -> bool {
        (0..self.forms.len()).any(|form| self.form_reads(form, what))
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
            answers: vec![None; self.questions.len()],
            scanners: Vec::new(),
            scans: Vec::new(),
        }
    }
}

/// What a detector has found, and where.
#[derive(Clone, Copy, Debug)]
pub struct Injection<'i> {
    pub part: &'i Part,
    /// None: a script, else SQL.
    pub sensitivity: Option<Sensitivity>,
    pub value: &'i [u8],
}

impl<'a, 'r> Inspected<'a, 'r> {
    pub fn inspections(&self) -> &'a Inspections {
        self.inspections
    }

    /// What made a question about SQL or scripts be answered by yes. None: it is another one, was not asked, or was answered by no or without looking.
    pub fn injection(&self, number: usize) -> Option<Injection<'_>> {
        let question =
            self.inspections.questions.get(number).filter(|_| self.answers.get(number) == Some(&Some(true)))?;
        let sensitivity = match question.test {
            Test::Sqli(sensitivity) => Some(sensitivity),
            Test::Xss => None,
            Test::Bytes(..) | Test::Patterns(_) | Test::Size(..) => return None,
        };
        let Source::Part(part) = &self.inspections.forms.get(question.part)?.source else { return None };
        let at = if let Some(Known::As(other)) = self.forms.get(question.form) { *other } else { question.form };
        let Some(Known::Values(values, _)) = self.forms.get(at) else { return None };
        let in_place =
            |number: usize| values.places.get(number).is_none_or(|place| question.handling.places.has(*place));
        let mut passing = values.values.iter().enumerate().filter(|(number, _)| in_place(*number));
        let value = passing.find(|(_, value)| question.test.passes(value)).map(|(_, value)| &**value);
        Some(Injection { part, sensitivity, value: value.unwrap_or_default() })
    }

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
        if question.filtered.is_some_and(|place| !self.may_pass(question, place)) {
            return false;
        }
        let at = self.resolve(question.form);
        if question.filtered.is_some() {
            self.scan(question.part, at);
        }
        self.some_passes(at, question)
    }

    /// Whether the filter leaves a value. It does not mind case, so it looks at what a form was before its letters were made alike; most such forms
    /// are never made.
    fn may_pass(&mut self, question: &Question, place: usize) -> bool {
        let looked_at = match self.inspections.forms.get(question.form).map(|form| &form.source) {
            Some(Source::Transformed(before, Transform::Lowercase | Transform::Uppercase)) => *before,
            _ => question.form,
        };
        let at = self.resolve(looked_at);
        self.scan(question.part, at);
        let Some(Known::Values(_, hits)) = self.forms.get(at) else { return true };
        let from = hits.candidates.partition_point(|(asked, _)| *asked < place);
        hits.candidates.get(from).is_some_and(|(asked, _)| *asked == place)
    }

    /// Whether a value passes, of those that stand in the right place and that the filter leaves. `at` is where they lie.
    fn some_passes(&self, at: usize, question: &Question) -> bool {
        let Some(Known::Values(values, hits)) = self.forms.get(at) else { return false };
        let passes = |number: usize, value: &[u8]| {
            values.places.get(number).is_none_or(|place| question.handling.places.has(*place))
                && question.test.passes(value)
        };
        match question.filtered {
            Some(place) => hits
                .candidates
                .iter()
                .skip(hits.candidates.partition_point(|(asked, _)| *asked < place))
                .take_while(|(asked, _)| *asked == place)
                .any(|(_, number)| values.values.get(*number).is_some_and(|value| passes(*number, value))),
            None => values.values.iter().enumerate().any(|(number, value)| passes(number, value)),
        }
    }

    /// Asks the filter about the values at a form, once. Values that are as they were before a transformation are not looked at again.
    fn scan(&mut self, part: usize, at: usize) {
        if matches!(self.forms.get(at), Some(Known::Values(values, hits)) if hits.scans.len() == values.values.len()) {
            return;
        }
        let inspections = self.inspections;
        let before = match inspections.forms.get(at).map(|form| &form.source) {
            Some(Source::Transformed(before, _)) => {
                let before = self.resolve(*before);
                self.scan(part, before);
                Some(before)
            }
            _ => None,
        };
        let scanner = match self.scanners.iter().position(|(of, _)| *of == part) {
            Some(known) => known,
            None => {
                let Some(filter) = inspections.forms.get(part).and_then(|form| form.filter.as_ref()) else { return };
                self.scanners.push((part, filter.scanner()));
                self.scanners.len() - 1
            }
        };
        let Some((_, scanner)) = self.scanners.get_mut(scanner) else { return };
        let Some(Known::Values(values, hits)) = self.forms.get(at) else { return };
        let earlier = match before.and_then(|before| self.forms.get(before)) {
            Some(Known::Values(_, hits)) => hits.scans.as_slice(),
            _ => &[],
        };
        let mut scans = Vec::with_capacity(values.values.len());
        for (number, value) in values.values.iter().enumerate() {
            let is_changed = hits.changed.get(number).copied().unwrap_or(true);
            scans.push(match earlier.get(number) {
                Some(scan) if !is_changed => *scan,
                _ => {
                    self.scans.push(scanner.scan(value));
                    self.scans.len() - 1
                }
            });
        }
        let questions = |scan: &usize| self.scans.get(*scan).into_iter().flatten().copied();
        let candidates =
            scans.iter().enumerate().flat_map(|(number, scan)| questions(scan).map(move |asked| (asked, number)));
        let mut candidates: Vec<_> = candidates.collect();
        candidates.sort_unstable();
        if let Some(Known::Values(_, hits)) = self.forms.get_mut(at) {
            (hits.scans, hits.candidates) = (scans, candidates);
        }
    }

    /// What is said of a part that is not there, not whole, or no JSON, without looking into it.
    fn by_handling(&mut self, question: &Question) -> Option<bool> {
        let part = self.resolve(question.part);
        let Some(Known::Values(values, _)) = self.forms.get(part) else { return Some(false) };
        if values.missing {
            return Some(question.handling.missing == Fallback::Match);
        }
        if values.oversize && question.handling.places.has(Place::Body) {
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
            Some(Known::Values(..)) => return form,
            Some(Known::NotYet) | None => {}
        }
        let inspections = self.inspections;
        let known = match inspections.forms.get(form).map(|form| &form.source) {
            Some(Source::Part(part)) => Known::Values(part.extract(&self.request), Hits::default()),
            Some(Source::Transformed(before, step)) => {
                let before = self.resolve(*before);
                match self.forms.get(before) {
                    Some(Known::Values(values, _)) => match transformed(values, *step) {
                        Some((values, changed)) => Known::Values(values, Hits { changed, ..Hits::default() }),
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
            Some(Known::Values(values, _)) => &values.values,
            _ => &[],
        }
    }
}

/// The values with what was done to them, and for each whether more than its case has changed. None where nothing has.
fn transformed<'r>(values: &Values<'r>, step: Transform) -> Option<(Values<'r>, Vec<bool>)> {
    let mut changed = Vec::new();
    let mut all: Vec<Cow<'r, [u8]>> = Vec::new();
    for (number, value) in values.values.iter().enumerate() {
        let Some(other) = one(value, step) else { continue };
        if all.is_empty() {
            all.clone_from(&values.values);
            changed.resize(all.len(), false);
        }
        let differs = !value.eq_ignore_ascii_case(&other);
        if let (Some(place), Some(flag)) = (all.get_mut(number), changed.get_mut(number)) {
            (*place, *flag) = (other, differs);
        }
    }
    let transformed = Values {
        values: all,
        places: values.places.clone(),
        missing: values.missing,
        oversize: values.oversize,
        invalid: values.invalid,
    };
    (!changed.is_empty()).then_some((transformed, changed))
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
