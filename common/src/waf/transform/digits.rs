//! Digits of escapes, and what is left of a code point in a byte.

/// The value of a hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte that two hexadecimal digits write.
pub(super) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// The number that exactly four hexadecimal digits at the start of `tail` write.
pub(super) fn hex_four(tail: &[u8]) -> Option<u32> {
    match tail {
        [a, b, c, d, ..] => Some(u32::from(hex_pair(*a, *b)?) << 8 | u32::from(hex_pair(*c, *d)?)),
        _ => None,
    }
}

/// The number that octal digits at the start of `tail` write, and how many there are: at most `most`, at least one.
pub(super) fn octal(tail: &[u8], most: usize) -> Option<(u32, usize)> {
    let digits = tail.iter().take(most).take_while(|byte| matches!(byte, b'0'..=b'7'));
    let (value, count) = digits.fold((0, 0), |(value, count), digit| (value << 3 | u32::from(digit - b'0'), count + 1));
    (count > 0).then_some((value, count))
}

/// A code point as one byte, as AWS documents it for `URL_DECODE_UNI` and `JS_DECODE`: full-width ASCII (U+FF01 to U+FF5E) becomes ASCII, of any
/// other code point the lower byte is left.
pub(super) fn narrow(code: u32) -> u8 {
    let shown = if (0xFF01..=0xFF5E).contains(&code) { code - 0xFEE0 } else { code };
    shown.to_le_bytes().first().copied().unwrap_or_default()
}
