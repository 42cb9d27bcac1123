//! Second implementations of the most intricate transformations, written for plainness (regular steps, no fast path), and compared on any bytes.

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert_eq, proptest};

use super::Transform;

/// Pieces from which the interesting values are made.
fn value(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::prop_oneof![
        8 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn hex(text: &str) -> Option<u32> {
    text.chars().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

/// Latin-1 text, one byte a character, so that slices never split a character.
fn url_decode_uni(input: &[u8]) -> Vec<u8> {
    let characters: Vec<char> = text(input).chars().collect();
    let number = |from: usize, digits: usize| {
        characters.get(from..from + digits).and_then(|digits| hex(&digits.iter().collect::<String>()))
    };
    let mut out = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let unicode = matches!(characters.get(at + 1), Some('u' | 'U'));
        if characters[at] == '%' && unicode && number(at + 2, 4).is_some() {
            let code = number(at + 2, 4).unwrap();
            let full_width = code > 0xFF00 && code < 0xFF5F;
            out.push(((code & 0xFF) + if full_width { 0x20 } else { 0 }) as u8);
            at += 6;
        } else if characters[at] == '%' && number(at + 1, 2).is_some() {
            out.push(number(at + 1, 2).unwrap() as u8);
            at += 3;
        } else {
            out.push(if characters[at] == '+' { b' ' } else { input[at] });
            at += 1;
        }
    }
    out
}

/// As HTML's tokenizer would: collect a candidate, then see whether it is one.
fn html_entity_decode(input: &[u8]) -> Vec<u8> {
    let all = text(input);
    let mut out = Vec::new();
    let mut left = all.as_str();
    while let Some(first) = left.chars().next() {
        let length = first.len_utf8();
        if first == '&'
            && let Some((bytes, after)) = html_reference(&left[1..])
        {
            out.extend(bytes);
            left = after;
            continue;
        }
        out.push(first as u8);
        left = &left[length..];
    }
    out
}

fn html_reference(text: &str) -> Option<(Vec<u8>, &str)> {
    let (body, radix) = match text.strip_prefix('#') {
        None => return html_name(text),
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (number, 10),
        },
    };
    let end = body.find(|digit: char| !digit.is_digit(radix)).unwrap_or(body.len());
    if end == 0 {
        return None;
    }
    let code = u32::from_str_radix(&body[..end], radix).unwrap_or(u32::MAX);
    let bytes =
        if code == 160 { vec![160] } else { char::from_u32(code).unwrap_or('\u{FFFD}').to_string().into_bytes() };
    let after = &body[end..];
    Some((bytes, after.strip_prefix(';').unwrap_or(after)))
}

fn html_name(text: &str) -> Option<(Vec<u8>, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
    let after = &text[end..];
    let byte = match (text[..end].to_ascii_lowercase().as_str(), after.starts_with(';')) {
        ("lt", _) => b'<',
        ("gt", _) => b'>',
        ("amp", _) => b'&',
        ("quot", _) => b'"',
        ("nbsp", _) => 160,
        ("colon", true) => b':',
        ("lpar", true) => b'(',
        ("diacriticaltilde", true) => b'~',
        _ => return None,
    };
    Some((vec![byte], after.strip_prefix(';').unwrap_or(after)))
}

/// By the words of AWS, one step after the other, on a list of segments.
fn normalize_path(input: &[u8]) -> Vec<u8> {
    let path = text(input);
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        match (segment, kept.last()) {
            ("..", Some(last)) if *last != ".." => drop(kept.pop()),
            ("..", None) if path.starts_with('/') => {}
            _ => kept.push(segment),
        }
    }
    let joined = kept.join("/");
    let start = if path.starts_with('/') { "/" } else { "" };
    let end = if path.ends_with('/') && !joined.is_empty() { "/" } else { "" };
    format!("{start}{joined}{end}").chars().map(|character| character as u8).collect()
}

proptest! {
    #[test]
    fn url_decode_uni_agrees(input in value(&["%", "u", "U", "00", "ff", "FF", "1c", "3C", "+", "%u", "%uff", "%41", "g"])) {
        let output = Transform::UrlDecodeUni.apply(&input);
        prop_assert_eq!(output.as_ref(), url_decode_uni(&input));
    }

    #[test]
    fn html_entity_decode_agrees(
        input in value(&["&", "#", "x", "X", ";", "60", "3c", "0", "&#", "&#x", "160", "d800", "99999999999", "lt", "&gt", "&amp;", "QUOT",
            "nbsp", "&colon", "lpar;", "&DiacriticalTilde;", "e"])
    ) {
        let output = Transform::HtmlEntityDecode.apply(&input);
        prop_assert_eq!(output.as_ref(), html_entity_decode(&input));
    }

    #[test]
    fn normalize_path_agrees(input in value(&["/", "/", "//", ".", "..", "/../", "./", "a", "bc", "\\"])) {
        let output = Transform::NormalizePath.apply(&input);
        prop_assert_eq!(output.as_ref(), normalize_path(&input));
    }
}
