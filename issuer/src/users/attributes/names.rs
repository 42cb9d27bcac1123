//! Login names follow the attributes: an address that is no longer the user's, or no longer verified, signs nobody in.
//!
//! What a user has is read from the rows, what it should have is computed from the attributes, and the batch holds the difference. The
//! insertions decide who gets a name (its key is unique); the deletions miss when someone took the name meanwhile.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::plan::cannot_be_deleted;
use crate::pools::Pool;
use crate::pools::schema::{Attributes, is_email, is_phone_number};
use crate::store::{Statement, Store};
use crate::users::address::Address;
use crate::users::login_names::{self, SUB, USERNAME};
use crate::users::{User, UserError, rows};

/// A name of a user, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub key: String,
    pub kind: String,
}

/// A name that a user should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub key: String,
    pub kind: &'static str,
}

/// The difference, as statements.
#[derive(Debug, Default)]
pub struct Moves {
    pub statements: Vec<Statement>,
    /// Which of them miss when a name is taken, and what to say then.
    pub claims: Vec<(usize, &'static str)>,
}

/// Whether verified addresses are taken from those who have them (ForceAliasCreation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    Never,
    Addresses,
}

impl Taking {
    /// ForceAliasCreation of a request.
    pub fn when(forced: Option<bool>) -> Self {
        if forced.unwrap_or(false) { Self::Addresses } else { Self::Never }
    }
}

/// The name that a user was made with, as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    key: String,
    /// It is an address, and another one takes its place when the attribute changes: the user name proper is the `sub`.
    is_address: bool,
}

impl Own {
    /// `typed`: the key of kind `username` that the user has.
    pub fn of(pool: &Pool, username: &str, sub: &str, typed: String) -> Self {
        let is_address = username == sub;
        let key = if is_address { typed } else { login_names::key(pool, username) };
        Self { key, is_address }
    }
}

/// The same of a user.
pub fn own(pool: &Pool, user: &User, typed: String) -> Own {
    Own::of(pool, &user.username, user.sub.as_str(), typed)
}

/// The names that the attributes give; while the pool's way to sign in is being changed, those of both ways.
pub fn wanted(pool: &Pool, own: &Own, attributes: &Attributes) -> Result<Vec<Wanted>, UserError> {
    let mut names = wanted_in(pool, own, attributes)?;
    if let Some(becoming) = pool.becoming() {
        let own = Own { key: login_names::key(&becoming, &own.key), ..own.clone() };
        for name in wanted_in(&becoming, &own, attributes)? {
            if !names.iter().any(|known| known.key == name.key) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

fn wanted_in(pool: &Pool, own: &Own, attributes: &Attributes) -> Result<Vec<Wanted>, UserError> {
    let Own { key: username, is_address } = own;
    if pool.settings.username_attributes.is_empty() {
        let own = Wanted { key: username.clone(), kind: USERNAME };
        let aliases = login_names::aliases(pool, attributes).into_iter().map(|(kind, key)| Wanted { key, kind });
        return Ok(std::iter::once(own.clone()).chain(aliases.filter(|alias| alias.key != own.key)).collect());
    }
    let mut names = Vec::new();
    let follows = |address: &Address| *is_address && address.is_username(pool) && has_form(*address, username);
    let main = Address::ALL.into_iter().find(follows);
    for address in Address::ALL.into_iter().filter(|address| address.is_username(pool)) {
        let value = attributes.get(address.attribute()).map(|value| login_names::key(pool, value));
        let verified = attributes.get(address.flag()).is_some_and(|flag| flag == "true");
        match value {
            // It signs in whether verified or not, as at sign-up.
            Some(key) if main == Some(address) => names.push(Wanted { key, kind: USERNAME }),
            None if main == Some(address) => return Err(cannot_be_deleted(address.attribute())),
            Some(key) if verified && key != *username => names.push(Wanted { key, kind: address.attribute() }),
            _ => {}
        }
    }
    if main.is_none() {
        names.push(Wanted { key: username.clone(), kind: USERNAME });
    }
    Ok(names)
}

/// What brings a user's names to what the pool's settings want now.
#[derive(Debug, Default)]
pub struct Aligned {
    pub statements: Vec<Statement>,
    /// A name that another user has, or the user who lacks what is needed, and which of the two. It is not in the statements.
    pub conflict: Option<(String, String)>,
}

/// For a user whose attributes do not change. Each statement misses when the name moved meanwhile.
pub async fn align(store: &Store, pool: &Pool, user: &User, own: &Own) -> Result<Aligned, UserError> {
    let held = held(store, &pool.id, &user.sub).await?;
    let wanted = match wanted(pool, own, &user.attributes) {
        Ok(wanted) => wanted,
        Err(UserError::Attributes(why)) => {
            return Ok(Aligned { statements: Vec::new(), conflict: Some((user.username.clone(), why)) });
        }
        Err(error) => return Err(error),
    };
    let (gone, new) = difference(&held, &wanted);
    let mut aligned = Aligned::default();
    let released = gone.into_iter().map(|name| rows::release_name(&pool.id, &name.key, &name.kind, &user.sub));
    aligned.statements.extend(released);
    for name in new {
        match holder(store, &pool.id, &name.key).await? {
            Some((sub, _)) if sub != user.sub => {
                aligned.conflict = Some((name.key.clone(), "another user has this name".to_owned()));
            }
            _ => aligned.statements.push(rows::claim_name(&pool.id, &name.key, name.kind, &user.sub)),
        }
    }
    Ok(aligned)
}

/// What moves the names of a user to what `attributes` give. Names that others have are refused here already, so that the refusal can say
/// which; the batch is what decides.
pub async fn follow(
    store: &Store,
    pool: &Pool,
    user: &User,
    attributes: &Attributes,
    taking: Taking,
    now: UnixMillis,
) -> Result<Moves, UserError> {
    let held = held(store, &pool.id, &user.sub).await?;
    // Every user has one: it is made with the user, and only ever replaced.
    let username = held.iter().find(|name| name.kind == USERNAME).ok_or(UserError::Absent)?;
    let own = own(pool, user, username.key.clone());
    let wanted = wanted(pool, &own, attributes)?;
    let (gone, new) = difference(&held, &wanted);
    let released = gone.into_iter().map(|name| rows::release_name(&pool.id, &name.key, &name.kind, &user.sub));
    let mut moves = Moves { statements: released.collect(), claims: Vec::new() };
    // What the attributes gave before this change and is not the user's all the same was lost or never claimed under an earlier version: it is
    // made good where the name is free, and stands in the way of no other change.
    let before = self::wanted(pool, &own, &user.attributes).unwrap_or_default();
    for name in new {
        if before.contains(name) && holder(store, &pool.id, &name.key).await?.is_some() {
            continue;
        }
        moves.claim(store, user, name, taking, now).await?;
    }
    Ok(moves)
}

impl Moves {
    /// Adds the claim of one name, and what takes it from another user where that is asked for.
    pub async fn claim(
        &mut self,
        store: &Store,
        user: &User,
        name: &Wanted,
        taking: Taking,
        now: UnixMillis,
    ) -> Result<(), UserError> {
        let label = label(name);
        match holder(store, &user.pool, &name.key).await? {
            Some((sub, kind)) if sub != user.sub => {
                let address = Address::named(&kind).filter(|_| taking == Taking::Addresses);
                let address = address.ok_or_else(|| login_names::taken(label))?;
                self.statements.extend(take(store, &user.pool, &sub, address, &name.key, now).await?);
            }
            _ => {}
        }
        self.statements.push(rows::claim_name(&user.pool, &name.key, name.kind, &user.sub));
        self.claims.push((self.statements.len() - 1, label));
        Ok(())
    }

    /// The refusal that a missed statement means, if it was a claim.
    pub fn refusal(&self, missed: usize) -> Option<UserError> {
        self.claims.iter().find(|(index, _)| *index == missed).map(|(_, label)| login_names::taken(label))
    }
}

/// Refuses an address that another user signs in by, before it waits for its code.
pub async fn refuse_taken(
    store: &Store,
    pool: &Pool,
    user: &User,
    address: Address,
    to: &str,
) -> Result<(), UserError> {
    if !address.is_username(pool) {
        return Ok(());
    }
    match holder(store, &pool.id, &login_names::key(pool, to)).await? {
        Some((sub, _)) if sub != user.sub => Err(login_names::taken(address.attribute())),
        _ => Ok(()),
    }
}

async fn held(store: &Store, pool: &PoolId, sub: &Sub) -> Result<Vec<Held>, UserError> {
    let rows = store.read(rows::names_of(pool, sub)).await?;
    let read = |row: &crate::store::Row| Ok(Held { key: row.text(0)?.to_owned(), kind: row.text(1)?.to_owned() });
    rows.iter().map(read).collect()
}

async fn holder(store: &Store, pool: &PoolId, key: &str) -> Result<Option<(Sub, String)>, UserError> {
    let Some(row) = store.one(rows::holder(pool, key)).await? else { return Ok(None) };
    Ok(Some(rows::held_by(&row)?))
}

/// What is to go, and what is to come.
fn difference<'n>(held: &'n [Held], wanted: &'n [Wanted]) -> (Vec<&'n Held>, Vec<&'n Wanted>) {
    let stays = |name: &Held| name.kind == SUB || wanted.iter().any(|w| w.key == name.key && w.kind == name.kind);
    let gone = held.iter().filter(|name| !stays(name)).collect();
    let has = |key: &str| held.iter().any(|name| name.key == key && stays(name));
    (gone, wanted.iter().filter(|name| !has(&name.key)).collect())
}

/// Takes an address from a user, who keeps the attribute, but not the word that it is verified: somebody else has proven it since.
async fn take(
    store: &Store,
    pool: &PoolId,
    sub: &Sub,
    address: Address,
    key: &str,
    now: UnixMillis,
) -> Result<Vec<Statement>, UserError> {
    let release = rows::release_name(pool, key, address.attribute(), sub);
    let Some(row) = store.one(rows::by_sub(pool, sub)).await? else { return Ok(vec![release]) };
    let loser = rows::user(&row)?;
    let mut attributes = loser.attributes.clone();
    attributes.insert(address.flag().to_owned(), "false".to_owned());
    Ok(vec![rows::update_profile(&loser, loser.status, &attributes, now), release])
}

fn has_form(address: Address, key: &str) -> bool {
    match address {
        Address::Email => is_email(key),
        Address::PhoneNumber => is_phone_number(key),
    }
}

/// What Cognito calls the name in its refusal.
fn label(name: &Wanted) -> &'static str {
    match name.kind {
        USERNAME if is_email(&name.key) => "email",
        USERNAME if is_phone_number(&name.key) => "phone_number",
        kind => kind,
    }
}
