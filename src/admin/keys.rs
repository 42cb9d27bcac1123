//! `tollgate admin keys`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use common::secret::SecretString;
use common::settings;
use hyper::Method;
use serde_json::{Map, Value, json};

use super::{AdminError, Issuer, key_file};
use crate::wire::WireError;

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key. Its secret is shown this once.
    Create {
        /// Whose or what for: `aws:username` in policies.
        name: String,
        /// A policy document (docs/OPERATIONS.md, "Admin keys"); without one the key may do everything.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// How long the key is good, such as `90d`; without it, until it is deleted.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        expires: Option<Duration>,
        /// Sign with the key of this file, from `tollgate admin first-key`, instead of the environment's. It is used up: the file is removed.
        #[arg(long, value_name = "FILE")]
        first_key: Option<PathBuf>,
        /// Write the key into this new file, mode 0600, instead of showing it.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Show all keys, without their secrets.
    List {
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Show one key with its policy.
    Show {
        id: String,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Give a key another policy, from now on.
    Policy {
        id: String,
        #[arg(value_name = "FILE")]
        policy: PathBuf,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Refuse a key until it is enabled again.
    Disable {
        id: String,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Accept a disabled key again.
    Enable {
        id: String,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Refuse a key for good.
    Delete {
        id: String,
        #[command(flatten)]
        issuer: Issuer,
    },
}

pub(super) async fn run(command: KeysCommand) -> Result<(), AdminError> {
    match command {
        KeysCommand::Create { name, policy, expires, first_key, output, issuer } => {
            let ask = create_request(name, policy.as_deref(), expires)?;
            create(&ask, first_key.as_deref(), output.as_deref(), &issuer).await
        }
        KeysCommand::List { issuer } => show(&issuer, "/v1/keys").await,
        KeysCommand::Show { id, issuer } => show(&issuer, &format!("/v1/keys/{id}")).await,
        KeysCommand::Policy { id, policy, issuer } => change(&issuer, &id, &json!({ "policy": text(&policy)? })).await,
        KeysCommand::Disable { id, issuer } => change(&issuer, &id, &json!({ "enabled": false })).await,
        KeysCommand::Enable { id, issuer } => change(&issuer, &id, &json!({ "enabled": true })).await,
        KeysCommand::Delete { id, issuer } => {
            issuer.wire()?.admin(&issuer.admin, Method::DELETE, &format!("/v1/keys/{id}"), &json!({})).await?;
            Ok(())
        }
    }
}

fn create_request(name: String, policy: Option<&Path>, expires: Option<Duration>) -> Result<Value, AdminError> {
    let mut ask = Map::from_iter([("name".to_owned(), Value::from(name))]);
    if let Some(policy) = policy {
        ask.insert("policy".to_owned(), text(policy)?.into());
    }
    if let Some(expires) = expires {
        ask.insert("expires_in_seconds".to_owned(), expires.as_secs().into());
    }
    Ok(ask.into())
}

async fn create(ask: &Value, first: Option<&Path>, output: Option<&Path>, issuer: &Issuer) -> Result<(), AdminError> {
    let wire = match first {
        Some(path) => issuer.wire_of(key_file::read(path)?),
        None => issuer.wire()?,
    };
    let file = output.map(|path| Ok::<_, AdminError>((path, key_file::create(path)?))).transpose()?;
    let made = wire.admin(&issuer.admin, Method::POST, "/v1/keys", ask).await;
    if let (Err(_), Some((path, _))) = (&made, &file) {
        let _empty = std::fs::remove_file(path);
    }
    let made = made?;
    let member = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
    let (id, secret) = (member("access_key_id"), SecretString::new(member("secret_access_key").to_owned()));
    match file {
        Some((_, file)) => key_file::write(file, id, &secret)?,
        None => print!("{}", key_file::text(id, &secret)),
    }
    if let Some(path) = first {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

async fn show(issuer: &Issuer, path: &str) -> Result<(), AdminError> {
    let answer = issuer.wire()?.admin(&issuer.admin, Method::GET, path, &json!({})).await?;
    println!("{answer:#}");
    Ok(())
}

async fn change(issuer: &Issuer, id: &str, ask: &Value) -> Result<(), AdminError> {
    issuer
        .wire()?
        .admin(&issuer.admin, Method::PATCH, &format!("/v1/keys/{id}"), ask)
        .await
        .map(drop)
        .map_err(Into::into)
}

fn text(path: &Path) -> Result<String, AdminError> {
    let at = |why: std::io::Error| AdminError::File { path: path.display().to_string(), why: why.to_string() };
    std::fs::read_to_string(path).map_err(at)
}

fn duration(text: &str) -> Result<Duration, String> {
    settings::duration(text).ok_or_else(|| format!("\"{text}\" is no duration such as 12h or 90d"))
}

/// Makes a key that may do everything, with a first key: what `tollgate up` needs once.
#[cfg(feature = "edge")]
pub async fn exchange(wire: &crate::wire::Wire, admin: &str, name: &str) -> Result<(String, String), WireError> {
    let made = wire.admin(admin, Method::POST, "/v1/keys", &json!({ "name": name })).await?;
    let member = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((member("access_key_id"), member("secret_access_key")))
}
