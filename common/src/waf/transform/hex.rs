//! `HEX_DECODE` and `SQL_HEX_DECODE`.

use std::borrow::Cow;

use memchr::memchr2_iter;

use super::digits::{hex_digit, hex_pair};
use super::edit::{Edit, rest, rewrite};

/// Each pair of hexadecimal digits becomes a byte; what belongs to no pair stays. Output: no longer than the input.
pub(super) fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    let digit = |tail: &[u8]| tail.iter().position(|byte| hex_digit(*byte).is_some());
    rewrite(input, digit, |tail| pair(tail).map(|byte| ([byte], 2)))
}

/// `0x` and the pairs of hexadecimal digits behind it become the bytes they write, anywhere in the value; `0x` without a pair stays. Output: no longer
/// than the input.
pub(super) fn decode_sql(input: &[u8]) -> Cow<'_, [u8]> {
    let mut edit = Edit::new(input);
    let mut from = 0;
    while let Some(found) = prefix(rest(input, from)) {
        let start = from + found;
        from = start + 2;
        if pair(rest(input, from)).is_some() {
            edit.replace(start, from, b"");
        }
        while let Some(byte) = pair(rest(input, from)) {
            edit.replace(from, from + 2, &[byte]);
            from += 2;
        }
    }
    edit.finish()
}

/// Where the next `0x` begins.
fn prefix(tail: &[u8]) -> Option<usize> {
    memchr2_iter(b'x', b'X', tail)
        .filter_map(|place| place.checked_sub(1))
        .find(|place| tail.get(*place) == Some(&b'0'))
}

fn pair(tail: &[u8]) -> Option<u8> {
    match tail {
        [high, low, ..] => hex_pair(*high, *low),
        _ => None,
    }
}
