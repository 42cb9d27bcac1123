//! One edge's connection: joins it, or drives the publisher's state machine for it.

use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, SystemClock};
use common::feed::{ALPN_JOIN, Decoder, Join, JoinRefused, Joined, Message, Publish, Publisher, RefusedJoin};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use tokio::sync::mpsc;

use super::Shared;

const TICK: Duration = Duration::from_millis(250);
const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// A join request takes a few hundred bytes.
const JOIN_LIMIT: usize = 8 * 1024;
/// Messages of an edge that wait.
const QUEUE: usize = 16;

pub async fn accept(endpoint: &Endpoint, shared: Arc<Shared>) {
    while let Some(incoming) = endpoint.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // An edge that ends in between is nothing to report: it comes again, or the bench ends.
            let Ok(connection) = incoming.await else { return };
            if protocol(&connection).as_deref() == Some(ALPN_JOIN) {
                let _ = tokio::time::timeout(JOIN_WITHIN, join(&shared, &connection)).await;
            } else {
                let _ = serve(&shared, &connection).await;
            }
        });
    }
}

fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

async fn join(shared: &Shared, connection: &Connection) -> Option<()> {
    let (mut send, mut recv) = connection.accept_bi().await.ok()?;
    let bytes = recv.read_to_end(JOIN_LIMIT).await.ok()?;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    let Ok(Message::Join(join)) = Message::decode(&decoder.next_frame().ok()??) else { return None };
    let answer = redeem(shared, &join).unwrap_or_else(|reason| Message::JoinRefused(JoinRefused { reason }));
    send.write_all(&answer.encode().ok()?).await.ok()?;
    send.finish().ok()?;
    send.stopped().await.ok()?;
    connection.close(0_u32.into(), b"");
    Some(())
}

fn redeem(shared: &Shared, join: &Join) -> Result<Message, RefusedJoin> {
    if join.secret.expose() != shared.secret.expose() {
        return Err(RefusedJoin::Token);
    }
    let leaf = shared.authority.sign_edge(&join.name, &join.csr).map_err(|_| RefusedJoin::Request)?;
    Ok(Message::Joined(Joined { chain: vec![leaf.to_vec()], ca: shared.authority.certificate().to_vec() }))
}

async fn serve(shared: &Shared, connection: &Connection) -> Option<()> {
    connection.peer_identity()?;
    let (mut send, recv) = connection.accept_bi().await.ok()?;
    let (read, mut messages) = mpsc::channel(QUEUE);
    let reader = tokio::spawn(decode(recv, read));
    let mut core = Publisher::new(shared.log.feeds());
    let mut bell = shared.wake.subscribe();
    let mut tick = tokio::time::interval(TICK);
    loop {
        core.on_heads(SystemClock.now(), shared.log.heads());
        if pump(shared, &mut core, &mut send).await.is_none() {
            break;
        }
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => {
                    core.on_heads(SystemClock.now(), shared.log.heads());
                    core.on_message(message);
                }
                None => break,
            },
            _ = bell.changed() => {}
            _ = tick.tick() => {}
            _ = connection.closed() => break,
        }
    }
    reader.abort();
    Some(())
}

/// Does what the publisher wants until it wants nothing.
async fn pump(shared: &Shared, core: &mut Publisher, send: &mut SendStream) -> Option<()> {
    while let Some(action) = core.poll(SystemClock.now()) {
        match action {
            Publish::Send(message) => send.write_all(&message.encode().ok()?).await.ok()?,
            Publish::ReadRecords { feed, after } => {
                let (epoch, records) = shared.log.after(&feed, after.seq);
                core.on_records(&feed, epoch, 0, &records);
            }
            Publish::ReadSnapshot { feed } => {
                let (position, records) = shared.log.snapshot(&feed);
                core.on_snapshot(&feed, position, records);
            }
            // A run is over long before a certificate is.
            Publish::Renew { .. } => {}
            Publish::EdgeIsAhead { .. } | Publish::Close(_) => return None,
        }
    }
    Some(())
}

async fn decode(mut recv: RecvStream, messages: mpsc::Sender<Message>) -> Option<()> {
    let mut decoder = Decoder::default();
    loop {
        while let Some(frame) = decoder.next_frame().ok()? {
            messages.send(Message::decode(&frame).ok()?).await.ok()?;
        }
        let chunk = recv.read_chunk(16 * 1024, true).await.ok()??;
        decoder.push(&chunk.bytes);
    }
}
