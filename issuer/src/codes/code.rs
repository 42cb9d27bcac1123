//! A code, what it is for, and its keyed hash.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::SecretString;
use ring::hmac;

use super::rows;
use crate::entropy::{self, NoEntropy};
use crate::envelope::PoolKey;
use crate::store::Statement;

/// Guesses at one code in all its life: six digits and fifteen tries, one chance in 66,000. How many tries a user has in an hour, over all
/// codes, is a budget of the feature that asks ([`crate::limits::Budget`]): a new code does not buy more of those.
pub const MAX_ATTEMPTS: u32 = 15;

const DIGITS: usize = 6;
const CODES: u32 = 1_000_000;

/// Every code of developer mode.
pub const FIXED: &str = "123456";
/// What kind of issuer the process is. Codes are made in many features, and none of them may forget to ask.
static IS_FIXED: AtomicBool = AtomicBool::new(false);

/// From now on every code that this process makes is [`FIXED`]: developer mode, at the start.
pub fn fix() {
    IS_FIXED.store(true, Ordering::Relaxed);
}

/// Where a code lives: there is at most one for a purpose and subject of a pool, and a new one replaces it.
#[derive(Clone, Copy, Debug)]
pub struct CodeSlot<'a> {
    pub pool: &'a PoolId,
    /// A constant of the feature that asks, such as `confirm sign-up`. A code of one purpose is nothing for another.
    pub purpose: &'static str,
    /// Whose it is: the `sub` of a user.
    pub subject: &'a str,
    /// What it is bound to beyond that, such as the address it is sent to. A code for another target does not match. May be empty.
    pub target: &'a str,
}

/// A code that was just made.
pub struct Code {
    /// Six digits, for the message and nothing else.
    pub text: SecretString,
    /// Stores it, in place of an older one of the same slot.
    pub statement: Statement,
}

/// Draws a code for the slot, good until `now + lifetime`.
pub fn issue(now: UnixMillis, key: &PoolKey, slot: CodeSlot<'_>, lifetime: Duration) -> Result<Code, NoEntropy> {
    let text = SecretString::new(text(IS_FIXED.load(Ordering::Relaxed))?);
    let statement = rows::put(now, slot, &digest(key, slot, text.expose()), now.plus(lifetime));
    Ok(Code { text, statement })
}

fn text(fixed: bool) -> Result<String, NoEntropy> {
    if fixed {
        return Ok(FIXED.to_owned());
    }
    Ok(format!("{:0width$}", entropy::below(CODES)?, width = DIGITS))
}

/// HMAC over purpose, subject, target and code, each with its length. The pool is in the key.
pub(super) fn digest(key: &PoolKey, slot: CodeSlot<'_>, code: &str) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&key.hmac_key("one-time codes"));
    for part in [slot.purpose, slot.subject, slot.target, code] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_drawn_unless_they_are_fixed() {
        assert_eq!(text(true).unwrap(), "123456");
        let drawn: std::collections::BTreeSet<_> = (0..20).map(|_| text(false).unwrap()).collect();
        assert!(drawn.len() > 10 && drawn.iter().all(|code| code.len() == DIGITS), "{drawn:?}");
    }
}
