//! `HTML_ENTITY_DECODE`.

use std::borrow::Cow;

use memchr::memchr;

use super::edit::{Piece, rewrite};

/// Decimal 160, which AWS names as what `&nbsp;` stands for.
const NO_BREAK_SPACE: u8 = 0xA0;

/// Names that browsers take without a semicolon too.
const BARE: [(&str, u8); 5] = [("lt", b'<'), ("gt", b'>'), ("amp", b'&'), ("quot", b'"'), ("nbsp", NO_BREAK_SPACE)];

/// Names that need their semicolon: without it, a query string such as `?a=1&num=2` would be decoded.
const CLOSED: [(&str, u8); 42] = [
    ("tab", b'\t'),
    ("newline", b'\n'),
    ("nonbreakingspace", NO_BREAK_SPACE),
    ("excl", b'!'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("percent", b'%'),
    ("apos", b'\''),
    ("lpar", b'('),
    ("rpar", b')'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("plus", b'+'),
    ("comma", b','),
    ("minus", b'-'),
    ("period", b'.'),
    ("sol", b'/'),
    ("colon", b':'),
    ("semi", b';'),
    ("equals", b'='),
    ("quest", b'?'),
    ("commat", b'@'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("bsol", b'\\'),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("hat", b'^'),
    ("lowbar", b'_'),
    ("underbar", b'_'),
    ("grave", b'`'),
    ("diacriticalgrave", b'`'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("verticalline", b'|'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
    ("tilde", b'~'),
    ("diacriticaltilde", b'~'),
];

/// Bytes of the longest name.
const LONGEST: usize = 16;

/// Named and numeric references become characters; what is no reference stays.
///
/// Names match in any letter case. A numeric one may lack its semicolon and have any number of digits. Output: no longer than the input, since no
/// reference is shorter than the UTF-8 of its character.
pub(super) fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(b'&', tail), reference)
}

fn reference(tail: &[u8]) -> Option<(Piece, usize)> {
    match tail {
        [b'&', b'#', b'x' | b'X', digits @ ..] => numeric(digits, 16, 3),
        [b'&', b'#', digits @ ..] => numeric(digits, 10, 2),
        [b'&', name @ ..] => named(name),
        _ => None,
    }
}

/// A number in digits of `radix`, after a `prefix` of so many bytes.
fn numeric(digits: &[u8], radix: u32, prefix: usize) -> Option<(Piece, usize)> {
    let mut code = 0_u32;
    let mut count = 0;
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(radix)) {
        // Held one past the last code point: leading zeros are free, and no number wraps around to another character.
        code = (code * radix + digit).min(0x11_0000);
        count += 1;
    }
    let semicolon = usize::from(digits.get(count) == Some(&b';'));
    (count > 0).then(|| (character(code), prefix + count + semicolon))
}

/// What a numeric reference stands for. A number that is no character gives U+FFFD, as in HTML.
fn character(code: u32) -> Piece {
    if code == u32::from(NO_BREAK_SPACE) {
        return Piece::byte(NO_BREAK_SPACE);
    }
    Piece::char(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// A name, which ends where letters and digits end: `&lt` in `&ltfoo` is not taken, as in an attribute of HTML.
fn named(tail: &[u8]) -> Option<(Piece, usize)> {
    let length = tail.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = tail.get(..length).filter(|name| (2..=LONGEST).contains(&name.len()))?;
    let semicolon = tail.get(length) == Some(&b';');
    let byte = match look_up(&BARE, name) {
        None if semicolon => look_up(&CLOSED, name)?,
        found => found?,
    };
    Some((Piece::byte(byte), 1 + length + usize::from(semicolon)))
}

fn look_up(names: &[(&str, u8)], name: &[u8]) -> Option<u8> {
    names.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|(_, byte)| *byte)
}
