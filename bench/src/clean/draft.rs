//! A request under construction.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::clients;
use super::random::Random;
use crate::corpus::{Entry, Fields, Label};

/// A request without what every client adds.
#[derive(Clone, Debug)]
pub struct Draft {
    method: &'static str,
    target: String,
    host: &'static str,
    fields: Vec<(String, String)>,
    body: Option<Body>,
    client: Client,
}

#[derive(Clone, Debug)]
enum Body {
    Text(String),
    /// Sent as it is: what a corpus's own rules for forms and multipart would change.
    Exact(Vec<u8>),
}

/// Who sends it, for the fields that come with every request of that program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Any.
    Any,
    /// A browser that follows a link or sends a form.
    Page,
    /// A script of a page.
    Script,
    /// A program: curl, okhttp, requests and others.
    Program,
    /// An AWS SDK.
    Sdk,
}

impl Draft {
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        let (target, host, client) = (target.into(), "api.example.com", Client::Any);
        Self { method, target, host, fields: Vec::new(), body: None, client }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    pub fn host(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    pub fn by(self, client: Client) -> Self {
        Self { client, ..self }
    }

    pub fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.text("application/json", value.to_string())
    }

    /// A body with its type.
    pub fn text(self, content_type: &str, body: impl Into<String>) -> Self {
        Self { body: Some(Body::Text(body.into())), ..self.field("Content-Type", content_type) }
    }

    /// A body that is no text, or must not be changed.
    pub fn exact(self, content_type: &str, body: Vec<u8>) -> Self {
        Self { body: Some(Body::Exact(body)), ..self.field("Content-Type", content_type) }
    }

    /// A form as browsers encode it.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        self.exact("application/x-www-form-urlencoded", pairs(fields).into_bytes())
    }

    /// The request in the form of a corpus.
    pub fn entry(self, class: &str, number: u64, random: &mut Random) -> Entry {
        let mut fields = vec![("Host".to_owned(), self.host.to_owned())];
        clients::fields(self.client, random, &mut fields);
        for (name, value) in self.fields {
            // What a generator says stands for what its client would.
            fields.retain(|(key, _)| !key.eq_ignore_ascii_case(&name));
            fields.push((name, value));
        }
        let mut entry = Entry {
            fam: class.to_owned(),
            test: number,
            label: Label::Clean,
            method: Some(self.method.to_owned()),
            uri: Some(self.target.clone()),
            ..Entry::default()
        };
        match self.body {
            Some(Body::Exact(body)) => {
                entry.encoded = Some(STANDARD.encode(whole(self.method, &self.target, &fields, &body)));
            }
            Some(Body::Text(text)) => entry.data = Some(text),
            None => {}
        }
        entry.headers = Some(Fields(fields));
        entry
    }
}

fn whole(method: &str, target: &str, fields: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let mut bytes = format!("{method} {target} HTTP/1.1\r\n{fields}Content-Length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// `application/x-www-form-urlencoded` as the URL standard has it.
pub fn pairs(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", form(name), form(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn form(text: &str) -> String {
    escape(text, b"*-._ ").replace(' ', "+")
}

/// As JavaScript's `encodeURIComponent`.
pub fn component(text: &str) -> String {
    escape(text, b"-_.!~*'()")
}

/// As it stands in a path: slashes stay.
pub fn path(text: &str) -> String {
    escape(text, b"-_.~/")
}

fn escape(text: &str, kept: &[u8]) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || kept.contains(byte);
    text.bytes().map(|byte| if keep(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_clients_do() {
        assert_eq!(pairs(&[("a b", "O'Brien & Söhne"), ("c", "1+1=2*")]), "a+b=O%27Brien+%26+S%C3%B6hne&c=1%2B1%3D2*");
        assert_eq!(component("O'Brien & (b)/c"), "O'Brien%20%26%20(b)%2Fc");
        assert_eq!(path("a b/c?d"), "a%20b/c%3Fd");
    }

    #[test]
    fn a_body_that_must_not_change_is_a_whole_request() {
        let entry = Draft::post("/f").form(&[("a", "b")]).by(Client::Program).entry("forms", 3, &mut Random::of(&[]));
        let bytes = STANDARD.decode(entry.encoded.unwrap()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("POST /f HTTP/1.1\r\nHost: api.example.com\r\n"), "{text}");
        assert!(text.ends_with("\r\nContent-Length: 3\r\n\r\na=b"), "{text}");
        let entry = Draft::post("/f").json(&serde_json::json!({"a": 1})).entry("json", 1, &mut Random::of(&[]));
        assert_eq!((entry.data.as_deref(), entry.encoded), (Some("{\"a\":1}"), None));
    }
}
