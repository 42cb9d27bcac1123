//! The ids under which Cognito's API knows sessions (pure): `tkn` or `sso`, then 25 of 36 characters.
//!
//! That of a token session is its `origin_jti`, 128 bits, written to the base of 36: it needs no column, and finds the row.

use uuid::Uuid;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// 36²⁵ is a little more than 2¹²⁸.
const LENGTH: usize = 25;
const TOKEN: &str = "tkn";
const BROWSER: &str = "sso";

/// The id of the session with this `origin_jti`; `None` where that is no UUID, as none of ours is.
pub fn of(origin_jti: &str) -> Option<String> {
    written(TOKEN, origin_jti)
}

/// The id of the browser session with this `sid`.
pub fn of_browser(sid: &str) -> Option<String> {
    written(BROWSER, sid)
}

fn written(kind: &str, uuid: &str) -> Option<String> {
    let mut rest = Uuid::parse_str(uuid).ok()?.as_u128();
    let mut digits = [b'0'; LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = *DIGITS.get(usize::try_from(rest % 36).ok()?)?;
        rest /= 36;
    }
    Some(format!("{kind}{}", String::from_utf8_lossy(&digits)))
}

/// The `origin_jti` of the token session with this id; `None` for what no session has: a browser session's, or a number that is too large.
pub fn origin_jti(id: &str) -> Option<String> {
    let digits = id.strip_prefix(TOKEN).filter(|digits| digits.len() == LENGTH)?;
    let number = digits.bytes().try_fold(0_u128, |number, digit| {
        let value = DIGITS.iter().position(|one| *one == digit)?;
        number.checked_mul(36)?.checked_add(u128::try_from(value).ok()?)
    })?;
    Some(Uuid::from_u128(number).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_have_cognitos_form() {
        assert_eq!(of("00000000-0000-0000-0000-000000000000").unwrap(), format!("tkn{}", "0".repeat(25)));
        assert_eq!(of("ffffffff-ffff-ffff-ffff-ffffffffffff").unwrap(), "tknf5lxx1zz5pnorynqglhzmsp33");
        assert_eq!(of_browser("00000000-0000-0000-0000-000000000001").unwrap(), format!("sso{}1", "0".repeat(24)));
        assert_eq!(of("o"), None);
    }

    #[test]
    fn what_no_session_has_is_none() {
        let too_large = format!("tkn{}", "z".repeat(25));
        for id in ["", "tkn", "tkn0", &format!("sso{}", "0".repeat(25)), &format!("tkn{}", "A".repeat(25)), &too_large]
        {
            assert_eq!(origin_jti(id), None, "{id}");
        }
    }

    proptest! {
        #[test]
        fn ids_lead_back(number in any::<u128>()) {
            let jti = Uuid::from_u128(number).to_string();
            let id = of(&jti).unwrap();
            prop_assert!(id.len() == 28 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            prop_assert_eq!(origin_jti(&id), Some(jti));
        }
    }
}
