//! `tollgate admin signing-keys`

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::{AdminError, Issuer};

#[derive(Debug, Subcommand)]
pub enum SigningKeysCommand {
    /// Show a pool's keys, those of the past too.
    List {
        #[arg(long, value_name = "POOL")]
        pool: String,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Replace a pool's keys. The new ones are published at once and sign later, so that no valid token is refused.
    Rotate {
        #[arg(long, value_name = "POOL")]
        pool: String,
        /// Sign with the new keys as soon as every connected edge has them. Others who verify by the JWK set must look at it again.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// End a key that leaked: what it signed is refused at once, and another signs.
    Revoke {
        #[arg(long, value_name = "POOL")]
        pool: String,
        kid: String,
        #[command(flatten)]
        issuer: Issuer,
    },
}

pub(super) async fn run(command: SigningKeysCommand) -> Result<(), AdminError> {
    let (issuer, method, path, ask) = match &command {
        SigningKeysCommand::List { pool, issuer } => (issuer, Method::GET, path(pool), json!({})),
        SigningKeysCommand::Rotate { pool, now, issuer } => (issuer, Method::POST, path(pool), json!({ "now": now })),
        SigningKeysCommand::Revoke { pool, kid, issuer } => {
            (issuer, Method::DELETE, format!("{}/{kid}", path(pool)), json!({}))
        }
    };
    let answer = issuer.wire()?.admin(&issuer.admin, method, &path, &ask).await?;
    for key in answer.get("keys").and_then(Value::as_array).into_iter().flatten() {
        let member = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        println!("{} {:<6} {:<5} {}", member("kid"), member("purpose"), member("alg"), member("state"));
    }
    Ok(())
}

fn path(pool: &str) -> String {
    format!("/v1/pools/{pool}/signing-keys")
}
