//! A child of `tollgate up` ends when its parent does: it reads an inherited pipe, which ends with the parent.

use std::io::Read;

/// Blocks the calling thread until standard input ends.
pub fn wait_for_eof() {
    let mut buffer = [0_u8; 64];
    let mut stdin = std::io::stdin().lock();
    while !matches!(stdin.read(&mut buffer), Ok(0) | Err(_)) {}
}
