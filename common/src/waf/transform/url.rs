//! `URL_DECODE` and `URL_DECODE_UNI`.

use std::borrow::Cow;

use memchr::memchr2;

use super::digits::{hex_four, hex_pair, narrow};
use super::edit::rewrite;

/// `%HH` becomes the byte, `+` a space. A percent sign that begins no such thing stays. Output: no longer than the input.
pub(super) fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr2(b'%', b'+', tail), percent)
}

/// The same, and Microsoft's `%uHHHH` becomes one byte ([`narrow`]). Output: no longer than the input.
pub(super) fn decode_uni(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr2(b'%', b'+', tail), percent_uni)
}

fn percent(tail: &[u8]) -> Option<([u8; 1], usize)> {
    match tail {
        [b'+', ..] => Some(([b' '], 1)),
        [b'%', high, low, ..] => Some(([hex_pair(*high, *low)?], 3)),
        _ => None,
    }
}

fn percent_uni(tail: &[u8]) -> Option<([u8; 1], usize)> {
    match tail {
        [b'%', b'u' | b'U', code @ ..] => Some(([narrow(hex_four(code)?)], 6)),
        _ => percent(tail),
    }
}
