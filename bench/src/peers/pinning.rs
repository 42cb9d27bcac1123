//! Keeps the load generator off the processor of what is measured, by `taskset` of util-linux.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::find;

/// Who runs where. While it lives, this process keeps to the generator's processors.
#[derive(Debug)]
pub struct Cores {
    taskset: PathBuf,
    measured: String,
    generator: String,
    before: String,
}

impl Cores {
    /// Gives the first processor to the measured systems and the others to this process; `None` with one processor only, or
    /// without `taskset`.
    pub fn divide() -> Option<Self> {
        let taskset = find("taskset")?;
        let before = allowed(&fs::read_to_string("/proc/self/status").ok()?)?;
        let (measured, generator) = divide_list(&before)?;
        let cores = Self { taskset, measured, generator, before };
        cores.keep_to(&cores.generator).then_some(cores)
    }

    /// Processors of the measured systems, as a list of Linux ("0").
    pub fn measured(&self) -> &str {
        &self.measured
    }

    /// Processors of generator and upstream, as a list of Linux ("1-3").
    pub fn generator(&self) -> &str {
        &self.generator
    }

    /// The words that go before a command to keep it on the measured processors.
    pub fn prefix(&self) -> [OsString; 3] {
        [self.taskset.clone().into(), "-c".into(), self.measured.clone().into()]
    }

    /// Does work of this thread on the measured processors: what the bare arithmetic costs there.
    pub fn on_measured<T>(&self, work: impl FnOnce() -> T) -> T {
        // The thread's own folder: PID/task/TID.
        let thread = fs::read_link("/proc/thread-self").unwrap_or_default();
        let thread = thread.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.taskset(&["-c", "-p", &self.measured, &thread]);
        let done = work();
        self.taskset(&["-c", "-p", &self.generator, &thread]);
        done
    }

    fn keep_to(&self, list: &str) -> bool {
        self.taskset(&["-a", "-c", "-p", list, &std::process::id().to_string()])
    }

    fn taskset(&self, words: &[&str]) -> bool {
        let mut command = Command::new(&self.taskset);
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        self.keep_to(&self.before);
    }
}

/// `Cpus_allowed_list` of `/proc/PID/status`.
fn allowed(status: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(line.trim().to_owned())
}

/// The first processor of a list, and the rest: "0-3,8" to ("0", "1-3,8").
fn divide_list(list: &str) -> Option<(String, String)> {
    let (head, tail) = list.split_once(',').map_or((list, None), |(head, tail)| (head, Some(tail)));
    let (first, last) = head.split_once('-').unwrap_or((head, head));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let next = first.checked_add(1)?;
    let rest_of_head = (next < last).then(|| format!("{next}-{last}")).or((next == last).then(|| format!("{next}")));
    let rest: Vec<String> = rest_of_head.into_iter().chain(tail.map(str::to_owned)).collect();
    (!rest.is_empty()).then(|| (first.to_string(), rest.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_divided() {
        let cases = [("0-1", "0", "1"), ("0-3,8", "0", "1-3,8"), ("2,5-6", "2", "5-6"), ("4-6", "4", "5-6")];
        for (list, measured, generator) in cases {
            assert_eq!(divide_list(list), Some((measured.into(), generator.into())), "{list}");
        }
        assert_eq!(divide_list("0"), None);
        assert_eq!(divide_list("x-y"), None);
    }

    #[test]
    fn allowed_list_is_read() {
        assert_eq!(allowed("Name:\ta\nCpus_allowed_list:\t0-1\n").as_deref(), Some("0-1"));
        assert_eq!(allowed("Name:\ta\n"), None);
    }
}
