//! gRPC as it is on the wire: HTTP/2 from end to end, trailers, streams both ways, and refusals that its clients understand.

use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, Request, Response};

use super::harness::{Edge, free_addresses};
use super::origins::{h2_client, h2_origin};
use super::{bearer, good_token};

struct Service {
    edge: Edge,
    address: std::net::SocketAddr,
    seen: super::origins::Seen,
}

impl Service {
    fn start() -> Self {
        let [address, _] = free_addresses();
        let (origin, seen) = h2_origin(None);
        let edge = Edge::start_listening(
            &format!("https = \"{address}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}"),
            "",
            &format!(
                "[[upstream]]\nname = \"grpc\"\nservers = [\"{origin}\"]\nprotocol = \"http2\"\nread_timeout = \"2s\"\n\
                 [[route]]\nmatch = {{ path = \"/shop.Orders/*\" }}\nupstream = \"grpc\"\ntoken = {{ issuers = [\"corp\"] }}\n\
                 [[route]]\nmatch = {{ path = \"/small.Orders/*\" }}\nupstream = \"grpc\"\nmax_body = \"4B\"\n\
                 [[route]]\nmatch = {{ path = \"/open/*\" }}\nupstream = \"grpc\"\n\
                 [[route]]\nmatch = {{ path = \"/dead.Orders/*\" }}\nupstream = \"nobody\"\n"
            ),
        );
        Self { edge, address, seen }
    }

    fn run(&self, work: impl AsyncFnOnce(h2::client::SendRequest<Bytes>)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = h2_client(self.address, &self.edge.certificate).await;
            let limit = Duration::from_secs(20);
            tokio::time::timeout(limit, work(client)).await.expect("an end");
        });
    }
}

fn call(path: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method("POST").uri(format!("https://api.test{path}"));
    for (name, value) in [("content-type", "application/grpc+proto"), ("te", "trailers")].iter().chain(fields) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

async fn body_of(response: Response<RecvStream>) -> (Response<()>, Vec<u8>, Option<HeaderMap>) {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    let trailers = body.trailers().await.unwrap();
    (Response::from_parts(parts, ()), bytes, trailers)
}

#[test]
fn a_call_passes_with_its_trailers_and_the_verified_identity() {
    let service = Service::start();
    let token = bearer(&good_token());
    service.run(async |client| {
        let fields = [("authorization", token.as_str()), ("x-user-id", "root"), ("proxy-authorization", "x")];
        let mut client = client.ready().await.unwrap();
        let (response, mut send) = client.send_request(call("/shop.Orders/Echo", &fields), false).unwrap();
        send.send_data(Bytes::from_static(b"order"), true).unwrap();
        let (response, body, trailers) = body_of(response.await.unwrap()).await;
        assert_eq!((response.status().as_u16(), body.as_slice()), (200, b"order".as_slice()));
        assert_eq!(response.headers()["x-request-id"].len(), 32);
        let trailers = trailers.expect("trailers");
        assert_eq!(
            (&trailers["grpc-status"], &trailers["x-trailer"]),
            (&"0".parse().unwrap(), &"kept".parse().unwrap())
        );
    });
    let heads = service.seen.heads.lock().unwrap();
    assert_eq!(heads[0].headers["te"], "trailers");
    assert_eq!(heads[0].uri.to_string(), "http://api.test/shop.Orders/Echo");
    assert!(!heads[0].headers.contains_key("x-user-id") && !heads[0].headers.contains_key("proxy-authorization"));
    assert_eq!(heads[0].headers["x-forwarded-host"], "api.test");
}

#[test]
fn both_sides_stream_at_once() {
    let service = Service::start();
    let token = bearer(&good_token());
    service.run(async |client| {
        let mut client = client.ready().await.unwrap();
        let request = call("/shop.Orders/Echo", &[("authorization", &token)]);
        let (response, mut send) = client.send_request(request, false).unwrap();
        send.send_data(Bytes::from_static(b"0"), false).unwrap();
        let mut body = response.await.unwrap().into_body();
        for number in 0..20_u8 {
            // The answer to each message comes before the next is sent: nothing is held back.
            let piece = body.data().await.unwrap().unwrap();
            assert_eq!(piece[0], b'0' + number % 10);
            body.flow_control().release_capacity(piece.len()).unwrap();
            send.send_data(Bytes::from(vec![b'0' + (number + 1) % 10]), number == 19).unwrap();
        }
        assert_eq!(body.data().await.unwrap().unwrap(), "0");
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    });
}

#[test]
fn refusals_end_the_stream_with_a_status_of_grpc() {
    let service = Service::start();
    let expired = super::with("exp", serde_json::json!(1));
    let token = bearer(&expired);
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str, &'c str);
    let cases: [Case<'_>; 5] = [
        ("/shop.Orders/Echo", &[], "16", "no token"),
        ("/shop.Orders/Echo", &[("authorization", &token)], "16", "expired"),
        ("/nobody.Orders/Echo", &[], "12", "no such route"),
        ("/dead.Orders/Echo", &[], "14", "upstream unavailable"),
        ("/small.Orders/Echo", &[("content-length", "5")], "8", "body too large"),
    ];
    for (path, fields, status, message) in cases {
        service.run(async |client| {
            let mut client = client.ready().await.unwrap();
            let (response, mut send) = client.send_request(call(path, fields), false).unwrap();
            let _ = send.send_data(Bytes::from_static(b"order"), true); // it may have been refused by now
            let response = response.await.unwrap();
            assert!(response.body().is_end_stream(), "{path}: one block of headers");
            let (response, body, trailers) = body_of(response).await;
            assert_eq!((response.status().as_u16(), body.len(), trailers), (200, 0, None), "{path}");
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("content-type"), Some("application/grpc"));
            assert_eq!((header("grpc-status"), header("grpc-message")), (Some(status), Some(message)), "{path}");
            assert_eq!(header("www-authenticate").is_some(), status == "16");
            assert_eq!(header("x-request-id").unwrap().len(), 32);
        });
    }
    service.run(async |client| {
        let mut client = client.ready().await.unwrap();
        let request = Request::get("https://api.test/shop.Orders/Echo").body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        assert_eq!(response.await.unwrap().status().as_u16(), 401, "whoever speaks HTTP is answered by HTTP");
    });
}

#[test]
fn a_deadline_of_the_caller_is_one_of_the_edge() {
    let service = Service::start();
    let token = bearer(&good_token());
    service.run(async |client| {
        let mut client = client.ready().await.unwrap();
        let fields = [("authorization", token.as_str()), ("grpc-timeout", "300m")];
        let (response, mut send) = client.send_request(call("/shop.Orders/silent", &fields), false).unwrap();
        send.send_data(Bytes::from_static(b"order"), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.headers()["grpc-status"], "4");
    });
    let heads = service.seen.heads.lock().unwrap();
    assert_eq!(heads[0].headers["grpc-timeout"], "300m", "the server knows it, too");
}

#[test]
fn a_body_that_grows_over_the_limit_is_cut_in_its_own_terms() {
    let service = Service::start();
    service.run(async |client| {
        let mut client = client.ready().await.unwrap();
        let (response, mut send) = client.send_request(call("/small.Orders/sink", &[]), false).unwrap();
        send.send_data(Bytes::from_static(b"orde"), false).unwrap();
        let _ = send.send_data(Bytes::from_static(b"r"), true);
        assert_eq!(response.await.unwrap().headers()["grpc-status"], "8");
    });
}
