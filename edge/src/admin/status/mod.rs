//! The status page: one HTML document without scripts or anything to load, and the same facts as JSON.

mod html;
mod page;
mod sections;
mod units;

use common::jose::base64url_encode;
use ring::digest;

use super::http::Answer;
use super::overview::Overview;

const STYLE: &str = include_str!("style.css");

pub fn page(overview: &Overview) -> Answer {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        base64(digest::digest(&digest::SHA256, STYLE.as_bytes()).as_ref())
    );
    Answer::new("200 OK", "text/html; charset=utf-8", page::document(overview, STYLE))
        .with("content-security-policy", policy)
        .with("referrer-policy", "no-referrer")
}

pub fn json(overview: &Overview) -> Answer {
    match serde_json::to_value(overview) {
        Ok(facts) => Answer::json("200 OK", &facts),
        Err(_) => Answer::error("500 Internal Server Error", "server_error"),
    }
}

/// RFC 4648 §4, of a length that is one less than a multiple of three, as a SHA-256 has.
fn base64(bytes: &[u8]) -> String {
    base64url_encode(bytes).replace('-', "+").replace('_', "/") + "="
}

#[cfg(test)]
mod tests;
