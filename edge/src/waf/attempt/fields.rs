//! What an attempt says in a form or in JSON. Who applies it reads it too, by a parser of its own: what parsers read differently is not read at all.

use common::secret::SecretBytes;
use common::waf::model::{AttemptFields, Payload};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::takeover::Kind;
use crate::waf::attempt::find::{How, Says};
use crate::waf::attempt::json::Json;
use crate::waf::request::Request;

/// It has more than one reading, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

/// Where an attempt's fields stand.
pub struct Form<'f> {
    pub kind: Kind,
    pub fields: &'f AttemptFields,
    /// How the body has to be written; None: as its content type says.
    pub payload: Option<Payload>,
    pub how: How,
}

enum Written {
    Form(Vec<(String, String)>),
    Json(Json),
}

impl Form<'_> {
    pub fn read(&self, request: &Request<'_>, body: &[u8]) -> Result<Says, Unclear> {
        let payload = payload(self.payload, request.headers)?;
        let fields = with_usual(self.fields, payload);
        let written = match payload {
            Payload::Json => Written::Json(serde_json::from_slice(body).map_err(|_| Unclear)?),
            Payload::Form => Written::Form(pairs(body)),
        };
        let query = pairs(request.query.unwrap_or_default().as_bytes());
        let value = |field: &str| -> Result<Option<String>, Unclear> {
            let value = written.value(field)?;
            let (root, is_deep) = root(field, payload);
            let differs = |(name, said): &(String, String)| {
                is_alike(name, root) && !(is_deep && fold(name) == fold(root)) && value.as_ref() != Some(said)
            };
            // A page that was asked for with the name filled in sends it back with the same query.
            if query.iter().any(differs) { Err(Unclear) } else { Ok(value) }
        };
        let text = |field: &Option<String>| -> Result<Option<String>, Unclear> {
            let text = field.as_deref().map_or(Ok(None), value)?;
            Ok(text.filter(|text| !text.trim().is_empty()))
        };
        let together = |all: &[String]| -> Result<Option<String>, Unclear> {
            let parts =
                all.iter().filter_map(|one| text(&Some(one.clone())).transpose()).collect::<Result<Vec<_>, _>>()?;
            Ok((!parts.is_empty()).then(|| parts.concat()))
        };
        let (name, email) = (text(&fields.name)?, text(&fields.email)?);
        let name = name.or(email);
        let password = fields.password.as_deref().map_or(Ok(None), value)?.filter(|text| !text.is_empty());
        let is_recovery = self.kind == Kind::Recovery;
        let is_missing = name.is_none() || (!is_recovery && fields.password.is_some() && password.is_none());
        let password = password.filter(|_| !is_recovery).map(|text| SecretBytes::new(text.into_bytes()));
        let (phone, postal) = (together(&fields.phone)?, together(&fields.address)?);
        Ok(Says { kind: self.kind, name, password, is_missing, phone, postal, how: self.how })
    }
}

impl Written {
    /// The one value of a field. Null is none.
    fn value(&self, field: &str) -> Result<Option<String>, Unclear> {
        match self {
            Self::Json(json) => match json.at(field)? {
                None | Some(Json::Null) => Ok(None),
                Some(Json::Text(text) | Json::Number(text)) => Ok(Some(text.clone())),
                Some(Json::Truth | Json::List(_) | Json::Members(_)) => Err(Unclear),
            },
            Self::Form(pairs) => {
                let mut alike = pairs.iter().filter(|(name, _)| is_alike(name, field));
                match (alike.next(), alike.next()) {
                    (None, _) => Ok(None),
                    (Some((name, value)), None) if name == field => Ok(Some(value.clone())),
                    _ => Err(Unclear),
                }
            }
        }
    }
}

/// How the body is written. Not one that has to be unpacked first, nor in a character set in which the same bytes are other names.
fn payload(configured: Option<Payload>, headers: &HeaderMap) -> Result<Payload, Unclear> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(Unclear);
    }
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let said = match (all.next(), all.next()) {
        (None, _) => return configured.ok_or(Unclear),
        (Some(one), None) => one.to_str().map_err(|_| Unclear)?.to_ascii_lowercase(),
        _ => return Err(Unclear),
    };
    let mut parts = said.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let is_readable = |rest: &str| {
        let name = rest.trim_start().strip_prefix('=').unwrap_or_default();
        matches!(name.trim().trim_matches('"'), "utf-8" | "utf8" | "us-ascii" | "iso-8859-1")
    };
    if !parts.filter_map(|part| part.strip_prefix("charset")).all(is_readable) {
        return Err(Unclear);
    }
    let of_kind = match kind {
        "application/x-www-form-urlencoded" => Some(Payload::Form),
        "application/json" | "text/json" => Some(Payload::Json),
        _ if kind.starts_with("application/x-amz-json-") => Some(Payload::Json),
        _ if kind.starts_with("application/") && kind.ends_with("+json") => Some(Payload::Json),
        // What a browser says of a text that a script sends, where the script says nothing.
        "text/plain" if configured == Some(Payload::Json) => configured,
        _ => None,
    };
    of_kind.filter(|kind| configured.is_none_or(|configured| configured == *kind)).ok_or(Unclear)
}

/// Where the configuration names no fields: the usual names.
fn with_usual(fields: &AttemptFields, payload: Payload) -> AttemptFields {
    if fields.name.is_some() || fields.email.is_some() || fields.password.is_some() {
        return fields.clone();
    }
    let slash = if payload == Payload::Json { "/" } else { "" };
    let of = |name: &str| Some(format!("{slash}{name}"));
    AttemptFields { name: of("username"), password: of("password"), ..fields.clone() }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// What a field is called in a query, or what its name begins with there, where it stands deeper.
fn root(field: &str, payload: Payload) -> (&str, bool) {
    let path = field.strip_prefix('/').filter(|_| payload == Payload::Json).unwrap_or(field);
    match path.split_once('/').filter(|_| payload == Payload::Json) {
        Some((root, _)) => (root, true),
        None => (path, false),
    }
}

/// Whether somebody takes the one name for the other: frameworks that don't mind the case, and those for which `name[]` is a list of that name.
fn is_alike(name: &str, field: &str) -> bool {
    fold(name).strip_prefix(&fold(field)).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// Without case, as widely as any parser has it: also the long s.
pub fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).map(|c| if c == 'ſ' { 's' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waf::request::{Body, Clearance};

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    const JSON: (&str, &str) = ("content-type", "application/json; charset=\"UTF-8\"");

    /// Name and password.
    fn read(
        payload: Option<Payload>,
        headers: &[(&'static str, &str)],
        query: &str,
        body: &str,
    ) -> Result<(String, String), Unclear> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        let request = Request {
            method: "POST",
            path: "/in",
            query: Some(query),
            headers: &headers,
            body: Body::Read { bytes: body.as_bytes(), more: false },
            client: None,
            ja3: None,
            ja4: None,
            token: None,
            clearance: Clearance::default(),
        };
        let form = Form { kind: Kind::SignIn, fields: &AttemptFields::default(), payload, how: How::Place };
        let says = form.read(&request, body.as_bytes())?;
        let password = says.password.map(|password| String::from_utf8(password.expose().to_vec()).unwrap());
        Ok((says.name.unwrap_or_default(), password.unwrap_or_default()))
    }

    fn said(name: &str, password: &str) -> Result<(String, String), Unclear> {
        Ok((name.to_owned(), password.to_owned()))
    }

    #[test]
    fn what_is_written_in_another_way_is_not_read() {
        let body = r#"{"username": "ann", "password": "pw"}"#;
        let (json, form) = (Some(Payload::Json), Some(Payload::Form));
        for (payload, headers) in [
            (json, &[JSON][..]),
            (None, &[JSON]),
            (json, &[]),
            (json, &[("content-type", "application/vnd.x+json")]),
            (json, &[("content-type", "text/plain;charset=UTF-8")]),
            (json, &[JSON, ("content-encoding", "identity")]),
        ] {
            assert_eq!(read(payload, headers, "", body), said("ann", "pw"), "{headers:?}");
        }
        let own = "username=ann&password=pw";
        assert_eq!(read(form, &[], "", own), said("ann", "pw"));
        assert_eq!(read(None, &[FORM], "", own), said("ann", "pw"));
        for (payload, headers) in [
            (None, &[][..]),
            (json, &[FORM]),
            (form, &[JSON]),
            (form, &[("content-type", "multipart/form-data; boundary=x")]),
            (form, &[("content-type", "text/plain")]),
            (json, &[("content-type", "application/json; charset=utf-7")]),
            (json, &[("content-type", "application/json, text/plain")]),
            (json, &[JSON, ("content-encoding", "gzip")]),
        ] {
            for body in [body, own] {
                assert_eq!(read(payload, headers, "", body), Err(Unclear), "{headers:?} {body}");
            }
        }
    }

    #[test]
    fn what_comes_twice_or_is_no_text_is_not_read() {
        let json = |body| read(Some(Payload::Json), &[JSON], "", body);
        assert_eq!(json(r#"{"username": 7, "password": "pw"}"#), said("7", "pw"));
        assert_eq!(json(r#"{"username": null}"#), said("", ""));
        for body in [
            "{broken",
            r#"{"username": ["ann"], "password": "pw"}"#,
            r#"{"username": {"$ne": ""}, "password": "pw"}"#,
            r#"{"username": true, "password": "pw"}"#,
            r#"{"username": "ann", "password": ["pw"]}"#,
            r#"{"username": "fresh", "username": "ann", "password": "pw"}"#,
            r#"{"username": "fresh", "UserName": "ann", "password": "pw"}"#,
            r#"{"username": "fresh", "uſername": "ann", "password": "pw"}"#,
        ] {
            assert_eq!(json(body), Err(Unclear), "{body}");
        }
        let form = |query, body| read(Some(Payload::Form), &[FORM], query, body);
        let own = "username=ann&password=pw";
        assert_eq!(form("next=%2F&user=x", own), said("ann", "pw"));
        assert_eq!(form("username=ann", own), said("ann", "pw"), "the page was asked for so");
        assert_eq!(form("", "x=1"), said("", ""));
        for (query, body) in [
            ("", "username=fresh&username=ann&password=pw"),
            ("", "username=fresh&UserName=ann&password=pw"),
            ("", "username=fresh&username[]=ann&password=pw"),
            ("", "username=ann&Password=pw"),
            ("username=bob", own),
            ("username=ann&username=bob", own),
            ("%75sername[]=bob", own),
            (own, ""),
            ("password=pw", "username=ann"),
        ] {
            assert_eq!(form(query, body), Err(Unclear), "{query} {body}");
        }
        let json = r#"{"username": "fresh", "password": "pw"}"#;
        assert_eq!(read(Some(Payload::Json), &[JSON], "username=ann", json), Err(Unclear));
    }
}
