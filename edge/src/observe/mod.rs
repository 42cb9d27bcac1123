//! What the edge tells about itself: one log line a decision, metrics with bounded labels, spans of traces, figures of the process.

mod access_log;
mod issuers;
mod lines;
mod metrics;
mod process;
mod sampler;
mod sign_ins;
pub mod trace;

pub use self::access_log::{AccessLog, AclRecord, LogLevel, LogRules, Record, hash_subject, open_log};
pub use self::issuers::{Asked, Fetched, IssuerMetrics};
pub use self::lines::{Lines, LogFile};
pub use self::metrics::{Format, Metrics, PREFIX, SharingMeter};
pub use self::process::Process;
pub use self::sign_ins::SignInMetrics;
