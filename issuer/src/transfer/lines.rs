//! The lines of an export: JSON objects, told apart by `type` (docs/EXPORT.md). What a line holds that this program does not know is an error: it
//! would be lost.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::held::{DeviceLine, PasskeyLine, TokenLine};
use crate::passwords::srp::Verifier;
use crate::pools::schema::Attributes;
use crate::users::MfaPreferences;

/// Bytes of one line, without its end.
pub const MAX_LINE: usize = 2 * 1024 * 1024;

/// What lines may hold, by the names in the first line's `contents`.
pub const CONTENTS: [&str; 6] = ["groups", "clients", "users", "passwords", "factors", "devices"];

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Line {
    Pool(Box<PoolLine>),
    Group(GroupLine),
    Client(Box<ClientLine>),
    User(Box<UserLine>),
    End(EndLine),
}

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolLine {
    pub pool: PoolId,
    pub name: String,
    /// What lines hold ([`CONTENTS`]). Who does not know one of them must not import the rest.
    pub contents: Vec<String>,
    /// The pool's settings as the issuer stores them: schema, sign-in names, policies, texts.
    pub settings: Value,
    /// Of what later frames are sealed under, in hexadecimal.
    pub chain: String,
    pub created_at: UnixMillis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupLine {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedence: Option<u64>,
    pub created_at: UnixMillis,
    pub modified_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientLine {
    pub client: ClientId,
    pub name: String,
    /// As the issuer stores them.
    pub settings: Value,
    /// None, one or two, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretLine>,
    pub created_at: UnixMillis,
    pub modified_at: UnixMillis,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretLine {
    pub value: String,
    pub created_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserLine {
    pub sub: Sub,
    pub username: String,
    /// The name that the user signs in by where it is not the user name: an address, in the form in which the pool compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    pub status: String,
    pub enabled: bool,
    pub attributes: Attributes,
    /// Attributes that would sign the user in, but another user has the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclaimed: Vec<String>,
    /// Names of groups, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordLine>,
    /// Second factors that the user has chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<MfaPreferences>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_token: Option<TokenLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<PasskeyLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceLine>,
    pub created_at: UnixMillis,
    pub modified_at: UnixMillis,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordLine {
    /// Argon2id, PHC string.
    pub hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srp: Option<SrpLine>,
    /// Hashes of passwords before it, the newest first, where the pool remembers some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// Until when a temporary password works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary_until: Option<UnixMillis>,
}

/// Bound to the user name, and to the pool's name: what follows `_` in its id.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SrpLine {
    /// Hexadecimal.
    pub salt: String,
    /// Base64.
    pub verifier: String,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndLine {
    pub counts: Counts,
    /// A chain of SHA-256 over what was in every frame before this line, in hexadecimal.
    pub digest: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub groups: u64,
    pub clients: u64,
    pub users: u64,
}

impl Counts {
    /// Lines between the first and the last one.
    pub fn lines(&self) -> u64 {
        self.groups.saturating_add(self.clients).saturating_add(self.users)
    }
}

impl Line {
    /// The text names what is wrong, and nothing of what the line holds.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_LINE {
            return Err(format!("longer than {MAX_LINE} bytes"));
        }
        serde_json::from_slice(text).map_err(|error| match error.classify() {
            // Messages of the other kind repeat values; of these, the names of members alone are told.
            serde_json::error::Category::Data => member(&error.to_string()),
            _ => "no JSON, or nested too deep".to_owned(),
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// What it is called in reports; no name of a person.
    pub fn label(&self) -> String {
        match self {
            Self::Pool(_) => "the pool".to_owned(),
            Self::Group(group) => format!("group {:?}", group.name),
            Self::Client(client) => format!("client {}", client.client),
            Self::User(user) => format!("user {}", user.sub),
            Self::End(_) => "the end".to_owned(),
        }
    }
}

/// Settings as the issuer stores them. One that this program does not know is an error, since it would be lost.
pub fn settings<T: Serialize + serde::de::DeserializeOwned>(stored: &Value) -> Result<T, String> {
    let read: T = serde_json::from_value(stored.clone()).map_err(|_| "settings that are none of this program's")?;
    let known = serde_json::to_value(&read).map_err(|_| "settings that are none of this program's")?;
    match stored.as_object().and_then(|given| given.keys().find(|name| known.get(name.as_str()).is_none())) {
        Some(unknown) => Err(format!("the setting {unknown:?} is none of this program's: a newer one made it")),
        None => Ok(read),
    }
}

/// The lines of a frame or of a part of it.
pub fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn member(message: &str) -> String {
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    match message.split_whitespace().next() {
        Some("unknown") if message.starts_with("unknown variant") => "a line of an unknown type".to_owned(),
        Some("unknown") => format!("unknown member {}: a newer program made it", quoted()),
        Some("missing") => format!("without {}", quoted()),
        Some("duplicate") => format!("{} twice", quoted()),
        _ => "a member of the wrong type or form".to_owned(),
    }
}

impl SrpLine {
    pub fn of(verifier: &Verifier) -> Self {
        Self { salt: verifier.salt_hex(), verifier: STANDARD.encode(verifier.value()) }
    }
}

macro_rules! without_secrets {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([secret])"))
            }
        }
    )*};
}
pub(super) use without_secrets;
without_secrets!(SecretLine, PasswordLine, SrpLine);

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = r#"{"type":"user","sub":"0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f","username":"ann","status":"CONFIRMED","enabled":true,"attributes":{"email":"a@b.c"},"password":{"hash":"$argon2id$"},"created_at":1,"modified_at":2}"#;

    #[test]
    fn lines_read_back() {
        let line = Line::parse(USER.as_bytes()).unwrap();
        assert_eq!(line.encode(), format!("{USER}\n").into_bytes());
        assert!(!format!("{line:?}").contains("argon2id"));
    }

    #[test]
    fn what_is_wrong_is_told_without_what_it_holds() {
        let cases = [
            (USER.replace("enabled", "enbled"), "unknown member enbled"),
            (USER.replace("\"status\":\"CONFIRMED\",", ""), "without status"),
            (USER.replace("\"type\":\"user\"", "\"type\":\"robot\""), "a line of an unknown type"),
            (USER.replace("true", "\"secret\""), "a member of the wrong type or form"),
            (USER.replace("0b6e5b4e", "xyz"), "a member of the wrong type or form"),
            (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "a member of the wrong type or form"),
            (USER.replace("{\"email\"", &format!("{{\"x\":{}", "[".repeat(1_000))), "no JSON, or nested too deep"),
            (USER[..40].to_owned(), "no JSON, or nested too deep"),
            (" ".repeat(MAX_LINE + 1), "longer than"),
        ];
        for (text, want) in &cases {
            let said = Line::parse(text.as_bytes()).unwrap_err();
            assert!(said.starts_with(want), "{said} for {}", text.get(..80).unwrap_or(text));
        }
    }

    #[test]
    fn lines_of_a_part() {
        let lines = |text: &'static str| split(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(lines("a\nb\n"), [b"a", b"b"]);
        assert_eq!(lines("a\nb"), [b"a", b"b"]);
        assert_eq!(lines("").len(), 0);
    }
}
