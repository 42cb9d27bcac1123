//! HTTP/1: one request after the other.

use std::sync::Arc;

use pingora::apps::HttpServerApp;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use crate::gateway::{Gateway, connection};

/// Until one side has had enough.
pub async fn serve(stream: Stream, proxy: &Arc<HttpProxy<Gateway>>, shutdown: &ShutdownWatch) {
    let mut session = ServerSession::new_http1(stream);
    // The gateway sets how long an idle connection is kept; here only whether.
    session.set_keepalive(if *shutdown.borrow() { None } else { Some(60) });
    let mut next = proxy.process_new_http(session, shutdown).await;
    while let Some(reused) = next {
        // Only now: what was left of the last request's body has been read and thrown away.
        connection::next_head_begins();
        let (stream, settings) = reused.consume();
        let mut session = ServerSession::new_http1(stream);
        if let Some(settings) = settings {
            settings.apply_to_session(&mut session);
        }
        next = proxy.process_new_http(session, shutdown).await;
    }
}
