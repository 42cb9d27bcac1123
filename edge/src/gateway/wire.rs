//! What came over an HTTP/1 connection, before pingora has it.
//!
//! pingora 0.9.1 repairs request lines (a space in the target becomes `%20`), takes an empty line for a last chunk, and skips whatever stands in
//! chunk extensions and trailers. So the bytes are watched on their way: a request line with anything but two spaces, or a body whose chunks are not
//! exact, is refused ([`common::canonical::ChunkedBody`]). A head that comes in one piece, with nothing after it, costs a look at its first line and
//! its end; nothing is copied.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::canonical::{Ambiguity, ChunkedBody};
use memchr::{memchr, memmem};

const HEAD_END: &[u8] = b"\r\n\r\n";
/// A head that comes in pieces is kept up to this size, which is above what a head may have; bytes.
const MAX_KEPT: usize = 256 * 1024;

/// What is known of the bytes of one connection; shared by its stream and its requests.
#[derive(Debug, Default)]
pub struct Wire(Mutex<State>);

#[derive(Debug)]
enum State {
    /// Bytes that did not end with the head, so that its end must be looked for; and whether the request line is odd, where it came whole.
    Head {
        kept: Vec<u8>,
        odd_line: bool,
        begun: bool,
    },
    /// Not of interest.
    Body,
    Chunks(ChunkedBody),
    /// The chunks were not exact.
    Broken,
}

impl Default for State {
    fn default() -> Self {
        Self::Head { kept: Vec::new(), odd_line: false, begun: false }
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the bytes of one read; an error means that nothing of them may be read further.
    pub fn received(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        match &mut *state {
            State::Head { kept, odd_line, begun } => {
                if !*begun && is_one_head(bytes) {
                    *odd_line = is_odd(first_line(bytes));
                } else if kept.len() + bytes.len() <= MAX_KEPT {
                    kept.extend_from_slice(bytes);
                }
                *begun = true;
                Ok(())
            }
            State::Body => Ok(()),
            State::Chunks(body) => {
                let Err(error) = body.read(bytes) else { return Ok(()) };
                *state = State::Broken;
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
            State::Broken => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The head has come whole; `chunked` says whether its body is. What came behind it is judged at once.
    pub fn body_begins(&self, chunked: bool) -> Result<(), Ambiguity> {
        let mut state = self.state();
        let State::Head { kept, .. } = &*state else { return Ok(()) };
        if !chunked {
            *state = State::Body;
            return Ok(());
        }
        let mut body = ChunkedBody::default();
        let read = body.read(behind_head(kept));
        *state = if read.is_ok() { State::Chunks(body) } else { State::Broken };
        read.map_err(|_| Ambiguity::InvalidChunk)
    }

    /// Whether the request line was one method, one target and one version, each a space apart.
    pub fn check_line(&self) -> Result<(), Ambiguity> {
        let state = self.state();
        let State::Head { kept, odd_line, .. } = &*state else { return Ok(()) };
        if *odd_line || (!kept.is_empty() && is_odd(first_line(kept))) { Err(Ambiguity::InvalidTarget) } else { Ok(()) }
    }

    /// The next bytes are those of another head.
    pub fn head_begins(&self) {
        *self.state() = State::default();
    }

    /// Whether the body that was being read turned out to be malformed.
    pub fn is_broken(&self) -> bool {
        matches!(*self.state(), State::Broken)
    }
}

/// Whether these are a head and nothing else. A body may end as a head does.
fn is_one_head(bytes: &[u8]) -> bool {
    bytes.len().checked_sub(HEAD_END.len()).is_some_and(|at| memmem::find(bytes, HEAD_END) == Some(at))
}

/// Without the empty lines that may stand before it (RFC 9112 §2.2) and without its line break.
fn first_line(head: &[u8]) -> &[u8] {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let head = head.get(start..).unwrap_or_default();
    let end = memchr(b'\n', head).unwrap_or(head.len());
    let line = head.get(..end).unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_odd(line: &[u8]) -> bool {
    // One pass without a branch; a control character counts for more than the two spaces that there must be.
    let weight = |byte: u8| u32::from(byte == b' ') + 3 * u32::from(byte < b' ' || byte == 0x7f);
    line.iter().fold(0_u32, |sum, byte| sum.saturating_add(weight(*byte))) != 2
}

fn behind_head(kept: &[u8]) -> &[u8] {
    let start = kept.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(kept.len());
    let head = kept.get(start..).unwrap_or_default();
    let end = memmem::find(head, HEAD_END).map_or(head.len(), |at| at + HEAD_END.len());
    head.get(end..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reads: &[&str]) -> Wire {
        let wire = Wire::default();
        reads.iter().for_each(|read| wire.received(read.as_bytes()).unwrap());
        wire
    }

    #[test]
    fn odd_request_lines_are_found_however_they_come() {
        let good = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
        for bad in [
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET  /a HTTP/1.1\r\n\r\n",
            "GET /a\t HTTP/1.1\r\n\r\n",
            "GET /a HTTP/1.1 \r\n\r\n",
            "GET\t/a HTTP/1.1\r\n\r\n",
            "GET /a\u{b}HTTP/1.1\r\n\r\n",
        ] {
            assert!(after(&[bad]).check_line().is_err(), "{bad:?}");
            assert!(after(&[&bad[..6], &bad[6..]]).check_line().is_err(), "{bad:?} in two");
            assert!(after(&[&format!("{bad}body")]).check_line().is_err(), "{bad:?} with a body");
        }
        assert_eq!(after(&[good]).check_line(), Ok(()));
        assert_eq!(after(&[&good[..3], &good[3..], "body"]).check_line(), Ok(()));
        assert_eq!(after(&["\r\n", good]).check_line(), Ok(()));
    }

    #[test]
    fn chunks_are_judged_with_the_head_and_after_it() {
        let head = "POST /x HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(after(&[&format!("{head}\r\n5\r\n")]).body_begins(true), Err(Ambiguity::InvalidChunk));
        assert_eq!(after(&[&format!("{head}\r\n5\r\n")]).body_begins(false), Ok(()));
        assert_eq!(
            after(&[&format!("{head}0\n\r\n\r\n")]).body_begins(true),
            Err(Ambiguity::InvalidChunk),
            "it ends as a head does"
        );
        let wire = after(&[&head[..9], &head[9..], "5\r\nhe"]);
        assert_eq!(wire.body_begins(true), Ok(()));
        assert!(wire.received(b"llo\r\n").is_ok() && !wire.is_broken());
        assert!(wire.received(b"5;\n").is_err() && wire.is_broken() && wire.received(b"x").is_err());
        wire.head_begins();
        assert!(wire.received(head.as_bytes()).is_ok() && !wire.is_broken());
    }
}
