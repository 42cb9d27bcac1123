//! One edge's connection: feeds the core and does what it says.

use std::sync::Arc;
use std::time::Duration;

use common::clock::Clock;
use common::feed::{CloseReason, Decoder, FrameError, Message, Publish, Publisher};
use common::ids::EdgeId;
use quinn::{Connection, RecvStream, SendStream};
use tokio::sync::mpsc;

use super::enrolment::{self, Joined};
use super::hub::{Heads, Hub};
use super::registry::{CLOSE_POOLS, CLOSE_PROTOCOL, CLOSE_REVOKED, CLOSE_SLOW};
use super::reports;
use super::shared::Shared;

/// The edge opens its stream and says hello within this.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// An edge that takes nothing for this long is cut; it comes back by deltas.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(250);
/// How often the enrolment is looked up again.
const RECHECK: Duration = Duration::from_secs(2);
/// Frames that wait to be written, and messages that wait to be read.
const QUEUE: usize = 8;

/// Serves an edge whose certificate was verified, until the connection ends.
pub(super) async fn serve(shared: Arc<Shared>, edge: EdgeId, joined: Joined, connection: Connection) {
    let Ok(Ok((send, recv))) = tokio::time::timeout(HELLO_WITHIN, connection.accept_bi()).await else {
        return connection.close(CLOSE_PROTOCOL, b"no stream was opened");
    };
    let Some(key) = shared.registry.add(edge.clone(), connection.clone(), shared.clock.now()) else {
        return connection.close(CLOSE_SLOW, b"too many edges");
    };
    let (frames, to_write) = mpsc::channel(QUEUE);
    let (read, messages) = mpsc::channel(QUEUE);
    let writer = tokio::spawn(write(send, to_write, connection.clone()));
    let reader = tokio::spawn(decode(recv, read));
    let reporting =
        tokio::spawn(reports::serve(shared.clone(), edge.clone(), joined.pools.clone(), connection.clone()));
    let core = Publisher::new(shared.hub.fresh_heads().await.map(|heads| served(&joined, &heads)).unwrap_or_default());
    let mut session = Session { shared: shared.clone(), edge, joined, key, core, frames, connection };
    if let Err(end) = session.run(messages).await {
        tracing::info!(edge = %session.edge, reason = end.reason, "feed connection closed");
        session.connection.close(end.code, end.reason.as_bytes());
    }
    shared.registry.remove(key);
    writer.abort();
    reader.abort();
    reporting.abort();
}

/// Why the issuer ends a connection.
struct End {
    code: quinn::VarInt,
    reason: &'static str,
}

const PROTOCOL: End = End { code: CLOSE_PROTOCOL, reason: "the edge broke the protocol" };
const REVOKED: End = End { code: CLOSE_REVOKED, reason: "this edge was revoked" };
const POOLS: End = End { code: CLOSE_POOLS, reason: "what this edge may read has changed" };

struct Session {
    shared: Arc<Shared>,
    edge: EdgeId,
    joined: Joined,
    key: usize,
    core: Publisher,
    frames: mpsc::Sender<Vec<u8>>,
    connection: Connection,
}

impl Session {
    async fn run(&mut self, mut messages: mpsc::Receiver<Result<Message, FrameError>>) -> Result<(), End> {
        let hub = self.shared.hub.clone();
        let mut heads = hub.subscribe();
        self.shared.wake.ring(); // the hub sleeps while nobody listens
        let mut tick = tokio::time::interval(TICK);
        let mut recheck = tokio::time::interval(RECHECK);
        recheck.reset();
        let (frames, connection) = (self.frames.clone(), self.connection.clone());
        loop {
            let full = self.pump(&hub).await?;
            tokio::select! {
                biased;
                changed = heads.changed() => {
                    if changed.is_err() { return Ok(()); }
                    let fresh = heads.borrow_and_update().clone();
                    self.on_heads(&fresh)?;
                }
                message = messages.recv() => match message {
                    Some(message) => self.on_message(message.map_err(|_| PROTOCOL)?, &hub).await?,
                    None => return Ok(()),
                },
                permit = frames.reserve(), if full => drop(permit),
                _ = tick.tick() => {}
                _ = recheck.tick() => self.recheck().await?,
                _ = connection.closed() => return Ok(()),
            }
        }
    }

    /// Does what the core wants while there is room to send; answers whether room ran out.
    async fn pump(&mut self, hub: &Hub) -> Result<bool, End> {
        let frames = self.frames.clone();
        loop {
            let permit = match frames.try_reserve() {
                Ok(permit) => permit,
                Err(mpsc::error::TrySendError::Full(())) => return Ok(true),
                Err(mpsc::error::TrySendError::Closed(())) => return Ok(false),
            };
            let Some(action) = self.core.poll(self.shared.clock.now()) else { return Ok(false) };
            match action {
                Publish::Send(message) => permit.send(message.encode().map_err(|_| PROTOCOL)?),
                other => self.act(other, hub).await?,
            }
        }
    }

    async fn act(&mut self, action: Publish, hub: &Hub) -> Result<(), End> {
        match action {
            Publish::Send(_) => {}
            Publish::ReadRecords { feed, after } => match hub.records_after(&feed, after).await {
                Ok(Some(page)) => self.core.on_records(&feed, page.epoch, page.floor, &page.records),
                _ => self.core.on_read_failed(&feed),
            },
            Publish::ReadSnapshot { feed } => match hub.snapshot(&feed).await {
                Ok(Some((position, records))) => self.core.on_snapshot(&feed, position, records),
                _ => self.core.on_read_failed(&feed),
            },
            Publish::Renew { csr } => {
                let signed = self.shared.authority.sign_edge(&self.edge, &csr, self.shared.clock.now());
                let certificate = signed.map_err(|_| PROTOCOL)?;
                self.core.send_certificate(vec![certificate.to_vec()]);
            }
            Publish::EdgeIsAhead { feed, edge } => {
                tracing::error!(%feed, seen = %edge, name = %self.edge, "an edge is ahead of the database: commits were lost; begin a new epoch");
            }
            Publish::Close(CloseReason::Protocol) => return Err(PROTOCOL),
            Publish::Close(CloseReason::NotServed) => return Err(POOLS),
        }
        Ok(())
    }

    fn on_heads(&mut self, heads: &Heads) -> Result<(), End> {
        self.core.serve_also(served(&self.joined, heads));
        self.core.on_heads(heads.as_of, heads.positions());
        Ok(())
    }

    async fn on_message(&mut self, message: Message, hub: &Hub) -> Result<(), End> {
        let acked = matches!(message, Message::Ack(_));
        if let Message::Hello(_) = message {
            let heads =
                hub.fresh_heads().await.map_err(|_| End { code: CLOSE_SLOW, reason: "storage is unavailable" })?;
            self.on_heads(&heads)?;
        }
        self.core.on_message(message);
        if acked {
            let positions = self.core.acked().filter_map(|(feed, position)| Some((feed.clone(), position?)));
            self.shared.registry.update(self.key, self.core.ready(), positions.collect());
        }
        Ok(())
    }

    /// An edge may have been revoked, or given other pools, by another issuer.
    async fn recheck(&mut self) -> Result<(), End> {
        match enrolment::lookup(&self.shared.store, &self.edge).await {
            Ok(None) => Err(REVOKED),
            Ok(Some(joined)) if joined.pools != self.joined.pools => Err(POOLS),
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }
}

fn served(joined: &Joined, heads: &Heads) -> Vec<common::feed::FeedName> {
    heads.heads.keys().filter(|feed| joined.pools.allows(feed)).cloned().collect()
}

async fn write(mut send: SendStream, mut frames: mpsc::Receiver<Vec<u8>>, connection: Connection) {
    while let Some(frame) = frames.recv().await {
        match tokio::time::timeout(WRITE_WITHIN, send.write_all(&frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => return connection.close(CLOSE_SLOW, b"the edge reads too slowly"),
        }
    }
}

async fn decode(mut recv: RecvStream, messages: mpsc::Sender<Result<Message, FrameError>>) {
    let mut decoder = Decoder::default();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => {
                if messages.send(Message::decode(&frame)).await.is_err() {
                    return;
                }
            }
            Ok(None) => match recv.read(&mut chunk).await {
                Ok(Some(count)) => decoder.push(chunk.get(..count).unwrap_or_default()),
                _ => return,
            },
            Err(error) => return drop(messages.send(Err(error)).await),
        }
    }
}
