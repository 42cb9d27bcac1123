//! `tollgate admin`: what Cognito's API does not have. Most of it asks the issuer's admin listener with a key; what must work
//! without a running issuer says so.

mod backup;
mod client;
mod edge_keys;
mod key_file;
mod keys;
mod messages;
mod schema;
mod signing_keys;
mod transfer;

#[cfg(feature = "edge")]
pub(crate) use self::keys::exchange;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use common::secret::SecretString;
use common::settings::EXIT_CONFIG;
use common::sigv4::Credentials;
use hyper::Method;
use serde_json::json;

use crate::wire::{Signer, Wire, WireError};

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make the key that makes the first admin key, while the issuer is stopped. It is used once: `tollgate admin keys create --first-key FILE`.
    FirstKey {
        /// The issuer's settings file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Where to write it, mode 0600. The file must not exist.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Also when there are other keys: for when all of them are lost.
        #[arg(long)]
        recover: bool,
    },
    /// Admin keys: who may call the signed operations and these commands, and what each may do.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// App clients: what they may do as OAuth clients beyond Cognito's settings.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// The keys that sign a pool's tokens.
    #[command(subcommand)]
    SigningKeys(signing_keys::SigningKeysCommand),
    /// Copy the whole database of a running issuer into a file.
    Backup(backup::Backup),
    /// Fill an empty database from a backup, while the issuer is stopped. Everyone must sign in again.
    Restore(backup::Restore),
    /// Make a key pair for exports: the private key into a file, the public one printed.
    ExportKey(transfer::ExportKeyOptions),
    /// Copy a pool into a file that another deployment can import, sealed to a public key, while the pool is in use.
    Export(transfer::Export),
    /// Print an export in clear: JSON lines (docs/EXPORT.md).
    ExportRead(transfer::ExportRead),
    /// Fill an empty pool, or a new one, from an export. People keep their passwords and `sub`s.
    Import(transfer::Import),
    /// Custom attributes and how people sign in, changed while the pool works; indexes for searching within values.
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    /// Messages to users: what became of them, and another try.
    #[command(subcommand)]
    Messages(messages::MessagesCommand),
    /// Secrets that all edges share, which the issuer makes and brings to them.
    #[command(subcommand)]
    EdgeKeys(edge_keys::EdgeKeysCommand),
    /// Edges: who may receive which pools' keys and revocations.
    #[command(subcommand)]
    Edge(EdgeCommand),
}

#[derive(Debug, Subcommand)]
enum EdgeCommand {
    /// Print a join token for a new edge: single use, 15 minutes.
    Enrol {
        name: String,
        /// Pools that the edge serves.
        #[arg(long, value_name = "POOL", required = true, num_args = 1..)]
        pools: Vec<String>,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Cut an edge off and never let it back in under its certificate.
    Revoke {
        name: String,
        #[command(flatten)]
        issuer: Issuer,
    },
}

/// The key is taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
#[derive(Debug, clap::Args)]
struct Issuer {
    /// The issuer's admin listener.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8702")]
    admin: String,
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Settings(#[from] issuer::ConfigError),
    #[error(transparent)]
    Start(#[from] issuer::StartError),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("{0} is not set: the admin key comes by environment")]
    NoKey(&'static str),
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl AdminError {
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Settings(_) | Self::NoKey(_) | Self::File { .. }) { EXIT_CONFIG } else { 1 }
    }
}

pub async fn run(options: Options) -> Result<(), AdminError> {
    match options.command {
        AdminCommand::FirstKey { config, output, recover } => first_key(&config, &output, recover).await?,
        AdminCommand::Keys(command) => keys::run(command).await?,
        AdminCommand::Client(command) => client::run(command).await?,
        AdminCommand::SigningKeys(command) => signing_keys::run(command).await?,
        AdminCommand::Backup(options) => backup::backup(options).await?,
        AdminCommand::Restore(options) => backup::restore(options).await?,
        AdminCommand::ExportKey(options) => transfer::export_key(&options)?,
        AdminCommand::Export(options) => transfer::export(options).await?,
        AdminCommand::ExportRead(options) => transfer::export_read(&options)?,
        AdminCommand::Import(options) => transfer::import(options).await?,
        AdminCommand::Schema(command) => schema::run(command).await?,
        AdminCommand::Messages(command) => messages::run(command).await?,
        AdminCommand::EdgeKeys(command) => edge_keys::run(command).await?,
        AdminCommand::Edge(EdgeCommand::Enrol { name, pools, issuer }) => {
            let ask = json!({ "name": name, "pools": pools });
            let answer = issuer.wire()?.admin(&issuer.admin, Method::POST, "/v1/edges", &ask).await?;
            println!("{}", answer.get("join_token").and_then(|token| token.as_str()).unwrap_or_default());
        }
        AdminCommand::Edge(EdgeCommand::Revoke { name, issuer }) => {
            let path = format!("/v1/edges/{name}");
            issuer.wire()?.admin(&issuer.admin, Method::DELETE, &path, &json!({})).await?;
        }
    }
    Ok(())
}

async fn first_key(config: &Path, output: &Path, recover: bool) -> Result<(), AdminError> {
    // Before the key is made: one that cannot be written down is of no use.
    let file = key_file::create(output)?;
    let recovery = if recover { issuer::Recovery::Yes } else { issuer::Recovery::No };
    let made = async {
        let config = issuer::Config::load(config, crate::environment::texts())?;
        Ok::<_, AdminError>(issuer::first_key(&config, recovery).await?)
    };
    match made.await {
        Ok(key) => Ok(key_file::write(file, &key.access_key_id, &key.secret_access_key)?),
        Err(error) => {
            let _empty = std::fs::remove_file(output);
            Err(error)
        }
    }
}

impl Issuer {
    fn wire(&self) -> Result<Wire, AdminError> {
        let variable = |name: &'static str| std::env::var(name).map_err(|_| AdminError::NoKey(name));
        let credentials = Credentials {
            access_key_id: variable("AWS_ACCESS_KEY_ID")?,
            secret_access_key: SecretString::new(variable("AWS_SECRET_ACCESS_KEY")?),
            session_token: std::env::var("AWS_SESSION_TOKEN").ok().map(SecretString::new),
        };
        Ok(self.wire_of(credentials))
    }

    fn wire_of(&self, credentials: Credentials) -> Wire {
        Wire::new(Some(Signer { credentials, region: self.region.clone() }))
    }
}
