//! One active check: the same connection that a request would get, made anew, and one answer on it.

use http::HeaderValue;
use http::header::{HOST, USER_AGENT};
use pingora::connectors::ConnectorOptions;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;
use tokio::time::timeout;

use crate::gateway::{Wanted, describe};
use crate::snapshot::upstream::Upstream;
use crate::snapshot::upstream::server::Server;
use crate::snapshot::upstream::settings::{HealthCheck, HostHeader};

/// Nothing is kept for the next check.
const KEPT_CONNECTIONS: usize = 1;

/// Makes the connections of checks.
pub struct Checker(Connector);

impl Checker {
    pub fn new() -> Self {
        Self(Connector::new(Some(ConnectorOptions::new(KEPT_CONNECTIONS))))
    }

    /// Whether the server is well; if not, why.
    pub async fn check(&self, upstream: &Upstream, server: &Server, rule: &HealthCheck) -> Result<(), String> {
        let wanted = Wanted { read_timeout: Some(rule.timeout), upgrade: false };
        let mut peer = describe(upstream, server, wanted).map_err(|reject| reject.to_string())?;
        // So that a connection that hangs is not used again: with one stream it is never pooled.
        peer.options.max_h2_streams = 1;
        let asked = timeout(rule.timeout, self.ask(&peer, upstream, server, rule)).await;
        asked.map_err(|_| "no answer in time".to_owned())?
    }

    async fn ask(
        &self,
        peer: &HttpPeer,
        upstream: &Upstream,
        server: &Server,
        rule: &HealthCheck,
    ) -> Result<(), String> {
        let told = |error: Box<pingora::Error>| error.etype().as_str().to_owned();
        let (mut session, _) = self.0.get_http_session(peer).await.map_err(told)?;
        let Some(path) = &rule.path else { return Ok(()) };
        let mut request = RequestHeader::build("GET", path.as_bytes(), Some(2)).map_err(told)?;
        let host = match &upstream.settings.host {
            HostHeader::Fixed(host) => Some(host),
            HostHeader::Pass | HostHeader::Server => server.authority.as_ref(),
        };
        request.insert_header(HOST, host.cloned().unwrap_or(HeaderValue::from_static("localhost"))).map_err(told)?;
        request.insert_header(USER_AGENT, "tollgate-health-check").map_err(told)?;
        session.write_request_header(Box::new(request)).await.map_err(told)?;
        session.finish_request_body().await.map_err(told)?;
        session.read_response_header().await.map_err(told)?;
        let status = session.response_header().map_or(0, |response| response.status.as_u16());
        session.shutdown().await;
        let is_expected = rule.expect_status.iter().any(|range| range.contains(&status));
        if is_expected { Ok(()) } else { Err(format!("status {status}")) }
    }
}
