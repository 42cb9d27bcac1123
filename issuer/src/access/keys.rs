//! Making admin keys.

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::model::AdminKey;
use super::rows;
use crate::entropy;
use crate::envelope::PoolKey;
use crate::store::{Batch, Store};

const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What a first key may do, and once.
const FIRST_KEY_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"tollgate:CreateAdminKey","Resource":"*"}]}"#;

/// A key as its holder gets it, once.
pub struct NewKey {
    /// `AKIA` and sixteen characters, the form that SDKs expect.
    pub access_key_id: String,
    /// 40 characters, 240 random bits.
    pub secret_access_key: SecretString,
}

/// What a new key is to be.
pub struct Wanted {
    pub name: String,
    /// A policy document that [`super::Policy::parse`] took.
    pub policy: String,
    pub created_by: Option<String>,
    pub expires: Option<UnixMillis>,
    pub single_use: bool,
}

/// Makes a key: what its holder gets, and the row. The error is for whoever operates the issuer.
pub fn make(deployment_key: &PoolKey, wanted: Wanted, now: UnixMillis) -> Result<(NewKey, AdminKey), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let id = entropy::text::<16>(ID_ALPHABET).map_err(|e| text(&e))?;
    let access_key_id = format!("AKIA{id}");
    let secret = entropy::text::<40>(SECRET_ALPHABET).map_err(|e| text(&e))?;
    let sealed_secret =
        deployment_key.seal(rows::secret_cell(&[&access_key_id]), secret.as_bytes()).map_err(|e| text(&e))?;
    let row = AdminKey {
        access_key_id: access_key_id.clone(),
        name: wanted.name,
        policy: wanted.policy,
        created: now,
        created_by: wanted.created_by,
        expires: wanted.expires,
        disabled: None,
        single_use: wanted.single_use,
        sealed_secret,
    };
    Ok((NewKey { access_key_id, secret_access_key: SecretString::new(secret) }, row))
}

/// Makes the key that makes the first other one, while no issuer runs. First keys that nobody used are void then.
///
/// # Errors
/// A sentence for the operator. There may be no other key unless the `recovery` asks for one all the same.
pub async fn create_first(
    store: &Store,
    deployment_key: &PoolKey,
    recovery: Recovery,
    now: UnixMillis,
) -> Result<NewKey, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let rows = store.read(rows::all()).await.map_err(|e| text(&e))?;
    let keys = rows.iter().map(rows::key).collect::<Result<Vec<_>, _>>().map_err(|e| text(&e))?;
    if recovery == Recovery::No && keys.iter().any(|key| !key.single_use) {
        return Err("there are admin keys already: make others with `tollgate admin keys create`, or, when all are lost, add --recover".into());
    }
    let wanted = Wanted {
        name: "first".into(),
        policy: FIRST_KEY_POLICY.into(),
        created_by: None,
        expires: None,
        single_use: true,
    };
    let (key, row) = make(deployment_key, wanted, now)?;
    let mut batch = Batch::new();
    batch.add(rows::delete_unused());
    batch.add(rows::insert(&row));
    store.commit(batch).await.map_err(|e| text(&e))?;
    Ok(key)
}

/// Whether a first key may be made beside other keys: for when nobody has those any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    No,
    Yes,
}
