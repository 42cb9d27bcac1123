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
        /// Sign with this algorithm from then on: RS256, ES256 or EdDSA. As before where it is not said; Cognito's is RS256.
        #[arg(long, value_name = "ALG")]
        alg: Option<String>,
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
        SigningKeysCommand::Rotate { pool, now, alg, issuer } => {
            let alg = alg.as_ref().map(|alg| ("alg".to_owned(), json!(alg)));
            let ask = [("now".to_owned(), json!(now))].into_iter().chain(alg).collect();
            (issuer, Method::POST, path(pool), Value::Object(ask))
        }
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
