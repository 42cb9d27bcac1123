//! `COMPRESS_WHITE_SPACE`, `REMOVE_WHITESPACE`, `TRIM`, `TRIM_LEFT`, `TRIM_RIGHT`.

use std::borrow::Cow;

use super::edit::{Edit, rest};
use super::utf8;

/// Each run of white space becomes one space. Output: no longer than the input.
pub(super) fn compress(input: &[u8]) -> Cow<'_, [u8]> {
    each_run(input, b" ")
}

/// All white space goes. Output: no longer than the input.
pub(super) fn remove(input: &[u8]) -> Cow<'_, [u8]> {
    each_run(input, b"")
}

/// White space of ASCII at the start goes.
pub(super) fn trim_left(input: &[u8]) -> &[u8] {
    let start = input.iter().position(|byte| !is_ascii_space(*byte)).unwrap_or(input.len());
    rest(input, start)
}

/// White space of ASCII at the end goes.
pub(super) fn trim_right(input: &[u8]) -> &[u8] {
    let end = input.iter().rposition(|byte| !is_ascii_space(*byte)).map_or(0, |last| last + 1);
    input.get(..end).unwrap_or_default()
}

/// Tab, line feed, vertical tab, form feed, carriage return, space.
pub(super) fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0D | b' ')
}

/// Puts `with` in the place of each run of white space that is not it already.
fn each_run<'a>(input: &'a [u8], with: &[u8]) -> Cow<'a, [u8]> {
    let mut edit = Edit::new(input);
    let mut from = 0;
    while let Some((start, mut end)) = next_space(input, from) {
        while let Some(length) = space_length(rest(input, end)) {
            end += length;
        }
        if input.get(start..end) != Some(with) {
            edit.replace(start, end, with);
        }
        from = end;
    }
    edit.finish()
}

/// Start and end of the next white space from `from` on.
fn next_space(input: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let at = from + rest(input, from).iter().position(|byte| is_ascii_space(*byte) || *byte == 0xA0)?;
        if input.get(at) != Some(&0xA0) {
            return Some((at, at + 1));
        }
        match character_around(input, at) {
            None => return Some((at, at + 1)),
            Some((0xA0, start)) => return Some((start, at + 1)),
            // The last byte of "à", say.
            Some(_) => from = at + 1,
        }
    }
}

/// The character of UTF-8 that the byte at `at` continues, and where it begins.
fn character_around(input: &[u8], at: usize) -> Option<(u32, usize)> {
    (1..=3).filter_map(|back| at.checked_sub(back)).find_map(|start| {
        let (code, length) = utf8::decode(rest(input, start))?;
        (start + length > at).then_some((code, start))
    })
}

/// Bytes of the white space that `tail` begins with, where `tail` begins no character's middle.
fn space_length(tail: &[u8]) -> Option<usize> {
    match tail {
        [byte, ..] if is_ascii_space(*byte) || *byte == 0xA0 => Some(1),
        _ => utf8::decode(tail).filter(|(code, _)| *code == 0xA0).map(|(_, length)| length),
    }
}
