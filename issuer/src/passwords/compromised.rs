//! Passwords that others know: a list that the operator brings, such as Have I Been Pwned's, most frequent first.
//!
//! A line is the SHA-1 of a password in hex, and whatever follows a colon is ignored (`5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004`). Kept are eight
//! bytes of each: one password in some million millions is taken for one of the list that is not.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// Lines that are read: 80 MB. What follows them is left out.
const MOST: usize = 10_000_000;
/// Bytes of one line.
const LINE_BYTES: u64 = 256;

/// The list; an empty one knows nothing.
#[derive(Clone, Default)]
pub struct Compromised(Vec<u64>);

impl Compromised {
    /// # Errors
    /// The file can't be read, or a line is no hash.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::of(BufReader::new(File::open(path)?))
    }

    fn of(mut lines: impl BufRead) -> io::Result<Self> {
        let mut known = Vec::new();
        let mut line = String::new();
        while known.len() < MOST {
            line.clear();
            if io::Read::take(&mut lines, LINE_BYTES).read_line(&mut line)? == 0 {
                break;
            }
            let hash = line.split(':').next().unwrap_or_default().trim();
            if hash.is_empty() {
                continue;
            }
            known.push(first(hash).ok_or_else(|| {
                let at = known.len() + 1;
                io::Error::new(io::ErrorKind::InvalidData, format!("line {at} is no SHA-1 in hex"))
            })?);
        }
        known.sort_unstable();
        known.dedup();
        known.shrink_to_fit();
        Ok(Self(known))
    }

    pub fn has(&self, password: &str) -> bool {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let number = hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        !self.0.is_empty() && self.0.binary_search(&number).is_ok()
    }
}

impl std::fmt::Debug for Compromised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compromised").field("passwords", &self.0.len()).finish()
    }
}

/// The first eight bytes of a hash.
fn first(hex: &str) -> Option<u64> {
    let is_hash = hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| u64::from_str_radix(hex.get(..16)?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_have_i_been_pwned_has_it() {
        let list = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\r\n\n7c4a8d09ca3762af61e59520943dc26494f8941b\n";
        let known = Compromised::of(list.as_bytes()).unwrap();
        assert!(known.has("password") && known.has("123456") && !known.has("Password") && !known.has(""));
        assert!(!Compromised::default().has("password"));
        let problem = Compromised::of(&b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\npassword\n"[..]).unwrap_err();
        assert_eq!(problem.to_string(), "line 2 is no SHA-1 in hex");
    }
}
