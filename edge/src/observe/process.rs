//! This process, as /proc shows it at the moment. Nothing is there on systems without it.

use std::fs;

use serde::Serialize;

/// Ticks of processor time a second in /proc: 100 on every architecture that Linux shows it on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Figures of the process; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Process {
    /// User and system.
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub open_files: Option<u64>,
    pub most_files: Option<u64>,
    pub threads: Option<u64>,
}

impl Process {
    pub fn now() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let status = read("status");
        Self {
            cpu_seconds: cpu_seconds(&read("stat")),
            resident_bytes: kilobytes(&status, "VmRSS:"),
            virtual_bytes: kilobytes(&status, "VmSize:"),
            open_files: open_files(),
            most_files: number_after(&read("limits"), "Max open files"),
            threads: number_after(&status, "Threads:"),
        }
    }
}

/// Fields 14 and 15 of `stat`; the name before them may hold anything but ends with the last bracket.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    number_after(status, key).map(|kilobytes| kilobytes * 1024)
}

fn number_after(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// Without the descriptor that looks.
fn open_files() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok().map(|count| count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_the_kernel_writes_them() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        let status = "Name:\tx\nVmSize:\t   2048 kB\nVmRSS:\t    12 kB\nThreads:\t9\n";
        assert_eq!((kilobytes(status, "VmRSS:"), number_after(status, "Threads:")), (Some(12_288), Some(9)));
        let limits = "Max open files            1024                 4096                 files\n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024));
        assert_eq!(number_after("Max open files            unlimited", "Max open files"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_all_of_them() {
        let process = Process::now();
        assert!(process.resident_bytes.unwrap() > 1024 && process.open_files.unwrap() > 0, "{process:?}");
        assert!(process.cpu_seconds.is_some() && process.most_files.is_some() && process.threads.is_some());
    }
}
