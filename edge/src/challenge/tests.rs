//! Whole rounds: asked, solved, answered, let in; and every way in which an answer or a token is not taken.

mod forgeries;
mod pages;
mod rounds;
mod shared;

use std::net::IpAddr;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::config::{Settings, Unscripted};
use super::puzzle::{Solution, solve};
use super::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const HOST: &str = "www.example.com";

/// Challenges that take a millisecond to solve.
fn easy() -> Settings {
    Settings {
        difficulty: 8,
        captcha_difficulty: 10,
        captcha_wait: Duration::from_secs(2),
        life: Duration::from_secs(600),
        unscripted: Some(Unscripted { wait: Duration::from_secs(10), limit: 3 }),
        ..Settings::default()
    }
}

fn challenges(settings: Settings) -> Challenges {
    Challenges::new(settings, Meter::default()).unwrap()
}

fn at(seconds: u64) -> UnixMillis {
    NOW.plus(Duration::from_secs(seconds))
}

fn client(now: UnixMillis) -> Client<'static> {
    Client { host: HOST, address: Some(IpAddr::from([192, 0, 2, 7])), secure: true, now }
}

fn headers(fields: &[(http::HeaderName, &str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap())).collect()
}

fn browser() -> HeaderMap {
    headers(&[(ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")])
}

const CHALLENGE: Demand<'static> = Demand { action: Action::Challenge, difficulty: None, token_domains: &[] };
const CAPTCHA: Demand<'static> = Demand { action: Action::Captcha, ..CHALLENGE };

impl Challenges {
    /// The puzzle in the page.
    fn page_puzzle(&self, demand: Demand<'_>, client: Client<'_>) -> String {
        let page = self.answer(demand, client, "GET", "/orders?id=1", &browser());
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        page.split("data-puzzle=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    fn post(&self, body: &str, client: Client<'_>, more: &HeaderMap) -> Answer {
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let mut all = headers(&[(CONTENT_TYPE, kind)]);
        all.extend(more.clone());
        let call = Call { method: "POST", path: VERIFY, query: None, headers: &all, body: body.as_bytes(), client };
        self.handle(call, |_| None)
    }

    fn send(&self, puzzle: &str, solution: &Solution, client: Client<'_>) -> Answer {
        self.post(&json!({"puzzle": puzzle, "solution": solution}).to_string(), client, &HeaderMap::new())
    }

    fn get(&self, path: &str, query: &str, client: Client<'_>) -> Answer {
        let none = HeaderMap::new();
        let call = Call { method: "GET", path, query: Some(query), headers: &none, body: b"", client };
        self.handle(call, |path| path.starts_with("/orders").then(Vec::new))
    }

    fn seen(&self, token: &str, host: &str, domains: &[String], now: UnixMillis) -> Standing {
        self.standing(&headers(&[(http::HeaderName::from_static(HEADER), token)]), host, domains, now)
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
    }

    fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn token(&self) -> String {
        assert_eq!(self.code, "solved", "{self:?}");
        self.value()["token"].as_str().unwrap().to_owned()
    }
}

/// The settings' own ease.
fn solved(puzzle: &str) -> Solution {
    solve(puzzle, 10 - SHARED_BITS)
}
