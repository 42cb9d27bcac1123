//! Backslash escapes: `JS_DECODE`, `JS_DECODE_EXT`, `CSS_DECODE`, `ESCAPE_SEQ_DECODE`.

use std::borrow::Cow;

use memchr::memchr;

use super::digits::{hex_digit, hex_four, hex_pair, narrow, octal};
use super::edit::{Piece, rest, rewrite};

/// `\uHHHH`, `\u{H...}` ([`narrow`]), `\xHH`, `\OOO` up to 377, `\n` and its kin; of any other escape the backslash goes, of a continued line the
/// line end too. A backslash at the very end stays. Output: no longer than the input.
pub(super) fn javascript(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(b'\\', tail), |tail| numbered(tail).or_else(|| lettered(tail)))
}

/// The same with fewer escapes of one letter, so that `C:\new\default` stays as it is: only `\\`, `\/`, `\'` and `\"` lose their backslash. Output:
/// no longer than the input.
pub(super) fn javascript_with_paths(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(b'\\', tail), |tail| numbered(tail).or_else(|| quoted(tail)))
}

/// One to six hexadecimal digits become one byte ([`narrow`]) and take one white space with them; a backslash before a line end goes with it, before
/// anything else it goes alone. Output: no longer than the input.
pub(super) fn css(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(b'\\', tail), css_escape)
}

/// The escapes of ANSI C; one that is not valid stays. Output: no longer than the input.
pub(super) fn ansi_c(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(b'\\', tail), c_escape)
}

/// An escape of JavaScript that writes a number.
fn numbered(tail: &[u8]) -> Option<(Piece, usize)> {
    let (code, length) = match tail {
        [_, b'u', b'{', digits @ ..] => braced(digits)?,
        [_, b'u', digits @ ..] => (hex_four(digits)?, 6),
        [_, b'x', high, low, ..] => (u32::from(hex_pair(*high, *low)?), 4),
        // A third digit belongs to it only where the number still fits a byte.
        [_, first @ b'0'..=b'7', ..] => {
            octal(rest(tail, 1), if *first > b'3' { 2 } else { 3 }).map(|(code, count)| (code, 1 + count))?
        }
        _ => return None,
    };
    Some((Piece::byte(narrow(code)), length))
}

/// `\u{H...}` from its first digit on: any number of digits that write a code point.
fn braced(tail: &[u8]) -> Option<(u32, usize)> {
    let mut code = 0_u32;
    let mut count = 0;
    for digit in tail.iter().map_while(|byte| hex_digit(*byte)) {
        code = (code << 4 | u32::from(digit)).min(0x11_0000);
        count += 1;
    }
    let whole = count > 0 && code < 0x11_0000 && tail.get(count) == Some(&b'}');
    whole.then_some((code, count + 4))
}

/// An escape of JavaScript with one character behind the backslash.
fn lettered(tail: &[u8]) -> Option<(Piece, usize)> {
    let behind = rest(tail, 1);
    if let Some(length) = line_end(behind) {
        return Some((Piece::default(), 1 + length));
    }
    let letter = *behind.first()?;
    Some((Piece::byte(control(letter).unwrap_or(letter)), 2))
}

/// An escape that no path of Windows contains in earnest.
fn quoted(tail: &[u8]) -> Option<(Piece, usize)> {
    match tail {
        [_, mark @ (b'\\' | b'/' | b'\'' | b'"'), ..] => Some((Piece::byte(*mark), 2)),
        _ => None,
    }
}

fn css_escape(tail: &[u8]) -> Option<(Piece, usize)> {
    let behind = rest(tail, 1);
    let digits = behind.iter().take(6).map_while(|byte| hex_digit(*byte));
    let (code, count) = digits.fold((0, 0), |(code, count), digit| (code << 4 | u32::from(digit), count + 1));
    if count > 0 {
        return Some((Piece::byte(narrow(code)), 1 + count + white_space(rest(behind, count))));
    }
    if let Some(length) = line_end(behind) {
        return Some((Piece::default(), 1 + length));
    }
    match behind.first() {
        Some(0x0C) => Some((Piece::default(), 2)),
        Some(byte) => Some((Piece::byte(*byte), 2)),
        None => Some((Piece::default(), 1)),
    }
}

fn c_escape(tail: &[u8]) -> Option<(Piece, usize)> {
    let (byte, length) = match tail {
        [_, mark @ (b'\\' | b'?' | b'\'' | b'"'), ..] => (*mark, 2),
        [_, b'x' | b'X', high, low, ..] => (hex_pair(*high, *low)?, 4),
        // AWS writes `\0OOO`; ANSI C knows `\OOO`. Both are taken, the longer first.
        [_, b'0', b'0'..=b'3', b'0'..=b'7', b'0'..=b'7', ..] => octal_byte(tail, 4)?,
        [_, b'0'..=b'7', ..] => octal_byte(tail, 3)?,
        [_, letter, ..] => (control(*letter)?, 2),
        _ => return None,
    };
    Some((Piece::byte(byte), length))
}

/// Of a number above a byte (`\777`) the lower byte is left.
fn octal_byte(tail: &[u8], most: usize) -> Option<(u8, usize)> {
    let (code, count) = octal(rest(tail, 1), most)?;
    code.to_le_bytes().first().map(|byte| (*byte, 1 + count))
}

/// The control character that a letter behind a backslash stands for.
fn control(letter: u8) -> Option<u8> {
    match letter {
        b'a' => Some(0x07),
        b'b' => Some(0x08),
        b'f' => Some(0x0C),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(0x0B),
        _ => None,
    }
}

/// Bytes of the line end that `tail` begins with.
fn line_end(tail: &[u8]) -> Option<usize> {
    match tail {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r' | b'\n', ..] => Some(1),
        _ => None,
    }
}

/// Bytes of the one white space that ends an escape of CSS.
fn white_space(tail: &[u8]) -> usize {
    match tail {
        [b'\r', b'\n', ..] => 2,
        [b' ' | b'\t' | b'\n' | 0x0B | 0x0C | b'\r', ..] => 1,
        _ => 0,
    }
}
