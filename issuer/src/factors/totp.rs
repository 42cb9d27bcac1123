//! Time-based one-time passwords (RFC 6238 over RFC 4226): HMAC-SHA-1, 30 s, six digits; pure.
//!
//! SHA-1 is what authenticator apps do; as the hash of an HMAC it is not known to be weak.

use common::clock::UnixMillis;
use common::secret::constant_time_eq;
use ring::hmac;

/// Bytes of a seed: as many as the hash has, more than the 128 bits that RFC 4226 §4 demands.
pub const SEED_BYTES: usize = 20;
const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the code of this step, and none of this step or a later one has been used.
    Fresh(u64),
    /// It was right, and has been used, or a later one has (RFC 6238 §5.2).
    Used,
    Wrong,
}

/// Judges a code at an instant, with one step of drift each way. `last`: the step that was used last.
///
/// All three steps are computed and compared, so that time tells nothing.
pub fn judge(seed: &[u8], code: &str, now: UnixMillis, last: Option<u64>) -> Verdict {
    let present = step(now);
    let mut verdict = Verdict::Wrong;
    for step in [present.saturating_sub(1), present, present.saturating_add(1)] {
        let is_it = constant_time_eq(text(seed, step).as_bytes(), code.as_bytes());
        verdict = match verdict {
            Verdict::Fresh(_) => verdict,
            _ if is_it && last.is_none_or(|last| step > last) => Verdict::Fresh(step),
            _ if is_it => Verdict::Used,
            other => other,
        };
    }
    verdict
}

/// The step that an instant is in.
pub fn step(at: UnixMillis) -> u64 {
    at.0 / 1_000 / STEP_SECONDS
}

/// The six digits of a step.
pub fn text(seed: &[u8], step: u64) -> String {
    format!("{:0width$}", hotp(seed, step) % 1_000_000, width = DIGITS)
}

/// RFC 4226 §5.3: 31 bits of the HMAC, from where its last four bits say.
fn hotp(seed: &[u8], counter: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    let bytes = tag.get(offset..).and_then(|from| from.first_chunk::<4>()).copied().unwrap_or_default();
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8; 20] = b"12345678901234567890";

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis(seconds * 1_000)
    }

    /// RFC 6238, appendix B, the rows of SHA1.
    #[test]
    fn the_vectors_of_rfc_6238() {
        for (seconds, eight) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(hotp(SEED, step(at(seconds))) % 100_000_000, eight, "{seconds}");
            assert_eq!(text(SEED, step(at(seconds))), format!("{:06}", eight % 1_000_000));
        }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(codes) {
            assert_eq!(text(SEED, counter), code);
        }
    }

    #[test]
    fn one_step_of_drift_each_way() {
        let now = at(3_000_000);
        let present = step(now);
        for (of, good) in
            [(present - 2, false), (present - 1, true), (present, true), (present + 1, true), (present + 2, false)]
        {
            let expected = if good { Verdict::Fresh(of) } else { Verdict::Wrong };
            assert_eq!(judge(SEED, &text(SEED, of), now, None), expected, "{of}");
        }
        assert_eq!(judge(SEED, &text(SEED, present), at(3_000_029), None), Verdict::Fresh(present));
    }

    #[test]
    fn a_step_counts_once_and_in_order() {
        let now = at(3_000_000);
        let present = step(now);
        let code = |step| text(SEED, step);
        assert_eq!(judge(SEED, &code(present), now, Some(present)), Verdict::Used);
        assert_eq!(judge(SEED, &code(present - 1), now, Some(present)), Verdict::Used);
        assert_eq!(judge(SEED, &code(present + 1), now, Some(present)), Verdict::Fresh(present + 1));
    }

    #[test]
    fn nothing_but_six_digits_is_a_code() {
        let now = at(3_000_000);
        let code = text(SEED, step(now));
        for odd in ["", "0", &format!(" {code}"), &format!("{code} "), &format!("0{code}"), &code[..5], "１２３４５６"]
        {
            assert_eq!(judge(SEED, odd, now, None), Verdict::Wrong, "{odd:?}");
        }
    }
}
