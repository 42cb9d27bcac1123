//! The edge's own paths: puzzles for programs, and where answers go.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::answer::Answer;
use super::config::DIFFICULTIES;
use super::failure::Failure;
use super::puzzle::{self, Action, Puzzle, SEARCHES, Solution, seed};
use super::{Challenges, Client, Demand, MAX_BODY, PUZZLE, VERIFY, token};

/// A request to one of them. The body has been read, up to [`MAX_BODY`].
#[derive(Clone, Copy, Debug)]
pub struct Call<'r> {
    pub method: &'r str,
    /// Canonical.
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
    pub body: &'r [u8],
    pub client: Client<'r>,
}

/// The body of an answer by a program. Other members are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Solved {
    puzzle: String,
    solution: Solution,
}

/// The query of a request for a puzzle.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    action: Action,
    difficulty: Option<u8>,
    path: String,
}

impl Challenges {
    /// Answers a request to a reserved path. `guarded` tells the token domains of the web ACL that a decoded path of this host is behind; none where
    /// there is no web ACL.
    pub fn handle(&self, call: Call<'_>, guarded: impl Fn(&str) -> Option<Vec<String>>) -> Answer {
        match (call.path, call.method) {
            (PUZZLE, "GET" | "HEAD") => self.give(call, guarded),
            (PUZZLE, _) => Answer::nothing(Some("GET, HEAD")),
            (VERIFY, "POST") => self.take(call),
            (VERIFY, _) => Answer::nothing(Some("POST")),
            _ => Answer::nothing(None),
        }
    }

    fn give(&self, call: Call<'_>, guarded: impl Fn(&str) -> Option<Vec<String>>) -> Answer {
        let Some(wanted) = wanted(call.query.unwrap_or_default()) else { return Answer::failed(Failure::Malformed) };
        let Some(token_domains) = guarded(&wanted.path) else { return Answer::nothing(None) };
        let current = self.current.load();
        let demand = Demand { action: wanted.action, difficulty: None, token_domains: &token_domains };
        // Clients may ask for more than the usual, since rules do, but not for less.
        let least = current.settings.difficulty_of(demand);
        let difficulty = wanted.difficulty.map_or(least, |difficulty| difficulty.max(least));
        let domain = token::domain_of(call.client.host, &token_domains);
        let network = puzzle::network_tag(&current.keys, call.client.address);
        let made = Puzzle::make(call.client.now, wanted.action, difficulty, (call.client.host, domain), network);
        let Ok(made) = made else { return Answer::failed(Failure::Internal) };
        let sealed = made.seal(&current.keys);
        self.meter.asked(wanted.action, "json");
        let seed: String = seed(&sealed.text).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({
            "action": wanted.action.name(),
            "puzzle": sealed.text,
            "seed": seed,
            "bits": sealed.puzzle.bits(),
            "count": SEARCHES,
            "not_before_ms": u64::try_from(current.settings.wait(wanted.action).as_millis()).unwrap_or(u64::MAX),
            "expires_in": current.settings.life.as_secs(),
            "verify": VERIFY,
        });
        Answer::json(&body, "puzzle")
    }

    fn take(&self, call: Call<'_>) -> Answer {
        if call.body.len() > MAX_BODY {
            return Answer::failed(Failure::Malformed);
        }
        match kind(call.headers) {
            Some(Kind::Json) => self.take_solution(call),
            Some(Kind::Form) => self.take_form(call),
            None => Answer::failed(Failure::Malformed),
        }
    }

    fn take_solution(&self, call: Call<'_>) -> Answer {
        let Ok(given) = serde_json::from_slice::<Solved>(call.body) else {
            self.meter.answered(None, Failure::Malformed.code());
            return Answer::failed(Failure::Malformed);
        };
        match self.verify(&given.puzzle, Some(&given.solution), call.headers, call.client) {
            Ok(granted) => {
                let body = json!({"token": granted.token});
                Answer::json(&body, "solved").with_cookie(&granted.token, granted.domain.as_deref(), call.client)
            }
            Err(failure) => Answer::failed(failure),
        }
    }

    fn take_form(&self, call: Call<'_>) -> Answer {
        let field = |name| form_urlencoded::parse(call.body).find(|(key, _)| key == name).map(|(_, value)| value);
        let (puzzle, target) = (field("puzzle").unwrap_or_default(), field("to").unwrap_or_default());
        match self.verify(&puzzle, None, call.headers, call.client) {
            Ok(granted) => Answer::back(&target).with_cookie(&granted.token, granted.domain.as_deref(), call.client),
            Err(failure) => Answer::refused(failure, &puzzle, &target),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
}

/// What the body says it is.
fn kind(headers: &HeaderMap) -> Option<Kind> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    match value.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "application/json" => Some(Kind::Json),
        "application/x-www-form-urlencoded" => Some(Kind::Form),
        _ => None,
    }
}

fn wanted(query: &str) -> Option<Wanted> {
    let mut wanted = Wanted { action: Action::Challenge, difficulty: None, path: "/".to_owned() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "action" => wanted.action = Action::parse(&value)?,
            "difficulty" => {
                wanted.difficulty = Some(value.parse().ok().filter(|number| DIFFICULTIES.contains(number))?);
            }
            "for" => wanted.path = Some(value.into_owned()).filter(|path| path.starts_with('/'))?,
            _ => return None,
        }
    }
    Some(wanted)
}
