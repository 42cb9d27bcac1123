//! The processes that `up` starts: copies of this binary that end when their standard input does.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// A child that lived shorter than this is restarted with a growing pause.
const SHORT_LIFE: Duration = Duration::from_secs(2);
const PAUSE_LIMIT: Duration = Duration::from_secs(2);
/// A child that can't stay up this many times in a row ends the whole.
const SHORT_LIVES_LIMIT: u32 = 10;

/// What to run.
#[derive(Clone, Debug)]
pub struct Role {
    pub name: &'static str,
    pub args: Vec<String>,
    pub log: PathBuf,
}

/// What became of a child.
#[derive(Clone, Debug)]
pub enum Event {
    Started {
        name: &'static str,
        pid: u32,
    },
    /// It ended by itself and will be started again.
    Died {
        name: &'static str,
        status: String,
    },
    /// It is not started again.
    GivenUp {
        name: &'static str,
        why: String,
    },
}

/// Children under watch. Dropping it closes their pipes; [`Children::end`] also waits for them.
#[derive(Debug)]
pub struct Children {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    events: mpsc::Sender<Event>,
}

impl Children {
    pub fn new(events: mpsc::Sender<Event>) -> Self {
        Self { stop: watch::Sender::new(false), tasks: Vec::new(), events }
    }

    /// Starts a child and keeps it running.
    pub fn keep(&mut self, role: Role) {
        self.tasks.push(tokio::spawn(supervise(role, self.stop.subscribe(), self.events.clone())));
    }

    /// Ends all children: first by the end of their input, after a while by force. The last started ends first.
    pub async fn end(self) {
        self.stop.send_replace(true);
        for task in self.tasks.into_iter().rev() {
            let _ended = task.await;
        }
    }
}

async fn supervise(role: Role, mut stop: watch::Receiver<bool>, events: mpsc::Sender<Event>) {
    let mut short_lives = 0_u32;
    loop {
        let mut child = match start(&role) {
            Ok(child) => child,
            Err(e) => return tell(&events, Event::GivenUp { name: role.name, why: e.to_string() }).await,
        };
        // Held here, since `wait` closes what it finds: the child lives as long as this pipe.
        let lifeline = child.stdin.take();
        let born = Instant::now();
        tell(&events, Event::Started { name: role.name, pid: child.id().unwrap_or_default() }).await;
        let status = tokio::select! {
            status = child.wait() => status.map_or_else(|e| e.to_string(), |s| s.to_string()),
            () = stopped(&mut stop) => return end(child, lifeline).await,
        };
        short_lives = if born.elapsed() < SHORT_LIFE { short_lives.saturating_add(1) } else { 0 };
        if short_lives >= SHORT_LIVES_LIMIT {
            let why = format!("{status}; see {}", role.log.display());
            return tell(&events, Event::GivenUp { name: role.name, why }).await;
        }
        tell(&events, Event::Died { name: role.name, status }).await;
        let pause = Duration::from_millis(50).saturating_mul(short_lives.saturating_mul(short_lives)).min(PAUSE_LIMIT);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _gone = stop.wait_for(|stopping| *stopping).await;
}

fn start(role: &Role) -> std::io::Result<Child> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&role.log)?;
    Command::new(std::env::current_exe()?)
        .args(&role.args)
        // Argon2's 19 MiB go back to the system as soon as they are freed, so that what one sees is what is used.
        .env("MIMALLOC_PURGE_DELAY", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
}

async fn end(mut child: Child, lifeline: Option<ChildStdin>) {
    drop(lifeline);
    if tokio::time::timeout(DRAIN_LIMIT, child.wait()).await.is_err() {
        let _gone = child.kill().await;
    }
}

async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    let _nobody_listens = events.send(event).await;
}
