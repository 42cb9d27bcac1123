//! `exp`, `nbf`, `iat`: numbers or nothing.

use std::time::Duration;

use crate::clock::UnixMillis;
use crate::jose::json::Object;
use crate::reject::Reject;

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
    compare(claims, exp, iat, leeway, now)
}

/// The same for an introspected token, where all of them are optional (RFC 7662 §2.2). One without `exp` is taken to live for `without_exp`, one
/// without `iat` to be older than any sign-out.
pub(super) fn check_introspected(
    claims: &Object,
    leeway: Leeway,
    without_exp: Duration,
    now: UnixMillis,
) -> Result<Times, Reject> {
    let exp = numeric_date(claims, "exp")?.unwrap_or(now.plus(without_exp));
    let iat = numeric_date(claims, "iat")?.unwrap_or(UnixMillis(0));
    compare(claims, exp, iat, leeway, now)
}

fn compare(
    claims: &Object,
    exp: UnixMillis,
    iat: UnixMillis,
    leeway: Leeway,
    now: UnixMillis,
) -> Result<Times, Reject> {
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

fn numeric_date(claims: &Object, name: &str) -> Result<Option<UnixMillis>, Reject> {
    claims.numeric_date(name).map_err(|_| Reject::InvalidClaims)
}
