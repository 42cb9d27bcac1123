//! The file of an export: a beginning in clear, then frames. Each frame is sealed by itself, so that an export which was cut off goes on after the
//! last whole one.
//!
//! ```text
//! magic (16) │ length (4) │ beginning (JSON: format, id, pool, recipient, instant) │ frame │ frame │ …
//! frame = last? (1) │ number (4) │ lines (4) │ length (4) │ length (4) │ where to go on │ HPKE │ SHA-256 of the file so far (32)
//! ```
//!
//! What is sealed is bound to the beginning, to the frame's head and to where it goes on; the digest is a chain over whole frames, which tells
//! without any key where a file was torn, and at its end what file it is. Numbers are big-endian.

use std::io::{ErrorKind, Read};

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::SecretBytes;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::error::FileError;
use super::sealed::{ExportKey, NotOpened, Part, Recipient};

const MAGIC: &[u8; 16] = b"TOLLGATE-EXPORT\n";
pub const FORMAT: &str = "1";
const INFO: &[u8] = b"tollgate pool export 1";
const MAX_BEGINNING: usize = 4_096;
/// Of what is sealed in a frame. The issuer makes them far smaller, but one user may be long.
const MAX_SEALED: usize = 16 * 1024 * 1024;
const MAX_RESUME: usize = 16 * 1024;
const HEAD: usize = 17;
pub(super) type Digest = [u8; 32];

/// What anyone can read of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beginning {
    pub format: String,
    /// 128 random bits in hexadecimal.
    pub id: String,
    pub pool: PoolId,
    /// The public key that it is sealed to.
    pub recipient: String,
    pub created_at: UnixMillis,
    /// The version of the program that made it.
    pub program: String,
}

impl Beginning {
    pub(super) fn encode(&self) -> Vec<u8> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        [MAGIC.as_slice(), &length.to_be_bytes(), &text].concat()
    }
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub last: bool,
    /// From 0.
    pub number: u32,
    /// Lines in it.
    pub lines: u32,
}

impl Head {
    fn encode(self, resume: &[u8], sealed: usize) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let mut out = vec![u8::from(self.last)];
        for number in [self.number.to_be_bytes(), self.lines.to_be_bytes(), length(resume.len()), length(sealed)] {
            out.extend_from_slice(&number);
        }
        out
    }
}

/// Seals one frame, without the digest at its end, which whoever keeps the file adds ([`next_digest`]).
pub(super) fn seal(
    to: &Recipient,
    beginning: &Digest,
    head: Head,
    resume: &[u8],
    chain: Option<&[u8]>,
    plain: &[u8],
) -> Result<Vec<u8>, NotOpened> {
    let place = [head.encode(&[], 0).get(..9).unwrap_or_default(), resume].concat();
    let info = [INFO, beginning.as_slice()].concat();
    let sealed = to.seal(&Part { info: &info, place: &place, chain }, plain)?;
    if sealed.len() > MAX_SEALED || resume.len() > MAX_RESUME {
        return Err(NotOpened);
    }
    Ok([head.encode(resume, sealed.len()).as_slice(), resume, &sealed].concat())
}

/// The digest of a file that a frame was added to, or that begins so.
pub fn next_digest(before: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    sha256(&[before.as_slice(), bytes].concat())
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// A frame as it lies in the file.
pub struct Raw {
    pub head: Head,
    /// What the issuer takes to go on after this frame; empty in the last one.
    pub resume: Vec<u8>,
    sealed: Vec<u8>,
}

/// Reads a file frame by frame, and finds out whether each is whole. Needs no key.
pub struct Scan<R> {
    input: R,
    pub beginning: Beginning,
    /// Of all that was read.
    pub digest: [u8; 32],
    /// Bytes of whole frames and what stands before them.
    pub whole: u64,
    pub frames: u32,
    ended: bool,
    beginning_digest: Digest,
}

impl Raw {
    /// A frame that stands alone, with the digest at its end, as the issuer sent it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        let short = || FileError::Truncated(0);
        let head = bytes.get(..HEAD).ok_or_else(short)?;
        let word = |at: usize| number(head.get(at..at + 4).unwrap_or_default());
        let rest = Self::rest(head).ok_or(FileError::Damaged(u32::try_from(word(1)).unwrap_or(u32::MAX)))?;
        if bytes.len() != HEAD + rest {
            return Err(short());
        }
        let (resume, sealed) = (word(9), word(13));
        let short_word = |at: usize| u32::try_from(word(at)).unwrap_or(u32::MAX);
        let head = Head { last: head.first() == Some(&1), number: short_word(1), lines: short_word(5) };
        let content = bytes.get(HEAD..).unwrap_or_default();
        let (resume, rest) = content.split_at_checked(resume).ok_or_else(short)?;
        Ok(Self { head, resume: resume.to_vec(), sealed: rest.get(..sealed).unwrap_or_default().to_vec() })
    }

    /// Bytes that follow the head, with the digest; `None` where it is none.
    fn rest(head: &[u8]) -> Option<usize> {
        let word = |at: usize| number(head.get(at..at + 4).unwrap_or_default());
        let (resume, sealed) = (word(9), word(13));
        let fits = head.first().is_some_and(|last| *last <= 1) && resume <= MAX_RESUME && sealed <= MAX_SEALED;
        fits.then_some(resume + sealed + 32)
    }
}

impl<R: Read> Scan<R> {
    pub fn open(mut input: R) -> Result<Self, FileError> {
        let mut start = [0; 20];
        fill(&mut input, &mut start, 0)?;
        let (magic, length) = start.split_at(16);
        if magic != MAGIC {
            return Err(FileError::NoExport);
        }
        let length = number(length);
        if length > MAX_BEGINNING {
            return Err(FileError::NoExport);
        }
        let mut text = vec![0; length];
        fill(&mut input, &mut text, 20)?;
        check_format(&text)?;
        let beginning: Beginning = serde_json::from_slice(&text).map_err(|_| FileError::NoExport)?;
        let bytes = [start.as_slice(), &text].concat();
        let beginning_digest = sha256(&bytes);
        let digest = next_digest(&[0; 32], &bytes);
        Ok(Self { input, beginning, digest, whole: bytes.len() as u64, frames: 0, ended: false, beginning_digest })
    }

    /// `None` after the last frame.
    ///
    /// # Errors
    /// [`FileError::Truncated`] where the file ends before its last frame, [`FileError::Damaged`], [`FileError::Order`], [`FileError::Trailing`].
    pub fn read_next(&mut self) -> Result<Option<Raw>, FileError> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = vec![0; HEAD];
        fill(&mut self.input, &mut bytes, self.whole)?;
        let rest = Raw::rest(&bytes).ok_or(FileError::Damaged(self.frames))?;
        bytes.resize(HEAD + rest, 0);
        fill(&mut self.input, bytes.get_mut(HEAD..).unwrap_or_default(), self.whole)?;
        let raw = Raw::parse(&bytes)?;
        // A frame that was moved tells by its number, which is said rather than that its digest is another one.
        if raw.head.number != self.frames {
            return Err(FileError::Order { expected: self.frames, found: raw.head.number });
        }
        let (content, found) = bytes.split_at(bytes.len().saturating_sub(32));
        let digest = next_digest(&self.digest, content);
        if digest != found {
            return Err(FileError::Damaged(self.frames));
        }
        self.ended = raw.head.last;
        if self.ended && self.input.read(&mut [0]).map_err(FileError::Unreadable)? != 0 {
            return Err(FileError::Trailing);
        }
        (self.digest, self.whole) = (digest, self.whole + bytes.len() as u64);
        self.frames += 1;
        Ok(Some(raw))
    }

    /// Whether the last frame was read.
    pub fn is_complete(&self) -> bool {
        self.ended
    }
}

/// Says of a newer format that it is one, whatever else is in the beginning.
fn check_format(beginning: &[u8]) -> Result<(), FileError> {
    #[derive(Deserialize)]
    struct Any {
        format: String,
    }
    match serde_json::from_slice::<Any>(beginning) {
        Ok(any) if any.format == FORMAT => Ok(()),
        Ok(any) => Err(FileError::Format(any.format)),
        Err(_) => Err(FileError::NoExport),
    }
}

/// Opens an export, frame by frame.
pub struct Reader<R> {
    pub scan: Scan<R>,
    key: ExportKey,
}

/// What was in a frame: lines, each with its end.
pub struct Opened {
    pub head: Head,
    pub plain: SecretBytes,
}

impl<R: Read> Reader<R> {
    /// # Errors
    /// [`FileError::WrongKey`] before any frame is looked at.
    pub fn open(input: R, key: ExportKey) -> Result<Self, FileError> {
        let scan = Scan::open(input)?;
        let own = key.recipient().to_string();
        if scan.beginning.recipient != own {
            return Err(FileError::WrongKey { sealed_to: scan.beginning.recipient, given: own });
        }
        Ok(Self { scan, key })
    }

    /// `chain` is the secret that the first frame told, for all later ones.
    pub fn read_next(&mut self, chain: Option<&[u8]>) -> Result<Option<Opened>, FileError> {
        let Some(raw) = self.scan.read_next()? else { return Ok(None) };
        let damaged = FileError::Damaged(raw.head.number);
        let place = [raw.head.encode(&[], 0).get(..9).unwrap_or_default(), raw.resume.as_slice()].concat();
        let info = [INFO, self.scan.beginning_digest.as_slice()].concat();
        let part = Part { info: &info, place: &place, chain: chain.filter(|_| raw.head.number > 0) };
        let plain = self.key.open(&part, &raw.sealed).map_err(|_| damaged)?;
        Ok(Some(Opened { head: raw.head, plain }))
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
}

fn fill(input: &mut impl Read, into: &mut [u8], whole: u64) -> Result<(), FileError> {
    input.read_exact(into).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => FileError::Truncated(whole),
        _ => FileError::Unreadable(error),
    })
}
