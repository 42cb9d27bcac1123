//! `tollgate admin import`: checks a file, then sends what it holds to an issuer, sealed for it.

use std::path::{Path, PathBuf};

use common::ids::PoolId;
use hyper::Method;
use issuer::transfer::import::travelling;
use issuer::transfer::{self, Checked, ExportKey, Recipient};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{at, open, read_key};
use crate::admin::{AdminError, Issuer};
use crate::wire::Wire;

#[derive(Debug, clap::Args)]
pub struct Import {
    /// The export.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The file with the private key, from `tollgate admin export-key`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    target: Target,
    /// The digest that the export's command told: the file must be that very one.
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
    /// Say what would be imported and what does not fit, and import nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    issuer: Issuer,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Into this pool, which must be empty. Its own settings count.
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Into a new pool with the settings of the export and, in this deployment's region, its id: passwords work by SRP, too.
    #[arg(long)]
    create: bool,
}

pub async fn run(options: Import) -> Result<(), AdminError> {
    let key = read_key(&options.key)?;
    let file = |error: transfer::FileError| at(&options.from, &error);
    let (source, lines) = outline(&options.from)?;
    let wire = options.issuer.wire()?;
    let sending = Sending { options: &options, wire, key };
    let (pool, found) = sending.target(&source).await?;

    let mut reading = Progress::new("checked", lines);
    let target = |line: &transfer::PoolLine| {
        let settings = match found.get("settings").filter(|settings| !settings.is_null() && !options.target.create) {
            Some(settings) => settings.clone(),
            None => line.settings.clone(),
        };
        Some((pool.clone(), settings))
    };
    let checked =
        transfer::check(open(&options.from)?, &sending.key, target, &mut |line| reading.at(line)).map_err(file)?;
    reading.end();
    report(&checked, &pool);
    if options.digest.as_ref().is_some_and(|digest| !digest.eq_ignore_ascii_case(&checked.digest)) {
        let expected = options.digest.clone().unwrap_or_default();
        return Err(file(transfer::FileError::Digest { found: checked.digest, expected }));
    }
    // The check took its time, and nobody looked after the connection: the issuer may have closed it.
    let sending = Sending { wire: options.issuer.wire()?, ..sending };
    sending.may_begin(&pool, &found, &checked)?;
    if checked.refused > 0 {
        return Err(at(&options.from, &format!("{} lines do not fit; nothing was imported", checked.refused)));
    }
    if options.dry_run {
        sending.begin(&pool, &checked, true).await?;
        println!("nothing was imported");
        return Ok(());
    }
    sending.send(&pool, &checked).await
}

/// The pool that was exported, and how many lines there are: what can be said without the key, of a file that is whole.
fn outline(from: &Path) -> Result<(PoolId, u64), AdminError> {
    let mut scan = transfer::Scan::open(open(from)?).map_err(|e| at(from, &e))?;
    let mut lines = 0;
    while let Some(raw) = scan.read_next().map_err(|e| at(from, &e))? {
        lines += u64::from(raw.head.lines);
    }
    Ok((scan.beginning.pool, lines))
}

struct Sending<'a> {
    options: &'a Import,
    wire: Wire,
    key: ExportKey,
}

impl Sending<'_> {
    /// The pool that is to be filled, and what the issuer says of it.
    async fn target(&self, source: &PoolId) -> Result<(PoolId, Value), AdminError> {
        let wrong = |_| at(&self.options.from, &"no user pool id");
        let mut pool = match &self.options.target.pool {
            Some(id) => PoolId::parse(id.as_str()).map_err(wrong)?,
            None => source.clone(),
        };
        let mut found = self.ask(&pool, Method::GET, "", &json!({})).await?;
        let region = found.get("region").and_then(Value::as_str).unwrap_or_default();
        if self.options.target.create && region != pool.region() {
            // Clients hash the part after `_` alone into what proves a password.
            pool = PoolId::parse(format!("{region}_{}", source.suffix())).map_err(wrong)?;
            found = self.ask(&pool, Method::GET, "", &json!({})).await?;
        }
        Ok((pool, found))
    }

    /// Whether the issuer would begin, or go on.
    fn may_begin(&self, pool: &PoolId, found: &Value, checked: &Checked) -> Result<(), AdminError> {
        let refuse = |why: &str| Err(at(&self.options.from, &format!("pool {pool}: {why}")));
        let flag = |name: &str| found.get(name).and_then(Value::as_bool).unwrap_or_default();
        if let Some(import) = found.get("import").filter(|import| !import.is_null()) {
            let same = import.get("export").and_then(Value::as_str) == Some(checked.beginning.id.as_str())
                && import.get("digest").and_then(Value::as_str) == Some(checked.digest.as_str());
            return if same {
                Ok(())
            } else {
                refuse("it was filled from another export, or is being filled from one")
            };
        }
        match (self.options.target.create, flag("exists"), flag("empty")) {
            (true, true, _) => refuse("there is a pool of this id: name it by --pool if it is empty"),
            (false, false, _) => refuse("there is no such pool"),
            (false, true, false) => refuse("it is not empty"),
            _ => Ok(()),
        }
    }

    /// Has the issuer begin, or only say whether it would.
    async fn begin(&self, pool: &PoolId, checked: &Checked, dry_run: bool) -> Result<Value, AdminError> {
        let found = json!({ "name": checked.pool.name, "settings": checked.pool.settings });
        let clients =
            checked.clients.iter().map(|(client, settings)| json!({ "client": client, "settings": settings }));
        let ask = json!({
            "export": checked.beginning.id,
            "digest": checked.digest,
            "source": checked.pool.pool,
            "lines": checked.counts.lines(),
            "clients": clients.collect::<Vec<_>>(),
            "found": self.options.target.create.then_some(found),
            "dry_run": dry_run,
        });
        self.ask(pool, Method::POST, "", &ask).await
    }

    async fn send(&self, pool: &PoolId, checked: &Checked) -> Result<(), AdminError> {
        let export = checked.beginning.id.as_str();
        let begun = self.begin(pool, checked, false).await?;
        let mut done = begun.get("done").and_then(Value::as_u64).unwrap_or_default();
        let is_finished = begun.get("finished").and_then(Value::as_bool).unwrap_or_default();
        let mut progress = Progress::new("imported", checked.counts.lines());
        if !is_finished {
            let recipient = begun.get("recipient").and_then(Value::as_str).unwrap_or_default();
            let recipient = Recipient::parse(recipient).map_err(|e| at(&self.options.from, &e))?;
            if done > 0 {
                eprintln!("goes on after {done} lines");
            }
            let mut parts =
                transfer::parts(open(&self.options.from)?, &self.key, done).map_err(|e| at(&self.options.from, &e))?;
            while let Some((before, text)) = parts.read_next().map_err(|e| at(&self.options.from, &e))? {
                let place = before.to_be_bytes();
                let sealed =
                    recipient.seal(&travelling(export, &place), &text).map_err(|e| at(&self.options.from, &e))?;
                let path = path(pool, &format!("/lines/{before}"));
                let answer = self.wire.admin_post(&self.options.issuer.admin, &path, sealed).await?;
                done = answer.get("done").and_then(Value::as_u64).unwrap_or_default();
                progress.at(done);
            }
            self.ask(pool, Method::POST, "/finish", &json!({ "export": export })).await?;
        }
        let took = progress.end();
        println!("pool {pool}: {done} lines are there, {:.1} s", took.as_secs_f64());
        if !keeps_srp(checked, pool) {
            println!(
                "sign-in by SRP works for each user from the next sign-in by password on: the pool has another name than {}",
                checked.pool.pool
            );
        }
        Ok(())
    }

    async fn ask(&self, pool: &PoolId, method: Method, what: &str, ask: &Value) -> Result<Value, AdminError> {
        Ok(self.wire.admin(&self.options.issuer.admin, method, &path(pool, what), ask).await?)
    }
}

fn report(checked: &Checked, pool: &PoolId) {
    let counts = checked.counts;
    println!(
        "export of {} into {pool}: {} groups, {} app clients, {} users, digest {}",
        checked.pool.pool, counts.groups, counts.clients, counts.users, checked.digest
    );
    if !keeps_srp(checked, pool) {
        println!("the pool's name is another one: SRP verifiers are bound to it and are left out; passwords are not");
    }
    for problem in &checked.problems {
        println!("line {} ({}): {}", problem.line, problem.what, problem.why);
    }
    let told = checked.problems.len() as u64;
    if checked.refused > told {
        println!("and {} lines more", checked.refused - told);
    }
}

fn keeps_srp(checked: &Checked, pool: &PoolId) -> bool {
    checked.pool.pool.suffix() == pool.suffix()
}

fn path(pool: &PoolId, what: &str) -> String {
    format!("/v1/pools/{pool}/import{what}")
}
