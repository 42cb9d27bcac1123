//! What is said on a connection's second stream, which the edge opens once it was welcomed: what edges report, and what an issuer tells of the reports
//! of others. It is apart from the first, so that a snapshot delays no report, and no report a delta. Frames and bodies are as on the first
//! ([`super::Message`]). Numbers are wire format, from 64 on: never reuse one.
//!
//! Reports are no log: none is acknowledged, and those that were under way when a connection ends are gone. An issuer from before this never takes the
//! stream, an edge from before this never opens it, and both go on as before.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::FeedName;
use super::frame::{Frame, FrameError, VERSION};
use super::message::{body, frame};
use super::{HeldBack, Samples};
use crate::ids::PoolId;

/// Longest frame of a report, in bytes, not counting its length field: what one edge can make an issuer hold.
pub const MAX_REPORT: usize = 256 * 1024;

/// Everything that is said on the stream of reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    // edge to issuer
    /// From now on the edge shares limits. Before its first [`Report::Counts`], and once.
    Share(Share),
    Counts(Counts),
    Samples(Samples),
    HeldBack(HeldBack),
    // issuer to edge
    /// The answer to [`Report::Share`]: counts are taken from now on. With where the edge stands, unless it is still to be told of the time before.
    Shared(Option<Heard>),
    Merged(Merged),
    /// A kind of a later version: skipped.
    Unknown(u8),
}

/// Whom an edge shares limits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub scope: Scope,
    /// Tells this process of an edge from all others: random.
    pub origin: u64,
    /// How far it has heard what others count, if it was connected before.
    pub heard: Option<Heard>,
}

/// Who counts together: the edges of one deployment that name the same feed here, for which each of them must be enrolled. The global one stands
/// for all edges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope(pub FeedName);

/// A place in what an issuer tells of others' counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Random: another one means that an issuer has begun anew.
    pub ledger: u64,
    pub seq: u64,
}

/// What an edge has counted since it said so last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Those that `counts` speak of, each once.
    pub rules: Vec<CountedRule>,
    pub counts: Vec<Count>,
}

/// What the other edges of the scope have counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Where that ends.
    pub heard: Heard,
    pub of_others: Counts,
}

/// A limit, as edges and issuers tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CountedRule {
    /// A hash of what it says.
    pub id: u32,
    /// In seconds.
    pub window_s: u32,
}

/// Requests with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which of the list's rules.
    pub rule: u16,
    /// A digest under the deployment's key for limits ([`super::KeyUsage::Limit`]).
    pub key: [u8; 16],
    /// How many were admitted.
    pub admitted: u32,
    /// How many asked, the admitted ones included.
    pub asked: u32,
    /// How long ago the last one was, in milliseconds.
    pub ago_ms: u32,
}

const COUNTS: u8 = 64;
const SAMPLES: u8 = 65;
const HELD_BACK: u8 = 66;
const SHARE: u8 = 68;
const MERGED: u8 = 80;
const SHARED: u8 = 81;

impl Report {
    /// The report as a frame's bytes.
    ///
    /// # Errors
    /// When it is longer than [`MAX_REPORT`].
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let frame = match self {
            Self::Share(body) => frame(SHARE, body)?,
            Self::Counts(body) => frame(COUNTS, body)?,
            Self::Samples(body) => frame(SAMPLES, body)?,
            Self::HeldBack(body) => frame(HELD_BACK, body)?,
            Self::Shared(heard) => frame(SHARED, heard)?,
            Self::Merged(body) => frame(MERGED, body)?,
            Self::Unknown(kind) => Frame { version: VERSION, kind: *kind, body: Vec::new() },
        };
        if frame.body.len() + 2 > MAX_REPORT {
            return Err(FrameError::TooLong);
        }
        frame.encode()
    }

    /// What a frame says. The whole body must be used up.
    pub fn decode(read: &Frame) -> Result<Self, FrameError> {
        Ok(match read.kind {
            SHARE => Self::Share(body(read)?),
            COUNTS => Self::Counts(body(read)?),
            SAMPLES => Self::Samples(body(read)?),
            HELD_BACK => Self::HeldBack(body(read)?),
            SHARED => Self::Shared(body(read)?),
            MERGED => Self::Merged(body(read)?),
            kind => Self::Unknown(kind),
        })
    }

    /// Which feeds it is about: an edge may report on those that its enrolment names.
    pub fn feeds(&self) -> Vec<Cow<'_, FeedName>> {
        let of_pool = |pool: &PoolId| vec![Cow::Owned(FeedName::Pool(pool.clone()))];
        match self {
            Self::Share(share) => vec![Cow::Borrowed(&share.scope.0)],
            Self::Samples(samples) => of_pool(&samples.pool),
            Self::HeldBack(held) => of_pool(&held.pool),
            // Counts are of the scope that the edge has named.
            Self::Counts(_) | Self::Shared(_) | Self::Merged(_) | Self::Unknown(_) => Vec::new(),
        }
    }

    /// Whether it is something that an issuer says, and no edge.
    pub const fn is_of_issuer(&self) -> bool {
        matches!(self, Self::Shared(_) | Self::Merged(_))
    }
}

impl Default for Scope {
    /// All edges of the deployment.
    fn default() -> Self {
        Self(FeedName::Global)
    }
}

impl Counts {
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The counts with their rules; those that name none are left out.
    pub fn with_rules(&self) -> impl Iterator<Item = (CountedRule, &Count)> {
        self.counts.iter().filter_map(|count| Some((*self.rules.get(usize::from(count.rule))?, count)))
    }

    /// Adds a count under its rule.
    pub fn push(&mut self, rule: CountedRule, count: Count) {
        // There are few rules, and one in a row as a rule.
        let known = self.rules.iter().rposition(|other| *other == rule);
        let at = known.unwrap_or_else(|| {
            self.rules.push(rule);
            self.rules.len() - 1
        });
        if let Ok(rule) = u16::try_from(at) {
            self.counts.push(Count { rule, ..count });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{MetricSample, SampledMetric, SampledRequest, Solving};
    use super::*;
    use crate::clock::UnixMillis;

    fn counts() -> Counts {
        let mut counts = Counts::default();
        let count = Count { rule: 0, key: [7; 16], admitted: 3, asked: 300, ago_ms: 5 };
        counts.push(CountedRule { id: 0xdead_beef, window_s: 60 }, count);
        counts.push(CountedRule { id: 9, window_s: 1 }, Count { key: [8; 16], ..count });
        counts
    }

    fn reports() -> Vec<Report> {
        let pool = PoolId::parse("r_Ab1").unwrap();
        let request = SampledRequest {
            at: UnixMillis(1_790_000_000_000),
            client: Some([192, 0, 2, 7].into()),
            country: Some(*b"AU"),
            method: "GET".into(),
            uri: "/a?b=REDACTED".into(),
            version: "HTTP/1.1".into(),
            headers: vec![("host".into(), "h".into())],
            labels: vec!["a:b".into()],
            inserted: vec![],
            status: Some(405),
            captcha: Some(Solving { status: 405, solved_at: 0, failure: Some("TOKEN_MISSING".into()) }),
            challenge: None,
        };
        let sample = MetricSample {
            request: 0,
            weight: 3,
            action: "CAPTCHA".into(),
            overridden: None,
            within: Some("r".into()),
        };
        let samples = Samples {
            pool: pool.clone(),
            web_acl: "arn:x".into(),
            requests: vec![request],
            metrics: vec![SampledMetric { metric: "m".into(), requests: 3, samples: vec![sample] }],
        };
        let held = HeldBack {
            pool,
            web_acl: "arn:x".into(),
            rule: "r".into(),
            within: None,
            addresses: vec![[192, 0, 2, 7].into(), "2001:db8::".parse().unwrap()],
        };
        let heard = Heard { ledger: u64::MAX, seq: 300 };
        vec![
            Report::Share(Share {
                scope: Scope(PoolId::parse("r_Ab1").unwrap().into()),
                origin: 77,
                heard: Some(heard),
            }),
            Report::Share(Share { scope: Scope::default(), origin: 1, heard: None }),
            Report::Counts(counts()),
            Report::Samples(samples),
            Report::HeldBack(held),
            Report::Shared(None),
            Report::Shared(Some(Heard { ledger: 7, seq: 9 })),
            Report::Merged(Merged { heard, of_others: counts() }),
        ]
    }

    #[test]
    fn frames_are_these_bytes() {
        let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        let lines: Vec<String> = reports().iter().map(|report| hex(report.encode().unwrap())).collect();
        let golden: Vec<&str> = include_str!("golden/reports_v1.hex").lines().collect();
        assert_eq!(lines, golden, "now:\n{}", lines.join("\n"));
    }

    #[test]
    fn what_is_said_is_heard() {
        for report in reports() {
            let mut decoder = super::super::Decoder::bounded(MAX_REPORT);
            decoder.push(&report.encode().unwrap());
            assert_eq!(Report::decode(&decoder.next_frame().unwrap().unwrap()), Ok(report));
        }
    }

    #[test]
    fn unknown_kinds_are_skipped_and_broken_bodies_are_not() {
        let frame = |kind, body: &[u8]| Frame { version: VERSION, kind, body: body.to_vec() };
        assert_eq!(Report::decode(&frame(99, b"whatever")), Ok(Report::Unknown(99)));
        assert_eq!(Report::decode(&frame(COUNTS, b"\x03")), Err(FrameError::Body(COUNTS)));
        assert!(Report::Unknown(99).feeds().is_empty());
    }

    #[test]
    fn counts_of_no_rule_are_left_out() {
        let mut counts = counts();
        let ids =
            |counts: &Counts| counts.with_rules().map(|(rule, count)| (rule.id, count.key[0])).collect::<Vec<_>>();
        assert_eq!(ids(&counts), [(0xdead_beef, 7), (9, 8)]);
        counts.counts[0].rule = 2;
        assert_eq!(ids(&counts), [(9, 8)]);
    }

    #[test]
    fn a_report_has_a_bound_of_its_own() {
        let of = |count: usize| {
            let mut counts = counts();
            let most = Count { admitted: u32::MAX, asked: u32::MAX, ago_ms: u32::MAX, rule: u16::MAX, key: [0xff; 16] };
            counts.counts = vec![most; count];
            Report::Counts(counts).encode()
        };
        assert!(of(7_000).is_ok());
        assert_eq!(of(20_000), Err(FrameError::TooLong));
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(kind: u8, body: Vec<u8>) {
            let _ = Report::decode(&Frame { version: VERSION, kind, body });
        }
    }
}
