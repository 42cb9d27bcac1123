//! Arguments of a query.

use std::borrow::Cow;

use common::waf::Transform;
use common::waf::model::PreParse;

/// Name and value of an argument, as they stand in the query unless something was done to that first.
pub type Argument<'q> = (Cow<'q, [u8]>, Cow<'q, [u8]>);

/// The arguments in their order. Pieces are parted by `&`, name and value by the first `=`.
pub fn arguments<'q>(query: &'q str, pre: &[PreParse]) -> Vec<Argument<'q>> {
    let mut whole = Cow::Borrowed(query.as_bytes());
    for step in pre {
        let changed = match step {
            PreParse::UrlDecode => Transform::UrlDecode.apply(&whole),
            PreParse::UrlDecodeUni => Transform::UrlDecodeUni.apply(&whole),
            PreParse::SemicolonsToAmpersands if whole.contains(&b';') => {
                Cow::Owned(whole.iter().map(|byte| if *byte == b';' { b'&' } else { *byte }).collect())
            }
            _ => continue,
        };
        if let Cow::Owned(changed) = changed {
            whole = Cow::Owned(changed);
        }
    }
    let arguments = match whole {
        Cow::Borrowed(query) => split(query).map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect(),
        Cow::Owned(query) => {
            split(&query).map(|(name, value)| (Cow::Owned(name.to_vec()), Cow::Owned(value.to_vec()))).collect()
        }
    };
    if pre.contains(&PreParse::CombineDuplicates) { combined(arguments) } else { arguments }
}

fn split(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| match memchr::memchr(b'=', piece) {
        Some(at) => (piece.get(..at).unwrap_or_default(), piece.get(at + 1..).unwrap_or_default()),
        None => (piece, &[][..]),
    })
}

/// Arguments of one name become one, in the place of the first: some servers read them so.
fn combined(arguments: Vec<Argument<'_>>) -> Vec<Argument<'_>> {
    let mut places = std::collections::HashMap::new();
    let mut combined: Vec<Argument<'_>> = Vec::with_capacity(arguments.len());
    for (name, value) in arguments {
        let place = *places.entry(name.to_ascii_lowercase()).or_insert(combined.len());
        match combined.get_mut(place) {
            Some((_, there)) => {
                let there = there.to_mut();
                there.push(b',');
                there.extend_from_slice(&value);
            }
            None => combined.push((name, value)),
        }
    }
    combined
}
