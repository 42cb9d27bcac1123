//! Transformations of single bytes: `LOWERCASE`, `UPPERCASE`, `REMOVE_NULLS`, `REPLACE_NULLS`.

use std::borrow::Cow;

use memchr::memchr;

use super::edit::rewrite;

/// `A` to `Z` become `a` to `z`. Output: as long as the input.
pub(super) fn lowercase(input: &[u8]) -> Cow<'_, [u8]> {
    if input.iter().any(u8::is_ascii_uppercase) { Cow::Owned(input.to_ascii_lowercase()) } else { Cow::Borrowed(input) }
}

/// `a` to `z` become `A` to `Z`. Output: as long as the input.
pub(super) fn uppercase(input: &[u8]) -> Cow<'_, [u8]> {
    if input.iter().any(u8::is_ascii_lowercase) { Cow::Owned(input.to_ascii_uppercase()) } else { Cow::Borrowed(input) }
}

/// Zero bytes go. Output: no longer than the input.
pub(super) fn remove_nulls(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(0, tail), |_| Some((b"", 1)))
}

/// Zero bytes become spaces. Output: as long as the input.
pub(super) fn replace_nulls(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, |tail| memchr(0, tail), |_| Some((b" ", 1)))
}
