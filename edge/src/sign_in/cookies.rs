//! The cookies of sessions and of sign-ins on their way: read, divided, set.

use http::{HeaderMap, HeaderValue};

use crate::forward::cookies::pairs;
use crate::snapshot::sign_in::{CookieName, MOST_PARTS};

/// Characters of a value in one cookie: with name and attributes below the 4,096 bytes that browsers take (RFC 6265 §6.1).
const PART: usize = 3_800;

/// What there is of a session's cookies.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// Parts are missing, or one came twice: nobody knows which is the right one.
    Broken,
    Text(String),
}

/// The text that [`divided`] was given. Parts beyond those that the first one announces are what a longer session has left.
pub fn session(headers: &HeaderMap, name: &CookieName) -> Found {
    let mut parts: [Option<&[u8]>; MOST_PARTS] = [None; MOST_PARTS];
    for (cookie, value) in pairs(headers) {
        let Some(slot) = name.part_of(cookie).and_then(|part| parts.get_mut(part)) else { continue };
        if slot.replace(value).is_some() {
            return Found::Broken;
        }
    }
    match joined(&parts) {
        Some(text) => Found::Text(text),
        None if parts.iter().all(Option::is_none) => Found::Nothing,
        None => Found::Broken,
    }
}

fn joined(parts: &[Option<&[u8]>]) -> Option<String> {
    let (first, rest) = parts.split_first()?;
    let (count, first) = std::str::from_utf8((*first)?).ok()?.split_once('.')?;
    let more = count.parse::<usize>().ok()?.checked_sub(1)?;
    let mut text = first.to_owned();
    for part in rest.get(..more)? {
        text.push_str(std::str::from_utf8((*part)?).ok()?);
    }
    Some(text)
}

/// The values of a session's cookies; none where it is too long. The first begins with how many there are.
pub fn divided(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.as_bytes().chunks(PART).map(std::str::from_utf8).collect::<Result<_, _>>().ok()?;
    if parts.len() > MOST_PARTS {
        return None;
    }
    let count = parts.len();
    let numbered = |(number, part): (usize, &&str)| match number {
        0 => format!("{count}.{part}"),
        _ => (*part).to_owned(),
    };
    Some(parts.iter().enumerate().map(numbered).collect())
}

/// The value of a cookie that came exactly once.
pub fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut named = pairs(headers).filter(|(cookie, _)| *cookie == name.as_bytes());
    let (_, value) = named.next()?;
    if named.next().is_some() { None } else { std::str::from_utf8(value).ok() }
}

/// Sets a cookie for this host alone, out of reach of scripts; other sites' requests bring it only when somebody follows a link here.
pub fn set(name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    let mut line = HeaderValue::try_from(line).ok()?;
    line.set_sensitive(true);
    Some(line)
}

pub fn cleared(name: &str) -> Option<HeaderValue> {
    set(name, "", 0)
}

/// Clears the parts of a session from `first` on that the browser has.
pub fn cleared_from(headers: &HeaderMap, name: &CookieName, first: usize) -> Vec<HeaderValue> {
    let has = |part: &usize| pairs(headers).any(|(cookie, _)| name.part_of(cookie) == Some(*part));
    (first..MOST_PARTS).filter(has).filter_map(|part| cleared(&name.part(part))).collect()
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[String]) -> HeaderMap {
        fields.iter().map(|field| (COOKIE, HeaderValue::try_from(field).unwrap())).collect()
    }

    fn found(fields: &[String]) -> Found {
        session(&headers(fields), &CookieName::new("s"))
    }

    #[test]
    fn a_long_text_is_divided_and_joined_again() {
        let name = CookieName::new("s");
        for length in [1, PART, PART + 1, PART * MOST_PARTS] {
            let text: String = "abcdefg".chars().cycle().take(length).collect();
            let parts = divided(&text).unwrap();
            assert_eq!(parts.len(), length.div_ceil(PART));
            let mut fields: Vec<String> =
                parts.iter().enumerate().map(|(n, part)| format!("{}={part}", name.part(n))).collect();
            fields.reverse();
            assert_eq!(found(&fields), Found::Text(text.clone()), "by HTTP/2 in fields of their own");
            assert_eq!(found(&[fields.join("; ")]), Found::Text(text.clone()));
            fields.push(format!("{}=left over", name.part(MOST_PARTS - 1)));
            if parts.len() < MOST_PARTS {
                assert_eq!(found(&fields), Found::Text(text), "what a longer one has left");
            } else {
                assert_eq!(found(&fields), Found::Broken, "a part that came twice");
            }
        }
        assert_eq!(divided(&"x".repeat(PART * MOST_PARTS + 1)), None);
    }

    proptest! {
        #[test]
        fn no_cookie_is_too_odd(
            parts in proptest::collection::vec(("__Host-s(\\.[0-9]{1,2})?", "[0-9]{0,2}\\.?[ -~]{0,9}"), 0..6),
            noise in proptest::collection::vec(128_u8.., 0..9),
        ) {
            let mut field = parts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";").into_bytes();
            field.extend(noise);
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::from_bytes(&field).ok().map(|field| (COOKIE, field)));
            if let Found::Text(text) = session(&headers, &CookieName::new("s")) {
                prop_assert!(text.len() <= field.len());
            }
        }
    }

    #[test]
    fn what_is_not_whole_is_no_session() {
        assert_eq!(found(&["a=b".to_owned()]), Found::Nothing);
        for broken in [
            "__Host-s=1.a; __Host-s=1.b",
            "__Host-s=1.a; __Host-s=1.a",
            "__Host-s=2.a",
            "__Host-s.1=a",
            "__Host-s=a",
            "__Host-s=0.a",
            "__Host-s=6.a; __Host-s.1=b",
            "__Host-s=99999999999999999999.a",
            "__Host-s=-1.a",
            "__Host-s=",
        ] {
            assert_eq!(found(&[broken.to_owned()]), Found::Broken, "{broken}");
        }
        assert_eq!(one(&headers(&["t=1; t=2".to_owned()]), "t"), None);
        assert_eq!(one(&headers(&["t=1; u=2".to_owned()]), "t"), Some("1"));
    }
}
