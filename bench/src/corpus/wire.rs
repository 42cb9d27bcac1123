//! The bytes of a request, as go-ftw, which the corpus was written for, makes them.
//!
//! Method GET and target `/` where none is given. Data without a type is a form. Form data in which decoding changes nothing is encoded, names and
//! values each; multipart gets its CRLFs. `Content-Length` and `Connection: close` come where they are missing.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Entry, Fields};

const FORM: &str = "application/x-www-form-urlencoded";
/// Padding or none; some tests have it wrong.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is done to data before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// What go-ftw does.
    #[default]
    Ftw,
    /// Nothing.
    AsWritten,
}

/// Why a request can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("its encoded form is not base64")]
    Base64,
    #[error("a line break stands in {0}")]
    LineBreak(&'static str),
    #[error("it is empty")]
    Empty,
}

impl Entry {
    /// The whole request.
    ///
    /// # Errors
    /// When it would be several requests, or none.
    pub fn bytes(&self, form: Form) -> Result<Vec<u8>, WireError> {
        if let Some(encoded) = &self.encoded {
            let text: String = encoded.split_ascii_whitespace().collect();
            let bytes = BASE64.decode(text).map_err(|_| WireError::Base64)?;
            return if bytes.is_empty() { Err(WireError::Empty) } else { Ok(bytes) };
        }
        let (method, target) = (self.method.as_deref().unwrap_or("GET"), self.uri.as_deref().unwrap_or("/"));
        let mut fields = self.headers.clone().unwrap_or_default();
        let data = self.data.as_deref().map(|data| body(data, &mut fields, form)).unwrap_or_default();
        complete(method, data.len(), &mut fields);
        let parts = [("its method", method), ("its target", target)];
        let names = fields.0.iter().map(|(name, _)| ("a field's name", name.as_str()));
        let values = fields.0.iter().map(|(_, value)| ("a field", value.as_str()));
        for (what, part) in parts.into_iter().chain(names).chain(values) {
            if part.contains(['\r', '\n']) {
                return Err(WireError::LineBreak(what));
            }
        }
        let lines: String = fields.0.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n{lines}\r\n").into_bytes();
        bytes.extend_from_slice(&data);
        Ok(bytes)
    }
}

/// Data as it is sent; it gets a type where it has none.
fn body(data: &str, fields: &mut Fields, form: Form) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    if fields.get("content-type").is_none() {
        fields.0.push(("Content-Type".to_owned(), FORM.to_owned()));
    }
    let content_type = fields.get("content-type").unwrap_or_default();
    if form == Form::AsWritten {
        data.as_bytes().to_vec()
    } else if content_type == FORM && !is_encoded(data) {
        encoded(data).into_bytes()
    } else if content_type.starts_with("multipart/form-data;") {
        data.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
    } else {
        data.as_bytes().to_vec()
    }
}

fn complete(method: &str, length: usize, fields: &mut Fields) {
    let framed = fields.get("content-length").is_some() || fields.get("transfer-encoding").is_some();
    if !framed && (length > 0 || matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")) {
        fields.0.push(("Content-Length".to_owned(), length.to_string()));
    }
    if fields.get("connection").is_none() {
        fields.0.push(("Connection".to_owned(), "close".to_owned()));
    }
}

/// Whether decoding would change something: a plus sign, or a percent sign before two digits.
fn is_encoded(data: &str) -> bool {
    let bytes = data.as_bytes();
    let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'+' || (*byte == b'%' && hex(at + 1) && hex(at + 2)))
}

/// Names and values encoded, the signs between them kept.
fn encoded(data: &str) -> String {
    let token = |token: &str| match token.split_once('=') {
        Some((name, value)) => format!("{}={}", escape(name), escape(value)),
        None => escape(token),
    };
    data.split('&').map(token).collect::<Vec<_>>().join("&")
}

/// As Go's `url.QueryEscape`.
fn escape(text: &str) -> String {
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(json: &str, form: Form) -> String {
        let entry: Entry = serde_json::from_str(json).unwrap();
        String::from_utf8(entry.bytes(form).unwrap()).unwrap()
    }

    #[test]
    fn what_is_missing_is_added() {
        let bare = r#"{"fam":"x","label":"attack"}"#;
        assert_eq!(sent(bare, Form::Ftw), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
        let post = r#"{"fam":"x","label":"attack","method":"POST","uri":"/a","headers":{"Host":"h","Content-Length":7},"data":""}"#;
        assert_eq!(
            sent(post, Form::Ftw),
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn forms_are_encoded_unless_they_are() {
        let body = |data: &str, form| {
            let entry = Entry { data: Some(data.into()), ..Entry::default() };
            let text = String::from_utf8(entry.bytes(form).unwrap()).unwrap();
            assert!(text.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n") || data.is_empty());
            text.split_once("\r\n\r\n").unwrap().1.to_owned()
        };
        assert_eq!(body("a=1' or 1=1&b", Form::Ftw), "a=1%27+or+1%3D1&b");
        assert_eq!(body("a=1' or 1=1&b", Form::AsWritten), "a=1' or 1=1&b");
        assert_eq!(body("a='%20or", Form::Ftw), "a='%20or");
        assert_eq!(body("a=100%!", Form::Ftw), "a=100%25%21");
        assert_eq!(body("", Form::Ftw), "");
    }

    #[test]
    fn multipart_gets_its_line_ends() {
        let json = r#"{"fam":"x","label":"attack","headers":{"Content-Type":"multipart/form-data; boundary=b"},"data":"--b\r\n\nx\n--b--"}"#;
        assert!(
            sent(json, Form::Ftw).ends_with("Content-Length: 15\r\nConnection: close\r\n\r\n--b\r\n\r\nx\r\n--b--")
        );
        assert!(sent(json, Form::AsWritten).ends_with("\r\n\r\n--b\r\n\nx\n--b--"));
    }

    #[test]
    fn a_whole_request_is_sent_as_it_is_and_what_can_not_be_sent_says_why() {
        let entry = |json: &str| serde_json::from_str::<Entry>(json).unwrap().bytes(Form::Ftw);
        assert_eq!(entry(r#"{"fam":"x","label":"attack","encoded":"R0VU\nIC8="}"#).unwrap(), b"GET /");
        assert_eq!(entry(r#"{"fam":"x","label":"attack","encoded":"R0VUIC8"}"#).unwrap(), b"GET /");
        assert_eq!(entry(r#"{"fam":"x","label":"attack","encoded":"?"}"#), Err(WireError::Base64));
        assert_eq!(entry(r#"{"fam":"x","label":"attack","encoded":""}"#), Err(WireError::Empty));
        let broken = r#"{"fam":"x","label":"attack","headers":{"A":"b\r\nC: d"}}"#;
        assert_eq!(entry(broken), Err(WireError::LineBreak("a field")));
    }
}
