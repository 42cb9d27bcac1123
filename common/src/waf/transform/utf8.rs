//! `UTF8_TO_UNICODE`, and the lax reading of UTF-8 behind it.

use std::borrow::Cow;

use super::edit::{Piece, rewrite};

/// Each character outside ASCII becomes `%uHHHH`: four lower-case digits, more where it needs more. Feeds `URL_DECODE_UNI`, which makes ASCII of the
/// full-width forms. Overlong sequences give the character they hide (`%u002f` of C0 AF); bytes that are no UTF-8 stay. Output: three times the input
/// at most.
pub(super) fn to_unicode(input: &[u8]) -> Cow<'_, [u8]> {
    if input.is_ascii() {
        return Cow::Borrowed(input);
    }
    let lead = |tail: &[u8]| tail.iter().position(|byte| *byte >= 0xC0);
    rewrite(input, lead, |tail| decode(tail).map(|(code, length)| (written(code), length)))
}

/// The code point that a sequence of two to four bytes writes, and its length. Overlong forms and surrogates pass.
pub(super) fn decode(tail: &[u8]) -> Option<(u32, usize)> {
    let (&lead, behind) = tail.split_first()?;
    let (bits, more) = match lead {
        0xC0..=0xDF => (lead & 0x1F, 1),
        0xE0..=0xEF => (lead & 0x0F, 2),
        0xF0..=0xF4 => (lead & 0x07, 3),
        _ => return None,
    };
    let mut code = u32::from(bits);
    for byte in behind.get(..more)? {
        if byte & 0xC0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3F);
    }
    (code <= 0x10_FFFF).then_some((code, more + 1))
}

/// `%u` and the digits of the code point, which are six at most.
fn written(code: u32) -> Piece {
    let mut piece = Piece::byte(b'%');
    piece.push(b'u');
    for place in (0..6_u32).rev() {
        if place < 4 || code >> (4 * place) > 0 {
            let digit = char::from_digit(code >> (4 * place) & 0xF, 16).unwrap_or('0');
            piece.push(u8::try_from(digit).unwrap_or(b'0'));
        }
    }
    piece
}
