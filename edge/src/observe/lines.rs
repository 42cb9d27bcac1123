//! Lines that a thread of its own writes: requests hand theirs over and never wait. A queue that is full drops lines and counts them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Lines that may wait for the writer; more are counted and dropped, so that a slow disk slows no request.
pub(super) const QUEUE: usize = 4_096;
/// Bytes that are written at once, about.
const BATCH: usize = 64 * 1024;

/// A file of lines.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    path: PathBuf,
    /// Bytes. A file that would grow over it is renamed, and its predecessor goes.
    most: Option<u64>,
}

/// The queue to a writer. Clones share it; the writer ends with the last one.
#[derive(Clone, Debug)]
pub struct Lines {
    next: Arc<Next>,
    queue: SyncSender<Vec<u8>>,
    dropped: Counter,
}

/// Where to write from the next batch on; `None` inside: the sink of the start.
type Next = Mutex<Option<Option<LogFile>>>;

impl Lines {
    /// Starts a writer. Lines go to `file`, or to `sink` while there is none.
    pub fn start(
        name: &str,
        file: Option<LogFile>,
        dropped: Counter,
        sink: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let next = Arc::new(Mutex::new(Some(file)));
        let (queue, lines) = sync_channel(QUEUE);
        let writer = Writer { next: Arc::clone(&next), sink, file: None, dropped: dropped.clone() };
        thread::Builder::new().name(name.to_owned()).stack_size(64 * 1024).spawn(move || writer.drain(&lines))?;
        Ok(Self { next, queue, dropped })
    }

    /// Another file, or the old one opened anew: whoever rotates logs has renamed it. What waits goes into the new one.
    pub fn change(&self, file: Option<LogFile>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        let _ = self.queue.try_send(Vec::new()); // wakes the writer; one whose queue is full is awake
    }

    /// Queues a line with its end; never waits.
    pub fn write(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(line) {
            self.dropped.inc();
        }
    }
}

impl LogFile {
    /// Opens a log to append to it; one that is made is for this user, and for its group to read.
    pub fn open(path: &Path, most: Option<u64>) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
        Ok(Self { file, path: path.to_owned(), most })
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if let Some(most) = self.most {
            let length = self.file.metadata()?.len();
            if length > 0 && length.saturating_add(batch.len() as u64) > most {
                self.rotate()?;
            }
        }
        self.file.write_all(batch)
    }

    /// Begins a new file. Another process may have done so already, while one edge takes over from another.
    fn rotate(&mut self) -> io::Result<()> {
        let own = self.file.metadata()?;
        let is_ours = |there: fs::Metadata| (there.dev(), there.ino()) == (own.dev(), own.ino());
        if fs::metadata(&self.path).is_ok_and(is_ours) {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            fs::rename(&self.path, old)?;
        }
        self.file = Self::open(&self.path, None)?.file;
        Ok(())
    }
}

struct Writer<W> {
    next: Arc<Next>,
    sink: W,
    file: Option<LogFile>,
    dropped: Counter,
}

impl<W: Write> Writer<W> {
    fn drain(mut self, queue: &Receiver<Vec<u8>>) {
        while let Ok(line) = queue.recv() {
            let mut batch = line;
            while batch.len() < BATCH {
                match queue.try_recv() {
                    Ok(more) => batch.extend_from_slice(&more),
                    Err(_) => break,
                }
            }
            if let Some(file) = self.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
                self.file = file;
            }
            if self.write(&batch).is_err() {
                let lines = batch.iter().filter(|byte| **byte == b'\n').count();
                self.dropped.inc_by(lines as u64);
                thread::sleep(Duration::from_millis(100)); // a closed pipe must not become a busy loop
            }
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write(batch),
            None => self.sink.write_all(batch).and_then(|()| self.sink.flush()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_an_end_and_a_predecessor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waf.log");
        let old = folder.path().join("waf.log.1");
        let mut file = LogFile::open(&path, Some(25)).unwrap();
        for number in 0..5 {
            file.write(format!("line {number} ..\n").as_bytes()).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(read(&path), "line 4 ..\n");
        assert_eq!(read(&old), "line 2 ..\nline 3 ..\n");
        // Another process has moved it away: nothing of what it writes is lost.
        fs::rename(&path, folder.path().join("moved")).unwrap();
        fs::write(&path, "other\n").unwrap();
        file.write(b"line 5, that is long\n").unwrap();
        assert_eq!(read(&path), "other\nline 5, that is long\n");
        assert_eq!(read(&folder.path().join("moved")), "line 4 ..\n");
        let mut large = LogFile::open(&folder.path().join("large"), Some(1)).unwrap();
        large.write(b"longer than the file may be\n").unwrap();
        assert!(!folder.path().join("large.1").exists(), "an empty one makes no room");
    }
}
