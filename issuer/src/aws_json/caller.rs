//! Who calls. A value of these types is the proof that the router has checked it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cognito_model::Fault;
use common::ids::{ClientId, PoolId, Sub};

use crate::store::Row;

/// What the router found out before the operation ran.
#[derive(Clone, Debug)]
pub enum Caller {
    /// An operation without authentication.
    Anonymous,
    /// The bearer of a live access token.
    User(UserCaller),
    /// A signed request (SigV4) by an admin key.
    Admin(AdminCaller),
}

/// The subject of an access token that verified, that no revocation touches, and whose user is enabled.
#[derive(Clone, Debug)]
pub struct UserCaller {
    pub pool: PoolId,
    pub client: ClientId,
    pub sub: Sub,
    /// The session of the token (`origin_jti`), where it names one.
    pub session: Option<String>,
    pub scopes: Vec<String>,
    pub rows: AsRead,
}

/// The row (`users::rows::of_token`) that the token was checked against, for the first who asks. Who asks again, since a write has missed, reads anew.
#[derive(Clone)]
pub struct AsRead(Arc<Mutex<Option<Row>>>);

impl AsRead {
    pub fn new(row: Row) -> Self {
        Self(Arc::new(Mutex::new(Some(row))))
    }

    pub fn take(&self) -> Option<Row> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A user's row is nothing for a log.
impl fmt::Debug for AsRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsRead(..)")
    }
}

/// The holder of an admin key.
#[derive(Clone, Debug)]
pub struct AdminCaller {
    pub access_key_id: String,
    /// A first key: what it does ends it.
    pub single_use: bool,
    /// In developer mode, the region that the caller signs for: its pools are there, as an emulator has it.
    pub region: Option<String>,
}

impl Caller {
    /// The user, for operations that take an access token. The router has resolved it, so a miss is a wrong table entry.
    pub fn user(&self) -> Result<&UserCaller, Fault> {
        match self {
            Self::User(user) => Ok(user),
            _ => Err(Fault::not_authorized("Invalid Access Token")),
        }
    }

    /// Where new pools are to be, if not in the deployment's region.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Admin(admin) => admin.region.as_deref(),
            Self::Anonymous | Self::User(_) => None,
        }
    }

    /// The name under which the audit record knows the caller.
    pub fn actor(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(user) => user.sub.as_str(),
            Self::Admin(admin) => &admin.access_key_id,
        }
    }
}
