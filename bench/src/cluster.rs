//! A temporary PostgreSQL from the programs that are installed: a folder of its own, a Unix socket, no port.
//!
//! It ends, with its files, when the bench does, however that ends: its keeper is a shell that waits for the end of our pipe.

use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Says `ok`, or what went wrong, and then waits. `fsync` and `synchronous_commit` are on by default.
const KEEPER: &str = r#"
set -u; bin=$1; dir=$2; pid=
fail() { tail -n 3 "$1" | tr '\n' ' '; echo; rm -rf "$dir"; exit 1; }
trap '' INT TERM
"$bin/initdb" -D "$dir/data" -U tollgate --auth=trust -E UTF8 --locale=C >"$dir/initdb.log" 2>&1 || fail "$dir/initdb.log"
printf '%s\n' "unix_socket_directories = '$dir'" "listen_addresses = ''" 'shared_buffers = 64MB' >>"$dir/data/postgresql.conf"
"$bin/postgres" -D "$dir/data" >"$dir/server.log" 2>&1 & pid=$!
until grep -qs ready "$dir/data/postmaster.pid"; do
  kill -0 $pid 2>/dev/null || fail "$dir/server.log"
  sleep 0.02
done
echo ok
read -r end
kill -QUIT $pid 2>/dev/null; wait $pid; rm -rf "$dir"
"#;

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("PostgreSQL's server programs are not installed")]
    Missing,
    #[error("there is no user postgres or nobody to run PostgreSQL as")]
    User,
    #[error("cannot {action}: {source}")]
    Start { action: &'static str, source: io::Error },
    #[error("PostgreSQL does not start: {0}")]
    Silent(String),
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    keeper: Child,
    folder: TempDir,
}

impl Cluster {
    /// Makes an empty cluster in the folder of temporary files and starts its server, in a second or two.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Self, ClusterError> {
        let at = |action| move |source| ClusterError::Start { action, source };
        let bin = programs().ok_or(ClusterError::Missing)?;
        let folder = TempDir::with_prefix("tollgate-bench-pg-").map_err(at("make its folder"))?;
        let mut command = as_server_user(folder.path())?;
        command.args(["sh", "-c", KEEPER, "keeper"]).args([bin.as_path(), folder.path()]);
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(at("run PostgreSQL"))?;
        let mut cluster = Self { keeper, folder };
        let mut said = String::new();
        if let Some(answers) = cluster.keeper.stdout.take() {
            BufReader::new(answers).read_line(&mut said).map_err(at("hear from PostgreSQL"))?;
        }
        if said.trim() == "ok" { Ok(cluster) } else { Err(ClusterError::Silent(said.trim().to_owned())) }
    }

    /// Settings to connect with, in libpq's form. `postgres` is an empty database that is always there.
    pub fn settings(&self, database: &str) -> String {
        format!("host={} user=tollgate dbname={database}", self.folder.path().display())
    }

    /// The process that all of the server's descend from.
    pub fn pid(&self) -> u32 {
        self.keeper.id()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Fails only when it has been waited for.
        let _ = self.keeper.wait();
    }
}

/// The newest directory that holds `postgres` and `initdb`.
fn programs() -> Option<PathBuf> {
    let complete = |bin: &PathBuf| bin.join("postgres").is_file() && bin.join("initdb").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort_by_key(|bin| std::cmp::Reverse(version(bin)));
    std::env::split_paths(&path).chain(versions).find(complete)
}

fn version(bin: &Path) -> u32 {
    bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

/// PostgreSQL refuses to run as root; then it gets the folder and runs as `postgres` or `nobody`.
fn as_server_user(folder: &Path) -> Result<Command, ClusterError> {
    let at = |action| move |source| ClusterError::Start { action, source };
    let us = std::fs::metadata("/proc/self").map_err(at("learn who we are"))?.uid();
    if us != 0 {
        return Ok(Command::new("env"));
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(at("read the list of users"))?;
    let (uid, gid) = ids(&users, "postgres").or_else(|| ids(&users, "nobody")).ok_or(ClusterError::User)?;
    std::os::unix::fs::chown(folder, Some(uid), Some(gid)).map_err(at("hand its folder over"))?;
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    Ok(command)
}

/// User and group of a name, of a file as passwd(5) has it.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_passwd() {
        let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\nbroken\n";
        assert_eq!(ids(users, "nobody"), Some((65534, 65533)));
        assert_eq!(ids(users, "postgres"), None);
        assert_eq!(ids(users, "broken"), None);
    }

    #[test]
    fn nothing_is_left_of_a_server() {
        let cluster = match Cluster::start() {
            Ok(cluster) => cluster,
            Err(ClusterError::Missing) => return,
            Err(error) => panic!("{error}"),
        };
        let (folder, pid) = (cluster.folder().to_owned(), cluster.pid());
        assert!(folder.join("data/PG_VERSION").is_file());
        drop(cluster);
        assert!(!folder.exists());
        assert!(!Path::new("/proc").join(pid.to_string()).exists());
    }
}
