//! `tollgate admin backup` and `tollgate admin restore`

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use common::ids::EdgeId;
use http_body_util::BodyExt as _;
use issuer::backup::{Kept, Progress, Report, outline};

use super::{AdminError, Issuer, key_file};

#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The new file, mode 0600. The root key is not in it, and nothing in it can be read without the root key.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    issuer: Issuer,
}

#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The settings of the issuer whose database is to be filled. It must be empty, and no issuer may run on it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// An admin key of the backup that is still good. All others are gone.
    #[arg(long, value_name = "ID")]
    keep_admin_key: Vec<String>,
    /// An edge that was revoked after the backup was made.
    #[arg(long, value_name = "NAME")]
    revoke_edge: Vec<String>,
}

pub(super) async fn backup(options: Backup) -> Result<(), AdminError> {
    let Backup { output, issuer } = options;
    let wire = issuer.wire()?;
    let started = Instant::now();
    let mut draft = output.clone().into_os_string();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    if output.exists() {
        return Err(at(&output, &"the file exists"));
    }
    let mut file = key_file::create(&draft)?;
    let taken = async {
        let mut body = wire.admin_stream(&issuer.admin, "/v1/backups", &serde_json::json!({})).await?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| at(&draft, &e))?;
            if let Some(part) = frame.data_ref() {
                file.write_all(part)?;
            }
        }
        file.sync_all()?;
        // What the issuer could not finish has no end.
        let made = outline(BufReader::new(File::open(&draft)?)).map_err(|e| at(&draft, &e))?;
        std::fs::rename(&draft, &output)?;
        Ok::<_, AdminError>(made)
    };
    let made = taken.await.inspect_err(|_| {
        let _draft = std::fs::remove_file(&draft);
    })?;
    println!(
        "{}: {} rows, {} bytes, {:.1} s, root key {}",
        output.display(),
        made.rows,
        made.bytes,
        started.elapsed().as_secs_f64(),
        made.header.root_id
    );
    Ok(())
}

pub(super) async fn restore(options: Restore) -> Result<(), AdminError> {
    let config = issuer::Config::load(&options.config, crate::environment::texts())?;
    let edge = |name: &String| EdgeId::parse(name.as_str()).map_err(|_| at(Path::new(name), &"no edge's name"));
    let kept = Kept {
        admin_keys: options.keep_admin_key.iter().cloned().collect(),
        revoked_edges: options.revoke_edge.iter().map(edge).collect::<Result<_, _>>()?,
    };
    let started = Instant::now();
    let report = issuer::restore(&config, &options.from, kept, &mut |progress| tell(&progress)).await?;
    summary(&report, started);
    Ok(())
}

fn tell(progress: &Progress) {
    match progress {
        Progress::Checked { rows, bytes } => eprintln!("the backup is whole: {rows} rows, {bytes} bytes"),
        Progress::Filled { table, rows } => eprintln!("{table}: {rows} rows"),
        Progress::Keys { pools } => eprintln!("signing keys of {pools} pools replaced"),
    }
}

fn summary(report: &Report, started: Instant) {
    println!("restored {} rows, {} bytes, in {:.1} s", report.rows, report.bytes, started.elapsed().as_secs_f64());
    println!(
        "backup {} of {} ms since the epoch, by tollgate {}",
        report.header.id, report.header.created_at.0, report.header.program
    );
    println!("every token and session from before is dead; {} pools have new signing keys", report.pools);
    for key in &report.admin_keys {
        let fate = if key.kept { "kept" } else { "gone" };
        println!("admin key {} ({}): {fate}", key.access_key_id, key.name);
    }
    for edge in &report.edges {
        let fate = if edge.enrolled { "enrolled" } else { "not enrolled" };
        println!("edge {}: {fate}", edge.name);
    }
    if !report.admin_keys.iter().any(|key| key.kept) {
        println!("no admin key is left: make one with `tollgate admin first-key`");
    }
}

fn at(path: &Path, why: &dyn std::fmt::Display) -> AdminError {
    AdminError::File { path: path.display().to_string(), why: why.to_string() }
}
