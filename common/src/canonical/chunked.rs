//! The framing of a chunked body, as RFC 9112 §7.1 has it and no other.
//!
//! Readers of HTTP differ most here: an empty line for a size of zero, a bare line feed that ends an extension for some and not for others, a
//! trailer section that swallows the next request. Who forwards such a body under its own framing protects its origin; but where connections are
//! shared by a proxy in front, both must agree where the body ends. So what is not exact is refused.

use crate::canonical::fields::is_token_byte;

/// Hexadecimal digits of a size, leading zeros included.
const MAX_SIZE_DIGITS: u32 = 32;
/// Extensions of all chunks of a body together; bytes.
const MAX_EXTENSION_BYTES: u32 = 16 * 1024;
/// The trailer section; bytes.
const MAX_TRAILER_BYTES: u32 = 16 * 1024;

/// The body is not framed as RFC 9112 §7.1 says, or is larger in its extensions and trailers than anyone needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chunked body is malformed")]
pub struct InvalidChunk;

/// Follows a chunked body through its bytes.
#[derive(Clone, Debug)]
pub struct ChunkedBody {
    state: State,
    extension_bytes: u32,
    trailer_bytes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        digits: u32,
        value: u64,
    },
    /// White space after the size: only an extension or the line's end may follow.
    AfterSize {
        value: u64,
    },
    Extension {
        value: u64,
    },
    SizeEnd {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataEnd,
    DataEndLine,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerEnd,
    LastEnd,
    Done,
}

impl Default for ChunkedBody {
    fn default() -> Self {
        Self { state: State::Size { digits: 0, value: 0 }, extension_bytes: 0, trailer_bytes: 0 }
    }
}

impl ChunkedBody {
    /// Takes the next bytes of the connection. Those after the end of the body are not looked at.
    ///
    /// # Errors
    /// At the first byte that no body may have in this place. The connection can't be used any more.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<(), InvalidChunk> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let State::Data { left } = self.state {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(here..).unwrap_or_default();
                let left = left - here as u64;
                self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                continue;
            }
            if self.is_done() {
                return Ok(());
            }
            self.state = self.after(byte)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Whether the body has come whole.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn after(&mut self, byte: u8) -> Result<State, InvalidChunk> {
        match self.state {
            State::Size { digits, value } => size(digits, value, byte),
            State::AfterSize { value } => match byte {
                b' ' | b'\t' => self.extension(State::AfterSize { value }),
                b';' => self.extension(State::Extension { value }),
                b'\r' => Ok(State::SizeEnd { value }),
                _ => Err(InvalidChunk),
            },
            State::Extension { value } => match byte {
                b'\r' => Ok(State::SizeEnd { value }),
                _ if is_text(byte) => self.extension(State::Extension { value }),
                _ => Err(InvalidChunk),
            },
            State::SizeEnd { value } => match (byte, value) {
                (b'\n', 0) => Ok(State::TrailerStart),
                (b'\n', left) => Ok(State::Data { left }),
                _ => Err(InvalidChunk),
            },
            State::DataEnd => expect(byte, b'\r', State::DataEndLine),
            State::DataEndLine => expect(byte, b'\n', State::Size { digits: 0, value: 0 }),
            State::TrailerStart if byte == b'\r' => Ok(State::LastEnd),
            State::TrailerStart | State::TrailerName => match byte {
                b':' if self.state == State::TrailerName => self.trailer(State::TrailerValue),
                _ if is_token_byte(byte) => self.trailer(State::TrailerName),
                _ => Err(InvalidChunk),
            },
            State::TrailerValue => match byte {
                b'\r' => self.trailer(State::TrailerEnd),
                _ if is_text(byte) => self.trailer(State::TrailerValue),
                _ => Err(InvalidChunk),
            },
            State::TrailerEnd => expect(byte, b'\n', State::TrailerStart),
            State::LastEnd => expect(byte, b'\n', State::Done),
            State::Data { .. } | State::Done => Ok(self.state),
        }
    }

    fn extension(&mut self, next: State) -> Result<State, InvalidChunk> {
        self.extension_bytes += 1;
        if self.extension_bytes > MAX_EXTENSION_BYTES { Err(InvalidChunk) } else { Ok(next) }
    }

    fn trailer(&mut self, next: State) -> Result<State, InvalidChunk> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > MAX_TRAILER_BYTES { Err(InvalidChunk) } else { Ok(next) }
    }
}

fn size(digits: u32, value: u64, byte: u8) -> Result<State, InvalidChunk> {
    if let Some(digit) = char::from(byte).to_digit(16) {
        let value = value.checked_mul(16).ok_or(InvalidChunk)? | u64::from(digit);
        return if digits < MAX_SIZE_DIGITS {
            Ok(State::Size { digits: digits + 1, value })
        } else {
            Err(InvalidChunk)
        };
    }
    match byte {
        _ if digits == 0 => Err(InvalidChunk),
        b'\r' => Ok(State::SizeEnd { value }),
        b';' => Ok(State::Extension { value }),
        b' ' | b'\t' => Ok(State::AfterSize { value }),
        _ => Err(InvalidChunk),
    }
}

fn expect(byte: u8, wanted: u8, next: State) -> Result<State, InvalidChunk> {
    if byte == wanted { Ok(next) } else { Err(InvalidChunk) }
}

/// What a field value or an extension may hold: no control character but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether the bytes end the body, or why they can't be one.
    fn read(bytes: &[u8]) -> Result<bool, InvalidChunk> {
        let mut body = ChunkedBody::default();
        body.read(bytes)?;
        Ok(body.is_done())
    }

    #[test]
    fn bodies_by_the_grammar_are_read_to_their_end() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "0005\r\nhello\r\n000\r\n\r\n",
            "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
            "5;a=\"b;\\\"c\"\r\nhello\r\n0;x\r\n\r\n",
            "5 \t;a\r\nhello\r\n0 \r\n\r\n",
            "2\r\n\r\n\r\n0\r\nX-T: 1\r\nY:\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(read(body.as_bytes()), Ok(true), "{body:?}");
        }
        for begun in
            ["", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nX: 1\r\n", "ffffffffffffffff\r\nx"]
        {
            assert_eq!(read(begun.as_bytes()), Ok(false), "{begun:?}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_no_body() {
        for body in [
            "\r\n",
            "\r\n5\r\nhello\r\n",
            "g\r\n",
            "+5\r\n",
            "-1\r\n",
            "0x5\r\n",
            " 5\r\n",
            "5 5\r\n",
            "5_\r\n",
            "5\n",
            "5\r\r\n",
            "5;a\nb\r\n",
            "5;a\rb\r\n",
            "5;\0\r\n",
            "5\r\nhelloXX",
            "5\r\nhello\n",
            "5\r\nhello0",
            "10000000000000000\r\n",
            "0\n",
            "0\r\n\n",
            "0\r\nGET / HTTP/1.1\r\n",
            "0\r\nX: 1\n",
            "0\r\nX: 1\r\n 2\r\n",
            "0\r\n: 1\r\n",
            "0\r\nX : 1\r\n",
            "0\r\nX: \0\r\n",
            "0\r\n\rX",
        ] {
            assert_eq!(read(body.as_bytes()), Err(InvalidChunk), "{body:?}");
        }
        let long = |what: &str, bytes: usize| format!("{what}{}\r\n\r\n", "x".repeat(bytes));
        assert_eq!(read(long("0;", 16 * 1024 - 1).as_bytes()), Ok(true));
        assert_eq!(read(long("0;", 17 * 1024).as_bytes()), Err(InvalidChunk));
        assert_eq!(read(long("0\r\nX:", 17 * 1024).as_bytes()), Err(InvalidChunk));
        assert_eq!(read(format!("{}\r\n", "0".repeat(33)).as_bytes()), Err(InvalidChunk));
    }

    proptest! {
        #[test]
        fn where_reads_are_cut_makes_no_difference(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5), noise: Vec<u8>, at: usize) {
            let mut body: Vec<u8> = chunks.iter().flat_map(|c| [format!("{:x};e\r\n", c.len()).as_bytes(), c, b"\r\n"].concat()).collect();
            body.extend_from_slice(b"0\r\nT: 1\r\n\r\n");
            prop_assert_eq!(read(&body), Ok(true));
            let mut changed = body.clone();
            let place = at % changed.len();
            changed.splice(place..place, noise);
            for bytes in [body, changed] {
                let whole = read(&bytes);
                let mut apart = ChunkedBody::default();
                let pieces = bytes.chunks(1 + at % 7).try_for_each(|piece| apart.read(piece));
                prop_assert_eq!(whole, pieces.map(|()| apart.is_done()));
            }
        }
    }
}
