//! What is noted of rules that match, for web ACLs whose requests are logged: what detectors found, and by what rates counted.
//!
//! It is as the request had it: whoever tells it to anybody leaves out what must not be told.

use std::net::IpAddr;

use common::waf::model::Sensitivity;

use crate::waf::attempt::Watcher;
use crate::waf::condition::{Condition, Scene};
use crate::waf::injection;
use crate::waf::inspection::Injection;
use crate::waf::origin::Locate;
use crate::waf::part::Part;
use crate::waf::program::{Acl, Progress, Rule, Said, Test, Witness};
use crate::waf::rate::{Counting, KeyValue};
use crate::waf::request::Request;

/// Words of a value that a detector found something in.
const MAX_WORDS: usize = 5;
/// Rules of which something is noted.
const MAX_NOTES: usize = 100;

/// The rules that matched, as far as there is more to say of them.
#[derive(Debug, Default)]
pub struct Noted(Vec<Note>);

/// One of them.
#[derive(Debug)]
pub struct Note {
    /// Its place.
    pub step: usize,
    /// What detectors found.
    pub found: Vec<Found>,
    /// The address that sends too often.
    pub address: Option<IpAddr>,
    /// The key that comes too often.
    pub values: Vec<KeyValue>,
}

/// What a detector of SQL or scripts found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// None: a script, else SQL.
    pub sensitivity: Option<Sensitivity>,
    /// AWS's name for the place.
    pub location: &'static str,
    pub seen: Seen,
    /// The words that made it out.
    pub words: Vec<String>,
}

/// Where that stands, for who must know whether it may be told.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Path,
    Query,
    Argument(String),
    Header(String),
    /// A body, a cookie, a claim, or one of several places.
    Elsewhere,
}

impl Noted {
    pub fn of(&self, step: usize) -> Option<&Note> {
        self.0.iter().find(|note| note.step == step)
    }
}

impl Acl {
    /// The same as [`Acl::evaluate`], with notes of what matches.
    pub fn evaluate_noting(
        &self,
        noted: &mut Noted,
        request: Request<'_>,
        progress: &mut Progress,
        locate: &dyn Locate,
        counting: Counting<'_>,
    ) -> Said {
        self.evaluate_before(noted, request, progress, locate, counting)
    }
}

impl Witness for Noted {
    fn group(&mut self, _name: &str, _applies: bool) {}
    fn attempt(&mut self, _watcher: &Watcher, _request: &Request<'_>) {}

    fn rule(&mut self, (step, rule): (usize, &Rule), holds: bool, scene: &mut Scene<'_, '_, '_>, _: Counting<'_>) {
        if !holds || self.0.len() >= MAX_NOTES {
            return;
        }
        let note = match &rule.test {
            Test::Condition(condition) => {
                Note { step, found: found(condition, scene), address: None, values: Vec::new() }
            }
            Test::Rate(rate) => {
                let (address, values) = (rate.address_of(scene), rate.values_of(scene));
                Note { step, found: Vec::new(), address, values }
            }
        };
        if !note.found.is_empty() || note.address.is_some() || !note.values.is_empty() {
            self.0.push(note);
        }
    }
}

fn found(condition: &Condition, scene: &Scene<'_, '_, '_>) -> Vec<Found> {
    let mut found = Vec::new();
    for question in condition.questions() {
        let Some(Injection { part, sensitivity, value }) = scene.inspected.injection(question) else { continue };
        let (location, seen) = place(part);
        let words = words(value, injection::words_of(value, sensitivity.is_some()).min(MAX_WORDS));
        found.push(Found { sensitivity, location, seen, words });
    }
    found
}

fn place(part: &Part) -> (&'static str, Seen) {
    match part {
        Part::SingleHeader(name) => ("HEADER", Seen::Header(name.to_ascii_lowercase())),
        Part::Headers(..) | Part::HeaderOrder => ("HEADER", Seen::Elsewhere),
        Part::Cookies(..) => ("COOKIE", Seen::Elsewhere),
        Part::SingleQueryArgument(name, _) => ("SINGLE_QUERY_ARG", Seen::Argument(name.clone())),
        Part::AllQueryArguments(_) => ("ALL_QUERY_ARGS", Seen::Query),
        Part::QueryString => ("QUERY_STRING", Seen::Query),
        Part::UriPath => ("URI", Seen::Path),
        Part::Method => ("METHOD", Seen::Elsewhere),
        Part::Body => ("BODY", Seen::Elsewhere),
        // AWS does not say where in a JSON body either.
        Part::JsonBody { .. } | Part::Ja3 | Part::Ja4 | Part::Claim(_) | Part::Inputs | Part::Nothing => {
            ("UNKNOWN", Seen::Elsewhere)
        }
    }
}

/// The first words, and signs between them, of a value.
fn words(value: &[u8], most: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(value.get(..256).unwrap_or(value));
    let mut words: Vec<String> = Vec::new();
    let mut goes_on = false;
    for char in text.chars() {
        let is_part = char.is_alphanumeric() || char == '_';
        if let Some(word) = words.last_mut().filter(|_| is_part && goes_on) {
            word.push(char);
        } else if !char.is_whitespace() && !char.is_control() {
            if words.len() >= most {
                break;
            }
            words.push(char.to_string());
        }
        goes_on = is_part;
    }
    words
}
