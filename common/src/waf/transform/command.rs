//! `CMD_LINE`, `CMD_LINE_UNIX` and `CMD_LINE_WIN`: a command without the marks that shells ignore and patterns stumble over.

use std::borrow::Cow;

use super::whitespace::is_ascii_space;

/// Whose rules count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shell {
    Any,
    Unix,
    Windows,
}

/// Backslashes, quotes and carets go; white space, commas and semicolons become a space, runs of spaces one, none before `/` or `(`; letters become
/// lower-case. Output: no longer than the input.
pub(super) fn any(input: &[u8]) -> Cow<'_, [u8]> {
    clean(input, Shell::Any)
}

/// Backslashes and quotes go; runs of white space become a space, none at the ends; letters become lower-case. Output: no longer than the input.
pub(super) fn unix(input: &[u8]) -> Cow<'_, [u8]> {
    clean(input, Shell::Unix)
}

/// Quotes, backticks, carets, and line ends behind a caret go; runs of backslashes become one, runs of white space a space, none at the ends; letters
/// become lower-case. Output: no longer than the input.
pub(super) fn windows(input: &[u8]) -> Cow<'_, [u8]> {
    clean(input, Shell::Windows)
}

fn clean(input: &[u8], shell: Shell) -> Cow<'_, [u8]> {
    if shell.leaves(input) { Cow::Borrowed(input) } else { Cow::Owned(shell.rewrite(input)) }
}

impl Shell {
    /// Whether the value is clean as it is.
    fn leaves(self, input: &[u8]) -> bool {
        let mut last = None;
        let clean = input.iter().all(|&byte| {
            let stays = !self.drops(byte) && (byte == b' ' || !self.is_space(byte)) && !byte.is_ascii_uppercase();
            let stands = stays && !self.joins(last, byte) && !(last == Some(b' ') && self.hugs(byte));
            last = Some(byte);
            stands
        });
        clean && (last != Some(b' ') || !self.trims())
    }

    fn rewrite(self, input: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(input.len());
        let mut left = input;
        while let Some((&byte, behind)) = left.split_first() {
            left = behind;
            if self.drops(byte) {
                left = if byte == b'^' { self.after_caret(behind) } else { behind };
                continue;
            }
            let byte = if self.is_space(byte) { b' ' } else { byte.to_ascii_lowercase() };
            if self.joins(out.last().copied(), byte) {
                continue;
            }
            if self.hugs(byte) && out.last() == Some(&b' ') {
                out.pop();
            }
            out.push(byte);
        }
        if self.trims() && out.last() == Some(&b' ') {
            out.pop();
        }
        out
    }

    fn drops(self, byte: u8) -> bool {
        match byte {
            b'"' | b'\'' => true,
            b'\\' => self != Self::Windows,
            b'^' => self != Self::Unix,
            b'`' => self == Self::Windows,
            _ => false,
        }
    }

    fn is_space(self, byte: u8) -> bool {
        is_ascii_space(byte) || (self == Self::Any && matches!(byte, b',' | b';'))
    }

    /// Whether `byte` adds nothing to what `last` ends: a second space or backslash, a space at the start.
    fn joins(self, last: Option<u8>, byte: u8) -> bool {
        match byte {
            b' ' => last == Some(b' ') || (last.is_none() && self.trims()),
            b'\\' => last == Some(b'\\'),
            _ => false,
        }
    }

    /// Whether no space stays before `byte`.
    fn hugs(self, byte: u8) -> bool {
        self == Self::Any && matches!(byte, b'/' | b'(')
    }

    fn trims(self) -> bool {
        self != Self::Any
    }

    /// What follows a dropped caret: on Windows it continues the line.
    fn after_caret(self, behind: &[u8]) -> &[u8] {
        match behind {
            [b'\r', b'\n', left @ ..] | [b'\n', left @ ..] if self == Self::Windows => left,
            _ => behind,
        }
    }
}
