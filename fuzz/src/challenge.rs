//! Everything that clients say about challenges: tokens, puzzles, answers to them, targets of pages.
//!
//! The first byte chooses: a payload of a token or of a puzzle as bytes; or a request to the edge's own paths as `method target`, a content type, and
//! after an empty line the body; or a target that a page is shown for.
//! What must hold: no panic; a payload that is read writes itself; nothing is granted for what we have not signed; a page stays in its form.

use std::net::IpAddr;
use std::sync::LazyLock;

use common::clock::UnixMillis;
use edge::challenge::config::Settings;
use edge::challenge::{
    Action, COOKIE, Call, Challenges, Client, Demand, HEADER, MAX_BODY, Meter, Puzzle, Standing, Token,
};
use http::{HeaderMap, HeaderValue, header};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

static CHALLENGES: LazyLock<Challenges> =
    LazyLock::new(|| Challenges::new(Settings::default(), Meter::default()).expect("keys"));

pub fn one(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind {
        b't' => token(rest),
        b'p' => puzzle(rest),
        b'r' => request(rest),
        b'g' => page(rest),
        _ => {}
    }
}

fn token(payload: &[u8]) {
    if let Some(token) = Token::read(payload) {
        assert_eq!(token.payload(), payload);
        let _ = token.counts_for("example.com", &["example.com".to_owned()]);
    }
    let Ok(text) = HeaderValue::from_bytes(payload) else { return };
    let mut cookie = format!("a=b; {COOKIE}=").into_bytes();
    cookie.extend_from_slice(payload);
    for (name, value) in [(HEADER, Ok(text)), ("cookie", HeaderValue::from_bytes(&cookie))] {
        let Ok(value) = value else { continue };
        let mut headers = HeaderMap::new();
        headers.insert(name, value);
        let standing = CHALLENGES.standing(&headers, "example.com", &[], NOW);
        assert!(matches!(standing, Standing::Missing | Standing::Invalid), "{standing:?}");
    }
}

fn puzzle(payload: &[u8]) {
    if let Some(puzzle) = Puzzle::read(payload) {
        assert_eq!(puzzle.payload(), payload);
        let _ = (puzzle.age(NOW), puzzle.bits());
    }
}

fn request(data: &[u8]) {
    let at = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = data.split_at(at);
    let Ok(head) = std::str::from_utf8(head) else { return };
    let (line, content_type) = head.split_once('\n').unwrap_or((head, ""));
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    let body = body.get(2..).unwrap_or_default();
    let call = Call { method, path, query, headers: &headers, body, client: client() };
    let answer = CHALLENGES.handle(call, |path| path.starts_with("/orders").then(Vec::new));
    let is_puzzle = answer.code == "puzzle";
    assert_eq!(answer.status.is_success(), is_puzzle, "{answer:?}");
    assert!(answer.headers.iter().all(|(name, _)| *name != header::SET_COOKIE && *name != header::LOCATION));
    assert!(answer.body.len() < 8 * 1024 + 6 * MAX_BODY.max(body.len()));
}

fn page(target: &[u8]) {
    let Ok(target) = std::str::from_utf8(target) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    for (action, method) in [(Action::Challenge, "GET"), (Action::Captcha, "GET"), (Action::Captcha, "POST")] {
        let demand = Demand { action, difficulty: None, token_domains: &[] };
        let answer = CHALLENGES.answer(demand, client(), method, target, &headers);
        let page = std::str::from_utf8(&answer.body).expect("a page is text");
        let wanted = if method == "GET" { [1, 1, 1, 2] } else { [0; 4] };
        let found = ["<script", "<form", "</main>", "type=\"hidden\""].map(|word| page.matches(word).count());
        assert_eq!(found, wanted, "{target}");
    }
}

fn client() -> Client<'static> {
    Client { host: "example.com", address: Some(IpAddr::from([192, 0, 2, 7])), secure: true, now: NOW }
}
