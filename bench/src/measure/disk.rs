//! The file system below a folder, from `/proc/self/mountinfo` (proc(5)).

use std::fmt;
use std::fs;
use std::path::Path;

/// What a commit is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// `ext4`, `tmpfs`, …
    pub filesystem: String,
    /// `/dev/vda`, or what stands in its place.
    pub device: String,
}

impl Disk {
    /// `None` where it can't be learnt.
    pub fn of(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        below(&fs::read_to_string("/proc/self/mountinfo").ok()?, &folder)
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.filesystem, self.device)
    }
}

/// The mount with the longest path that `folder` lies in; of two on one path the later, which hides the other.
fn below(mountinfo: &str, folder: &Path) -> Option<Disk> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = Path::new(mount.split_ascii_whitespace().nth(4)?);
        let mut kind = kind.split_ascii_whitespace();
        let disk = Disk { filesystem: kind.next()?.to_owned(), device: kind.next()?.to_owned() };
        folder.starts_with(point).then(|| (point.components().count(), disk))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, disk)| disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
25 22 0:22 / /tmp rw - ext4 /dev/vdb rw
26 22 0:23 / /tmp rw master:2 - tmpfs tmpfs rw,size=1024k
27 22 0:24 / /tmpx rw - xfs /dev/vdc rw
";

    #[test]
    fn the_innermost_and_last_mount_counts() {
        let on = |path| below(MOUNTS, Path::new(path)).map(|disk| disk.to_string());
        assert_eq!(on("/home").as_deref(), Some("ext4 (/dev/vda)"));
        assert_eq!(on("/tmp/folder").as_deref(), Some("tmpfs (tmpfs)"));
        assert_eq!(on("/tmpx").as_deref(), Some("xfs (/dev/vdc)"));
        assert_eq!(below("nonsense\n", Path::new("/")), None);
    }
}
