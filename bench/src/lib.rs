//! Load and comparison reports: what a request costs at the edge, beside what people use today.
//!
//! The bench talks over the network only; it imports neither the issuer nor the edge. A scenario, a peer and a measure are one
//! file each: `scenario` says what is sent to whom and in which order, `load` sends it, `peers` start and stop what is measured,
//! `limit` is what the bare work costs, `measure` counts, `report` prints.

mod clean;
mod cluster;
mod corpus;
mod feed;
mod finding;
mod limit;
mod load;
mod measure;
mod peers;
mod report;
mod scenario;

pub use corpus::Form;
pub use finding::Findings;
pub use load::{
    Arrival, ArrivalError, Bearers, Database, Failure, FillError, Outcome, Plan, PlanError, Protocol, Reply, Request,
    RequestError, Requests, Same, Spawned, Target, Tls, TlsError, Trust, Turn, UrlError,
};
pub use measure::{Course, Latency, Quantiles};
pub use report::{
    AttacksReport, Comparison, FileError, List, LoadReport, NothingInCommon, OauthReport, OnStderr, Page, Quick, Table,
    UsersReport, WafReport, read, write, write_text,
};
pub use scenario::attacks::Options as AttacksOptions;
pub use scenario::oauth::Options as OauthOptions;
pub use scenario::users::Options as UsersOptions;
pub use scenario::waf::{Options as WafOptions, Source as WafSource};
pub use scenario::{BenchError, Choice, Installing, Options, Pinning, Progress, Quiet, Step, Stop};

/// Measures the edge and its peers in interleaved rounds, and what happens while a load runs.
///
/// Starts the edge, the peers and a small upstream on loopback ports that are free, and ends every one of them before it returns.
///
/// # Errors
/// When the edge cannot be started, or lets a forged or an expired token pass, or when this machine lacks what the measurement
/// needs (`/proc`, a folder for temporary files). A peer that is missing or unusable is not an error: the findings name it.
pub fn edge(options: &Options, progress: &mut dyn Progress) -> Result<Findings, BenchError> {
    let mut findings = scenario::edge::run(options, progress)?;
    findings.budgets = report::budgets(&findings);
    Ok(findings)
}

/// Every scenario of [`edge`] by name, with what it does.
pub fn edge_scenarios() -> Vec<(&'static str, &'static str)> {
    scenario::edge::list()
}

/// Every product that the edge can be compared with, by name, with its title.
pub fn peers() -> Vec<(&'static str, &'static str)> {
    let peers = peers::all().into_iter().chain(peers::web_acls());
    peers.map(|peer| (peer.about().name, peer.about().title)).collect()
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

/// Measures what users cost an issuer on either engine, with few of them in the pool and with many. `told` hears what is being done.
///
/// Starts issuers, and a PostgreSQL, of its own on loopback, and ends them before it returns.
///
/// # Errors
/// When this machine lacks what the measurement needs. An engine that can't be measured is named in the report.
pub fn users(options: &UsersOptions, told: &mut dyn FnMut(&str)) -> Result<UsersReport, BenchError> {
    scenario::users::run(options, told).map(UsersReport::new)
}

/// Measures what tokens cost an issuer at its OAuth endpoints: clients' own, refreshed ones, those of a sign-in on its pages; beside the bare
/// signatures and hash, and another issuer where that is installed, on one core. `told` hears what is being done.
///
/// Starts an issuer of its own on loopback, and ends it before it returns.
///
/// # Errors
/// When this machine lacks what the measurement needs, or the issuer does not give tokens.
pub fn oauth(options: &OauthOptions, told: &mut dyn FnMut(&str)) -> Result<OauthReport, BenchError> {
    scenario::oauth::run(options, told).map(OauthReport::new)
}

/// Writes rows of users into an issuer's database, all with one ready password hash; `told` hears how many there are.
///
/// # Errors
/// When the database refuses.
pub fn fill(
    database: &Database,
    pool: &str,
    first: u64,
    count: u64,
    told: &mut dyn FnMut(u64),
) -> Result<(), FillError> {
    load::fill(database, pool, first, count, told)
}

/// Sends attacks and clean traffic to Tollgate's web ACLs and to ModSecurity with the OWASP Core Rule Set, and counts what each refuses.
///
/// Starts both, and a small upstream, on loopback ports that are free, and ends them before it returns.
///
/// # Errors
/// When a file can't be read, there is nothing to send, or neither side can be started. A side that can't be measured is named.
pub fn waf(options: &WafOptions, progress: &mut dyn Progress) -> Result<WafReport, BenchError> {
    scenario::waf::run(options, progress).map(WafReport::new)
}

/// Clean traffic of a seed, as `bench waf` sends it: JSON lines in the form of its corpus.
///
/// # Errors
/// None that is known: the types hold nothing that JSON cannot.
pub fn clean_traffic(seed: u64) -> Result<String, serde_json::Error> {
    let line = |entry: &corpus::Entry| serde_json::to_string(entry).map(|text| text + "\n");
    clean::traffic(seed).iter().map(line).collect()
}

/// Every class of clean traffic by name, with what it is.
pub fn clean_classes() -> Vec<(&'static str, &'static str)> {
    clean::classes()
}

/// Sends requests to a server by a plan, for operators who size their deployment.
///
/// Runs on the calling thread, and ends at the plan's limit at the latest. `url` is what the report calls the target.
///
/// # Errors
/// When the plan makes no sense, or the system denies what it needs. Failed requests are counted in the report.
pub fn load(url: &str, plan: &mut Plan<impl Requests>) -> Result<LoadReport, BenchError> {
    let found = scenario::load::run(plan)?;
    Ok(LoadReport::new(url, plan, &found))
}

/// Compares two runs; `threshold` is the least change of a processor time that counts, as a share.
///
/// # Errors
/// When the runs have nothing in common that could be judged.
pub fn compare(old: &Findings, new: &Findings, threshold: f64) -> Result<Comparison, NothingInCommon> {
    report::compare(old, new, threshold)
}
