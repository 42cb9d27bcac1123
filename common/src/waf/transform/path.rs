//! `NORMALIZE_PATH` and `NORMALIZE_PATH_WIN`.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

/// Empty segments, `.` and `..` are resolved. A path from the root never leaves it; a relative one keeps the `..` that lead out of it. A slash at the
/// end stays. Output: no longer than the input.
pub(super) fn normalize(input: &[u8]) -> Cow<'_, [u8]> {
    if is_normal(input) { Cow::Borrowed(input) } else { Cow::Owned(resolve(input)) }
}

/// The same, with backslashes taken for slashes.
pub(super) fn normalize_windows(input: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\\', input).is_none() {
        return normalize(input);
    }
    let slashes: Vec<u8> = input.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
    if is_normal(&slashes) { Cow::Owned(slashes) } else { Cow::Owned(resolve(&slashes)) }
}

/// Whether nothing is to be resolved.
fn is_normal(path: &[u8]) -> bool {
    let relative = path.strip_prefix(b"/").is_none();
    let inner = path.strip_prefix(b"/").unwrap_or(path);
    let inner = inner.strip_suffix(b"/").unwrap_or(inner);
    if inner.is_empty() {
        // "", "/"; not "//"
        return path.len() < 2;
    }
    let mut leading = relative;
    inner.split(|byte| *byte == b'/').all(|segment| match segment {
        b"" | b"." => false,
        b".." => leading,
        _ => {
            leading = false;
            true
        }
    })
}

fn resolve(path: &[u8]) -> Vec<u8> {
    let absolute = path.first() == Some(&b'/');
    let mut out = Vec::with_capacity(path.len());
    // Segments of `out` that a ".." may take back.
    let mut depth = 0_usize;
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." if depth > 0 => {
                depth -= 1;
                // Each byte is taken back once at most: linear over all.
                out.truncate(memrchr(b'/', &out).unwrap_or_default());
            }
            b".." if absolute => {}
            _ => {
                depth += usize::from(segment != b"..");
                if absolute || !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(segment);
            }
        }
    }
    let open = path.last() == Some(&b'/') && !out.is_empty();
    if open || (absolute && out.is_empty()) {
        out.push(b'/');
    }
    out
}
