//! `bench waf`: what a web ACL of Tollgate and ModSecurity with the OWASP Core Rule Set make of the same requests, byte by byte.

mod audit;
mod findings;
mod requests;
mod side;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use findings::{Answers, Blame, JUDGED, LevelFinding, Row, Tally};
#[cfg(test)]
pub use requests::Place;
pub use requests::{Kind, Request, Requests, Source, Unsent};
pub use side::Verdict;

use self::side::{Side, SideError};
use super::lab::{install, program_or_this};
use super::progress::{Progress, Step};
use super::{BenchError, Installing, Stop, shipped};
use crate::corpus::{Form, Levels};
use crate::load::{Said, Sink, send_all};
use crate::measure::Machine;
use crate::peers::{ACCESS_LOG, AUDIT_LOG, CRS_RULES, Installed, NginxModsecurity, Peer, TollgateAcl};

/// What is sent to whom.
#[derive(Clone, Debug)]
pub struct Options {
    pub attacks: Source,
    pub clean: Source,
    /// Of the clean traffic that this program makes.
    pub seed: u64,
    pub form: Form,
    /// Tollgate's web ACLs, by paranoia level: files in AWS WAF's JSON. Where none is named, the rule groups that come with Tollgate; where some are, a
    /// level without one is not measured at Tollgate.
    pub acls: BTreeMap<u8, PathBuf>,
    /// 1, 2 or both.
    pub levels: Vec<u8>,
    /// Program and leading arguments that take `edge --config FILE`; `None` is this program.
    pub edge_command: Option<Vec<OsString>>,
    pub peers_folder: Option<PathBuf>,
    pub installing: Installing,
    /// Time for sending everything.
    pub limit: Duration,
    pub stop: Stop,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            attacks: Source::Own,
            clean: Source::Own,
            seed: 1,
            form: Form::Ftw,
            acls: BTreeMap::new(),
            levels: vec![1, 2],
            edge_command: None,
            peers_folder: None,
            installing: Installing::WherePossible,
            limit: Duration::from_mins(10),
            stop: Stop::default(),
        }
    }
}

impl Options {
    /// Tollgate's web ACL at a level.
    fn rules(&self, level: u8) -> Result<String, SideError> {
        if self.acls.is_empty() {
            return Ok(shipped::web_acl(level));
        }
        let path = self.acls.get(&level).ok_or(SideError::NoAcl)?;
        fs::read_to_string(path).map_err(|source| SideError::Acl { path: path.clone(), source })
    }
}

/// Everything that a run has found.
pub struct Findings {
    pub machine: Machine,
    pub requests: Vec<Request>,
    pub unsent: Vec<Unsent>,
    pub levels: Vec<AtLevel>,
    /// What could not be measured, and why.
    pub missing: BTreeMap<String, String>,
    pub seconds: f64,
}

/// Both sides at one paranoia level.
pub struct AtLevel {
    pub level: u8,
    /// Title and version of what was measured.
    pub systems: Vec<(String, String)>,
    /// By request.
    pub answers: Vec<Answers>,
    pub found: LevelFinding,
}

/// The sides of one level while they run.
struct Pair {
    level: u8,
    modsecurity: Option<Side>,
    tollgate: Option<Side>,
}

/// Starts everything, sends, ends everything.
///
/// # Errors
/// When a file can't be read, there is nothing to send, no side starts, or this machine lacks what a run needs.
pub fn run(options: &Options, progress: &mut dyn Progress) -> Result<Findings, BenchError> {
    let begun = Instant::now();
    let machine = Machine::read();
    let peers: Vec<Box<dyn Peer>> =
        options.levels.iter().map(|level| Box::new(NginxModsecurity::audited(*level)) as Box<dyn Peer>).collect();
    let installed = install(&peers, options.peers_folder.clone(), options.installing)?;
    let levels = Levels::read(Path::new(CRS_RULES)).unwrap_or_default();
    let requests = Requests::gather(&options.attacks, &options.clean, options.seed, options.form, &levels)?;
    if requests.all.is_empty() {
        return Err(BenchError::Options("there is nothing to send"));
    }
    let folder = TempDir::with_prefix("tollgate-bench-").map_err(|source| BenchError::File {
        action: "make a folder in",
        path: std::env::temp_dir(),
        source,
    })?;
    let sink = Sink::start().map_err(BenchError::Upstream)?;
    let mut missing = BTreeMap::new();
    if levels.is_empty() {
        missing.insert("levels of rules".to_owned(), format!("there are no rules in {CRS_RULES}"));
    }
    let command = program_or_this(options.edge_command.as_ref()).map_err(BenchError::EdgeStart)?;
    let ground = Ground { root: folder.path(), upstream: sink.address(), installed: &installed };
    let (mut pairs, of) = (Vec::new(), options.levels.len());
    for (index, level) in options.levels.iter().enumerate() {
        progress.step(Step { what: "starting and proving", system: "both sides", number: index + 1, of });
        pairs.push(Pair::start(*level, &ground, &command, options.rules(*level), &mut missing));
    }
    if pairs.iter().all(|pair| pair.modsecurity.is_none() && pair.tollgate.is_none()) {
        let reasons: Vec<String> = missing.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
        return Err(BenchError::NoSide(reasons.join("; ")));
    }
    let said = send(&pairs, &requests.bytes, options, progress)?;
    if options.stop.is_wanted() {
        return Err(BenchError::Interrupted);
    }
    let levels = pairs.into_iter().zip(said).map(|(pair, said)| pair.finish(said, &requests.all)).collect();
    let (requests, unsent) = (requests.all, requests.unsent);
    Ok(Findings { machine, requests, unsent, levels, missing, seconds: begun.elapsed().as_secs_f64() })
}

/// What both sides have said, by request.
#[derive(Default)]
struct SaidByPair {
    modsecurity: Option<Vec<Said>>,
    tollgate: Option<Vec<Said>>,
}

/// Requests that are sent between two looks at whether the run is to end.
const PART: usize = 2_000;

/// All sides at once: they share this machine, and nobody's time is measured.
fn send(
    pairs: &[Pair],
    bytes: &[Vec<u8>],
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Vec<SaidByPair>, BenchError> {
    let sides: Vec<&Side> = pairs.iter().flat_map(|pair| pair.modsecurity.iter().chain(&pair.tollgate)).collect();
    let addresses: Vec<SocketAddr> = sides.iter().map(|side| side.running.address()).collect();
    let begun = Instant::now();
    let of = bytes.len().div_ceil(PART);
    let mut said: Vec<Vec<Said>> = vec![Vec::new(); addresses.len()];
    for (index, part) in bytes.chunks(PART).enumerate() {
        progress.step(Step { what: "sending", system: "all sides", number: index + 1, of });
        let left = options.stop.or(options.limit.saturating_sub(begun.elapsed()));
        let found = send_all(&addresses, index * PART, part, left).map_err(BenchError::Sending)?;
        said.iter_mut().zip(found).for_each(|(all, found)| all.extend(found));
    }
    let mut said = said.into_iter();
    let mut next = |side: &Option<Side>| side.as_ref().and_then(|_| said.next());
    Ok(pairs
        .iter()
        .map(|pair| SaidByPair { modsecurity: next(&pair.modsecurity), tollgate: next(&pair.tollgate) })
        .collect())
}

/// Where sides are started.
struct Ground<'a> {
    root: &'a Path,
    upstream: SocketAddr,
    installed: &'a Installed,
}

impl Ground<'_> {
    fn start(&self, peer: &dyn Peer) -> Result<Side, SideError> {
        Side::start(peer, self.root, self.upstream, self.installed)
    }
}

impl Pair {
    /// Starts both sides; one that can't be measured is missing.
    fn start(
        level: u8,
        ground: &Ground<'_>,
        command: &[OsString],
        rules: Result<String, SideError>,
        missing: &mut BTreeMap<String, String>,
    ) -> Self {
        let theirs = ground.start(&NginxModsecurity::audited(level));
        let ours = rules.and_then(|rules| ground.start(&TollgateAcl::audited(command.to_vec(), level, rules)));
        let mut keep = |side: Result<Side, SideError>, name: &str| {
            side.map_err(|error| missing.insert(format!("{name}, level {level}"), error.to_string())).ok()
        };
        Self { level, modsecurity: keep(theirs, "ModSecurity"), tollgate: keep(ours, "Tollgate") }
    }

    /// Ends both sides, so that their logs are whole, and counts.
    fn finish(self, said: SaidByPair, requests: &[Request]) -> AtLevel {
        let sides = self.modsecurity.iter().chain(&self.tollgate);
        let systems = sides.map(|side| (side.title.to_owned(), side.running.version().to_owned())).collect();
        let log = |side: &Option<Side>, name| side.as_ref().map(|side| side.folder.join(name));
        let logs = [log(&self.modsecurity, AUDIT_LOG), log(&self.tollgate, ACCESS_LOG)];
        drop((self.modsecurity, self.tollgate));
        // Without them no rule is named; the verdicts are those of the answers.
        let [theirs, ours] = logs.map(|path| path.and_then(|path| fs::read(path).ok()).unwrap_or_default());
        let (mut rules, mut reasons) = (audit::modsecurity(&theirs), audit::tollgate(&ours));
        let at = |said: &Option<Vec<Said>>, number: usize| said.as_ref().and_then(|said| said.get(number).copied());
        let answers: Vec<Answers> = (0..requests.len())
            .map(|number| Answers {
                modsecurity: at(&said.modsecurity, number),
                tollgate: at(&said.tollgate, number),
                rules: rules.remove(&number).unwrap_or_default(),
                reason: reasons.remove(&number),
            })
            .collect();
        let found = LevelFinding::of(requests, &answers);
        AtLevel { level: self.level, systems, answers, found }
    }
}

#[cfg(test)]
mod tests;
