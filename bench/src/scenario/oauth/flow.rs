//! The code flow as a browser and an app go through it: the authorization endpoint, the sign-in page, its form with user name and password, and
//! the code redeemed with its verifier (RFC 6749 §4.1, RFC 7636). Every round trip has a browser without cookies, so each costs a hash.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::pools::{CALLBACK, FORM, PASSWORD, Pools, USERNAME, form};
use crate::load::{Answer, Exchange, Failure, Outcome};
use crate::scenario::BenchError;

/// One waits for its answer while the other is hashed; more would only wait.
const BROWSERS: usize = 2;
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const OK: u16 = 200;
const FOUND: u16 = 302;
const SEE_OTHER: u16 = 303;

/// Sign-ins one after the other, for a time.
#[derive(Clone, Debug)]
pub struct Flow {
    address: std::net::SocketAddr,
    host: String,
    query: String,
    client: String,
    span: Duration,
}

impl Flow {
    pub fn new(pools: &Pools, span: Duration) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &pools.app),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email"),
            ("state", "bench"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Self { address: pools.address, host: pools.host().to_owned(), query, client: pools.app.clone(), span }
    }

    /// One sign-in, which must succeed.
    ///
    /// # Errors
    /// Says at which step it ended otherwise.
    pub fn once(&self) -> Result<(), BenchError> {
        self.sign_in(&mut Exchange::new(self.address)).map_err(BenchError::SignIn)
    }

    /// Sign-ins until the time is over; what has begun ends.
    ///
    /// # Errors
    /// When threads or the records of latency can't be had. Failed sign-ins are counted.
    pub fn run(&self) -> Result<Outcome, BenchError> {
        let begun = Instant::now();
        let flow = Arc::new(self.clone());
        let browser = |_| {
            let flow = Arc::clone(&flow);
            thread::Builder::new()
                .name("bench-flow".into())
                .spawn(move || flow.browse(begun))
                .map_err(BenchError::Thread)
        };
        let browsers = (0..BROWSERS).map(browser).collect::<Result<Vec<_>, _>>()?;
        let mut outcome = Outcome::empty().ok_or(BenchError::NothingToMeasure)?;
        for browser in browsers {
            let (took, failed) = browser.join().map_err(|_| BenchError::Thread(io::Error::other("it ended badly")))?;
            outcome.succeeded += took.len() as u64;
            took.into_iter().for_each(|took| outcome.latency.record(took));
            if failed > 0 {
                *outcome.failures.entry(Failure::Body).or_default() += failed;
            }
        }
        outcome.elapsed = begun.elapsed();
        Ok(outcome)
    }

    /// How long each took, and how many failed.
    fn browse(&self, begun: Instant) -> (Vec<Duration>, u64) {
        let mut exchange = Exchange::new(self.address);
        let (mut took, mut failed) = (Vec::new(), 0);
        while begun.elapsed() < self.span {
            let started = Instant::now();
            match self.sign_in(&mut exchange) {
                Ok(()) => took.push(started.elapsed()),
                Err(_) => failed += 1,
            }
        }
        (took, failed)
    }

    fn sign_in(&self, exchange: &mut Exchange) -> Result<(), String> {
        let mut cookies = Vec::new();
        let asked = self.get(exchange, &format!("/oauth2/authorize?{}", self.query), &mut cookies)?;
        let page = self.path(&location(&asked, &[FOUND, SEE_OTHER])?)?;
        let page = self.get(exchange, &page, &mut cookies)?;
        if page.status != OK {
            return Err(format!("the sign-in page: {}", page.status));
        }
        let text = String::from_utf8_lossy(&page.body).into_owned();
        let action = between(&text, "action=\"").ok_or("the page has no form")?.replace("&amp;", "&");
        let token = between(&text, "name=\"_csrf\" value=\"").ok_or("the form has no token")?;
        let filled = form(&[("_csrf", token), ("username", USERNAME), ("password", PASSWORD)]);
        let back = self.post(exchange, &action, &filled, &mut cookies)?;
        let back = location(&back, &[FOUND, SEE_OTHER])?;
        let parameters = back.strip_prefix(CALLBACK).ok_or_else(|| format!("it leads to {back}"))?;
        let mut parameters = parameters.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
        let code = parameters.find(|(name, _)| *name == "code").map(|(_, code)| code).ok_or("there is no code")?;
        let redeem = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        // The app is not the browser.
        let tokens = self.post(exchange, "/oauth2/token", &redeem, &mut Vec::new())?;
        let has = |name: &str| tokens.json().get(name).is_some_and(Value::is_string);
        if tokens.status == OK && has("access_token") && has("id_token") && has("refresh_token") {
            Ok(())
        } else {
            Err(format!("the code gives {}: {}", tokens.status, String::from_utf8_lossy(&tokens.body)))
        }
    }

    /// The path of a URL of this domain.
    fn path(&self, url: &str) -> Result<String, String> {
        let own = format!("http://{}", self.host);
        let path = url.strip_prefix(&own).unwrap_or(url);
        if path.starts_with('/') { Ok(path.to_owned()) } else { Err(format!("it leads to {url}")) }
    }

    fn get(&self, exchange: &mut Exchange, path: &str, cookies: &mut Vec<String>) -> Result<Answer, String> {
        self.send(exchange, format!("GET {path} HTTP/1.1\r\n"), "", cookies)
    }

    fn post(
        &self,
        exchange: &mut Exchange,
        path: &str,
        body: &str,
        cookies: &mut Vec<String>,
    ) -> Result<Answer, String> {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n", body.len());
        self.send(exchange, head, body, cookies)
    }

    fn send(
        &self,
        exchange: &mut Exchange,
        mut request: String,
        body: &str,
        cookies: &mut Vec<String>,
    ) -> Result<Answer, String> {
        request.push_str(&format!("host: {}\r\n", self.host));
        if !cookies.is_empty() {
            request.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let answer = exchange.send(request.as_bytes()).map_err(|error| error.to_string())?;
        for pair in set_cookies(&answer.head) {
            let name = pair.split('=').next().unwrap_or_default().to_owned();
            cookies.retain(|known| known.split('=').next() != Some(&*name));
            cookies.push(pair.to_owned());
        }
        Ok(answer)
    }
}

/// Name and value of each cookie that an answer sets.
fn set_cookies(head: &str) -> impl Iterator<Item = &str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let values = fields.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).map(|(_, value)| value.trim());
    values.filter_map(|value| value.split(';').next())
}

fn location(answer: &Answer, statuses: &[u16]) -> Result<String, String> {
    let to = answer.header("location").filter(|_| statuses.contains(&answer.status));
    to.map(str::to_owned)
        .ok_or_else(|| format!("{} without a way on: {}", answer.status, String::from_utf8_lossy(&answer.body)))
}

/// What stands between a mark and the next quotation mark.
fn between<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark)?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_and_marks_are_found() {
        let head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nx: c=3\r\n";
        assert_eq!(set_cookies(head).collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(between("<form action=\"/x?a&amp;b\">", "action=\""), Some("/x?a&amp;b"));
        assert_eq!(between("<form>", "action=\""), None);
    }
}
