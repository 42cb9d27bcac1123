//! The API that `tollgate up` protects when the user names none: it echoes what it received, so that one sees what an edge
//! adds and removes.

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const BODY_LIMIT: usize = 64 * 1024;

/// Serves until the process ends.
pub async fn serve(address: SocketAddr) -> std::io::Result<Infallible> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(echo));
            let _closed = connection.await;
        });
    }
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let (status, body) = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => (StatusCode::OK, json!(String::from_utf8_lossy(&body.to_bytes()))),
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, Value::Null),
    };
    let headers: Vec<Value> = head
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let answer = json!({
        "message": "this is the sample API: it shows what reached it",
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": head.uri.query(),
        "headers": headers,
        "body": body,
    });
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}
