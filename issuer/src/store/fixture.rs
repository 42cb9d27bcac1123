//! A private PostgreSQL for tests, from the binaries that are installed. It listens on a Unix socket in a directory of its own and ends, with
//! its files, when the process that started it does, however that ends: its keeper is a shell that reads our pipe.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static CLUSTERS: AtomicU32 = AtomicU32::new(0);

/// Answers `ok` or a complaint to each command. An ICU locale, where there is one, shows that nothing hangs on the cluster's collation.
const KEEPER: &str = r#"
set -u; bin=$1; dir=$2; fsync=$3; pid=
new() { "$bin/initdb" -D "$dir/data" -U tollgate --auth=trust -E UTF8 --no-sync "$@" >"$dir/initdb.log" 2>&1; }
start() {
  "$bin/postgres" -D "$dir/data" >>"$dir/server.log" 2>&1 & pid=$!
  until grep -qs ready "$dir/data/postmaster.pid"; do
    kill -0 $pid 2>/dev/null || { tail -n 3 "$dir/server.log" | tr '\n' ' '; return 1; }
    sleep 0.02
  done
}
stop() { [ -z "$pid" ] || { kill -$1 $pid 2>/dev/null; wait $pid; pid=; }; }
trap '' INT TERM
if new --locale-provider=icu --icu-locale=en-US --locale=C.UTF-8 || { rm -rf "$dir/data"; new --locale=C; }; then
  printf '%s\n' "unix_socket_directories = '$dir'" "listen_addresses = ''" "fsync = $fsync" 'max_connections = 200' \
    'deadlock_timeout = 50ms' 'shared_buffers = 32MB' >>"$dir/data/postgresql.conf"
  echo ok
else tail -n 3 "$dir/initdb.log" | tr '\n' ' '; echo; fi
while read -r command; do
  case $command in
    start) start && echo ok || echo ;;
    stop) stop INT; echo ok ;;
    crash) stop QUIT; echo ok ;;
  esac
done
stop QUIT; rm -rf "$dir"
"#;

/// Whether commits reach the disk. Only tests that ask what survives need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    On,
    Off,
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    directory: PathBuf,
    keeper: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    databases: AtomicU32,
}

impl Cluster {
    /// # Errors
    /// A sentence for the test to fail with: PostgreSQL is not installed, or does not start.
    pub fn start(fsync: Fsync) -> Result<Self, String> {
        Self::start_in(fsync, &[])
    }

    /// The same with more variables in the server's environment.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn start_in(fsync: Fsync, env: &[(String, String)]) -> Result<Self, String> {
        let bin =
            binaries().ok_or("these tests need PostgreSQL's server programs (Debian: apt-get install postgresql)")?;
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("tollgate-pg-{}-{number}", std::process::id()));
        std::fs::create_dir(&directory).map_err(|e| format!("{}: {e}", directory.display()))?;
        let mut keeper = as_server_user(&directory)?
            .args(["sh", "-c", KEEPER, "keeper"])
            .args([&bin, &directory])
            .arg(if fsync == Fsync::On { "on" } else { "off" })
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot run PostgreSQL as another user: {e}"))?;
        let (Some(commands), Some(answers)) = (keeper.stdin.take(), keeper.stdout.take()) else {
            return Err("the keeper has no pipes".to_owned());
        };
        let answers = BufReader::new(answers);
        let mut cluster = Self { directory, keeper, commands: Some(commands), answers, databases: AtomicU32::new(0) };
        cluster.answer().map_err(|why| format!("initdb: {why}"))?;
        cluster.resume()?;
        Ok(cluster)
    }

    /// The settings to connect to a fresh, empty database.
    pub fn database(&self) -> Result<String, String> {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = self.settings("postgres");
        let sql = format!("CREATE DATABASE {name}");
        let thread = std::thread::spawn(move || execute(&admin, &sql)); // callers may stand inside a runtime
        thread.join().map_err(|_| "the thread that creates a database ended early".to_owned())??;
        Ok(self.settings(&name))
    }

    /// The settings to connect to a copy of a database, all of whose connections end.
    pub fn copy(&self, of: &str) -> Result<String, String> {
        let of = of.rsplit('=').next().unwrap_or_default().to_owned();
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = self.settings("postgres");
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{of}'");
        let copy = format!("CREATE DATABASE {name} TEMPLATE {of} STRATEGY FILE_COPY");
        let thread = std::thread::spawn(move || execute(&admin, &end).and_then(|()| execute(&admin, &copy)));
        thread.join().map_err(|_| "the thread that copies a database ended early".to_owned())??;
        Ok(self.settings(&name))
    }

    /// Ends a database and its connections.
    pub fn forget(&self, database: &str) -> Result<(), String> {
        let name = database.rsplit('=').next().unwrap_or_default().to_owned();
        let admin = self.settings("postgres");
        let thread = std::thread::spawn(move || execute(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")));
        thread.join().map_err(|_| "the thread that drops a database ended early".to_owned())?
    }

    /// The server's own directory, for files that it shall read (see [`Cluster::give`]).
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Lets the server, and only it, read a file.
    pub fn give(&self, file: &Path) -> Result<(), String> {
        let owner = std::fs::metadata(&self.directory).map_err(|e| e.to_string())?;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).map_err(|e| e.to_string())?;
        std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid())).map_err(|e| e.to_string())
    }

    /// Settings that hold from the next start.
    pub fn set(&self, settings: &[(&str, &str)]) -> Result<(), String> {
        let mut lines = String::new();
        for (name, value) in settings {
            lines.push_str(&format!("{name} = '{value}'\n"));
        }
        let file = std::fs::OpenOptions::new().append(true).open(self.directory.join("data/postgresql.conf"));
        file.and_then(|mut file| file.write_all(lines.as_bytes())).map_err(|e| e.to_string())
    }

    /// A server that is told to stop and disconnects everyone.
    pub fn stop(&mut self) -> Result<(), String> {
        self.command("stop")
    }

    /// A server that dies at once, without a checkpoint, and recovers from its log when it is resumed.
    pub fn crash(&mut self) -> Result<(), String> {
        self.command("crash")
    }

    pub fn resume(&mut self) -> Result<(), String> {
        self.command("start")
    }

    fn settings(&self, database: &str) -> String {
        format!("host={} user=tollgate dbname={database}", self.directory.display())
    }

    fn command(&mut self, command: &str) -> Result<(), String> {
        let pipe = self.commands.as_mut().ok_or("the keeper has ended")?;
        writeln!(pipe, "{command}").map_err(|e| format!("keeper: {e}"))?;
        self.answer().map_err(|why| format!("PostgreSQL does not {command}: {why}"))
    }

    fn answer(&mut self) -> Result<(), String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|e| e.to_string())?;
        if line.trim() == "ok" { Ok(()) } else { Err(line) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ended = self.keeper.wait();
    }
}

fn execute(settings: &str, sql: &str) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(settings, tokio_postgres::NoTls).await.map_err(|e| e.to_string())?;
        let link = tokio::spawn(connection);
        let done = client.batch_execute(sql).await.map_err(|e| e.to_string());
        drop(client);
        let _closed = link.await;
        done
    })
}

/// The directory that holds `postgres` and `initdb`.
fn binaries() -> Option<PathBuf> {
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

/// PostgreSQL refuses to run as root; then it gets the directory and runs as `postgres` or `nobody`.
fn as_server_user(directory: &Path) -> Result<Command, String> {
    let us = std::fs::metadata("/proc/self").map_err(|e| e.to_string())?.uid();
    if us != 0 {
        return Ok(Command::new("env"));
    }
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|e| e.to_string())?;
    let ids = |user: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(user))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse::<u32>().ok()?, fields.next()?.parse::<u32>().ok()?))
    };
    let (uid, gid) =
        ids("postgres").or_else(|| ids("nobody")).ok_or("no user postgres or nobody to run PostgreSQL as")?;
    std::os::unix::fs::chown(directory, Some(uid), Some(gid)).map_err(|e| e.to_string())?;
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    Ok(command)
}

/// Copies an SQLite database as of now into a file that does not exist yet.
pub fn copy_sqlite(of: &Path, to: &Path) -> Result<(), String> {
    let copy = || -> rusqlite::Result<()> {
        let connection = rusqlite::Connection::open(of)?;
        connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map(drop)
    };
    copy().map_err(|error| error.to_string())
}

/// Drops the tables of an SQLite database but these, under whoever has it open.
pub fn break_sqlite(file: &Path, but: &[&str]) -> Result<(), String> {
    let broken = || -> rusqlite::Result<()> {
        let connection = rusqlite::Connection::open(file)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        let mut names =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        let mut dropped = names.iter().filter(|name| !but.contains(&name.as_str()));
        dropped.try_for_each(|name| connection.execute_batch(&format!("DROP TABLE {name}")))
    };
    broken().map_err(|error| error.to_string())
}
