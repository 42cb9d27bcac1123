//! R4: too few file descriptors and little memory: what is too much is shed, nothing panics, and service is back once the flood ends.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::database::sqlite_storage;
use super::{PASSWORD, PATIENCE, assert_no_panic, spread};
use crate::http::{Connection, once};
use crate::roles::{Roles, Surroundings};
use crate::short_or_long;
use crate::system::{Refused, System, unique, until};

const DESCRIPTORS: usize = 256;
/// More than that, and less than what an edge lets one client open.
const FLOOD: u16 = 300;

const MEMORY_MB: u64 = 256;
const CLIENTS: u32 = 48;

#[test]
fn without_file_descriptors_connections_wait_and_service_returns() {
    let few = Surroundings { first: format!("ulimit -n {DESCRIPTORS}"), ..Surroundings::default() };
    let roles = Roles::start_in(few.clone(), few, sqlite_storage);
    let system = roles.system();
    let user = unique("steady");
    system.create_user(&user, PASSWORD);
    let token = system.sign_in(&user, PASSWORD).unwrap().access;
    let keys = format!("/{}/.well-known/jwks.json", system.pool_id);
    let bearer = format!("Bearer {token}");
    let authorization = [("authorization", bearer.as_str())];
    for (role, base, path, headers) in
        [("issuer", &system.issuer, &keys, &[][..]), ("edge", &system.edge, &system.protected_path, &authorization[..])]
    {
        let pid = roles.pid(role);
        let mut recovery = Vec::new();
        for _ in 0..short_or_long(1, 20) {
            let mut early = Connection::open(base).unwrap();
            assert_eq!(early.send("GET", path, headers, "").unwrap().status, 200);
            let flood = flood(base);
            until("the descriptors are used up", PATIENCE, || descriptors(pid) >= DESCRIPTORS - 2);
            // Who is connected is answered; without a descriptor for the upstream an edge says so.
            let answer = early.send("GET", path, headers, "").unwrap();
            assert!([200, 502, 503].contains(&answer.status), "{role}: {answer:?}");
            drop(flood);
            let ended = Instant::now();
            until("service is back", PATIENCE, || {
                once(base, "GET", path, headers).is_ok_and(|answer| answer.status == 200)
            });
            recovery.push(ended.elapsed());
        }
        println!(
            "R4: {role}: {FLOOD} connections over {DESCRIPTORS} descriptors, service again after {}",
            spread(&recovery)
        );
        assert_eq!(roles.pid(role), pid);
        assert_no_panic(&roles.words_of(role));
    }
    system.sign_in(&user, PASSWORD).expect("storage, too, has what it needs");
}

#[test]
fn floods_stay_within_256_mb() {
    // A cgroup enforces it where this test may make one; what the processes needed at most is asked everywhere.
    let groups = ["issuer", "edge"].map(Group::make);
    let around = |group: &Option<Group>| Surroundings {
        env: vec![("MIMALLOC_PURGE_DELAY".to_owned(), "0".to_owned())],
        first: group.as_ref().map(Group::enter).unwrap_or_default(),
    };
    let roles = Roles::start_in(around(&groups[0]), around(&groups[1]), sqlite_storage);
    let system = roles.system();
    let user = unique("steady");
    system.create_user(&user, PASSWORD);
    let token = system.sign_in(&user, PASSWORD).unwrap().access;
    let (signed_in, shed, denied) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let until_then = Instant::now() + Duration::from_secs(short_or_long(3, 60).into());
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (system, user, token) = (&system, &user, &token);
            let (signed_in, shed, denied) = (&signed_in, &shed, &denied);
            scope.spawn(move || {
                while Instant::now() < until_then {
                    if number % 3 == 0 {
                        denied.fetch_add(garbled(system, token), Ordering::Relaxed);
                        continue;
                    }
                    match system.sign_in(user, PASSWORD) {
                        Ok(_) => signed_in.fetch_add(1, Ordering::Relaxed),
                        Err(refused) if is_shed(&refused) => shed.fetch_add(1, Ordering::Relaxed),
                        Err(refused) => panic!("{refused:?}"),
                    };
                }
            });
        }
    });
    assert_eq!(system.edge_status(&token), 200);
    let peaks = ["issuer", "edge"].map(|role| peak_mb(roles.pid(role)));
    println!(
        "R4: {CLIENTS} clients: {} sign-ins, {} shed, {} garbled tokens denied; peak {} MB issuer, {} MB edge; \
         limit of {MEMORY_MB} MB {}",
        signed_in.into_inner(),
        shed.into_inner(),
        denied.into_inner(),
        peaks[0],
        peaks[1],
        if groups.iter().all(Option::is_some) {
            "enforced by a cgroup"
        } else {
            "not enforced: no cgroup can be made here"
        },
    );
    assert!(peaks.iter().all(|peak| *peak <= MEMORY_MB), "{peaks:?} MB");
    for role in ["issuer", "edge"] {
        assert_no_panic(&roles.words_of(role));
    }
}

/// Overload in Cognito's words: too many requests, or no room to store.
fn is_shed(refused: &Refused) -> bool {
    refused.name() == "TooManyRequestsException" || matches!(refused, Refused::Exception { status: 503, .. })
}

/// A token that no one has seen, in the form of a good one.
fn garbled(system: &System, token: &str) -> u32 {
    let (signed, _) = token.rsplit_once('.').unwrap();
    let token = format!("{signed}.{}", unique("c2lnbmF0dXJl"));
    let status = system.edge_status(&token);
    assert!(status == 401 || status == 503, "{status}");
    1
}

/// Connections that say nothing; they end with this value.
fn flood(base: &str) -> Vec<TcpStream> {
    let target = base.trim_start_matches("http://");
    (0..FLOOD).map(|_| TcpStream::connect(target).unwrap()).collect()
}

fn descriptors(pid: u64) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// The largest resident size that a process has had; a megabyte has a million bytes.
fn peak_mb(pid: u64) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024 / 1_000_000
}

/// A cgroup of our own with a limit on memory.
struct Group(PathBuf);

impl Group {
    fn make(name: &str) -> Option<Self> {
        let path = own_cgroup()?.join(format!("tollgate-test-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).ok()?;
        let group = Self(path);
        let limit = (MEMORY_MB * 1_000_000).to_string();
        let set = ["memory.max", "memory.limit_in_bytes"].iter().any(|file| {
            let file = group.0.join(file);
            file.exists() && std::fs::write(file, &limit).is_ok()
        });
        (set && std::fs::metadata(group.0.join("cgroup.procs")).is_ok()).then_some(group)
    }

    /// What a shell says to be in it.
    fn enter(&self) -> String {
        format!("echo $$ > {}/cgroup.procs", self.0.display())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is busy until the last process in it is gone; the roles end after this when a test fails, so wait no longer than a moment.
        for _ in 0..50 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The memory cgroup of this process: version 1 has a hierarchy of its own for memory, version 2 one for all.
fn own_cgroup() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let below = |root: &str, path: &str| Path::new(root).join(path.trim_start_matches('/'));
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let path = match (fields.next()?, fields.next()?) {
            ("memory", path) => below("/sys/fs/cgroup/memory", path),
            ("", path) => below("/sys/fs/cgroup", path),
            _ => return None,
        };
        path.join("cgroup.procs").exists().then_some(path)
    })
}
