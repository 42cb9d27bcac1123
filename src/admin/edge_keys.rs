//! `tollgate admin edge-keys`

use clap::{Subcommand, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use super::{AdminError, Issuer};

#[derive(Debug, Subcommand)]
pub enum EdgeKeysCommand {
    /// Show which keys there are, without their secrets.
    List {
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Make another key, which all edges use as soon as they have it.
    Rotate {
        usage: Usage,
        /// What was made with the keys before counts no more: one of them has leaked.
        #[arg(long)]
        end_old: bool,
        #[command(flatten)]
        issuer: Issuer,
    },
}

/// What edges do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// Sign puzzles of challenges, and the tokens for them.
    Challenge,
    /// Name what limits count that edges share.
    Limit,
}

pub(super) async fn run(command: EdgeKeysCommand) -> Result<(), AdminError> {
    let (issuer, method, path, ask) = match &command {
        EdgeKeysCommand::List { issuer } => (issuer, Method::GET, "/v1/edge-keys".to_owned(), json!({})),
        EdgeKeysCommand::Rotate { usage, end_old, issuer } => {
            let name = match usage {
                Usage::Challenge => "challenge",
                Usage::Limit => "limit",
            };
            (issuer, Method::POST, format!("/v1/edge-keys/{name}"), json!({ "end_old": end_old }))
        }
    };
    let answer = issuer.wire()?.admin(&issuer.admin, method, &path, &ask).await?;
    for key in answer.get("keys").and_then(Value::as_array).into_iter().flatten() {
        let number = |name: &str| key.get(name).and_then(Value::as_u64);
        let usage = key.get("usage").and_then(Value::as_str).unwrap_or_default();
        let until = number("until").map_or_else(|| "in use".to_owned(), |until| format!("accepted until {until}"));
        let (count, made) = (number("number").unwrap_or_default(), number("created_at").unwrap_or_default());
        println!("{usage:<9} {count} made {made} {until}");
    }
    Ok(())
}
