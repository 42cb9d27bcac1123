//! A chunked body as it comes over the wire.
//!
//! What must hold: no panic; where reads are cut makes no difference; a body that is read to its end is one by a second reader, written after
//! RFC 9112 §7.1 and for clarity alone.

use common::canonical::ChunkedBody;

pub fn one(data: &[u8]) {
    let mut whole = ChunkedBody::default();
    let read = whole.read(data);
    let mut apart = ChunkedBody::default();
    let pieces = data.chunks(1 + data.len() % 5).try_for_each(|piece| apart.read(piece));
    assert_eq!((read, whole.is_done()), (pieces, apart.is_done()));
    if read.is_ok() && whole.is_done() {
        assert!(slowly(data).is_some(), "{}", data.escape_ascii());
    } else if read.is_ok() {
        assert!(slowly(data).is_none(), "{}", data.escape_ascii());
    }
}

/// The body, if the data begins with a whole one.
fn slowly(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = line(&mut data)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = u128::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        let rest = line[digits..].trim_ascii_start();
        if !(rest.is_empty() || rest.starts_with(b";")) {
            return None;
        }
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        body.extend_from_slice(data.get(..size)?);
        data = data.get(size..)?.strip_prefix(b"\r\n")?;
    }
    loop {
        let line = line(&mut data)?;
        if line.is_empty() {
            return Some(body);
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        if colon == 0
            || line[..colon].iter().any(|byte| b" \t\"(),/:;<=>?@[\\]{}".contains(byte) || !byte.is_ascii_graphic())
        {
            return None;
        }
    }
}

/// A line without its end, and without control characters in it.
fn line<'d>(data: &mut &'d [u8]) -> Option<&'d [u8]> {
    let end = data.windows(2).position(|window| window == b"\r\n")?;
    let line = &data[..end];
    *data = &data[end + 2..];
    let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    if line.iter().any(control) { None } else { Some(line) }
}
