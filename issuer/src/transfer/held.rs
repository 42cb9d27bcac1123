//! What a user holds beside a password: a software token, passkeys, devices. Trust in devices does not move: each is proven again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};
use serde::{Deserialize, Serialize};

use super::check::{check_instants, verifier};
use super::lines::{SrpLine, without_secrets};
use crate::devices::{self, Device, DeviceKey};
use crate::envelope::PoolKey;
use crate::factors::passkeys::{self, Passkey};
use crate::factors::rows as factor_rows;
use crate::passwords::srp::Verifier;
use crate::store::{Row, Statement};
use crate::users::User;

/// Bytes of texts that are shown, and of seeds and keys.
const MAX_TEXT: usize = 1_024;
const MAX_BYTES: usize = 2_048;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLine {
    /// Base64.
    pub seed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time step of the code that was used last: it, and those before it, are used up.
    pub last_step: u64,
    pub modified_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLine {
    /// Base64url.
    pub credential: String,
    /// COSE_Key in base64.
    pub public_key: String,
    pub sign_count: u32,
    pub flags: u8,
    pub name: String,
    pub relying_party: String,
    pub transports: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
    pub created_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceLine {
    pub device: String,
    /// As it was when the device computed its verifier, which is bound to it.
    pub group_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub srp: Option<SrpLine>,
    pub remembered: bool,
    pub last_address: String,
    pub authenticated_at: UnixMillis,
    pub created_at: UnixMillis,
    pub modified_at: UnixMillis,
}

without_secrets!(TokenLine);

/// A software token as a row of `rows::people`.
pub fn token_line(key: &PoolKey, sub: &str, row: &Row) -> Result<TokenLine, Fault> {
    let seed = key.open(factor_rows::seed_cell(&[sub]), row.bytes(6)?).map_err(Fault::internal)?;
    Ok(TokenLine {
        seed: STANDARD.encode(seed.expose()),
        name: row.opt_text(4)?.map(str::to_owned),
        last_step: row.u64(7)?,
        modified_at: row.millis(10)?,
    })
}

pub fn passkey_line(row: &Row) -> Result<PasskeyLine, Fault> {
    let number = |column| row.u64(column);
    Ok(PasskeyLine {
        credential: row.text(2)?.to_owned(),
        public_key: STANDARD.encode(row.bytes(6)?),
        sign_count: u32::try_from(number(7)?).map_err(Fault::internal)?,
        flags: u8::try_from(number(8)?).map_err(Fault::internal)?,
        name: row.text(3)?.to_owned(),
        relying_party: row.text(4)?.to_owned(),
        transports: serde_json::from_str(row.text(11)?).map_err(Fault::internal)?,
        attachment: row.opt_text(5)?.map(str::to_owned),
        created_at: row.millis(9)?,
    })
}

pub fn device_line(key: &PoolKey, sub: &str, row: &Row) -> Result<DeviceLine, Fault> {
    let device = row.text(2)?;
    let srp = match row.opt_bytes(6)? {
        Some(sealed) => {
            let cell = [sub, device];
            let opened = key.open(devices::rows::verifier_cell(&cell), sealed).map_err(Fault::internal)?;
            Some(SrpLine::of(&Verifier::from_bytes(opened.expose()).map_err(Fault::internal)?))
        }
        None => None,
    };
    Ok(DeviceLine {
        device: device.to_owned(),
        group_key: row.text(3)?.to_owned(),
        name: row.opt_text(5)?.map(str::to_owned),
        srp,
        remembered: row.flag(7)?,
        last_address: row.text(4)?.to_owned(),
        authenticated_at: row.millis(8)?,
        created_at: row.millis(9)?,
        modified_at: row.millis(10)?,
    })
}

/// What a user holds, as it will be stored; what is to be sealed is yet in the clear.
#[derive(Default)]
pub struct Held {
    token: Option<(Vec<u8>, TokenLine)>,
    passkeys: Vec<Passkey>,
    devices: Vec<(Device, Option<Verifier>)>,
}

impl Held {
    pub fn new(
        user: (&PoolId, &Sub),
        token: Option<TokenLine>,
        passkeys: Vec<PasskeyLine>,
        devices: Vec<DeviceLine>,
    ) -> Result<Self, String> {
        let too_many = usize::try_from(passkeys::MOST).is_ok_and(|most| passkeys.len() > most)
            || usize::try_from(devices::rules::MOST).is_ok_and(|most| devices.len() > most);
        if too_many {
            return Err("more passkeys or devices than a user may have".to_owned());
        }
        Ok(Self {
            token: token.map(seed).transpose()?,
            passkeys: passkeys.into_iter().map(|line| passkey(user, line)).collect::<Result<_, _>>()?,
            devices: devices.into_iter().map(|line| device(user, line)).collect::<Result<_, _>>()?,
        })
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The statements that store it, after the user's row, and why each may miss.
    pub fn statements(self, key: &PoolKey, user: &User) -> Result<Vec<(Statement, &'static str)>, Fault> {
        let sub = user.sub.as_str();
        let mut statements = Vec::new();
        if let Some((seed, line)) = self.token {
            let seed = key.seal(factor_rows::seed_cell(&[sub]), &seed).map_err(Fault::internal)?;
            let verified = factor_rows::Verified { seed: &seed, name: line.name.as_deref(), step: line.last_step };
            let put = factor_rows::put_first(user, &verified, line.modified_at);
            statements.push((put, "the user has a software token"));
        }
        for passkey in &self.passkeys {
            statements.push((passkeys::rows::insert(passkey), "another user of the pool has the same passkey"));
        }
        for (mut device, verifier) in self.devices {
            if let Some(verifier) = verifier {
                let cell = [sub, device.key.as_str()];
                let sealed = key.seal(devices::rows::verifier_cell(&cell), verifier.to_bytes().expose());
                device.sealed_verifier = Some(sealed.map_err(Fault::internal)?);
            }
            statements.push((devices::rows::insert(&device), "the user has the same device twice"));
        }
        Ok(statements)
    }

    /// Credentials of passkeys, of which no two users have the same.
    pub fn credentials(&self) -> impl Iterator<Item = &str> {
        self.passkeys.iter().map(|passkey| passkey.credential.as_str())
    }
}

fn seed(line: TokenLine) -> Result<(Vec<u8>, TokenLine), String> {
    let seed = STANDARD.decode(&line.seed).ok().filter(|seed| (16..=128).contains(&seed.len()));
    check_texts(line.name.iter())?;
    check_instants([line.modified_at])?;
    // 2^40 steps of 30 s are a million years.
    let seed = seed.filter(|_| line.last_step < 1 << 40);
    Ok((seed.ok_or("the software token is none")?, line))
}

fn passkey((pool, sub): (&PoolId, &Sub), line: PasskeyLine) -> Result<Passkey, String> {
    let texts = [&line.credential, &line.name, &line.relying_party];
    check_texts(texts.into_iter().chain(&line.transports).chain(&line.attachment))?;
    check_instants([line.created_at])?;
    let public_key = STANDARD.decode(&line.public_key).ok().filter(|key| !key.is_empty() && key.len() <= MAX_BYTES);
    Ok(Passkey {
        pool: pool.clone(),
        sub: sub.clone(),
        credential: line.credential,
        public_key: public_key.ok_or("the passkey is none")?,
        sign_count: line.sign_count,
        flags: line.flags,
        name: line.name,
        relying_party: line.relying_party,
        transports: line.transports,
        attachment: line.attachment,
        created: line.created_at,
    })
}

fn device((pool, sub): (&PoolId, &Sub), line: DeviceLine) -> Result<(Device, Option<Verifier>), String> {
    check_texts([&line.group_key, &line.last_address].into_iter().chain(&line.name))?;
    check_instants([line.authenticated_at, line.created_at, line.modified_at])?;
    let proof = line.srp.map(|srp| verifier(&srp).ok_or("the device's verifier is none")).transpose()?;
    let device = Device {
        pool: pool.clone(),
        sub: sub.clone(),
        key: DeviceKey::parse(&line.device).ok_or("the device's key is none")?,
        group_key: line.group_key,
        name: line.name,
        sealed_verifier: None,
        remembered: line.remembered,
        trust: None,
        last_address: line.last_address,
        authenticated: line.authenticated_at,
        created: line.created_at,
        modified: line.modified_at,
        version: 0,
    };
    Ok((device, proof))
}

fn check_texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    match texts.into_iter().find(|text| text.len() > MAX_TEXT || text.contains('\0')) {
        Some(_) => Err(format!("a text of more than {MAX_TEXT} bytes, or with NUL")),
        None => Ok(()),
    }
}
