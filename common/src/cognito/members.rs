//! The members of a call's body that tell whose it is.

use serde::Deserialize;

use crate::cognito::Operation;
use crate::ids::{ClientId, PoolId};
use crate::secret::SecretString;
use crate::verify::peek_issuer;

/// A member that tells whose a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    AccessToken,
    ClientId,
    Session,
    UserPoolId,
}

/// These members, as they came: a name that comes twice, or is no text, is refused, as is a body that is no object (RFC 8259 §4 leaves open what a
/// second name means). Whoever does the operation reads the body again and more strictly: nothing that is refused here is done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Members {
    pub access_token: Option<SecretString>,
    pub client_id: Option<String>,
    pub session: Option<SecretString>,
    pub user_pool_id: Option<String>,
}

/// Whose a call says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// The pool is the client's.
    Client(ClientId),
    Pool(PoolId),
    /// Nothing in it says so.
    Nobody,
}

/// The body is none that an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object in which each name comes once")]
pub struct NotRead;

impl Member {
    pub const ALL: [Self; 4] = [Self::AccessToken, Self::ClientId, Self::Session, Self::UserPoolId];

    /// In the body.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "AccessToken",
            Self::ClientId => "ClientId",
            Self::Session => "Session",
            Self::UserPoolId => "UserPoolId",
        }
    }
}

impl Members {
    pub fn read(body: &[u8]) -> Result<Self, NotRead> {
        // serde takes an array for a structure, too.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(NotRead);
        }
        serde_json::from_slice(body).map_err(|_| NotRead)
    }

    /// Whose the call is. Members that the operation does not have are ignored by whoever does it, and here.
    pub fn names(&self, operation: &Operation) -> Names {
        let found = operation.members.iter().find(|member| self.has(**member));
        found.and_then(|member| self.named_by(*member)).unwrap_or(Names::Nobody)
    }

    fn has(&self, member: Member) -> bool {
        match member {
            Member::AccessToken => self.access_token.is_some(),
            Member::ClientId => self.client_id.is_some(),
            Member::Session => self.session.is_some(),
            Member::UserPoolId => self.user_pool_id.is_some(),
        }
    }

    fn named_by(&self, member: Member) -> Option<Names> {
        match member {
            Member::AccessToken => pool_of_token(self.access_token.as_ref()?.expose()).map(Names::Pool),
            Member::ClientId => ClientId::parse(self.client_id.as_deref()?).ok().map(Names::Client),
            Member::UserPoolId => PoolId::parse(self.user_pool_id.as_deref()?).ok().map(Names::Pool),
            Member::Session => pool_of_session(self.session.as_ref()?.expose()).map(Names::Pool),
        }
    }
}

/// The pool that an access token claims to be of: what follows the last `/` of its `iss`.
pub fn pool_of_token(token: &str) -> Option<PoolId> {
    let issuer = peek_issuer(token).ok()?;
    let (_, pool) = issuer.as_str().rsplit_once('/')?;
    PoolId::parse(pool).ok()
}

/// A Session as the issuer gives it out: random, and whose it is, for operations that have nothing else. The issuer keeps its digest, so one that names
/// another pool is none.
pub fn session_of(random: &SecretString, pool: &PoolId) -> SecretString {
    format!("{}.{pool}", random.expose()).into()
}

/// The pool that a Session names. One of an issuer of an earlier build names none, and lives for three minutes.
pub fn pool_of_session(session: &str) -> Option<PoolId> {
    let (_, pool) = session.rsplit_once('.')?;
    PoolId::parse(pool).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::base64url_encode;

    fn names(operation: &str, body: &str) -> Result<Names, NotRead> {
        let operation = Operation::named(operation).unwrap();
        Members::read(body.as_bytes()).map(|members| members.names(operation))
    }

    fn token(iss: &str) -> String {
        let part = |text: &str| base64url_encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(&format!(r#"{{"iss":"{iss}"}}"#)), part("s"))
    }

    #[test]
    fn each_operation_goes_by_its_own_members() {
        let client = Names::Client(ClientId::parse("abc").unwrap());
        let pool = Names::Pool(PoolId::parse("eu-1_A").unwrap());
        let bearer = format!(r#"{{"AccessToken": "{}", "ClientId": "abc"}}"#, token("https://x/eu-1_A"));
        for (operation, body, expected) in [
            ("InitiateAuth", r#"{"ClientId": "abc"}"#, &client),
            ("InitiateAuth", r#" {"Client\u0049d": "abc", "UserPoolId": "eu-1_A"}"#, &client),
            ("InitiateAuth", r#"{"clientId": "abc"}"#, &Names::Nobody),
            ("InitiateAuth", r#"{"ClientId": null, "Session": "s"}"#, &Names::Nobody),
            ("InitiateAuth", r#"{"ClientId": "a b"}"#, &Names::Nobody),
            ("InitiateAuth", r#"{"UserPoolId": "eu-1_A"}"#, &Names::Nobody),
            ("GetUser", &bearer, &pool),
            ("GetUser", r#"{"ClientId": "abc"}"#, &Names::Nobody),
            ("GetUser", r#"{"AccessToken": "x"}"#, &Names::Nobody),
            ("UpdateAuthEventFeedback", r#"{"UserPoolId": "eu-1_A", "ClientId": "abc"}"#, &pool),
        ] {
            assert_eq!(names(operation, body).as_ref(), Ok(expected), "{operation} {body}");
        }
    }

    #[test]
    fn what_has_two_readings_has_none() {
        for body in [
            "",
            "null",
            "[]",
            r#"["token", "abc"]"#,
            r#"[null, "abc", null, null]"#,
            r#"{"ClientId": "abc"} {}"#,
            r#"{"ClientId": "abc", "ClientId": "abc"}"#,
            r#"{"ClientId": "abc", "Client\u0049d": null}"#,
            r#"{"ClientId": 1}"#,
            r#"{"ClientId": ["abc"]}"#,
            r#"{"ClientId": "abc", "Session": 1}"#,
            "{\"ClientId\": \"abc\", \"x\": \"\u{0}\"}",
            "\u{feff}{\"ClientId\": \"abc\"}",
        ] {
            assert_eq!(names("InitiateAuth", body), Err(NotRead), "{body}");
        }
        assert!(Members::read(b"{\"ClientId\": \"\xff\"}").is_err());
    }

    #[test]
    fn a_session_names_its_pool() {
        let pool = PoolId::parse("eu-1_A").unwrap();
        let session = session_of(&SecretString::new("t-x_y"), &pool);
        assert_eq!(pool_of_session(session.expose()), Some(pool.clone()));
        let body = format!(r#"{{"Session": "{}"}}"#, session.expose());
        assert_eq!(names("VerifySoftwareToken", &body), Ok(Names::Pool(pool)));
        for other in ["", "t", "eu-1_A", "t.", "t.x.", "t.eu-1_A.x"] {
            assert_eq!(pool_of_session(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_names_its_pool_last() {
        for (iss, expected) in [
            ("http://localhost:8700/eu-1_A", Some("eu-1_A")),
            ("https://cognito-idp.eu-1.amazonaws.com/eu-1_A", Some("eu-1_A")),
            ("eu-1_A", None),
            ("https://x/eu-1_A/", None),
            ("https://x/login", None),
        ] {
            assert_eq!(pool_of_token(&token(iss)).as_ref().map(PoolId::as_str), expected, "{iss}");
        }
        assert_eq!(pool_of_token(""), None);
    }
}
