//! WebSockets (RFC 6455): the handshake with a server, and then bytes both ways.
//!
//! Not by pingora's own way of upgrading: its 0.9.1 tells the half that writes to the server by a channel that the (empty) request body has ended. A server
//! whose 101 is there before that half has looked into the channel gets its tunnel closed at once, since the end is taken for that of the tunnel. With
//! busy processors this happens to one handshake in some tens.

use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use common::reject::Reject;
use futures_util::FutureExt;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Method, StatusCode};
use pingora::ErrorType;
use pingora::connectors::TransportConnector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{Error, HttpPeer, OkOrErr, OrErr, Result, Session};
use pingora::protocols::Stream;
use pingora::protocols::http::v1::client::HttpSession;
use pingora::upstreams::peer::Peer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::gateway::context::Context;
use crate::gateway::{Gateway, outcome, trip, upstream, watch};

/// Pieces of this size at most are carried.
const PIECE: usize = 64 * 1024;
/// How long a server may go on after its client has closed.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Whether this is a handshake, and nothing but one: a request that asks for more of its connection goes pingora's way, which refuses or strips that.
pub fn is_wanted(session: &mut Session) -> bool {
    if session.is_http2() || !session.is_upgrade_req() || !session.is_body_empty() {
        return false;
    }
    let head = session.req_header();
    let asks_only_that =
        head.headers.get_all(CONNECTION).iter().flat_map(|field| field.as_bytes().split(|byte| *byte == b','));
    let mut asks_only_that = asks_only_that.map(<[u8]>::trim_ascii).filter(|token| !token.is_empty());
    head.method == Method::GET
        && trip::is_websocket(session)
        && asks_only_that
            .all(|token| token.eq_ignore_ascii_case(b"upgrade") || token.eq_ignore_ascii_case(b"keep-alive"))
}

/// Asks a server and carries what comes of it. An error means that the client has got no answer.
pub async fn open(gateway: &Gateway, session: &mut Session, ctx: &mut Context) -> Result<()> {
    let (server, mut head) = loop {
        let (peer, stream) = connect(&gateway.connector, session, ctx).await?;
        let mut server = HttpSession::new_with_options(stream, &*peer);
        let error = match shake_hands(&mut server, session, ctx).await {
            Ok(head) => match answered(session, head.status.as_u16(), ctx) {
                Ok(()) => break (server, head),
                Err(error) => error,
            },
            Err(error) => error.into_up(),
        };
        if !outcome::broke_off(session, &peer, &error, false, ctx) {
            return Err(error);
        }
        watch::disarm(); // the answer that another server's follows had moved it
    };
    let switches = head.status == StatusCode::SWITCHING_PROTOCOLS;
    upstream::answer(&mut head, &session.req_header().headers, ctx)?;
    if !switches {
        gateway.watch_over(session, ctx);
        return pass_on(server, head, session, ctx).await;
    }
    let idle = trip::upgraded(session, ctx)?;
    session.write_response_header(Box::new(head), false).await?;
    // What the client does from here on is no failure of the request.
    let _ = carry(server, session, idle).await;
    Ok(())
}

fn answered(session: &Session, status: u16, ctx: &mut Context) -> Result<()> {
    ctx.first_byte();
    outcome::answered(session, status, ctx)
}

/// Connects to one server after the other, as far as the route allows.
async fn connect(
    connector: &TransportConnector,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<(Box<HttpPeer>, Stream)> {
    loop {
        let peer = trip::next_peer(session, ctx).map_err(|reject| ctx.ended_by(reject))?;
        ctx.server = peer.address().as_inet().copied();
        match connector.new_stream(&*peer).await {
            Ok(stream) => {
                outcome::connected(ctx);
                return Ok((peer, stream));
            }
            Err(_) if outcome::not_connected(&peer, ctx) => {}
            Err(error) => return Err(error.into_up()),
        }
    }
}

/// Sends the request; answers the head of the final response, or of 101.
async fn shake_hands(server: &mut HttpSession, session: &Session, ctx: &Context) -> Result<ResponseHeader> {
    let exchange = async {
        server.write_request_header(Box::new(outgoing(session.req_header(), ctx)?)).await?;
        server.finish_body().await?;
        loop {
            server.read_response().await?;
            let head = server.resp_header().or_err(ErrorType::InternalError, "an answer without a head")?;
            if upstream::is_final(head.status) {
                return Ok(head.clone());
            }
        }
    };
    match trip::answer_within(ctx) {
        None => exchange.await,
        Some(limit) => timeout(limit, exchange).await.or_err(ErrorType::ReadTimedout, "no answer to a handshake")?,
    }
}

fn outgoing(received: &RequestHeader, ctx: &Context) -> Result<RequestHeader> {
    let mut outgoing = received.clone();
    for name in upstream::HOP_BY_HOP {
        outgoing.remove_header(&name);
    }
    upstream::prepare(&mut outgoing, ctx)?;
    outgoing.insert_header(CONNECTION, HeaderValue::from_static("Upgrade"))?;
    outgoing.insert_header(UPGRADE, HeaderValue::from_static("websocket"))?;
    Ok(outgoing)
}

/// The server does not switch: its answer is one like any other.
async fn pass_on(
    mut server: HttpSession,
    head: ResponseHeader,
    session: &mut Session,
    ctx: &mut Context,
) -> Result<()> {
    session.write_response_header(Box::new(head), false).await?;
    while let Some(piece) = server.read_body_bytes().await.map_err(Error::into_up)? {
        let now = Instant::now();
        if ctx.trip.is_late(now) {
            return Err(ctx.ended_by(Reject::UpstreamTimeout));
        }
        ctx.trip.alive(now);
        session.write_response_body(Some(piece), false).await?;
    }
    session.write_response_body(None, true).await
}

/// Until the server ends, or both have been silent for `idle`. What a client sends waits for a server only as a server reads it; while a client does
/// not take what a server has sent, nothing more is read from it: both are one session of pingora's.
async fn carry(mut server: HttpSession, session: &mut Session, idle: Option<Duration>) -> Result<()> {
    // Bytes that came with the head of the answer; nothing is waited for.
    while let Some(piece) = server.read_body_bytes().now_or_never() {
        let Some(piece) = piece? else { return Ok(()) };
        session.write_response_body(Some(piece), false).await?;
    }
    let (mut from_server, mut to_server) = tokio::io::split(server.into_inner());
    let (mut down, mut up) = (BytesMut::with_capacity(PIECE), Bytes::new());
    let (mut unflushed, mut open) = (false, true);
    loop {
        let patience = if open { idle } else { Some(LAST_WORDS) };
        let silence = async {
            match patience {
                Some(span) => sleep(span).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = from_server.read_buf(&mut down) => {
                if read.or_err(ErrorType::ReadError, "from the server")? == 0 {
                    return Ok(());
                }
                session.write_response_body(Some(down.split().freeze()), false).await?;
                down.reserve(PIECE);
            }
            sent = send(&mut to_server, &mut up, &mut unflushed), if up.has_remaining() || unflushed => {
                sent.or_err(ErrorType::WriteError, "to the server")?;
            }
            read = session.downstream_session.read_request_body(), if open && !unflushed && !up.has_remaining() => {
                match read? {
                    Some(piece) => up = piece,
                    None => {
                        open = false;
                        close(&mut to_server).await;
                    }
                }
            }
            () = silence => return Ok(()),
        }
    }
}

/// One step of writing, which may be broken off.
async fn send(to_server: &mut (impl AsyncWriteExt + Unpin), up: &mut Bytes, unflushed: &mut bool) -> io::Result<()> {
    if up.has_remaining() {
        let written = to_server.write(up).await?;
        up.advance(written);
        *unflushed = true;
    } else {
        to_server.flush().await?;
        *unflushed = false;
    }
    Ok(())
}

/// Tells the server that its client has closed. It may be gone itself.
async fn close(to_server: &mut (impl AsyncWriteExt + Unpin)) {
    let _: io::Result<()> = to_server.shutdown().await;
}
