//! `BASE64_DECODE` and `BASE64_DECODE_EXT`.
//!
//! Own code, since no setting of a library decodes what attackers send: text cut short, without padding, in a mix of the two alphabets.

use std::borrow::Cow;

/// Decodes up to the first byte that is not of the alphabet (RFC 4648 sections 4 and 5); padding may lack. Bits that fill no byte are dropped. Output:
/// three quarters of the input at most.
pub(super) fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    if input.is_empty() {
        Cow::Borrowed(input)
    } else {
        Cow::Owned(join(input.iter().map_while(|byte| sextet(*byte)), input.len()))
    }
}

/// Skips every byte that is not of the alphabet, padding too. Output: three quarters of the input at most.
pub(super) fn decode_forgiving(input: &[u8]) -> Cow<'_, [u8]> {
    if input.is_empty() {
        Cow::Borrowed(input)
    } else {
        Cow::Owned(join(input.iter().filter_map(|byte| sextet(*byte)), input.len()))
    }
}

/// Bytes from groups of six bits.
fn join(sextets: impl Iterator<Item = u8>, input_length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(input_length / 4 * 3 + 2);
    let mut held = 0_u8;
    let mut bits = 0_u32;
    for sextet in sextets {
        match bits {
            0 => held = sextet,
            _ => {
                // `held` has the last `bits` bits; the first `8 - bits` of this group complete a byte.
                out.push(held << (8 - bits) | sextet >> (bits - 2));
                held = sextet;
            }
        }
        bits = if bits == 0 { 6 } else { bits - 2 };
    }
    out
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
