//! `exp`, `nbf`, `iat`: numbers or nothing.

use std::time::Duration;

use crate::clock::UnixMillis;
use crate::jose::json::Object;
use crate::reject::Reject;

/// 9999-12-31T23:59:59Z. A time beyond it is a mistake or an attack.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// How far two clocks may differ: at most 60 s (RFC 8725 wants "small", SECURITY.md E06 a minute).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeway(Duration);

impl Leeway {
    pub const NONE: Self = Self(Duration::ZERO);
    pub const MAX: Self = Self(Duration::from_secs(60));

    /// `None` above [`Leeway::MAX`].
    pub fn new(span: Duration) -> Option<Self> {
        (span <= Self::MAX.0).then_some(Self(span))
    }

    pub const fn span(self) -> Duration {
        self.0
    }
}

impl Default for Leeway {
    /// 10 s.
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

/// The times of a token that are in order now.
pub(super) struct Times {
    pub exp: UnixMillis,
    pub iat: UnixMillis,
    pub auth_time: Option<UnixMillis>,
}

/// Reads the times and compares them with `now`: `exp` and `iat` are required, `nbf` counts if there is one.
pub(super) fn check(claims: &Object, leeway: Leeway, now: UnixMillis) -> Result<Times, Reject> {
    let exp = numeric_date(claims, "exp")?.ok_or(Reject::InvalidClaims)?;
    let iat = numeric_date(claims, "iat")?.ok_or(Reject::InvalidClaims)?;
    let nbf = numeric_date(claims, "nbf")?;
    let auth_time = numeric_date(claims, "auth_time")?;
    let latest = now.plus(leeway.span());
    if is_over(exp, leeway, now) {
        Err(Reject::Expired)
    } else if nbf.is_some_and(|nbf| nbf > latest) {
        Err(Reject::NotYetValid)
    } else if iat > latest {
        Err(Reject::IssuedInFuture)
    } else {
        Ok(Times { exp, iat, auth_time })
    }
}

/// RFC 7519 §4.1.4: "on or after" `exp` the token is dead.
pub(super) fn is_over(exp: UnixMillis, leeway: Leeway, now: UnixMillis) -> bool {
    now >= exp.plus(leeway.span())
}

/// A NumericDate (RFC 7519 §2: seconds, fractions allowed) between the epoch and the year 9999. Anything else under the name
/// is refused: taking it for absent is CVE-2026-25537.
fn numeric_date(claims: &Object, name: &str) -> Result<Option<UnixMillis>, Reject> {
    let seconds: Option<f64> = claims.value(name).map_err(|_| Reject::InvalidClaims)?;
    match seconds {
        None => Ok(None),
        Some(seconds) if (0.0..=LAST_SECOND).contains(&seconds) => Ok(Some(UnixMillis((seconds * 1000.0) as u64))),
        Some(_) => Err(Reject::InvalidClaims),
    }
}
