//! A child in a process group of its own, which ends as a whole: servers fork workers, an installer runs others.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);

/// The leader of a process group. Dropping kills the group.
#[derive(Debug)]
pub struct Group {
    leader: Child,
    over: bool,
}

impl Group {
    /// Starts the command as the leader of a new group.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(|leader| Self { leader, over: false })
    }

    pub fn pid(&self) -> u32 {
        self.leader.id()
    }

    /// How the leader has ended, if it has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }

    /// Waits until the leader ends, for at most `limit`; `None` when it goes on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            let ended = self.ended()?;
            if ended.is_some() || begun.elapsed() >= limit {
                return Ok(ended);
            }
            thread::sleep(POLL);
        }
    }

    /// Asks the group to end, and kills after `grace` what is left of it: a server that is only killed leaves semaphores and shared
    /// memory behind.
    pub fn end(&mut self, grace: Duration) {
        self.signal("TERM");
        let begun = Instant::now();
        while self.is_alive() && begun.elapsed() < grace {
            // Reaps the leader, which else would be alive for ever.
            let _ = self.leader.try_wait();
            thread::sleep(POLL);
        }
        self.kill();
    }

    /// Not twice: afterwards the number may become somebody else's.
    fn kill(&mut self) {
        if !self.over {
            self.signal("KILL");
            // Both fail only when the leader has ended already.
            let _ = self.leader.kill();
            let _ = self.leader.wait();
            self.over = true;
        }
    }

    fn is_alive(&self) -> bool {
        self.signal("0")
    }

    /// Sends a signal to the group by the shell's own `kill` (the standard library can't); whether there was anyone to receive it.
    /// While one member lives the group keeps its number, so nobody else is hit.
    fn signal(&self, name: &str) -> bool {
        let words = format!("kill -s {name} -- -{}", self.leader.id());
        let mut command = Command::new("sh");
        command.args(["-c", &words]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::path::Path;

    use super::*;

    /// A group of a leader that runs `leader` and of a worker that runs `worker`, and the worker's id.
    fn group(leader: &str, worker: &str) -> (Group, u32) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("({worker}) & echo $!; {leader}")]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(group.leader.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (group, line.trim().parse().unwrap())
    }

    /// Gone, or dead and not yet reaped by whoever has inherited it.
    fn becomes_dead(pid: u32) -> bool {
        let stat = Path::new("/proc").join(pid.to_string()).join("stat");
        (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            fs::read_to_string(&stat)
                .map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
        })
    }

    #[test]
    fn workers_end_with_their_leader() {
        let (mut asked, worker) = group("exec sleep 60", "exec sleep 60");
        assert!(asked.is_alive());
        asked.end(Duration::from_secs(5));
        assert!(becomes_dead(worker));
        assert!(!asked.is_alive());

        let (dropped, worker) = group("exec sleep 60", "exec sleep 60");
        drop(dropped);
        assert!(becomes_dead(worker));
    }

    #[test]
    fn workers_that_outlive_their_leader_or_ignore_the_request_are_killed() {
        let (mut group, worker) = group("exit 3", "trap '' TERM; sleep 60; sleep 60");
        assert_eq!(group.wait(Duration::from_secs(5)).unwrap().and_then(|status| status.code()), Some(3));
        group.end(Duration::from_millis(100));
        assert!(becomes_dead(worker));
    }

    #[test]
    fn waiting_has_an_end() {
        let (mut group, _) = group("exec sleep 60", "exit");
        assert_eq!(group.wait(Duration::from_millis(30)).unwrap(), None);
    }
}
