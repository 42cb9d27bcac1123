//! Load and comparison reports: what a request costs at the edge, beside what people use today.
//!
//! The bench talks over the network only; it imports neither the issuer nor the edge. A scenario, a peer and a measure are one
//! file each: `scenario` says what is sent to whom and in which order, `load` sends it, `peers` start and stop what is measured,
//! `measure` counts, `report` prints.

mod load;
mod measure;
mod peers;
mod report;
mod scenario;

pub use report::{AttacksReport, Report};
pub use scenario::attacks::Options as AttacksOptions;
pub use scenario::{BenchError, Options, Pinning};

/// Measures the edge and the installed peers in one interleaved run of at most two minutes.
///
/// Starts the edge, the peers and a small upstream on loopback ports that are free, and ends every one of them before it returns.
///
/// # Errors
/// When the edge cannot be started, or lets a forged or an expired token pass, or when this machine lacks what the measurement
/// needs (`/proc`, a folder for temporary files). A peer that is missing or unusable is not an error: the report names it.
pub fn edge_quick(options: &Options) -> Result<Report, BenchError> {
    scenario::quick::run(options).map(Report::new)
}

/// Tries every unsigned operation that takes a user name with names of users and of nobody, and compares answers and times.
///
/// Makes a pool of its own at the issuer and deletes it before it returns. With the default number of samples it ends within about two
/// minutes, with more in proportion.
///
/// # Errors
/// When the issuer can't be reached, or refuses what the run needs.
pub fn attacks(options: &AttacksOptions) -> Result<AttacksReport, BenchError> {
    scenario::attacks::run(options).map(AttacksReport::new)
}
