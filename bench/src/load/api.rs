//! Calls of Cognito's API over one kept-alive connection, one after the other.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use common::clock::{Clock, SystemClock};
use common::sigv4;
use serde_json::Value;

use super::response;

const DEADLINE: Duration = Duration::from_secs(20);
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// Waits for a quota of the issuer, each of [`PAUSE`], before a call is given up.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Why a call gave no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("{0} is not http://HOST:PORT")]
    Url(String),
    #[error("{0}: {1}")]
    Unreachable(SocketAddr, io::Error),
    #[error("{0}: the answer is not HTTP that this program reads")]
    Malformed(&'static str),
    #[error("{operation}: {status} {body}")]
    Refused { operation: &'static str, status: u16, body: String },
}

/// Who signs, and where.
#[derive(Clone, Debug)]
pub struct Signer {
    pub credentials: sigv4::Credentials,
    pub region: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and fields.
    pub head: String,
    pub body: Vec<u8>,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

impl Answer {
    /// The value of the first field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The issuer's quota was used up; nothing was looked at.
    fn throttled(&self) -> bool {
        self.status != 200 && self.json().get("__type").and_then(Value::as_str) == Some("TooManyRequestsException")
    }
}

/// A connection to an issuer.
#[derive(Debug)]
pub struct Api {
    address: SocketAddr,
    host: String,
    signer: Signer,
    open: Option<TcpStream>,
}

impl Api {
    /// `issuer` is its base URL, `http://HOST:PORT`.
    ///
    /// # Errors
    /// When that is no such URL or names nobody.
    pub fn new(issuer: &str, signer: Signer) -> Result<Self, ApiError> {
        let wrong = || ApiError::Url(issuer.to_owned());
        let host = issuer.strip_prefix("http://").ok_or_else(wrong)?.trim_end_matches('/');
        let address = host.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(wrong)?;
        Ok(Self { address, host: host.to_owned(), signer, open: None })
    }

    /// A signed operation that must succeed. Waits where a quota of the issuer is used up.
    ///
    /// # Errors
    /// Any other answer than 200, or none.
    pub fn signed(&mut self, operation: &'static str, input: &Value) -> Result<Value, ApiError> {
        self.must(operation, input, Signs::Yes)
    }

    /// An unsigned operation that must succeed; else as [`Api::signed`].
    ///
    /// # Errors
    /// Any other answer than 200, or none.
    pub fn public(&mut self, operation: &'static str, input: &Value) -> Result<Value, ApiError> {
        self.must(operation, input, Signs::No)
    }

    /// One unsigned request, whatever comes back. Repeated where a quota of the issuer is used up; the time is that of the last try.
    ///
    /// # Errors
    /// When nothing comes back.
    pub fn ask(&mut self, operation: &'static str, input: &Value) -> Result<Answer, ApiError> {
        let body = input.to_string();
        let request = self.request(operation, &body, &[]);
        let mut left = PATIENCE;
        loop {
            let answer = self.exchange(operation, &request)?;
            if left == 0 || !answer.throttled() {
                return Ok(answer);
            }
            left -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn must(&mut self, operation: &'static str, input: &Value, signs: Signs) -> Result<Value, ApiError> {
        let body = input.to_string();
        let mut left = PATIENCE;
        loop {
            let signature = match signs {
                Signs::Yes => self.signature(operation, &body),
                Signs::No => Vec::new(),
            };
            let request = self.request(operation, &body, &signature);
            let answer = self.exchange(operation, &request)?;
            if answer.status == 200 {
                return Ok(answer.json());
            }
            if !answer.throttled() || left == 0 {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(ApiError::Refused { operation, status: answer.status, body });
            }
            left -= 1;
            std::thread::sleep(PAUSE);
        }
    }

    fn request(&self, operation: &str, body: &str, more: &[(String, String)]) -> Vec<u8> {
        let (host, length) = (&self.host, body.len());
        let mut head = format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {CONTENT_TYPE}\r\n\
             x-amz-target: {}\r\ncontent-length: {length}\r\n",
            target(operation)
        );
        for (name, value) in more {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.push_str(body);
        head.into_bytes()
    }

    fn signature(&self, operation: &str, body: &str) -> Vec<(String, String)> {
        // As AWS SDKs have it: tells two equal calls within a second from one that is replayed.
        let invocation = uuid::Uuid::new_v4().to_string();
        let target = target(operation);
        let headers: [(&str, &[u8]); 4] = [
            ("host", self.host.as_bytes()),
            ("content-type", CONTENT_TYPE.as_bytes()),
            ("x-amz-target", target.as_bytes()),
            ("amz-sdk-invocation-id", invocation.as_bytes()),
        ];
        let to_sign = sigv4::Request { method: "POST", target: "/", headers: &headers };
        let scope = sigv4::Scope { region: &self.signer.region, service: "cognito-idp" };
        let digest = sigv4::body_sha256(body.as_bytes());
        let signed = sigv4::sign(&to_sign, &digest, &self.signer.credentials, scope, SystemClock.now());
        let mut made: Vec<_> = signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        made.push(("amz-sdk-invocation-id".to_owned(), invocation));
        made
    }

    fn exchange(&mut self, operation: &'static str, request: &[u8]) -> Result<Answer, ApiError> {
        let address = self.address;
        let failed = |error| ApiError::Unreachable(address, error);
        let mut stream = match self.open.take() {
            Some(open) => open,
            None => connect(address).map_err(failed)?,
        };
        let begun = Instant::now();
        stream.write_all(request).map_err(failed)?;
        let (mut received, mut piece) = (Vec::with_capacity(4096), [0; 4096]);
        loop {
            let length = stream.read(&mut piece).map_err(failed)?;
            if length == 0 {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            received.extend_from_slice(piece.get(..length).unwrap_or_default());
            let parsed = response::parse(&received).map_err(|_| ApiError::Malformed(operation))?;
            let Some(whole) = parsed else { continue };
            let took = begun.elapsed();
            if !whole.closes {
                self.open = Some(stream);
            }
            let head_length = response::head_length(&received).unwrap_or_default();
            let body = received.get(head_length..whole.length).unwrap_or_default().to_vec();
            let head = String::from_utf8_lossy(received.get(..head_length).unwrap_or_default()).into_owned();
            return Ok(Answer { status: whole.status, head, body, took });
        }
    }
}

#[derive(Clone, Copy)]
enum Signs {
    Yes,
    No,
}

fn target(operation: &str) -> String {
    format!("AWSCognitoIdentityProviderService.{operation}")
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}
