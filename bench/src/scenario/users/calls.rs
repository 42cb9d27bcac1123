//! Calls of Cognito's API as the load generator sends them: signed ones each with a signature of its own, and with an access token.

use bytes::Bytes;
use common::clock::{Clock, SystemClock};
use common::sigv4;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::load::{Request, Requests, Signer, Turn};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What each request of a load says: the body of the request with this number.
pub type Body = Box<dyn FnMut(u64) -> String + Send>;

/// One operation, over and over.
pub struct Calls {
    target: String,
    host: String,
    signer: Option<Signer>,
    body: Body,
    path: PathAndQuery,
    headers: HeaderMap,
    made: Bytes,
}

impl Calls {
    /// `signer`: none for operations with an access token in the body.
    pub fn new(operation: &str, host: &str, signer: Option<Signer>, body: Body) -> Self {
        Self {
            target: format!("AWSCognitoIdentityProviderService.{operation}"),
            host: host.to_owned(),
            signer,
            body,
            path: PathAndQuery::from_static("/"),
            headers: HeaderMap::new(),
            made: Bytes::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        let pair = (name.parse::<HeaderName>(), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = pair {
            self.headers.insert(name, value);
        }
    }

    fn sign(&mut self, body: &str) {
        let Some(signer) = self.signer.clone() else { return };
        let invocation = uuid::Uuid::new_v4().to_string();
        let (target, host) = (self.target.clone(), self.host.clone());
        let headers: [(&str, &[u8]); 4] = [
            ("host", host.as_bytes()),
            ("content-type", CONTENT_TYPE.as_bytes()),
            ("x-amz-target", target.as_bytes()),
            ("amz-sdk-invocation-id", invocation.as_bytes()),
        ];
        let to_sign = sigv4::Request { method: "POST", target: "/", headers: &headers };
        let scope = sigv4::Scope { region: &signer.region, service: "cognito-idp" };
        let digest = sigv4::body_sha256(body.as_bytes());
        let signed = sigv4::sign(&to_sign, &digest, &signer.credentials, scope, SystemClock.now());
        for (name, value) in signed.iter() {
            self.set(name, value);
        }
        self.set("amz-sdk-invocation-id", &invocation);
    }
}

impl Requests for Calls {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        let body = (self.body)(turn.number);
        let target = self.target.clone();
        self.set("content-type", CONTENT_TYPE);
        self.set("x-amz-target", &target);
        self.sign(&body);
        self.made = Bytes::from(body);
        Request {
            method: &Method::POST,
            path: &self.path,
            headers: &self.headers,
            authorization: None,
            body: &self.made,
        }
    }
}
