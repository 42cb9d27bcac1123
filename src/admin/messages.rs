//! `tollgate admin messages`: what became of messages to users, and another try for those that failed.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use super::{AdminError, Issuer};

#[derive(Debug, Subcommand)]
pub enum MessagesCommand {
    /// Print messages, newest first: one JSON object a line. Neither addresses nor contents are shown.
    List {
        /// Of this pool only.
        #[arg(long, value_name = "POOL")]
        pool: Option<String>,
        /// waiting, sending, delivered or failed.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// How many, at most 500.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        issuer: Issuer,
    },
    /// Send a failed message again, while its code lives.
    Retry {
        id: String,
        #[arg(long, value_name = "POOL")]
        pool: String,
        #[command(flatten)]
        issuer: Issuer,
    },
}

pub async fn run(command: MessagesCommand) -> Result<(), AdminError> {
    match command {
        MessagesCommand::List { pool, state, limit, issuer } => {
            let mut path = format!("/v1/messages?limit={limit}");
            for (name, value) in [("pool", pool), ("state", state)] {
                if let Some(value) = value {
                    path.push_str(&format!("&{name}={}", in_query(&value)));
                }
            }
            let answer = issuer.wire()?.admin(&issuer.admin, Method::GET, &path, &json!({})).await?;
            for message in answer.get("messages").and_then(Value::as_array).into_iter().flatten() {
                println!("{message}");
            }
        }
        MessagesCommand::Retry { id, pool, issuer } => {
            let path = format!("/v1/messages/{}/retry", in_query(&id));
            issuer.wire()?.admin(&issuer.admin, Method::POST, &path, &json!({ "pool": pool })).await?;
        }
    }
    Ok(())
}

/// Percent-encoded, but for what needs no encoding anywhere (RFC 3986 §2.3).
fn in_query(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
