//! Processor time of processes, from `/proc` (proc(5)).
//!
//! `schedstat` counts nanoseconds of living threads and is what the figures are made of. `stat` counts ticks of 10 ms of the whole
//! process, ended threads included, rounded down; it gives the split into user and kernel time, and the total where threads have ended
//! that took a lot of it along, or without `schedstat`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

/// Linux shows ticks of `USER_HZ` = 100 to programs on every architecture that we run on.
const NANOS_A_TICK: u64 = 10_000_000;
/// What a difference of two tick counts may be too high by: user and kernel part are rounded down each.
const ROUNDED_NS: u64 = 2 * NANOS_A_TICK;

/// What the clocks of a process and its descendants show.
#[derive(Clone, Debug, Default)]
pub struct CpuClock {
    /// Nanoseconds of each living thread, by its id, which is unique in the system.
    threads: BTreeMap<u32, u64>,
    user_ticks: u64,
    kernel_ticks: u64,
}

/// Processor time between two looks at the clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// Time on a processor, user and kernel, in nanoseconds.
    pub total_ns: u64,
    /// User part, in ticks of 10 ms.
    pub user_ticks: u64,
    /// Kernel part, in ticks of 10 ms.
    pub kernel_ticks: u64,
}

impl CpuClock {
    /// What was used since `earlier`. Of a thread that ended in between only so much can be missing as the ticks do not show.
    pub fn since(&self, earlier: &Self) -> CpuTime {
        let before = |thread| earlier.threads.get(thread).copied().unwrap_or(0);
        let threads_ns: u64 = self.threads.iter().map(|(thread, ns)| ns.saturating_sub(before(thread))).sum();
        let user_ticks = self.user_ticks.saturating_sub(earlier.user_ticks);
        let kernel_ticks = self.kernel_ticks.saturating_sub(earlier.kernel_ticks);
        let ticks_ns = user_ticks.saturating_add(kernel_ticks).saturating_mul(NANOS_A_TICK);
        let total_ns = if threads_ns.saturating_add(ROUNDED_NS) < ticks_ns { ticks_ns } else { threads_ns };
        CpuTime { total_ns, user_ticks, kernel_ticks }
    }

    /// Time since the processes began, in nanoseconds; in ticks where threads have ended.
    pub fn total_ns(&self) -> u64 {
        let ticks_ns = self.user_ticks.saturating_add(self.kernel_ticks).saturating_mul(NANOS_A_TICK);
        // Neither count exceeds the truth, so the greater one is nearer to it.
        ticks_ns.max(self.threads.values().sum())
    }

    /// Adds the clocks of another process.
    fn add(&mut self, other: Self) {
        self.threads.extend(other.threads);
        self.user_ticks = self.user_ticks.saturating_add(other.user_ticks);
        self.kernel_ticks = self.kernel_ticks.saturating_add(other.kernel_ticks);
    }
}

impl CpuTime {
    /// Kernel time as a share of the total, 0 to 1; `None` below one tick.
    pub fn kernel_share(self) -> Option<f64> {
        let ticks = self.user_ticks.saturating_add(self.kernel_ticks);
        (ticks > 0).then(|| self.kernel_ticks as f64 / ticks as f64)
    }
}

/// The clock of this process: the load generator and the upstream.
pub fn own_cpu_clock() -> io::Result<CpuClock> {
    process_clock(Path::new("/proc/self"))
}

/// The clock of a process and of all that descend from it.
pub fn process_tree_clock(root: u32) -> io::Result<CpuClock> {
    let mut sum = process_clock(&Path::new("/proc").join(root.to_string()))?;
    for pid in process_tree(root)? {
        // A child that has just ended is not an error; its time is lost, as it is for the kernel's per-thread count.
        if let Ok(clock) = process_clock(&Path::new("/proc").join(pid.to_string())) {
            sum.add(clock);
        }
    }
    Ok(sum)
}

/// All that descend from a process, itself not among them.
pub fn process_tree(root: u32) -> io::Result<BTreeSet<u32>> {
    Ok(descendants(root, &parents()?))
}

/// Time of the calling thread, in nanoseconds.
pub fn thread_time_ns() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    parse_schedstat(&text).ok_or_else(|| io::Error::other("unreadable /proc/thread-self/schedstat"))
}

fn process_clock(folder: &Path) -> io::Result<CpuClock> {
    let stat = fs::read_to_string(folder.join("stat"))?;
    let stat = Stat::parse(&stat).ok_or_else(|| io::Error::other("unreadable /proc/PID/stat"))?;
    Ok(CpuClock { threads: threads(folder)?, user_ticks: stat.user_ticks, kernel_ticks: stat.kernel_ticks })
}

/// The threads' nanoseconds; none where the kernel keeps no `schedstat`.
fn threads(folder: &Path) -> io::Result<BTreeMap<u32, u64>> {
    let mut found = BTreeMap::new();
    for thread in fs::read_dir(folder.join("task"))? {
        let thread = thread?;
        let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
        // A thread that ends between listing and reading has nothing to say any more.
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        found.extend(id.zip(parse_schedstat(&text)));
    }
    Ok(found)
}

/// First field: nanoseconds on a processor.
fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    user_ticks: u64,
    kernel_ticks: u64,
}

impl Stat {
    /// The second field is the program's name in parentheses and may hold anything, spaces and parentheses included: the fields
    /// that can be counted begin after the *last* closing parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let user_ticks = fields.nth(9)?.parse().ok()?;
        let kernel_ticks = fields.next()?.parse().ok()?;
        Some(Self { parent, user_ticks, kernel_ticks })
    }
}

/// Every process and its parent.
fn parents() -> io::Result<Vec<(u32, u32)>> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if let Some(stat) = fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(Stat::parse) {
            pairs.push((pid, stat.parent));
        }
    }
    Ok(pairs)
}

fn descendants(root: u32, pairs: &[(u32, u32)]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        let children = pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid);
        open.extend(children.filter(|pid| *pid != root && found.insert(*pid)).collect::<Vec<_>>());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "S 41 10 10 0 -1 4194560 1 2 3 4 1234 567 8 9 20 0 1 0 99 1000 200";

    #[test]
    fn names_with_spaces_and_parentheses_do_not_shift_the_fields() {
        let expected = Stat { parent: 41, user_ticks: 1234, kernel_ticks: 567 };
        for name in ["nginx", "a b", "x) S 1 (y", ")", "((", "tab\there", "S 9 9 9 9 9 9 9 9 9 9 9 9 9"] {
            assert_eq!(Stat::parse(&format!("77 ({name}) {TAIL}")).as_ref(), Some(&expected), "{name:?}");
        }
    }

    #[test]
    fn cut_or_odd_lines_are_refused() {
        for text in [
            "",
            "77 nginx S 1",
            "77 (nginx",
            "77 (nginx) S",
            "77 (nginx) S 1 2 3",
            "77 (n) S x 1 1 1 1 1 1 1 1 1 1 2 3",
        ] {
            assert_eq!(Stat::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn schedstat_is_its_first_field() {
        assert_eq!(parse_schedstat("2509144 17 3\n"), Some(2_509_144));
        assert_eq!(parse_schedstat("\n"), None);
        assert_eq!(parse_schedstat("-1 0 0"), None);
    }

    #[test]
    fn descendants_follow_every_generation_and_end_on_circles() {
        let pairs = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 9), (1, 4)];
        assert_eq!(descendants(1, &pairs), BTreeSet::from([2, 3, 4, 5]));
        assert_eq!(descendants(6, &pairs), BTreeSet::new());
    }

    fn clock(threads: &[(u32, u64)], user_ticks: u64, kernel_ticks: u64) -> CpuClock {
        CpuClock { threads: threads.iter().copied().collect(), user_ticks, kernel_ticks }
    }

    #[test]
    fn a_difference_is_made_of_nanoseconds_unless_ended_threads_took_much_along() {
        const MS: u64 = 1_000_000;
        let early = clock(&[(1, 500 * MS), (2, 900 * MS)], 100, 40);
        let same_threads = clock(&[(1, 513 * MS), (2, 900 * MS)], 101, 41).since(&early);
        assert_eq!(same_threads, CpuTime { total_ns: 13 * MS, user_ticks: 1, kernel_ticks: 1 });
        assert_eq!(same_threads.kernel_share(), Some(0.5));
        // One ended with little of its own in between, another one is new.
        let others = clock(&[(1, 520 * MS), (3, 5 * MS)], 102, 41).since(&early);
        assert_eq!(others.total_ns, 25 * MS);
        let much = clock(&[(1, 501 * MS)], 110, 42).since(&early);
        assert_eq!(much.total_ns, 120 * MS);
        assert_eq!(early.since(&clock(&[(1, 600 * MS), (2, 900 * MS)], 200, 50)), CpuTime::default());
        assert_eq!(CpuTime::default().kernel_share(), None);
        assert_eq!((early.total_ns(), much.user_ticks), (1_400 * MS, 10));
    }

    #[test]
    fn a_busy_child_is_seen_working() {
        let mut command = std::process::Command::new("sh");
        let mut child = command.args(["-c", "while :; do :; done"]).spawn().unwrap();
        let first = process_tree_clock(child.id()).unwrap();
        let mut later = first.clone();
        while later.since(&first).total_ns == 0 && child.try_wait().unwrap().is_none() {
            later = process_tree_clock(child.id()).unwrap_or(later);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(later.since(&first).total_ns > 0, "{first:?} {later:?}");
        assert!(process_tree_clock(child.id()).is_err(), "a process that is gone has no time");
        assert!(own_cpu_clock().unwrap().total_ns() > 0);
        assert!(thread_time_ns().unwrap() > 0);
    }
}
