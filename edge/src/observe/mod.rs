//! What the edge tells about itself: one log line a decision, and metrics with bounded labels.

mod access_log;
mod issuers;
mod metrics;

pub use self::access_log::{AccessLog, LogLevel, Record, hash_subject};
pub use self::issuers::{Asked, Fetched, IssuerMetrics};
pub use self::metrics::Metrics;
