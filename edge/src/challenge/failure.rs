//! Why an answer to a puzzle is not taken.

use std::time::Duration;

/// Each with status, code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No such body.
    Malformed,
    /// We have not signed it.
    Forged,
    OtherHost,
    OtherNetwork,
    Expired,
    /// It may be sent again after so long.
    Early(Duration),
    /// The numbers are not what was asked for.
    Unsolved,
    /// It has been used.
    Used,
    /// Scripts are needed here.
    NeedsScripts,
    /// Too many have passed without scripts; so many seconds are left.
    Paced(u64),
    /// No room to remember it.
    Full,
    Internal,
}

impl Failure {
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forged
            | Self::OtherHost
            | Self::OtherNetwork
            | Self::Expired
            | Self::Unsolved
            | Self::Used
            | Self::NeedsScripts => 403,
            Self::Early(_) | Self::Paced(_) => 429,
            Self::Full => 503,
            Self::Internal => 500,
        }
    }

    /// For the API, the log and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "not_ours",
            Self::OtherHost => "other_host",
            Self::OtherNetwork => "other_network",
            Self::Expired => "expired",
            Self::Early(_) => "early",
            Self::Unsolved => "unsolved",
            Self::Used => "used",
            Self::NeedsScripts => "needs_scripts",
            Self::Paced(_) => "too_many",
            Self::Full => "full",
            Self::Internal => "internal",
        }
    }

    /// For people.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Malformed => "What your browser sent could not be read.",
            Self::Forged => "This answer belongs to no question of this site.",
            Self::OtherHost => "This answer belongs to another site.",
            Self::OtherNetwork => "Your network address has changed since the page was loaded.",
            Self::Expired => "The page was open for too long.",
            Self::Early(_) => "That was a little early.",
            Self::Unsolved => "The calculation did not come out right.",
            Self::Used => "This answer has been used before.",
            Self::NeedsScripts => "This site can only be opened with scripts switched on.",
            Self::Paced(_) => "Many visitors from your network have come this way in the last minutes.",
            Self::Full => "The site is very busy.",
            Self::Internal => "Something went wrong here.",
        }
    }

    /// Seconds after which it makes sense to come again.
    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::Early(left) => Some(left.as_secs() + u64::from(left.subsec_nanos() > 0)),
            Self::Paced(seconds) => Some(seconds),
            Self::Full => Some(5),
            _ => None,
        }
    }
}
