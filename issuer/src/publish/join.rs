//! `tg-join/1`: a join token for a certificate, once.

use std::time::Duration;

use common::clock::Clock;
use common::feed::{Decoder, Join, JoinRefused, Joined, Message, RefusedJoin};
use quinn::{Connection, RecvStream};

use super::enrolment;
use super::registry::CLOSE_PROTOCOL;
use super::shared::Shared;

const WITHIN: Duration = Duration::from_secs(5);
/// A join message is a few hundred bytes.
const MAX_REQUEST: usize = 8 * 1024;

pub(super) async fn serve(shared: &Shared, connection: Connection) {
    if tokio::time::timeout(WITHIN, exchange(shared, &connection)).await.is_err() {
        connection.close(CLOSE_PROTOCOL, b"too slow");
    }
}

async fn exchange(shared: &Shared, connection: &Connection) {
    let Ok((mut send, mut recv)) = connection.accept_bi().await else { return };
    let Some(join) = request(&mut recv).await else {
        return connection.close(CLOSE_PROTOCOL, b"not a join request");
    };
    let name = join.name.clone();
    let answer = match redeem(shared, join).await {
        Ok(joined) => {
            tracing::info!(edge = %name, "an edge joined");
            Message::Joined(joined)
        }
        Err(reason) => {
            tracing::warn!(edge = %name, %reason, "an edge was not let in");
            Message::JoinRefused(JoinRefused { reason })
        }
    };
    let Ok(bytes) = answer.encode() else { return };
    if send.write_all(&bytes).await.is_ok() && send.finish().is_ok() {
        let _ = send.stopped().await; // until the edge has it all
    }
    connection.close(quinn::VarInt::from_u32(0), b"");
}

/// The certificate is signed before the secret is used up, so a bad request costs nothing. If the answer is lost afterwards, the operator enrols
/// the edge again.
async fn redeem(shared: &Shared, join: Join) -> Result<Joined, RefusedJoin> {
    let now = shared.clock.now();
    let leaf = shared.authority.sign_edge(&join.name, &join.csr, now).map_err(|_| RefusedJoin::Request)?;
    match enrolment::redeem(&shared.store, &join.name, &join.secret, now).await {
        Ok(true) => {
            // Its earlier certificates are void.
            shared.directory.forget();
            Ok(Joined { chain: vec![leaf.to_vec()], ca: shared.authority.certificate().to_vec() })
        }
        Ok(false) => Err(RefusedJoin::Token),
        Err(_) => Err(RefusedJoin::Unavailable),
    }
}

async fn request(recv: &mut RecvStream) -> Option<Join> {
    let bytes = recv.read_to_end(MAX_REQUEST).await.ok()?;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    match Message::decode(&decoder.next_frame().ok()??) {
        Ok(Message::Join(join)) => Some(join),
        _ => None,
    }
}
