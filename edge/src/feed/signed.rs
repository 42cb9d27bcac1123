//! Streams under a MAC: what is written or read goes through HMAC-SHA-256 on its way, and the last 32 bytes of a file are the result.

use std::io::{self, Read, Write};

use common::secret::constant_time_eq;
use ring::hmac;

const MAC_LENGTH: u64 = 32;

/// Bytes on their way into a file.
pub(super) struct Signing<W> {
    out: W,
    mac: hmac::Context,
}

impl<W: Write> Signing<W> {
    pub(super) fn new(key: &hmac::Key, out: W) -> Self {
        Self { out, mac: hmac::Context::with_key(key) }
    }

    /// Writes the MAC of all that was written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.write_all(self.mac.sign().as_ref())?;
        self.out.flush()
    }
}

impl<W: Write> Write for Signing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.mac.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes on their way out of a file. Nothing of them counts before [`Verifying::finish`].
pub(super) struct Verifying<R> {
    input: R,
    mac: hmac::Context,
    left: u64,
}

impl<R: Read> Verifying<R> {
    /// From a file of that length.
    pub(super) fn new(key: &hmac::Key, input: R, length: u64) -> Self {
        Self { input, mac: hmac::Context::with_key(key), left: length.saturating_sub(MAC_LENGTH) }
    }

    /// Bytes before the MAC that were not read yet.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Whether all was read and the MAC that follows is the right one.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        let mut mac = [0; MAC_LENGTH as usize];
        self.input.read_exact(&mut mac)?;
        Ok(self.left == 0 && constant_time_eq(self.mac.sign().as_ref(), &mac))
    }
}

impl<R: Read> Read for Verifying<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.input.read(into.get_mut(..most).unwrap_or_default())?;
        self.mac.update(into.get(..count).unwrap_or_default());
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_verified_and_nothing_else() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let mut file = Vec::new();
        let mut signing = Signing::new(&key(1), &mut file);
        signing.write_all(b"a state").unwrap();
        signing.finish().unwrap();
        let verified = |byte, file: &[u8], read: usize| {
            let mut verifying = Verifying::new(&key(byte), file, file.len() as u64);
            verifying.read_exact(&mut vec![0; read])?;
            verifying.finish()
        };
        assert!(verified(1, &file, 7).unwrap());
        assert!(!verified(2, &file, 7).unwrap(), "another key");
        assert!(!verified(1, &file, 6).unwrap(), "not all was read");
        assert!(verified(1, &file, 8).is_err(), "the MAC is no part of it");
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 4;
            assert!(!verified(1, &changed, 7).unwrap(), "{at}");
        }
        assert!(verified(1, &file[..31], 0).is_err());
    }
}
