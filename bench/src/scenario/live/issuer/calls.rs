//! Calls of Cognito's operations as a load sends them, with a look at each answer.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{Checked, Seen};
use crate::load::{Reply, Request, Requests, Turn};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const INITIATE_AUTH: HeaderValue = HeaderValue::from_static("AWSCognitoIdentityProviderService.InitiateAuth");
const RESPOND: HeaderValue = HeaderValue::from_static("AWSCognitoIdentityProviderService.RespondToAuthChallenge");
const SIGN_UP: HeaderValue = HeaderValue::from_static("AWSCognitoIdentityProviderService.SignUp");

/// Member of an answer that has tokens and no further challenge.
const TOKENS: &str = "AuthenticationResult";
const NEW_USER: &str = "UserSub";
const OK: u16 = 200;

/// All of an operation's requests but the body.
#[derive(Clone, Debug)]
pub struct Operation {
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    /// Member of every answer that is a success.
    member: &'static str,
}

impl Operation {
    pub fn initiate_auth() -> Self {
        Self::new(INITIATE_AUTH, TOKENS)
    }

    pub fn respond_to_auth_challenge() -> Self {
        Self::new(RESPOND, TOKENS)
    }

    pub fn sign_up() -> Self {
        Self::new(SIGN_UP, NEW_USER)
    }

    fn new(target: HeaderValue, member: &'static str) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON), (TARGET, target)]);
        Self { method: Method::POST, path: PathAndQuery::from_static("/"), headers, member }
    }

    pub fn request<'a>(&'a self, body: &'a Bytes) -> Request<'a> {
        Request { method: &self.method, path: &self.path, headers: &self.headers, authorization: None, body }
    }

    /// Whether it is the answer that was asked for, its status apart.
    pub fn is_answered_by(&self, body: &[u8]) -> bool {
        let answer: Option<Value> = serde_json::from_slice(body).ok();
        answer.is_some_and(|answer| answer.get(self.member).is_some_and(|found| !found.is_null()))
    }
}

/// Calls of one operation, each complete in itself.
pub struct Calls<B> {
    operation: Operation,
    /// Makes the body of each, counted from 0 over all rounds.
    make: B,
    made: u64,
    body: Bytes,
    seen: Seen,
}

impl<B: FnMut(u64) -> Bytes + Send> Calls<B> {
    pub fn new(operation: Operation, make: B) -> Self {
        Self { operation, make, made: 0, body: Bytes::new(), seen: Seen::default() }
    }
}

impl<B: FnMut(u64) -> Bytes + Send> Requests for Calls<B> {
    fn request(&mut self, _turn: Turn) -> Request<'_> {
        self.body = (self.make)(self.made);
        self.made += 1;
        self.operation.request(&self.body)
    }

    fn reads_bodies(&self) -> bool {
        true
    }

    fn answered(&mut self, _turn: Turn, reply: Reply<'_>) {
        if reply.status == OK && !self.operation.is_answered_by(reply.body) {
            self.seen.wrong += 1;
        }
    }
}

impl<B: FnMut(u64) -> Bytes + Send> Checked for Calls<B> {
    fn take(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }
}

/// The inputs as bodies, in turn and again from the start.
pub fn in_turn(inputs: Vec<Value>) -> impl FnMut(u64) -> Bytes + Send {
    let bodies: Vec<Bytes> = inputs.iter().map(|input| input.to_string().into()).collect();
    move |number| {
        let turn = number.checked_rem(bodies.len() as u64).and_then(|turn| usize::try_from(turn).ok());
        turn.and_then(|turn| bodies.get(turn)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_come_in_turn_with_the_operation_beside_them() {
        let mut calls = Calls::new(Operation::sign_up(), in_turn(vec![json!(1), json!(2)]));
        let mut next = |number| {
            let request = calls.request(Turn { number, place: 0 });
            let target = request.headers.get("x-amz-target").unwrap().to_str().unwrap().to_owned();
            (request.body.clone(), target)
        };
        // The number of a turn begins anew with each round.
        let bodies: Vec<Bytes> = [0, 1, 0].map(|number| next(number).0).to_vec();
        assert_eq!(bodies, ["1", "2", "1"]);
        assert_eq!(next(1).1, "AWSCognitoIdentityProviderService.SignUp");
    }

    #[test]
    fn an_answer_of_success_without_tokens_is_wrong() {
        let mut calls = Calls::new(Operation::initiate_auth(), in_turn(vec![json!({})]));
        let answers: [(u16, &[u8]); 5] = [
            (200, br#"{"AuthenticationResult":{"AccessToken":"a"}}"#),
            (200, br#"{"ChallengeName":"NEW_PASSWORD_REQUIRED"}"#),
            (200, br#"{"AuthenticationResult":null}"#),
            (200, b""),
            // A failure by its status already.
            (400, br#"{"__type":"NotAuthorizedException"}"#),
        ];
        for (status, body) in answers {
            calls.answered(Turn { number: 0, place: 0 }, Reply { status, body });
        }
        assert_eq!(calls.take(), Seen { wrong: 3, sign_ins: 0 });
        assert_eq!(calls.take(), Seen::default());
    }
}
