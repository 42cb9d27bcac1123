//! What came of captchas and challenges, in AWS's words (`CaptchaResponse`, `ChallengeResponse`).

use std::time::Duration;

use common::clock::UnixMillis;

use crate::waf::{Acl, Act, Clearance, Ending, Match, Progress, Rule, Standing, Verdict};

/// What a client was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Captcha,
    Challenge,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// 0: it was solved.
    pub status: u16,
    /// Seconds since the epoch; 0: never.
    pub solved_at: u64,
    /// AWS's `FailureReason`.
    pub failure: Option<&'static str>,
}

impl Asked {
    /// What a rule asks for.
    pub fn of(rule: &Rule) -> Option<Self> {
        match rule.act {
            Act::Captcha(..) => Some(Self::Captcha),
            Act::Challenge(..) => Some(Self::Challenge),
            Act::Allow(_) | Act::Block(_) | Act::Count(_) => None,
        }
    }

    /// What the last rule that asked for it has got.
    pub fn last(
        self,
        acl: &Acl,
        progress: &Progress,
        verdict: &Verdict,
        clearance: Clearance,
        now: UnixMillis,
    ) -> Option<Answered> {
        match (&verdict.ending, self) {
            (Ending::Captcha, Self::Captcha) | (Ending::Challenge, Self::Challenge) => {
                return Some(self.unsolved(clearance, now));
            }
            _ => {}
        }
        let asks = |matched: &&Match| acl.rule(matched.step).and_then(Self::of) == Some(self);
        let last = progress.matched.iter().rfind(asks)?;
        Some(if last.counted { self.unsolved(clearance, now) } else { self.solved(clearance, now) })
    }

    /// It let the request go on.
    pub fn solved(self, clearance: Clearance, now: UnixMillis) -> Answered {
        Answered { status: 0, solved_at: self.solved_at(clearance, now), failure: None }
    }

    /// The client was asked.
    pub fn unsolved(self, clearance: Clearance, now: UnixMillis) -> Answered {
        let solved_at = self.solved_at(clearance, now);
        let failure = match clearance.standing {
            Standing::Missing => "TOKEN_MISSING",
            Standing::Invalid => "TOKEN_INVALID",
            Standing::DomainMismatch => "TOKEN_DOMAIN_MISMATCH",
            Standing::Good if solved_at == 0 => "TOKEN_MISSING",
            Standing::Good => "TOKEN_EXPIRED",
        };
        Answered { status: if self == Self::Captcha { 405 } else { 202 }, solved_at, failure: Some(failure) }
    }

    fn solved_at(self, clearance: Clearance, now: UnixMillis) -> u64 {
        let solved = match self {
            Self::Captcha => clearance.captcha,
            Self::Challenge => clearance.challenge.or(clearance.captcha),
        };
        solved.map_or(0, |solved| now.minus(Duration::from_secs(solved.ago)).seconds())
    }
}
