//! Sign-out to the millisecond.
//!
//! `iat` has whole seconds, so a sign-out that compared it would either kill the sign-in that follows in the same second or
//! spare the token that came before it. The `jti` of our tokens is a UUIDv7, whose first 48 bits are the millisecond in which
//! it was made (RFC 9562 §5.7); that is what a user's `valid_after` is compared with.

use crate::clock::UnixMillis;
use crate::verify::verified::Verified;

/// Whether a token was made after its user's last sign-out, disabling or password change. One without a mint time lives only
/// if it was issued in a later second.
pub fn outlives(token: &Verified, valid_after: UnixMillis) -> bool {
    match token.mint {
        Some(mint) => mint > valid_after,
        None => token.iat.seconds() > valid_after.seconds(),
    }
}

/// The millisecond of a UUIDv7 in lower-case hyphenated form.
pub fn mint_time(jti: &str) -> Option<UnixMillis> {
    let bytes = jti.as_bytes();
    let hyphens = [8, 13, 18, 23];
    let shaped = bytes.len() == 36
        && bytes.iter().enumerate().all(|(i, b)| match b {
            b'-' => hyphens.contains(&i),
            b'0'..=b'9' | b'a'..=b'f' => !hyphens.contains(&i),
            _ => false,
        });
    let version_and_variant = (bytes.get(14), bytes.get(19));
    if !shaped || !matches!(version_and_variant, (Some(b'7'), Some(b'8' | b'9' | b'a' | b'b'))) {
        return None;
    }
    let (high, low) = (jti.get(..8)?, jti.get(9..13)?);
    let millis = u64::from_str_radix(high, 16).ok()? << 16 | u64::from_str_radix(low, 16).ok()?;
    Some(UnixMillis(millis))
}
