//! The machine that a report was made on.

use std::fs;

use serde::{Deserialize, Serialize};

/// Processor, memory, kernel and how busy it was when the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    /// Processors that this process may use.
    pub processors: usize,
    pub memory_bytes: Option<u64>,
    pub kernel: String,
    /// Runnable threads over the last minute before the run; near 0 on a quiet machine.
    pub load_average: Option<f64>,
}

impl Machine {
    /// Reads `/proc`; what it cannot learn is "unknown".
    pub fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".into()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory_bytes(&read("/proc/meminfo")),
            kernel: kernel(&read("/proc/sys/kernel/ostype"), &read("/proc/sys/kernel/osrelease")),
            load_average: read("/proc/loadavg").split_ascii_whitespace().next().and_then(|first| first.parse().ok()),
        }
    }
}

fn kernel(name: &str, release: &str) -> String {
    match (name.trim(), release.trim()) {
        ("", _) | (_, "") => "unknown".into(),
        (name, release) => format!("{name} {release}"),
    }
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    field(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU: 3 GHz\nmodel name\t: other\n";
        assert_eq!(field(cpuinfo, "model name").as_deref(), Some("Some CPU: 3 GHz"));
        assert_eq!(memory_bytes("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2_097_152));
        assert_eq!(memory_bytes("MemTotal: lots\n"), None);
        assert_eq!(kernel("Linux\n", "6.1.0\n"), "Linux 6.1.0");
        assert_eq!(kernel("", "6.1.0"), "unknown");
    }
}
