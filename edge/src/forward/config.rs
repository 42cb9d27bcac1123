//! `headers = { add = { "x-user-id" = "{sub}" } }` of a route.

use common::settings::{Section, SettingError};
use common::verify::ClaimPath;
use http::{HeaderName, HeaderValue};

use crate::snapshot::route::{AddedHeader, Piece};

/// Reads the headers that a route adds.
pub fn added_headers(mut section: Section) -> Result<Vec<AddedHeader>, SettingError> {
    let mut headers = Vec::new();
    if let Some(add) = section.section("add")? {
        let place = section.place("add");
        for (name, text) in add.pairs()? {
            let at = format!("{place}.{name}");
            let header = HeaderName::try_from(&name).map_err(|_| SettingError::new(&at, "is no header name"))?;
            let template = template(&text).map_err(|problem| SettingError::new(&at, problem))?;
            headers.push(AddedHeader { name: header, template });
        }
    }
    section.finish()?;
    Ok(headers)
}

/// Cuts `user-{sub}` into text and claims.
fn template(text: &str) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let (claim, after) = after.split_once('}').ok_or("has a `{` without `}`")?;
        let path = ClaimPath::parse(claim).ok().filter(|_| !claim.contains('{'));
        push_text(&mut pieces, literal)?;
        pieces.push(Piece::Claim(path.ok_or("has braces that name no claim")?));
        rest = after;
    }
    push_text(&mut pieces, rest)?;
    if pieces.is_empty() { Err("is empty") } else { Ok(pieces) }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), &'static str> {
    if text.contains('}') {
        return Err("has a `}` without `{`");
    }
    HeaderValue::from_str(text).map_err(|_| "has characters that no header may have")?;
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let claim = |path| Piece::Claim(ClaimPath::parse(path).unwrap());
        assert_eq!(template("{sub}"), Ok(vec![claim("sub")]));
        assert_eq!(template("{/realm_access/roles}"), Ok(vec![claim("/realm_access/roles")]));
        assert_eq!(
            template("u-{cognito:groups}!"),
            Ok(vec![Piece::Text("u-".into()), claim("cognito:groups"), Piece::Text("!".into())])
        );
        for bad in ["", "{sub", "sub}", "{}", "{{sub}}", "{/a~}", "a\nb"] {
            assert!(template(bad).is_err(), "{bad:?}");
        }
    }
}
