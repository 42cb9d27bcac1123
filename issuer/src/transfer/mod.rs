//! A pool as a file that another deployment can import (`tollgate admin export`, `tollgate admin import`): its settings, groups, users with what
//! proves their passwords, and app clients where the operator wants them. docs/EXPORT.md describes the file.
//!
//! - [`frame`] is the file: frames that are sealed one by one to the operator's public key ([`sealed`]), so that nothing of it lies on a disk in
//!   clear, and an export that was cut off goes on after its last whole frame.
//! - [`export`] makes frames, of [`draft`]s of users. The issuer keeps no state of an export.
//! - [`held`] is what a user holds beside a password.
//! - [`check`] decides what fits into a pool. The command asks it for all lines before it sends one; the issuer asks it again.
//! - [`import`] stores lines ([`pending`]) with the count of lines that are done, in one batch: what was stored is never stored twice, and a cut loses
//!   nothing.
//!
//! An import takes statuses and what is verified as they are, sends no message, and opens no way that the pool's settings close: it is the word of
//! an administrator whose policy allows `tollgate:ImportUserPool`.

mod check;
mod draft;
mod error;
pub mod export;
mod frame;
mod held;
pub mod import;
mod lines;
mod pending;
pub(crate) mod read;
pub mod rows;
mod sealed;
#[cfg(test)]
mod suite;

pub use self::error::FileError;
pub use self::frame::{Beginning, Raw, Scan, next_digest};
pub use self::lines::{Counts, Line, PoolLine, settings};
pub use self::read::{Checked, Problem, check, parts, print};
pub use self::sealed::{ExportKey, NoKey, Part, Recipient};

use crate::store::Migration;

/// The tables of this feature.
pub const MIGRATIONS: &[Migration] = &[rows::MIGRATION];

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes of hexadecimal.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}
