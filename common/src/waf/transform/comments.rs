//! `REPLACE_COMMENTS` and `REMOVE_COMMENTS_CHAR`.

use std::borrow::Cow;

use memchr::memmem;

use super::edit::{rest, rewrite};

/// Each comment of C becomes one space, one that never ends included; an end without a start stays. Output: no longer than the input.
pub(super) fn replace(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memmem::find(tail, b"/*"), |tail| Some((b" ", comment_length(tail))))
}

/// `/*`, `*/`, `--` and `#` go, what stands between them stays. One pass: what is left may come together to a new mark. Output: no longer than the
/// input.
pub(super) fn remove_marks(input: &[u8]) -> Cow<'_, [u8]> {
    let candidate = |tail: &[u8]| tail.iter().position(|byte| matches!(byte, b'/' | b'*' | b'-' | b'#'));
    rewrite(input, candidate, |tail| mark_length(tail).map(|length| (b"", length)))
}

/// Bytes of the comment that `tail` begins with: `/*/` does not end itself.
fn comment_length(tail: &[u8]) -> usize {
    memmem::find(rest(tail, 2), b"*/").map_or(tail.len(), |body| body + 4)
}

fn mark_length(tail: &[u8]) -> Option<usize> {
    match tail {
        [b'/', b'*', ..] | [b'*', b'/', ..] | [b'-', b'-', ..] => Some(2),
        [b'#', ..] => Some(1),
        _ => None,
    }
}
