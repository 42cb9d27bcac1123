//! The pages that people see: everything in one file, nothing from elsewhere, no text of the request but its escaped target.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::html::escaped;
use http::HeaderValue;
use ring::digest::{SHA256, digest};

use super::VERIFY;
use super::config::Unscripted;
use super::failure::Failure;
use super::puzzle::{Action, SEARCHES, Sealed, seed};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const ASK: &str = include_str!("ask.html");
const TELL: &str = include_str!("tell.html");

/// What the form may lead back to; bytes.
const LONGEST_TARGET: usize = 2048;

/// For all pages: our style and script, by their hashes, the worker that the script makes, and requests to this very host. Nothing of `form-action`:
/// browsers hold it against where the form leads to in the end, and the page behind it may send people on to sign in elsewhere.
pub static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; worker-src blob:; connect-src 'self'; base-uri 'none'; frame-ancestors 'self'",
        hash(SCRIPT),
        hash(STYLE)
    );
    HeaderValue::from_maybe_shared(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// What a page depends on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    pub puzzle: &'f Sealed,
    /// Where the person wanted to go: the canonical target.
    pub target: &'f str,
    /// How long after it was made the solution is taken.
    pub wait: Duration,
    pub life: Duration,
    pub unscripted: Option<Unscripted>,
}

/// The page that asks for a solution.
pub fn ask(facts: Facts<'_>) -> String {
    let action = facts.puzzle.puzzle.action;
    let words = Words::of(action);
    let seed: String = seed(&facts.puzzle.text).iter().map(|byte| format!("{byte:02x}")).collect();
    fill(
        ASK,
        &[
            ("title", words.heading),
            ("style", STYLE),
            ("script", SCRIPT),
            ("heading", words.heading),
            ("explanation", words.explanation),
            ("puzzle", &facts.puzzle.text),
            ("seed", &seed),
            ("bits", &facts.puzzle.puzzle.bits().to_string()),
            ("count", &SEARCHES.to_string()),
            ("wait", &facts.wait.as_millis().to_string()),
            ("life", &facts.life.as_millis().to_string()),
            ("verify", VERIFY),
            ("start", words.start),
            ("plain", &without_scripts(&facts.puzzle.text, facts.target, facts.unscripted.map(|rule| rule.wait))),
        ],
    )
}

/// What somebody gets whose form was not taken. Where it can be sent again, `puzzle` is in it.
pub fn refused(failure: Failure, puzzle: &str, target: &str) -> String {
    let says = format!("<p>{}</p>", failure.says());
    let rest = match failure {
        Failure::Early(_) => {
            let seconds = failure.retry_after().unwrap_or(1);
            format!("<p>Please wait {}, then press Continue.</p>{}", counted(seconds, "second"), form(puzzle, target))
        }
        Failure::Paced(seconds) => {
            let minutes = counted(seconds.div_ceil(60), "minute");
            format!("<p>Come back in {minutes}, or switch scripts on for this site.</p>{}", again(target))
        }
        _ => again(target),
    };
    let heading = if matches!(failure, Failure::Early(_)) { "Not quite yet" } else { "That did not work" };
    fill(TELL, &[("title", heading), ("style", STYLE), ("heading", heading), ("plain", &format!("{says}{rest}"))])
}

/// Whether the form may lead there: a path of this host, in visible ASCII, that no browser reads as another host or as one of our own.
pub fn is_target(target: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'\\';
    target.len() <= LONGEST_TARGET
        && target.starts_with('/')
        && !target.starts_with("//")
        && target.bytes().all(is_plain)
        && !super::is_reserved(target.split(['?', '#']).next().unwrap_or_default())
}

/// What an action says of itself.
struct Words {
    heading: &'static str,
    explanation: &'static str,
    /// Whether the script begins by itself.
    start: &'static str,
}

impl Words {
    fn of(action: Action) -> Self {
        match action {
            Action::Challenge => Self {
                heading: "Checking your browser",
                explanation: "This site asks your browser for a short calculation before it answers. It takes a moment, and there is nothing for you to do.",
                start: "now",
            },
            Action::Captcha => Self {
                heading: "Do you want to go on?",
                explanation: "This site has to keep automatic visitors out. Press Continue: your browser then does a short calculation, and the page opens. There is nothing to read, hear or solve.",
                start: "press",
            },
        }
    }
}

/// For browsers without scripts, or in which ours does not get through.
fn without_scripts(puzzle: &str, target: &str, wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => {
            let wait = counted(wait.as_secs(), "second");
            format!("<p>You can go on without it: please wait {wait}, then press Continue.</p>{}", form(puzzle, target))
        }
        None => format!(
            "<p>Switch scripts on for this site in your browser's settings, then load the page again. If you can't, please use another browser or ask \
             the people who run this site.</p>{}",
            again(target)
        ),
    }
}

fn form(puzzle: &str, target: &str) -> String {
    let target = if is_target(target) { escaped(target) } else { "/".to_owned() };
    format!(
        "<form method=\"post\" action=\"{VERIFY}\"><input type=\"hidden\" name=\"puzzle\" value=\"{}\">\
         <input type=\"hidden\" name=\"to\" value=\"{target}\"><button>Continue</button></form>",
        escaped(puzzle)
    )
}

fn again(target: &str) -> String {
    let target = if is_target(target) { escaped(target) } else { "/".to_owned() };
    format!("<p><a href=\"{target}\">Load the page again</a></p>")
}

fn counted(number: u64, unit: &str) -> String {
    if number == 1 { format!("{number} {unit}") } else { format!("{number} {unit}s") }
}

/// Puts values in the place of their names. What a value holds is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len() + 12 * 1024);
    let mut pieces = template.split("{{");
    page.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let Some((name, rest)) = piece.split_once("}}") else { continue };
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        page.push_str(value);
        page.push_str(rest);
    }
    page
}
