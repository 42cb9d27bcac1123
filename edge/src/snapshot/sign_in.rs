//! How browsers sign in, as the settings have it. What is done about it is `sign_in`'s.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::claims::TokenUse;
use common::secret::{SecretBytes, SecretString};
use http::HeaderName;

use crate::outbound::{Address, Authorities};
use crate::snapshot::introspection::ClientAuth;
use crate::snapshot::route::HostPattern;

/// Cookies that one session may fill; browsers take about 4 KiB each.
pub const MOST_PARTS: usize = 5;

/// One `[[sign_in]]`: the edge as a client of an OpenID provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub name: Arc<str>,
    /// The name of the issuer whose ID tokens are believed.
    pub issuer: Arc<str>,
    pub provider: Provider,
    pub client: Client,
    /// Which token of the session is judged at each request.
    pub judged: TokenUse,
    pub paths: Paths,
    pub cookie: CookieName,
    pub keys: KeySource,
    /// From the sign-in to the end of the session, whatever happens.
    pub life: Duration,
    /// The longest time without a request.
    pub idle: Option<Duration>,
    pub sign_out: SignOut,
    /// The upstream gets the access token as `Authorization: Bearer`.
    pub forward_token: bool,
    /// Sessions keep the ID token, to show it at the provider's sign-out.
    pub keeps_id_token: bool,
    pub identity: Option<IdentityHeader>,
}

/// Where the provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Those that the settings name; the provider's metadata says the others.
    pub authorization: Option<Address>,
    pub token: Option<Address>,
    pub end_session: Option<Address>,
    pub revocation: Option<Address>,
    pub authorities: Authorities,
    pub allow_http: bool,
    /// For each question.
    pub timeout: Duration,
}

/// Who the edge is to the provider, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: String,
    /// None: a public client, by PKCE alone.
    pub secret: Option<(SecretString, ClientAuth)>,
    /// With spaces between them.
    pub scope: String,
    /// More parameters of authorization requests.
    pub authorization: Vec<(String, String)>,
}

/// The edge's own paths, on the hosts of the routes that people sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub callback: String,
    pub sign_in: String,
    pub sign_out: String,
    /// The keys of the identity header.
    pub keys: String,
}

impl Paths {
    pub fn all(&self) -> [&str; 4] {
        [&self.callback, &self.sign_in, &self.sign_out, &self.keys]
    }
}

/// What happens at the provider when somebody signs out here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOut {
    pub at: SignOutAt,
    /// Where people are led afterwards: a path here, or a URL; none: a page of the edge.
    pub then: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutAt {
    /// OpenID Connect RP-Initiated Logout 1.0, where the provider has it.
    Provider,
    /// `/logout` of a Cognito domain.
    Cognito,
    /// Nothing there.
    Edge,
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The keys in a file, the first of which is used.
    Given(Vec<SecretBytes>),
    /// A file that is made when it is missing.
    State(PathBuf),
    /// A key of this process.
    Own,
}

/// A signed statement for the upstream of who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeader {
    pub name: HeaderName,
    /// None: the origin of the request.
    pub audience: Option<String>,
    /// A P-256 key, PKCS#8 in PEM.
    pub key: KeySource,
}

/// The name of a session's cookie, and those that are made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// `name` stands behind the prefix by which browsers know that only this very host may set the cookie (RFC 6265bis §4.1.3.2).
    pub fn new(name: &str) -> Self {
        Self(format!("__Host-{name}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cookie of a session's part; of the first it is the name itself.
    pub fn part(&self, number: usize) -> String {
        if number == 0 { self.0.clone() } else { format!("{}.{number}", self.0) }
    }

    /// Which part a cookie has.
    pub fn part_of(&self, cookie: &[u8]) -> Option<usize> {
        match cookie.strip_prefix(self.0.as_bytes())? {
            [] => Some(0),
            [b'.', digit @ b'1'..=b'9'] => Some(usize::from(digit - b'0')).filter(|part| *part < MOST_PARTS),
            _ => None,
        }
    }

    /// The cookie of a sign-in on its way; `tag` is of its `state`.
    pub fn transaction(&self, tag: &str) -> String {
        format!("{}.t-{tag}", self.0)
    }

    pub fn is_transaction(&self, cookie: &[u8]) -> bool {
        cookie.strip_prefix(self.0.as_bytes()).is_some_and(|rest| rest.starts_with(b".t-"))
    }

    /// Whether the edge alone is to see it.
    pub fn owns(&self, cookie: &[u8]) -> bool {
        cookie.strip_prefix(self.0.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'.', ..]))
    }
}

/// A sign-in and the hosts where it happens, each with the number of a route there.
#[derive(Debug)]
pub struct SignInAt {
    pub sign_in: Arc<SignIn>,
    pub hosts: Vec<(HostPattern, usize)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cookies_are_told_apart() {
        let name = CookieName::new("tg");
        assert_eq!((name.part(0), name.part(4)), ("__Host-tg".to_owned(), "__Host-tg.4".to_owned()));
        for (cookie, part, owned) in [
            ("__Host-tg", Some(0), true),
            ("__Host-tg.1", Some(1), true),
            ("__Host-tg.5", None, true),
            ("__Host-tg.0", None, true),
            ("__Host-tg.11", None, true),
            ("__Host-tg.t-abc", None, true),
            ("__Host-tg2", None, false),
            ("__host-tg", None, false),
            ("tg", None, false),
        ] {
            assert_eq!((name.part_of(cookie.as_bytes()), name.owns(cookie.as_bytes())), (part, owned), "{cookie}");
        }
        assert!(name.is_transaction(name.transaction("x").as_bytes()) && !name.is_transaction(b"__Host-tg.1"));
    }
}
