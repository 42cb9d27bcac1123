//! Requests of which none is like another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};

use crate::load::{Request, Requests, Turn};
use crate::scenario::BenchError;

/// Length of an RS256 signature; bytes.
const SIGNATURE: usize = 256;

/// What is random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The key that a token names.
    Kids,
    /// `jti` and signature of a good token: each is refused by nothing but its signature.
    Tokens,
    /// The path: of an open route, and of none, in turn.
    Paths,
}

impl Kind {
    /// What each request must be answered.
    pub fn expected(self) -> Vec<u16> {
        match self {
            Self::Kids | Self::Tokens => vec![401],
            Self::Paths => vec![200, 404],
        }
    }
}

/// The source.
pub struct Noise {
    kind: Kind,
    /// Header and claims of a good token, as they are in it.
    head: String,
    claims: String,
    /// The claims, read.
    members: Map<String, Value>,
    random: SystemRandom,
    /// Texts so far.
    made: u64,
    path: PathAndQuery,
    headers: HeaderMap,
    authorization: Option<HeaderValue>,
    body: Bytes,
}

impl Noise {
    pub fn new(kind: Kind, known: &str) -> Result<Self, BenchError> {
        let mut parts = known.split('.').map(str::to_owned);
        let (Some(head), Some(claims)) = (parts.next(), parts.next()) else {
            return Err(BenchError::Stack("a token of the run has no three parts"));
        };
        let odd = || BenchError::Stack("a token of the run has no claims");
        let members = URL_SAFE_NO_PAD.decode(&claims).map_err(|_| odd())?;
        let members = serde_json::from_slice(&members).map_err(|_| odd())?;
        Ok(Self {
            kind,
            head,
            claims,
            members,
            random: SystemRandom::new(),
            made: 0,
            path: PathAndQuery::from_static("/token/orders"),
            headers: HeaderMap::new(),
            authorization: None,
            body: Bytes::new(),
        })
    }

    /// So many bytes as text: random, and even without a random source never the same twice.
    fn text<const N: usize>(&mut self) -> String {
        let mut bytes = [0; N];
        let _ = self.random.fill(&mut bytes);
        self.made += 1;
        for (byte, counted) in bytes.iter_mut().zip(self.made.to_be_bytes()) {
            *byte = counted;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn token(&mut self) -> String {
        let signature = self.text::<SIGNATURE>();
        match self.kind {
            Kind::Kids => {
                let head = format!("{{\"alg\":\"RS256\",\"kid\":\"{}\"}}", self.text::<24>());
                format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(head), self.claims)
            }
            Kind::Tokens => {
                let id = self.text::<24>();
                self.members.insert("jti".into(), id.into());
                let claims = serde_json::to_string(&self.members).unwrap_or_default();
                format!("{}.{}.{signature}", self.head, URL_SAFE_NO_PAD.encode(claims))
            }
            Kind::Paths => String::new(),
        }
    }
}

impl Requests for Noise {
    fn request(&mut self, turn: Turn) -> Request<'_> {
        if self.kind == Kind::Paths {
            let folder = if turn.number.is_multiple_of(2) { "/plain" } else { "" };
            if let Ok(path) = format!("{folder}/{}?{}", self.text::<48>(), self.text::<12>()).parse() {
                self.path = path;
            }
        } else {
            self.authorization = HeaderValue::try_from(format!("Bearer {}", self.token())).ok();
        }
        Request {
            method: &Method::GET,
            path: &self.path,
            headers: &self.headers,
            authorization: self.authorization.as_ref(),
            body: &self.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn none_is_like_another() {
        let seen = |kind| {
            // {"jti":"a"}
            let mut noise = Noise::new(kind, "aGVhZA.eyJqdGkiOiJhIn0.c2ln").unwrap();
            let one = |number| {
                let request = noise.request(Turn { number, place: 0 });
                format!("{} {:?}", request.path, request.authorization)
            };
            (0..100).map(one).collect::<BTreeSet<String>>()
        };
        let [kids, tokens, paths] = [Kind::Kids, Kind::Tokens, Kind::Paths].map(seen);
        assert_eq!([kids.len(), tokens.len(), paths.len()], [100; 3]);
        assert!(kids.iter().all(|text| text.contains(".eyJqdGkiOiJhIn0.") && !text.contains("aGVhZA")));
        assert!(tokens.iter().all(|text| text.contains("Bearer aGVhZA.") && !text.contains("eyJqdGkiOiJhIn0")));
        assert_eq!(paths.iter().filter(|text| text.starts_with("/plain/")).count(), 50);
        assert!(Noise::new(Kind::Kids, "opaque").is_err());
        assert!(Noise::new(Kind::Kids, "aGVhZA.Y2xhaW1z.c2ln").is_err());
    }
}
