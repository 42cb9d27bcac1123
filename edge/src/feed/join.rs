//! Redeems the join token: a certificate for this edge's new key, once.

use std::path::Path;
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{Decoder, ISSUER_NAME, Join, JoinToken, Joined, Message};
use quinn::Connection;

use super::dial;
use super::error::FeedError;
use super::identity::{Identity, Request};
use super::tls;

const WITHIN: Duration = Duration::from_secs(10);
/// A certificate, the authority's and a little.
const MAX_ANSWER: usize = 64 * 1024;

/// Joins and writes the identity into `dir`. `issuer` overrides the address in the token.
pub(super) async fn join(token: JoinToken, issuer: &str, dir: &Path, now: UnixMillis) -> Result<Identity, FeedError> {
    let issuer = if issuer.is_empty() { token.issuer.clone() } else { issuer.to_owned() };
    let request = Request::new()?;
    let connection = dial::dial(&issuer, tls::join_config(token.ca)?, ISSUER_NAME).await?;
    let message = Join { name: token.name.clone(), secret: token.secret.clone(), csr: request.csr.clone() };
    let answer = tokio::time::timeout(WITHIN, exchange(&connection, message)).await.ok().flatten();
    let joined = match answer {
        Some(Message::Joined(joined)) => joined,
        Some(Message::JoinRefused(refused)) => return Err(refused.reason.into()),
        _ => return Err(FeedError::Unreachable(issuer)),
    };
    let identity = accept(token, request, joined, now)?;
    identity.save(dir)?;
    Ok(identity)
}

fn accept(token: JoinToken, request: Request, joined: Joined, now: UnixMillis) -> Result<Identity, FeedError> {
    if tls::key_hash(&joined.ca) != Some(token.ca) {
        return Err(FeedError::WrongAuthority);
    }
    if !joined.chain.first().is_some_and(|leaf| request.answers(leaf)) {
        return Err(FeedError::Certificate);
    }
    let key = request.key.serialized_der().to_vec();
    Ok(Identity { name: token.name, key, chain: joined.chain, ca: joined.ca, since: now })
}

async fn exchange(connection: &Connection, join: Join) -> Option<Message> {
    let (mut send, mut recv) = connection.open_bi().await.ok()?;
    send.write_all(&Message::Join(join).encode().ok()?).await.ok()?;
    send.finish().ok()?;
    let bytes = recv.read_to_end(MAX_ANSWER).await.ok()?;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    Message::decode(&decoder.next_frame().ok()??).ok()
}
