//! The binary form that tokens and puzzles share: numbers in network order, texts behind a byte of length, a signature at the end, all of it as
//! canonical base64url.

use common::jose::{base64url_decode, base64url_encode};

use super::keys::{Keys, Purpose, SIGNATURE};

/// The signed text of a payload.
pub fn seal(keys: &Keys, purpose: Purpose, mut payload: Vec<u8>) -> String {
    let signature = keys.sign(purpose, &payload);
    payload.extend_from_slice(&signature);
    base64url_encode(payload)
}

/// The payload of a text, if we have signed it. `longest` bounds the text, in bytes.
pub fn open(keys: &Keys, purpose: Purpose, text: &str, longest: usize) -> Option<Vec<u8>> {
    if text.len() > longest {
        return None;
    }
    let mut bytes = base64url_decode(text).ok()?;
    let at = bytes.len().checked_sub(SIGNATURE)?;
    let signature = bytes.split_off(at);
    keys.verify(purpose, &bytes, &signature).then_some(bytes)
}

/// A text of at most 255 bytes; a longer one is cut, and will be no host.
pub fn put_text(payload: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes().get(..255).unwrap_or(text.as_bytes());
    payload.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    payload.extend_from_slice(bytes);
}

/// What is left to read.
pub struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub fn text(&mut self) -> Option<&'b str> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// Nothing may be left.
    pub fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
