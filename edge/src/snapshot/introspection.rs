//! Issuers whose tokens only they can read: how they are asked (RFC 7662), and what they have answered lately.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMillis;
use common::reject::Reject;
use common::secret::SecretString;
use common::verify::IntrospectionTerms;
use moka::sync::Cache;

use crate::outbound::{Address, Authorities};
use crate::snapshot::identity::Identity;
use crate::snapshot::verdicts::TokenDigest;

/// Key, slot and bookkeeping of one answer; bytes.
const ENTRY_OVERHEAD: usize = 256;

/// An introspecting issuer, as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionSettings {
    pub terms: IntrospectionTerms,
    /// Claims that list groups, instead of `groups`.
    pub groups: Option<Arc<[Box<str>]>>,
    pub endpoint: Endpoint,
    /// How long a good answer is believed, if the token lives that long.
    pub ttl: Duration,
    /// How long a refusal is believed.
    pub negative_ttl: Duration,
    pub cache: CacheBounds,
}

/// Answers that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    pub entries: usize,
    pub bytes: usize,
}

/// Whom to ask, as whom, and with how much patience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: Address,
    pub authorities: Authorities,
    pub client_id: String,
    pub client_secret: SecretString,
    pub auth: ClientAuth,
    /// From the request's question to its answer, waiting in line and all.
    pub timeout: Duration,
    /// Questions at the endpoint at a time.
    pub concurrency: usize,
    /// Tokens that may wait for one of these places; those beyond are refused at once.
    pub queue: usize,
}

/// How the edge shows who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    Basic,
    Post,
}

/// One introspecting issuer: settings, and the answers of this configuration.
#[derive(Debug)]
pub struct Introspection {
    pub settings: Arc<IntrospectionSettings>,
    pub answers: Answers,
}

/// What is known of a token.
#[derive(Clone, Debug)]
pub enum Answer {
    Active(Arc<Identity>),
    Refused(Reject),
}

/// Answers by the SHA-256 of the whole token, bounded in number and bytes.
pub struct Answers {
    kept: Cache<TokenDigest, Kept>,
    ttl: Duration,
    negative_ttl: Duration,
}

#[derive(Clone)]
struct Kept {
    answer: Answer,
    until: UnixMillis,
}

impl Introspection {
    pub fn new(settings: Arc<IntrospectionSettings>) -> Self {
        let answers = Answers::new(settings.cache, settings.ttl, settings.negative_ttl);
        Self { settings, answers }
    }
}

impl Answers {
    fn new(bounds: CacheBounds, ttl: Duration, negative_ttl: Duration) -> Self {
        // One budget bounds both: no entry weighs less than its share of the bytes.
        let least = bounds.bytes / bounds.entries.max(1);
        let weigh = move |_: &TokenDigest, kept: &Kept| {
            let weight = match &kept.answer {
                Answer::Active(identity) => ENTRY_OVERHEAD + identity.weight(),
                Answer::Refused(_) => ENTRY_OVERHEAD,
            };
            u32::try_from(weight.max(least)).unwrap_or(u32::MAX)
        };
        // Our own clock decides what counts; this one only gives the memory back.
        let longest = ttl.max(negative_ttl).max(Duration::from_secs(1));
        let kept = Cache::builder().max_capacity(bounds.bytes as u64).weigher(weigh).time_to_live(longest).build();
        Self { kept, ttl, negative_ttl }
    }

    /// What was answered about this token, while it counts.
    pub fn get(&self, token: TokenDigest, now: UnixMillis) -> Option<Answer> {
        let kept = self.kept.get(&token)?;
        // A clock that was set back must not keep an answer for longer than it would have lived.
        let lives = match &kept.answer {
            Answer::Active(_) => self.ttl,
            Answer::Refused(_) => self.negative_ttl,
        };
        (now < kept.until && kept.until.since(now) <= lives).then_some(kept.answer)
    }

    /// Keeps an answer that came now: a good one no longer than the token lives.
    pub fn insert(&self, token: TokenDigest, answer: Answer, now: UnixMillis) {
        let until = match &answer {
            Answer::Active(identity) => now.plus(self.ttl).min(identity.token.dies_at()),
            Answer::Refused(_) => now.plus(self.negative_ttl),
        };
        if until > now {
            self.kept.insert(token, Kept { answer, until });
        }
    }

    /// Answers held and bytes accounted for, after the housekeeping that is due.
    #[cfg(test)]
    pub fn size(&self) -> (u64, u64) {
        self.kept.run_pending_tasks();
        (self.kept.entry_count(), self.kept.weighted_size())
    }
}

impl fmt::Debug for Answers {
    /// Nothing of what is kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use common::verify::{Introspected, Leeway};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn answers(entries: usize, bytes: usize) -> Answers {
        Answers::new(CacheBounds { entries, bytes }, SECOND * 30, SECOND * 5)
    }

    fn active(seconds: u64, padding: usize) -> Answer {
        let terms = IntrospectionTerms { iss: "https://i".into(), leeway: Leeway::NONE, without_exp: SECOND };
        let exp = NOW.seconds() + seconds;
        let body = format!(r#"{{"active":true,"sub":"ada","exp":{exp},"x":"{}"}}"#, "x".repeat(padding));
        match terms.read(&body, NOW).unwrap() {
            Introspected::Active(verified) => Answer::Active(Arc::new(Identity::new(*verified))),
            other => panic!("{other:?}"),
        }
    }

    fn after(seconds: u32) -> UnixMillis {
        NOW.plus(SECOND * seconds)
    }

    #[test]
    fn answers_count_for_their_time_and_no_longer_than_the_token() {
        let answers = answers(10, 1 << 20);
        let [long, short, bad] = ["long", "short", "bad"].map(TokenDigest::of);
        answers.insert(long, active(600, 0), NOW);
        answers.insert(short, active(10, 0), NOW);
        answers.insert(bad, Answer::Refused(Reject::TokenInactive), NOW);
        let held = |token, seconds| answers.get(token, after(seconds)).is_some();
        assert_eq!([held(long, 29), held(long, 30)], [true, false]);
        assert_eq!([held(short, 9), held(short, 10)], [true, false]);
        assert_eq!([held(bad, 4), held(bad, 5)], [true, false]);
        assert!(answers.get(long, NOW.minus(SECOND)).is_none(), "a clock that was set back");
    }

    #[test]
    fn a_flood_stays_within_both_bounds() {
        let few = answers(50, 1 << 20);
        let small = answers(1_000_000, 64 << 10);
        for i in 0..2_000 {
            few.insert(TokenDigest::of(&i.to_string()), Answer::Refused(Reject::TokenInactive), NOW);
            small.insert(TokenDigest::of(&i.to_string()), active(600, 1_000), NOW);
        }
        assert!(few.size().0 <= 50, "{:?}", few.size());
        assert!(small.size().1 <= 64 << 10 && small.size().0 <= 30, "{:?}", small.size());
    }
}
