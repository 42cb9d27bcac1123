//! Numbers as JSON and settings have them, compared by what they are and not by how they are kept.

use std::cmp::Ordering;
use std::fmt;

/// A finite number. `3` and `3.0` are the same, and no whole number is rounded to compare it.
#[derive(Clone, Copy, Debug)]
pub struct Number(Kept);

#[derive(Clone, Copy, Debug)]
enum Kept {
    Whole(i128),
    /// With a fraction, or beyond whole numbers.
    Fraction(f64),
}

/// Beyond this, `f64`s are whole and far from anything that a setting holds.
const WHOLE_LIMIT: f64 = 1e30;

impl Number {
    /// None for infinities and NaN.
    pub fn from_f64(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let whole = number.fract() == 0.0 && number.abs() < WHOLE_LIMIT;
        Some(Self(if whole { Kept::Whole(number as i128) } else { Kept::Fraction(number) }))
    }

    pub fn from_json(number: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = number.as_i128() {
            return Some(Self(Kept::Whole(whole)));
        }
        Self::from_f64(number.as_f64()?)
    }

    /// A number of a token that was read strictly.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        if let Ok(whole) = raw.parse::<i64>() {
            return Some(whole.into());
        }
        Self::from_json(&serde_json::from_str(raw).ok()?)
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(Kept::Whole(number.into()))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.0, other.0) {
            (Kept::Whole(a), Kept::Whole(b)) => Some(a.cmp(&b)),
            // A fraction lies between whole numbers that `f64` holds exactly, or beyond all of them: rounding moves nothing past it.
            (Kept::Whole(a), Kept::Fraction(b)) => (a as f64).partial_cmp(&b),
            (Kept::Fraction(a), Kept::Whole(b)) => a.partial_cmp(&(b as f64)),
            (Kept::Fraction(a), Kept::Fraction(b)) => a.partial_cmp(&b),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kept::Whole(whole) => write!(f, "{whole}"),
            Kept::Fraction(fraction) => write!(f, "{fraction}"),
        }
    }
}
