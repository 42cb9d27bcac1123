//! Who sends a request to the public listener, and whether it takes it: the word of edges, and of proxies that the operator trusts.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use cognito_model::Fault;
use common::attest::{HEADER, digests_of_fields};
use common::cognito;
use common::networks::Networks;
use uuid::Uuid;

use super::certificate::{self, Teller};
use super::{Public, asked, operations, respond, site};
use crate::aws_json::{Client, Peer};
use crate::config::From;
use crate::metrics;
use crate::publish::KnownEdge;
use crate::vouching::{self, Refusal, Refused, Vouched};

/// Before any route. What goes on has its client's address, and the edge that vouches for it, in its extensions.
pub async fn admit(State(public): State<Public>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match check(&public, &mut head, body).await {
        Ok(body) => next.run(Request::from_parts(head, body)).await,
        Err(fault) => {
            let request_id = Uuid::now_v7().to_string();
            if let Some(cause) = fault.cause() {
                tracing::error!(request_id, cause, "a request was not taken");
            }
            let mut response = respond::fault(&request_id, &fault);
            // Where nobody expects AWS JSON, the status says it.
            if response.status() == StatusCode::BAD_REQUEST && head.uri.path() != "/" {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
            response
        }
    }
}

async fn check(public: &Public, head: &mut Parts, body: Body) -> Result<Body, Fault> {
    let said: Vec<String> =
        head.headers.get_all(HEADER).iter().map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect();
    head.headers.remove(HEADER);
    let said = match said.as_slice() {
        [] => return without(public, head).map(|()| body).map_err(|refusal| refused(public, &refusal.into())),
        [said] => said,
        _ => return Err(refused(public, &Refusal::Several.into())),
    };
    let body = operations::read(body, public.operations.body_limit(&head.headers)).await?;
    let request = vouching::Request {
        method: head.method.as_str(),
        host: host(head),
        target: head.uri.path_and_query().map_or("", |target| target.as_str()),
        fields: digests_of_fields(|name| head.headers.get_all(name).iter().map(|value| value.as_bytes())),
        body: &body,
    };
    let vouched = public.verifier.take(said, request, public.services.now()).await;
    let vouched = vouched.map_err(|why| refused(public, &why))?;
    if !is_within(&vouched.edge, head.uri.path()) {
        return Err(of_edge(public, &vouched, Refusal::Pool));
    }
    if let Some(pool) = cognito::pool_of_path(head.uri.path()) {
        asked::check(public, &vouched, &pool).await?;
    } else if head.uri.path() != "/"
        && let Some(site) = site::find(public, head).await?
    {
        // Pages name their pool by the host alone.
        if !vouched.edge.serves(&site.pool) {
            return Err(of_edge(public, &vouched, Refusal::Pool));
        }
        asked::check(public, &vouched, &site.pool).await?;
    }
    count(public, "ok");
    head.extensions.insert(Client(vouched.client));
    certificate::take(head, Teller::Edge(vouched.certificate));
    head.extensions.insert(vouched);
    Ok(Body::from(body))
}

/// A request that no edge vouches for: signed ones prove themselves, all others go by the setting.
fn without(public: &Public, head: &mut Parts) -> Result<(), Refusal> {
    if public.traffic.from == From::Edges && !claims_a_signature(public, head) {
        return Err(Refusal::Absent);
    }
    let client = forwarded(head, &public.traffic.trusted_proxies);
    certificate::take(head, if client.is_some() { Teller::Proxy } else { Teller::Nobody });
    if let Some(client) = client {
        head.extensions.insert(client);
    }
    Ok(())
}

/// Whether the operation will demand the signature that the request has.
fn claims_a_signature(public: &Public, head: &Parts) -> bool {
    head.method == Method::POST
        && head.uri.path() == "/"
        && operations::is_signed(&head.headers)
        && public.operations.demand_signature(&head.headers)
}

fn forwarded(head: &Parts, proxies: &Networks) -> Option<Client> {
    let peer = head.extensions.get::<Peer>()?.0.ip();
    if !proxies.contains(peer) {
        return None;
    }
    let lines = head.headers.get_all("x-forwarded-for").iter().map(|line| line.as_bytes());
    Some(Client(common::forwarded::client(peer, lines, proxies)))
}

/// In HTTP/2 it may come as `:authority` alone.
pub(super) fn host(head: &Parts) -> &str {
    let field = head.headers.get(HOST).and_then(|value| value.to_str().ok());
    field.or_else(|| head.uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

/// Every path that names a pool is about that pool. An edge forwards canonical paths, in which nothing of a pool's id is escaped.
fn is_within(edge: &KnownEdge, path: &str) -> bool {
    let Some((first, _)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else { return true };
    let named = if first == ".well-known" { path } else { first };
    !named.contains('%') && cognito::pool_of_path(path).is_none_or(|pool| edge.serves(&pool))
}

/// Counts a refusal, and tells the operator of what an edge said: once a second, since every request may be refused alike.
fn refused(public: &Public, refused: &Refused) -> Fault {
    let reason = refused.refusal.metric();
    count(public, reason);
    let fault = Fault::from(refused.refusal);
    // One with a cause is told where it is answered.
    if let Some(edge) = refused.edge.as_ref().filter(|_| fault.cause().is_none())
        && public.verifier.is_to_be_told(public.services.now())
    {
        tracing::warn!(%edge, reason, "an edge's attestation does not count");
    }
    fault
}

/// For a request of which the edge's word holds, and does not fit the pool that it is about.
pub fn of_edge(public: &Public, vouched: &Vouched, refusal: Refusal) -> Fault {
    refused(public, &Refused { refusal, edge: Some(vouched.edge.name.clone()) })
}

fn count(public: &Public, result: &'static str) {
    public.services.metrics.attestations.get_or_create(&metrics::Vouched { result }).inc();
}
