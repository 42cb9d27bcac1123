//! `tollgate admin export`: takes the frames of an export into a file, and goes on with one that was cut off.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ids::PoolId;
use hyper::Method;
use hyper::body::Bytes;
use issuer::transfer::{FileError, Recipient, Scan, next_digest};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{at, open};
use crate::admin::{AdminError, Issuer, key_file};
use crate::wire::Wire;

#[derive(Debug, clap::Args)]
pub struct Export {
    /// The pool.
    #[arg(long, value_name = "POOL", value_parser = pool)]
    pool: PoolId,
    /// The public key to seal it to, from `tollgate admin export-key`.
    #[arg(long, value_name = "PUBLIC KEY", value_parser = recipient, required_unless_present = "dry_run")]
    to: Option<Recipient>,
    /// The new file, mode 0600. Until it is whole it is called FILE.part; the same command goes on with that.
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    /// App clients too, with their ids and secrets.
    #[arg(long)]
    clients: bool,
    /// Say what would be exported, and export nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    issuer: Issuer,
}

fn pool(text: &str) -> Result<PoolId, String> {
    PoolId::parse(text).map_err(|_| "is no user pool id".to_owned())
}

fn recipient(text: &str) -> Result<Recipient, String> {
    Recipient::parse(text).map_err(|error| error.to_string())
}

pub async fn run(options: Export) -> Result<(), AdminError> {
    let wire = options.issuer.wire()?;
    let counts = wire.admin(&options.issuer.admin, Method::GET, &path(&options.pool, ""), &json!({})).await?;
    let count = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or_default();
    let clients = if options.clients { count("clients") } else { 0 };
    let (Some(to), Some(output), false) = (&options.to, &options.output, options.dry_run) else {
        let with = if options.clients { "with their secrets" } else { "without --clients" };
        println!(
            "pool {}: settings, {} groups, {} users with what proves their passwords",
            options.pool,
            count("groups"),
            count("users")
        );
        println!("app clients: {clients} of {}, {with}", count("clients"));
        return Ok(());
    };
    if output.exists() {
        return Err(at(output, &"the file exists"));
    }
    let taking = Taking { options: &options, wire, to, total: count("groups") + clients + count("users") };
    let (lines, digest, took) = taking.run(output).await?;
    let size = std::fs::metadata(output)?.len();
    println!("{}: {lines} lines, {size} bytes, {:.1} s, digest {digest}", output.display(), took.as_secs_f64());
    Ok(())
}

struct Taking<'a> {
    options: &'a Export,
    wire: Wire,
    to: &'a Recipient,
    total: u64,
}

/// A file that is being filled.
struct Draft {
    file: File,
    digest: [u8; 32],
    lines: u64,
    /// How to go on; `None` when it is whole.
    resume: Option<Vec<u8>>,
}

impl Taking<'_> {
    async fn run(&self, output: &Path) -> Result<(u64, String, std::time::Duration), AdminError> {
        let mut name = output.to_owned().into_os_string();
        name.push(".part");
        let path = PathBuf::from(name);
        let mut draft = match self.found(&path)? {
            Some(draft) => draft,
            None => self.begin(&path).await?,
        };
        let mut progress = Progress::new("exported", self.total + 1);
        while let Some(resume) = draft.resume.take() {
            let ask = json!({ "resume": STANDARD.encode(resume), "clients": self.options.clients });
            let frame = self.ask("/next", &ask).await?;
            draft.append(&frame).map_err(|e| at(&path, &e))?;
            progress.at(draft.lines);
        }
        draft.file.sync_all()?;
        std::fs::rename(&path, output)?;
        // The name must last as the contents do.
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok((draft.lines, issuer::transfer::hex(&draft.digest), progress.end()))
    }

    async fn ask(&self, what: &str, ask: &Value) -> Result<Bytes, AdminError> {
        let path = path(&self.options.pool, what);
        Ok(self.wire.admin_bytes(&self.options.issuer.admin, &path, ask).await?)
    }

    async fn begin(&self, path: &Path) -> Result<Draft, AdminError> {
        let ask = json!({ "recipient": self.to.to_string(), "clients": self.options.clients });
        let answer = self.ask("", &ask).await?;
        let mut start = answer.as_ref();
        // What stands before the first frame is a file without any, which is not whole.
        let scan = Scan::open(&mut start).map_err(|e| at(path, &e))?;
        let (digest, beginning) = (scan.digest, scan.whole);
        let beginning = usize::try_from(beginning).unwrap_or(usize::MAX).min(answer.len());
        let (head, frame) = answer.split_at(beginning);
        let mut draft = Draft { file: key_file::create(path)?, digest, lines: 0, resume: None };
        draft.file.write_all(head)?;
        draft.append(frame).map_err(|e| at(path, &e))?;
        Ok(draft)
    }

    /// What an earlier try left, cut to its last whole frame.
    fn found(&self, path: &Path) -> Result<Option<Draft>, AdminError> {
        if !path.exists() {
            return Ok(None);
        }
        let not_ours = |why: &str| at(path, &format!("{why}: remove it to begin anew"));
        let left = scan(path).map_err(|e| not_ours(&format!("it is no export that could go on ({e})")))?;
        if left.pool != self.options.pool.as_str() || left.recipient != self.to.to_string() {
            return Err(not_ours("it is an export of another pool, or for another key"));
        }
        let mut file = File::options().read(true).write(true).open(path).map_err(|e| at(path, &e))?;
        file.set_len(left.whole)?;
        file.seek(SeekFrom::End(0))?;
        eprintln!("{}: goes on after {} lines", path.display(), left.lines);
        Ok(Some(Draft { file, digest: left.digest, lines: left.lines, resume: left.resume }))
    }
}

impl Draft {
    /// Adds a frame and its digest, durably: what a later try finds is whole or is seen not to be.
    fn append(&mut self, frame: &[u8]) -> Result<(), FileError> {
        let digest = next_digest(&self.digest, frame);
        let whole = [frame, digest.as_slice()].concat();
        let raw = issuer::transfer::Raw::parse(&whole)?;
        self.file.write_all(&whole).and_then(|()| self.file.sync_data()).map_err(FileError::Unreadable)?;
        self.digest = digest;
        self.lines += u64::from(raw.head.lines);
        self.resume = (!raw.head.last).then_some(raw.resume);
        Ok(())
    }
}

struct Left {
    pool: String,
    recipient: String,
    whole: u64,
    digest: [u8; 32],
    lines: u64,
    resume: Option<Vec<u8>>,
}

/// Reads a draft to its last whole frame. At least one must be there, since it says how to go on.
fn scan(path: &Path) -> Result<Left, AdminError> {
    let mut scan = Scan::open(open(path)?).map_err(|e| at(path, &e))?;
    let (mut lines, mut resume) = (0, None);
    loop {
        match scan.read_next() {
            Ok(Some(raw)) => {
                lines += u64::from(raw.head.lines);
                resume = Some(raw.resume).filter(|_| !raw.head.last);
            }
            Ok(None) => break,
            // The end of a try that was cut off. Where a frame before it was damaged, what follows is taken anew.
            Err(FileError::Truncated(_) | FileError::Damaged(_)) if scan.frames > 0 => break,
            Err(error) => return Err(at(path, &error)),
        }
    }
    let (pool, recipient) = (scan.beginning.pool.to_string(), scan.beginning.recipient.clone());
    Ok(Left { pool, recipient, whole: scan.whole, digest: scan.digest, lines, resume })
}

fn path(pool: &PoolId, what: &str) -> String {
    format!("/v1/pools/{pool}/export{what}")
}
