//! A folder that gets one JSON file a message: the sender of `tollgate up` and of tests.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::Message;

/// Files are named by time, so that the newest sorts last; they appear whole (written aside, then renamed).
#[derive(Clone, Debug)]
pub struct OutboxFolder {
    path: PathBuf,
}

impl OutboxFolder {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Delivers a message. The same id overwrites its file, so a repetition shows once.
    pub fn deliver(&self, id: &str, message: &Message) -> io::Result<()> {
        let name = format!("{}-{id}.json", message.at);
        let draft = self.path.join(format!(".{name}.draft"));
        let text = serde_json::to_vec_pretty(message)?;
        let mut file = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        std::fs::rename(&draft, self.path.join(name))
    }
}
