//! Proportional memory of processes, from `/proc/PID/smaps_rollup` (proc(5)): what is shared with others counts in proportion.

use std::fs;
use std::io;

use super::cpu::process_tree;

/// Proportional set size of a process and all its descendants, in bytes.
///
/// # Errors
/// When the process is gone, or the kernel does not show its memory.
pub fn process_tree_pss_bytes(root: u32) -> io::Result<u64> {
    let mut sum = pss_bytes(root)?;
    for pid in process_tree(root)? {
        // A descendant may end between the listing and the reading.
        sum = sum.saturating_add(pss_bytes(pid).unwrap_or(0));
    }
    Ok(sum)
}

fn pss_bytes(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    parse(&text).ok_or_else(|| io::Error::other("unreadable /proc/PID/smaps_rollup"))
}

fn parse(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Slope of the least-squares line through (seconds, value) points, in units of the value a second; `None` for fewer than two instants.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_line_counts() {
        let text = "5581-7ffd [rollup]\nRss:     1204 kB\nPss:      321 kB\nPss_Dirty:   96 kB\n";
        assert_eq!(parse(text), Some(321 * 1024));
        assert_eq!(parse("Rss: 4 kB\n"), None);
        assert_eq!(parse("Pss: many kB\n"), None);
    }

    #[test]
    fn this_process_has_memory_and_a_dead_one_has_none() {
        assert!(process_tree_pss_bytes(std::process::id()).unwrap() > 0);
        assert!(process_tree_pss_bytes(u32::MAX).is_err());
    }

    #[test]
    fn slopes() {
        assert_eq!(slope(&[(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)]), Some(2.0));
        assert_eq!(slope(&[(0.0, 5.0), (4.0, 5.0)]), Some(0.0));
        assert_eq!(slope(&[(3.0, 5.0), (3.0, 7.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
