//! What an answer says of the attempt: by its head where that is enough, else by its first bytes as they stream by. Nothing is held back.

use common::waf::model::{Answers, Texts};
use http::header::{CONTENT_ENCODING, LOCATION};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::takeover::Outcome;
use crate::waf::attempt::find::How;
use crate::waf::attempt::place::Place;

/// Bytes of a body that are looked at (as in AWS WAF).
const INSPECTED: usize = 65_536;
/// As many tell what kind of error an answer of Cognito's API is.
const ERROR_BYTES: usize = 4_096;

/// The head of an answer.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    /// Where it was asked for.
    pub path: &'a str,
}

/// Reads a body that has to be read.
#[derive(Debug)]
pub struct Reader {
    seen: Vec<u8>,
    most: usize,
}

impl Reader {
    /// The one that reads more.
    pub fn larger(one: Option<Self>, other: Self) -> Option<Self> {
        Some(match one {
            Some(one) if one.most >= other.most => one,
            _ => other,
        })
    }

    /// Takes a piece. True: there is enough.
    pub fn take(&mut self, piece: &[u8]) -> bool {
        let room = self.most.saturating_sub(self.seen.len());
        self.seen.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.seen.len() >= self.most
    }

    pub fn seen(&self) -> &[u8] {
        &self.seen
    }
}

/// Whether the body may have to be read: who sends the attempt must not decide that it can't be.
pub fn may_read_body(how: How, place: Option<&Place>) -> bool {
    match how {
        How::Cognito => true,
        How::Page => false,
        How::Place => {
            matches!(place.and_then(|place| place.answers.as_ref()), Some(Answers::Body(_) | Answers::Json { .. }))
        }
    }
}

/// What the head says, or what has to be read to know.
pub fn by_head(how: How, place: Option<&Place>, answer: Answer<'_>) -> Result<Outcome, Reader> {
    match how {
        How::Cognito => by_cognito(answer),
        How::Page => Ok(by_page(answer)),
        How::Place => by_place(place.and_then(|place| place.answers.as_ref()), answer),
    }
}

/// What the body says, as far as it was read.
pub fn by_body(how: How, place: Option<&Place>, seen: &[u8]) -> Outcome {
    match (how, place.and_then(|place| place.answers.as_ref())) {
        (How::Cognito, _) => serde_json::from_slice::<Value>(seen)
            .ok()
            .and_then(|body| Some(of_exception(body.get("__type")?.as_str()?)))
            .unwrap_or(Outcome::Unknown),
        (How::Place, Some(Answers::Body(texts))) => {
            let has = |text: &String| memchr::memmem::find(seen, text.as_bytes()).is_some();
            of_texts(texts, has)
        }
        (How::Place, Some(Answers::Json { pointer, values })) => {
            let found = serde_json::from_slice::<Value>(seen).ok().and_then(|body| in_json(&body, pointer));
            of_texts(values, |text| found.as_deref() == Some(text.as_bytes()))
        }
        _ => Outcome::Unknown,
    }
}

/// A text or a number at a JSON pointer; a bare name is a member of the root.
fn in_json(json: &Value, pointer: &str) -> Option<Vec<u8>> {
    let found = if pointer.starts_with('/') { json.pointer(pointer)? } else { json.get(pointer)? };
    match found {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        Value::Bool(truth) => Some(truth.to_string().into_bytes()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A success is one whatever follows: another factor is asked for after the password was right.
fn by_cognito(answer: Answer<'_>) -> Result<Outcome, Reader> {
    if answer.status.is_success() {
        return Ok(Outcome::Succeeded);
    }
    if answer.status != StatusCode::BAD_REQUEST {
        return Ok(Outcome::Unknown);
    }
    match answer.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()) {
        Some(kind) => Ok(of_exception(kind)),
        None => reader(answer, ERROR_BYTES),
    }
}

/// `NotAuthorizedException`, with what AWS puts around it: `…#NotAuthorizedException:http://…`.
fn of_exception(kind: &str) -> Outcome {
    let kind = kind.rsplit('#').next().unwrap_or_default();
    match kind.split(':').next().unwrap_or_default() {
        "NotAuthorizedException"
        | "UserNotFoundException"
        | "UsernameExistsException"
        | "AliasExistsException"
        | "CodeMismatchException"
        | "ExpiredCodeException" => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn by_page(answer: Answer<'_>) -> Outcome {
    let leads_back = || {
        let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        let path = to.split(['?', '#']).next().unwrap_or_default();
        let path = path
            .split_once("://")
            .map_or(path, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
        path == answer.path
    };
    match answer.status.as_u16() {
        300..=399 if leads_back() => Outcome::Failed,
        300..=399 => Outcome::Succeeded,
        // The form again.
        200..=299 | 400 | 401 | 403 | 422 => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn by_place(answers: Option<&Answers>, answer: Answer<'_>) -> Result<Outcome, Reader> {
    let status = answer.status.as_u16();
    match answers {
        None => Ok(match status {
            200..=399 => Outcome::Succeeded,
            401 | 403 => Outcome::Failed,
            _ => Outcome::Unknown,
        }),
        Some(Answers::Status { success, failure }) => {
            Ok(match (success.contains(&status), failure.contains(&status)) {
                (true, _) => Outcome::Succeeded,
                (_, true) => Outcome::Failed,
                _ => Outcome::Unknown,
            })
        }
        Some(Answers::Header { name, values }) => {
            let has = |text: &String| {
                answer.headers.get_all(name.as_str()).iter().any(|value| value.as_bytes() == text.as_bytes())
            };
            Ok(of_texts(values, has))
        }
        Some(Answers::Body(_) | Answers::Json { .. }) => reader(answer, INSPECTED),
    }
}

fn of_texts(texts: &Texts, has: impl Fn(&String) -> bool) -> Outcome {
    match (texts.success.iter().any(&has), texts.failure.iter().any(&has)) {
        (true, false) => Outcome::Succeeded,
        (false, true) => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// A body that is encoded can't be read.
fn reader(answer: Answer<'_>, most: usize) -> Result<Outcome, Reader> {
    let encodings = answer.headers.get_all(CONTENT_ENCODING);
    match encodings.iter().any(|value| value != "identity") {
        true => Ok(Outcome::Unknown),
        false => Err(Reader { seen: Vec::new(), most }),
    }
}

#[cfg(test)]
mod tests {
    use common::waf::model::{AttemptFields, AttemptPlace, PathMatch};

    use super::*;

    fn head(how: How, place: Option<&Place>, status: u16, headers: &[(&'static str, &str)]) -> Option<Outcome> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        by_head(how, place, Answer { status, headers: &headers, path: "/login" }).ok()
    }

    #[test]
    fn cognitos_answers() {
        let error = |kind: &str| head(How::Cognito, None, 400, &[("x-amzn-errortype", kind)]);
        assert_eq!(head(How::Cognito, None, 200, &[]), Some(Outcome::Succeeded));
        assert_eq!(error("NotAuthorizedException:"), Some(Outcome::Failed));
        assert_eq!(error("com.amazonaws#UserNotFoundException:http://x/"), Some(Outcome::Failed));
        assert_eq!(
            error("UserNotConfirmedException:"),
            Some(Outcome::Unknown),
            "the password was right, or nobody says"
        );
        assert_eq!(error("TooManyRequestsException:"), Some(Outcome::Unknown));
        assert_eq!(head(How::Cognito, None, 503, &[]), Some(Outcome::Unknown));
        assert_eq!(head(How::Cognito, None, 400, &[]), None, "the body says it");
        assert_eq!(head(How::Cognito, None, 400, &[("content-encoding", "gzip")]), Some(Outcome::Unknown));
        let body = |text: &str| by_body(How::Cognito, None, text.as_bytes());
        assert_eq!(
            body(r#"{"__type": "NotAuthorizedException", "message": "Incorrect username or password."}"#),
            Outcome::Failed
        );
        assert_eq!(body(r#"{"message": "x"}"#), Outcome::Unknown);
    }

    #[test]
    fn pages_lead_on_or_back() {
        let page = |status, to: &str| head(How::Page, None, status, &[("location", to)]);
        assert_eq!(page(302, "https://app.test/?code=1"), Some(Outcome::Succeeded));
        assert_eq!(page(303, "/login?error=1"), Some(Outcome::Failed));
        assert_eq!(page(302, "https://auth.test/login?error=1"), Some(Outcome::Failed));
        assert_eq!(head(How::Page, None, 200, &[]), Some(Outcome::Failed));
        assert_eq!(head(How::Page, None, 500, &[]), Some(Outcome::Unknown));
    }

    #[test]
    fn what_an_application_says() {
        let place = |answers| {
            let (path, fields) = (PathMatch::Prefix("/".to_owned()), AttemptFields::default());
            Place::new(&AttemptPlace { path, page: None, payload: None, fields, answers }).unwrap()
        };
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let texts = Texts { success: list(&["welcome"]), failure: list(&["wrong"]) };
        let by_status = place(Some(Answers::Status { success: vec![200], failure: vec![401] }));
        for (status, outcome) in [(200, Outcome::Succeeded), (401, Outcome::Failed), (429, Outcome::Unknown)] {
            assert_eq!(head(How::Place, Some(&by_status), status, &[]), Some(outcome));
        }
        let by_header = place(Some(Answers::Header { name: "x-in".to_owned(), values: texts.clone() }));
        assert_eq!(head(How::Place, Some(&by_header), 200, &[("x-in", "wrong")]), Some(Outcome::Failed));
        let by_text = place(Some(Answers::Body(texts.clone())));
        assert_eq!(head(How::Place, Some(&by_text), 200, &[]), None);
        assert_eq!(by_body(How::Place, Some(&by_text), b"<p>wrong password</p>"), Outcome::Failed);
        assert_eq!(by_body(How::Place, Some(&by_text), b"<p>welcome, wrong</p>"), Outcome::Unknown, "both say nothing");
        let by_json = place(Some(Answers::Json { pointer: "/in/ok".to_owned(), values: texts }));
        assert_eq!(by_body(How::Place, Some(&by_json), br#"{"in": {"ok": "welcome"}}"#), Outcome::Succeeded);
        assert_eq!(head(How::Place, Some(&place(None)), 403, &[]), Some(Outcome::Failed));
        let mut reader = Reader { seen: Vec::new(), most: 4 };
        assert!(!reader.take(b"abc") && reader.take(b"defg") && reader.seen() == b"abcd");
    }
}
