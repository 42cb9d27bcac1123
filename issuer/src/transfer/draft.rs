//! From the rows of a user to the line of an export.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::Sub;

use super::check::login_of;
use super::held::{self, DeviceLine, PasskeyLine, TokenLine};
use super::lines::{PasswordLine, SrpLine, UserLine};
use super::rows;
use crate::envelope::PoolKey;
use crate::passwords::srp::Verifier;
use crate::pools::Pool;
use crate::pools::schema::Attributes;
use crate::store::Row;
use crate::users::attributes::names;
use crate::users::{self, MfaPreferences, links, login_names};

/// A user as its rows are read.
#[derive(Default)]
pub struct Draft {
    user: Option<Read>,
    groups: BTreeMap<String, UnixMillis>,
    /// By kind.
    names: BTreeMap<String, String>,
    token: Option<TokenLine>,
    passkeys: Vec<PasskeyLine>,
    devices: Vec<DeviceLine>,
}

struct Read {
    username: String,
    status: String,
    attributes: Attributes,
    hash: Option<String>,
    sealed_verifier: Option<Vec<u8>>,
    enabled: bool,
    temporary_until: Option<UnixMillis>,
    created: UnixMillis,
    modified: UnixMillis,
    former: Vec<String>,
    mfa: MfaPreferences,
}

impl Draft {
    pub fn add(&mut self, key: &PoolKey, row: &Row) -> Result<(), Fault> {
        match row.int(0)? {
            rows::USER => {
                self.user = Some(Read {
                    username: row.text(2)?.to_owned(),
                    status: row.text(3)?.to_owned(),
                    attributes: serde_json::from_str(row.text(4)?).map_err(Fault::internal)?,
                    hash: row.opt_text(5)?.map(str::to_owned),
                    sealed_verifier: row.opt_bytes(6)?.map(<[u8]>::to_vec),
                    enabled: row.flag(7)?,
                    temporary_until: row.opt_millis(8)?,
                    created: row.millis(9)?,
                    modified: row.millis(10)?,
                    mfa: MfaPreferences::parse(row.text(12)?).ok_or_else(|| Fault::internal("MFA preferences"))?,
                    former: row.opt_text(11)?.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
                });
            }
            rows::MEMBERSHIP => {
                self.groups.insert(row.text(2)?.to_owned(), row.millis(9)?);
            }
            rows::NAME => {
                self.names.insert(row.text(3)?.to_owned(), row.text(2)?.to_owned());
            }
            rows::TOKEN => self.token = Some(held::token_line(key, row.text(1)?, row)?),
            rows::PASSKEY => self.passkeys.push(held::passkey_line(row)?),
            rows::DEVICE => self.devices.push(held::device_line(key, row.text(1)?, row)?),
            _ => {}
        }
        Ok(())
    }

    /// `None` for what hangs on nobody.
    pub fn line(self, pool: &Pool, key: &PoolKey, sub: &str) -> Result<Option<UserLine>, Fault> {
        let Self { user: Some(mut user), groups, names: held, token, passkeys, devices } = self else {
            return Ok(None);
        };
        // Links stay, and so does what tells of them.
        user.attributes.remove(links::IDENTITIES);
        let own = held.get(login_names::USERNAME).cloned().unwrap_or_else(|| login_names::key(pool, &user.username));
        let made_with = names::Own::of(pool, &user.username, sub, own.clone());
        let wanted = names::wanted(pool, &made_with, &user.attributes).unwrap_or_default();
        let unclaimed = wanted.iter().filter(|name| held.get(name.kind) != Some(&name.key) && name.key != own);
        let unclaimed = unclaimed.map(|name| name.kind.to_owned()).collect();
        let srp = user.sealed_verifier.map(|sealed| srp(key, sub, &sealed)).transpose()?;
        let (former, temporary_until) = (user.former, user.temporary_until);
        Ok(Some(UserLine {
            sub: Sub::parse(sub).map_err(Fault::internal)?,
            login: login_of(pool, &user.username, sub, &own),
            username: user.username,
            status: user.status,
            enabled: user.enabled,
            attributes: user.attributes,
            unclaimed,
            groups,
            password: user.hash.map(|hash| PasswordLine { hash, srp, former, temporary_until }),
            mfa: Some(user.mfa).filter(|mfa| *mfa != MfaPreferences::default()),
            software_token: token,
            passkeys,
            devices,
            created_at: user.created,
            modified_at: user.modified,
        }))
    }
}

fn srp(key: &PoolKey, sub: &str, sealed: &[u8]) -> Result<SrpLine, Fault> {
    let opened = key.open(users::rows::verifier_cell(&[sub]), sealed).map_err(Fault::internal)?;
    let verifier = Verifier::from_bytes(opened.expose()).map_err(Fault::internal)?;
    Ok(SrpLine::of(&verifier))
}
