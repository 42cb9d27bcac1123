//! `tollgate admin client`

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::{AdminError, Issuer};

#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Show what the client may do beyond Cognito's settings, in the form that `set` takes.
    Show {
        #[command(flatten)]
        client: Named,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Put other settings in the place of all of them.
    Set {
        #[command(flatten)]
        client: Named,
        /// JSON (docs/OPERATIONS.md, "OAuth clients"); `-` for standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        issuer: Issuer,
    },
}

#[derive(Debug, clap::Args)]
pub struct Named {
    #[arg(long)]
    pool: String,
    /// Its id.
    #[arg(long)]
    client: String,
}

pub(super) async fn run(command: ClientCommand) -> Result<(), AdminError> {
    let (client, issuer, method, ask) = match &command {
        ClientCommand::Show { client, issuer } => (client, issuer, Method::GET, json!({})),
        ClientCommand::Set { client, file, issuer } => (client, issuer, Method::PUT, read(file)?),
    };
    let path = format!("/v1/pools/{}/clients/{}/oauth", client.pool, client.client);
    let answer = issuer.wire()?.admin(&issuer.admin, method, &path, &ask).await?;
    println!("{:#}", answer.get("oauth").unwrap_or(&Value::Null));
    Ok(())
}

fn read(file: &Path) -> Result<Value, AdminError> {
    let at = |why: String| AdminError::File { path: file.display().to_string(), why };
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(|error| at(error.to_string()))?;
    } else {
        text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
    }
    serde_json::from_str(&text).map_err(|error| at(format!("is no JSON: {error}")))
}
