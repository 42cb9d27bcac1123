//! A value being rewritten from left to right, copied only once something changes.

use std::borrow::Cow;

/// The bytes from `start` on; none when `start` is past the end.
pub(super) fn rest(input: &[u8], start: usize) -> &[u8] {
    input.get(start..).unwrap_or_default()
}

/// Rewrites each place that `find` points to and `decode` knows.
///
/// `find` gives the next place of interest in what is left. `decode` sees what begins there and gives its replacement and how many bytes that
/// replaces (at least one); with `None` the byte stays and the search goes on behind it. Linear in the input as long as `decode` looks no further
/// than it replaces, or than a bound.
pub(super) fn rewrite<R: AsRef<[u8]>>(
    input: &[u8],
    find: impl Fn(&[u8]) -> Option<usize>,
    decode: impl Fn(&[u8]) -> Option<(R, usize)>,
) -> Cow<'_, [u8]> {
    let mut edit = Edit::new(input);
    let mut from = 0;
    while let Some(found) = find(rest(input, from)) {
        let start = from + found;
        from = match decode(rest(input, start)) {
            Some((with, length)) => {
                edit.replace(start, start + length, with.as_ref());
                start + length
            }
            None => start + 1,
        };
    }
    edit.finish()
}

/// The rewriting of one value.
pub(super) struct Edit<'a> {
    input: &'a [u8],
    /// Bytes of the input that are dealt with; zero until the first change.
    done: usize,
    out: Vec<u8>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, done: 0, out: Vec::new() }
    }

    /// Puts `with` in the place of `start..end`, which is not empty and does not lie before an earlier one.
    pub(super) fn replace(&mut self, start: usize, end: usize, with: &[u8]) {
        if self.done == 0 {
            self.out.reserve(self.input.len());
        }
        self.out.extend_from_slice(self.input.get(self.done..start).unwrap_or_default());
        self.out.extend_from_slice(with);
        self.done = end;
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.done == 0 {
            return Cow::Borrowed(self.input);
        }
        self.out.extend_from_slice(rest(self.input, self.done));
        Cow::Owned(self.out)
    }
}

/// A replacement of at most eight bytes, kept without allocation.
#[derive(Clone, Copy, Default)]
pub(super) struct Piece {
    bytes: [u8; 8],
    length: usize,
}

impl Piece {
    pub(super) fn byte(byte: u8) -> Self {
        let mut piece = Self::default();
        piece.push(byte);
        piece
    }

    pub(super) fn char(character: char) -> Self {
        let mut piece = Self::default();
        piece.length = character.encode_utf8(&mut piece.bytes).len();
        piece
    }

    /// Appends a byte; a ninth is dropped.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
