//! XML bodies as lists of values: the texts, the values of attributes, and declarations. One pass, no tree, no entity but those of HTML and numbers
//! is resolved. It does not judge whether the text is well-formed: parsers differ.

use std::borrow::Cow;

use common::waf::Transform;
use memchr::{memchr, memmem};

/// Adds what is found in `text`.
pub fn values<'b>(text: &'b [u8], found: &mut Vec<Cow<'b, [u8]>>) {
    let mut rest = text;
    while let Some(open) = memchr(b'<', rest) {
        add(rest.get(..open).unwrap_or_default(), found);
        let tag = rest.get(open..).unwrap_or_default();
        let end = match tag {
            [b'<', b'!', b'-', b'-', ..] => closed(tag, b"-->"),
            [b'<', b'!', b'[', b'C', ..] => closed(tag, b"]]>"),
            [b'<', b'!', ..] => declaration_end(tag),
            _ => tag_end(tag),
        };
        let inside = tag.get(..end).unwrap_or(tag);
        match tag {
            [b'<', b'!', b'[', b'C', ..] => found.push(Cow::Borrowed(inside.get(9..).unwrap_or_default())),
            // What a document type or a comment holds is nothing that a program asked for.
            [b'<', b'!', ..] => found.push(Cow::Borrowed(inside)),
            _ => attributes(inside, found),
        }
        rest = tag.get(end..).unwrap_or_default();
    }
    add(rest, found);
}

fn add<'b>(text: &'b [u8], found: &mut Vec<Cow<'b, [u8]>>) {
    let text = text.trim_ascii();
    if !text.is_empty() {
        found.push(Transform::HtmlEntityDecode.apply(text));
    }
}

fn closed(tag: &[u8], by: &[u8]) -> usize {
    memmem::find(tag, by).map_or(tag.len(), |at| at + by.len())
}

/// Behind the `>` that ends a declaration: one with an internal subset has others before.
fn declaration_end(tag: &[u8]) -> usize {
    let end = tag_end(tag);
    match memchr(b'[', tag) {
        Some(subset) if subset < end => {
            memmem::find(tag, b"]").map_or(tag.len(), |close| close + tag_end(tag.get(close..).unwrap_or_default()))
        }
        _ => end,
    }
}

/// Behind the `>` that ends a tag, which is not in quotes.
fn tag_end(tag: &[u8]) -> usize {
    let mut quote = None;
    for (at, byte) in tag.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'>') => return at + 1,
            (None, _) => {}
        }
    }
    tag.len()
}

/// The values in quotes of a tag.
fn attributes<'b>(tag: &'b [u8], found: &mut Vec<Cow<'b, [u8]>>) {
    let mut rest = tag;
    while let Some(open) = memchr::memchr2(b'"', b'\'', rest) {
        let quote = rest.get(open).copied().unwrap_or(b'"');
        rest = rest.get(open + 1..).unwrap_or_default();
        let end = memchr(quote, rest).unwrap_or(rest.len());
        add(rest.get(..end).unwrap_or_default(), found);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        values(text.as_bytes(), &mut found);
        found.into_iter().map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    #[test]
    fn texts_attributes_and_declarations() {
        assert_eq!(
            of(r#"<?xml version="1.0"?><a b="x &lt; y" c='"'> hi <d/>&#65;&amp;</a>"#),
            ["1.0", "x < y", "\"", "hi", "A&"]
        );
        assert_eq!(of("<a><![CDATA[<script>]]></a><!-- c > d -->"), ["<script>]]>", "<!-- c > d -->"]);
        let dtd = r#"<!DOCTYPE r [ <!ENTITY % x SYSTEM "http://h/>"> ]>"#;
        assert_eq!(of(&format!("{dtd}<r>t</r>")), [dtd, "t"]);
    }

    #[test]
    fn faults_hide_nothing() {
        assert_eq!(of("<a b=\"never ends"), ["never ends"]);
        assert_eq!(of("text only"), ["text only"]);
        assert_eq!(of("<![CDATA[open"), ["open"]);
        assert_eq!(of("<!DOCTYPE r ["), ["<!DOCTYPE r ["]);
        assert_eq!(of("<"), Vec::<String>::new());
    }
}
