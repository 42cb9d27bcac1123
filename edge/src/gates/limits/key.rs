//! What a limit tells requests apart by.

use std::borrow::Cow;

use crate::facts::Facts;
use crate::gates::RequestView;
use crate::rates::{Digester, Key};
use crate::snapshot::limit::{Limit, Part};

/// Headers whose values are shown to nobody.
const SECRET: [&str; 4] = ["authorization", "cookie", "dpop", "proxy-authorization"];

/// The key of a request; none where it lacks a part.
pub fn of(request: RequestView<'_>, facts: &Facts, limit: &Limit, digester: &Digester) -> Option<Key> {
    let mut key = digester.parts();
    key.add(limit.identity.as_bytes());
    for part in &limit.key {
        match part {
            Part::Address { v4, v6 } => {
                key.add(&Key::of_address(request.connection.client?, *v4, *v6).0.to_be_bytes());
            }
            Part::Claim(path) => {
                let token = &facts.identity()?.token;
                key.add(token.iss.as_bytes());
                key.add(token.claim_key(path)?.as_bytes());
            }
            Part::ClientId => {
                let token = &facts.identity()?.token;
                key.add(token.iss.as_bytes());
                key.add(Some(&token.client_id).filter(|id| !id.is_empty())?.as_bytes());
            }
            Part::Header(name) => {
                let values = request.headers.get_all(name);
                let count = Some(values.iter().count()).filter(|count| *count > 0)?;
                // Or the last value of one header could be taken for the first of the next.
                key.add(&count.to_be_bytes());
                values.iter().for_each(|value| key.add(value.as_bytes()));
            }
            Part::Path => key.add(request.canonical.path.as_str().as_bytes()),
            Part::Host => key.add(request.canonical.host.name().as_bytes()),
            Part::Method => key.add(request.canonical.method.as_bytes()),
            Part::Route => {}
        }
    }
    Some(key.key())
}

/// The parts of a request's key in words, for explanations; what it lacks is said.
pub fn told(request: RequestView<'_>, facts: &Facts, limit: &Limit) -> String {
    let parts: Vec<String> = limit.key.iter().map(|part| told_part(request, facts, part)).collect();
    parts.join(", ")
}

fn told_part(request: RequestView<'_>, facts: &Facts, part: &Part) -> String {
    let token = facts.identity().map(|identity| &identity.token);
    let value: Option<Cow<'_, str>> = match part {
        Part::Address { v4, v6 } => request.connection.client.map(|client| {
            let address = Key::of_address(client, *v4, *v6).address();
            format!("{address}/{}", if address.is_ipv4() { v4 } else { v6 }).into()
        }),
        Part::Claim(path) => token.and_then(|token| token.claim_key(path)),
        Part::ClientId => token.map(|token| Cow::Borrowed(&*token.client_id)),
        Part::Header(name) if SECRET.contains(&name.as_str()) => {
            request.headers.contains_key(name).then_some("(not shown)".into())
        }
        Part::Header(name) => request.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes())),
        Part::Path => Some(request.canonical.path.as_str().into()),
        Part::Host => Some(request.canonical.host.name().into()),
        Part::Method => Some(request.canonical.method.into()),
        Part::Route => return "route".to_owned(),
    };
    let name = if matches!(part, Part::Address { .. }) { "address".to_owned() } else { part.to_string() };
    format!("{name} {}", value.unwrap_or("(missing)".into()))
}
