//! What is said on a connection's second stream, which the edge opens once it was welcomed: what edges report, and what an issuer tells of the reports
//! of others. It is apart from the first, so that a snapshot delays no report, and no report a delta. Frames and bodies are as on the first
//! ([`super::Message`]). Numbers are wire format, from 64 on: never reuse one.
//!
//! Reports are no log: none is acknowledged, and those that were under way when a connection ends are gone. An issuer from before this never takes the
//! stream, an edge from before this never opens it, and both go on as before.

use serde::{Deserialize, Serialize};

use super::FeedName;
use super::frame::{Frame, FrameError, VERSION};
use super::message::{body, frame};

/// Longest frame of a report, in bytes, not counting its length field: what one edge can make an issuer hold.
pub const MAX_REPORT: usize = 256 * 1024;

/// Everything that is said on the stream of reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    // edge to issuer
    Counts(Counts),
    // issuer to edge
    /// What the other edges of a scope have counted.
    Merged(Counts),
    /// A kind of a later version: skipped.
    Unknown(u8),
}

/// What was counted under limits that edges share. The first one of an edge, which may have none, asks for those of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub scope: Scope,
    /// Those that `counts` speak of, each once.
    pub rules: Vec<CountedRule>,
    pub counts: Vec<Count>,
}

/// Who counts together: the edges of one deployment that name the same feed here, which each of them must be enrolled for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope(pub FeedName);

/// A limit, as edges and issuers tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CountedRule {
    /// A hash of what it says.
    pub id: u32,
    /// Requests that it admits in a window.
    pub rate: u32,
    /// In seconds.
    pub window_s: u32,
}

/// Requests with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which of the list's rules.
    pub rule: u16,
    /// A digest under a secret that edges share.
    pub key: [u8; 16],
    /// How many were admitted.
    pub admitted: u32,
    /// How many asked, the admitted ones included.
    pub asked: u32,
    /// How long ago that was on the average, in milliseconds.
    pub ago_ms: u32,
}

const COUNTS: u8 = 64;
const MERGED: u8 = 80;

impl Report {
    /// The report as a frame's bytes.
    ///
    /// # Errors
    /// When it is longer than [`MAX_REPORT`].
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let frame = match self {
            Self::Counts(body) => frame(COUNTS, body)?,
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
            COUNTS => Self::Counts(body(read)?),
            MERGED => Self::Merged(body(read)?),
            kind => Self::Unknown(kind),
        })
    }

    /// Which feeds it is about: an edge may report on those that its enrolment names.
    pub fn feeds(&self) -> Vec<&FeedName> {
        match self {
            Self::Counts(counts) | Self::Merged(counts) => vec![&counts.scope.0],
            Self::Unknown(_) => Vec::new(),
        }
    }

    /// Whether it is something that an issuer says, and no edge.
    pub const fn is_of_issuer(&self) -> bool {
        matches!(self, Self::Merged(_))
    }
}

impl Default for Scope {
    /// All edges of the deployment.
    fn default() -> Self {
        Self(FeedName::Global)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::PoolId;

    fn counts() -> Counts {
        Counts {
            scope: Scope(PoolId::parse("r_Ab1").unwrap().into()),
            rules: vec![CountedRule { id: 0xdead_beef, rate: 1_000, window_s: 60 }],
            counts: vec![Count { rule: 0, key: [7; 16], admitted: 3, asked: 300, ago_ms: 5 }],
        }
    }

    fn reports() -> Vec<Report> {
        vec![Report::Counts(counts()), Report::Merged(Counts { scope: Scope::default(), ..counts() })]
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
    fn a_report_has_a_bound_of_its_own() {
        let of = |count: usize| {
            let mut counts = counts();
            counts.counts =
                vec![Count { admitted: u32::MAX, asked: u32::MAX, ago_ms: u32::MAX, ..counts.counts[0] }; count];
            Report::Counts(counts).encode()
        };
        assert!(of(4_000).is_ok());
        assert_eq!(of(20_000), Err(FrameError::TooLong));
    }

    proptest! {
        #[test]
        fn noise_makes_no_panic(kind: u8, body: Vec<u8>) {
            let _ = Report::decode(&Frame { version: VERSION, kind, body });
        }
    }
}
