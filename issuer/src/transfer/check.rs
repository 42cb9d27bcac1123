//! Whether lines fit into a pool (pure). The command asks for all of a file before it sends any of it; the issuer asks again for each line.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;

use super::frame::sha256;
use super::held::Held;
use super::lines::{ClientLine, GroupLine, Line, PasswordLine, SrpLine, UserLine, settings};
use crate::clients::model::Settings as ClientSettings;
use crate::clients::oauth_rules::{self, Facts};
use crate::passwords;
use crate::passwords::srp::Verifier;
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::pools::schema::{Writer, is_email, is_phone_number};
use crate::users::attributes::names::{self, Wanted};
use crate::users::groups::Group;
use crate::users::{Status, User, links, login_names};

/// Cognito: UsernameType, GroupNameType.
const MAX_NAME: usize = 128;
/// Cognito: DescriptionType, ArnType.
const MAX_TEXT: usize = 2_048;
/// Cognito's quota of groups of a user.
const MAX_GROUPS: usize = 100;
/// Cognito: PasswordHistorySizeType.
const MAX_FORMER: usize = 24;
/// Cognito: secrets of a client at a time.
const MAX_SECRETS: usize = 2;
const MAX_SECRET: usize = 128;
/// The end of the year 9999.
const LAST_INSTANT: UnixMillis = UnixMillis(253_402_300_799_999);

/// A user as it will be stored; what is to be sealed is yet in the clear.
pub struct Person {
    pub user: User,
    pub hash: Option<String>,
    /// `None` also where the verifier is bound to a pool of another name.
    pub verifier: Option<Verifier>,
    /// Hashes of passwords before it.
    pub former: Vec<String>,
    pub held: Held,
    pub names: Vec<Wanted>,
    pub groups: Vec<(String, UnixMillis)>,
}

/// A user's line as the pool takes it. `keeps_srp`: the pool has the name that verifiers of the export are bound to.
pub fn person(pool: &Pool, mut line: UserLine, keeps_srp: bool) -> Result<Person, String> {
    // What tells of links that did not come with it.
    line.attributes.remove(links::IDENTITIES);
    let status = Status::parse(&line.status).ok_or("an unknown status")?;
    let given = line.login.as_ref().unwrap_or(&line.username);
    check_name("username", &line.username)?;
    check_name("login", given)?;
    check_login(pool, &line)?;
    pool.schema().check(&line.attributes, Writer::Admin).map_err(|text| text.trim_end().to_owned())?;
    login_names::check_preferred(pool, &line.attributes).map_err(|error| error.to_string())?;
    let own = names::Own::of(pool, &line.username, line.sub.as_str(), login_names::key(pool, given));
    let names = names::wanted(pool, &own, &line.attributes).map_err(|error| error.to_string())?;
    let names: Vec<_> = names.into_iter().filter(|name| !line.unclaimed.iter().any(|kind| kind == name.kind)).collect();
    if !names.iter().any(|name| name.kind == login_names::USERNAME) {
        return Err("it has no name to sign in by".to_owned());
    }
    if line.groups.len() > MAX_GROUPS {
        return Err(format!("in more than {MAX_GROUPS} groups"));
    }
    line.groups.keys().try_for_each(|group| check_name("group's name", group))?;
    check_instants([line.created_at, line.modified_at].into_iter().chain(line.groups.values().copied()))?;
    let secrets = line.password.map(|password| secrets(password, keeps_srp)).transpose()?.unwrap_or_default();
    let held = Held::new((&pool.id, &line.sub), line.software_token, line.passkeys, line.devices)?;
    let mfa = line.mfa.unwrap_or_default();
    if mfa.enabled.contains(&Factor::SoftwareToken) && !held.has_token() {
        return Err("it is asked for a software token, which it has not".to_owned());
    }
    if mfa.preferred.is_some_and(|preferred| !mfa.enabled.contains(&preferred)) {
        return Err("the second factor that it prefers is not enabled".to_owned());
    }
    let user = User {
        pool: pool.id.clone(),
        sub: line.sub,
        username: line.username,
        status,
        enabled: line.enabled,
        attributes: line.attributes,
        stored: None,
        credentials: None,
        // Tokens of the other deployment are signed by keys that this one does not have.
        valid_after: UnixMillis(0),
        newest_mint: UnixMillis(0),
        temporary_until: secrets.temporary_until,
        created: line.created_at,
        modified: line.modified_at,
        mfa,
    };
    let Secrets { hash, verifier, former, .. } = secrets;
    Ok(Person { user, hash, verifier, former, held, names, groups: line.groups.into_iter().collect() })
}

/// Whether a user may sign in by the name that the line tells. After a change of how people sign in, they keep the names that they were made with: a user
/// name proper where addresses are user names by now, an address where they were, or a user name in the form of an address.
fn check_login(pool: &Pool, line: &UserLine) -> Result<(), String> {
    let of_addresses = !pool.settings.username_attributes.is_empty();
    let of_sub = line.username == line.sub.as_str();
    match &line.login {
        Some(login) if of_sub && !is_address(login) => {
            Err("it has no user name, and the name that it signs in by is no address".to_owned())
        }
        Some(login) if !of_sub && login_names::key(pool, login) != login_names::key(pool, &line.username) => {
            Err("it has a user name, and another name to sign in by".to_owned())
        }
        Some(_) => Ok(()),
        None if of_addresses && !of_sub && !is_address(&line.username) => Ok(()),
        None if of_addresses && !of_sub => {
            Err("its user name has the form of an address, which only an address may have in this pool".to_owned())
        }
        None => login_names::choose(pool, &line.username, &line.sub).map(drop).map_err(|error| error.to_string()),
    }
}

fn is_address(name: &str) -> bool {
    is_email(name) || is_phone_number(name)
}

#[derive(Default)]
struct Secrets {
    hash: Option<String>,
    verifier: Option<Verifier>,
    former: Vec<String>,
    temporary_until: Option<UnixMillis>,
}

fn secrets(password: PasswordLine, keeps_srp: bool) -> Result<Secrets, String> {
    check_instants(password.temporary_until)?;
    if password.former.len() > MAX_FORMER {
        return Err(format!("more than {MAX_FORMER} former passwords"));
    }
    for hash in std::iter::once(&password.hash).chain(&password.former) {
        passwords::check_imported(hash).map_err(|error| error.to_string())?;
    }
    let verifier = password.srp.map(|srp| verifier(&srp).ok_or("the SRP verifier is none")).transpose()?;
    Ok(Secrets {
        hash: Some(password.hash),
        verifier: verifier.filter(|_| keeps_srp),
        former: password.former,
        temporary_until: password.temporary_until,
    })
}

pub(super) fn verifier(line: &SrpLine) -> Option<Verifier> {
    let even = line.salt.len() % 2;
    let digits = format!("{}{}", "0".repeat(even), line.salt);
    let salt = (0..digits.len() / 2).map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok());
    let salt = salt.collect::<Option<Vec<_>>>()?;
    Verifier::from_parts(&salt, &STANDARD.decode(&line.verifier).ok()?).ok()
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(odd) {
        return Err(format!("the {what} is no name of 1 to {MAX_NAME} characters"));
    }
    Ok(())
}

pub fn group(pool: &Pool, line: GroupLine) -> Result<Group, String> {
    check_name("group's name", &line.name)?;
    check_instants([line.created_at, line.modified_at])?;
    let texts = [&line.description, &line.role_arn];
    if texts.into_iter().flatten().any(|text| text.chars().count() > MAX_TEXT || text.contains('\0')) {
        return Err(format!("a text of more than {MAX_TEXT} characters, or with NUL"));
    }
    if line.precedence.is_some_and(|precedence| i32::try_from(precedence).is_err()) {
        return Err("the precedence is out of range".to_owned());
    }
    Ok(Group {
        pool: pool.id.clone(),
        name: line.name,
        description: line.description,
        role_arn: line.role_arn,
        precedence: line.precedence,
        created: line.created_at,
        modified: line.modified_at,
    })
}

/// The settings of a client's line.
pub fn client(pool: &Pool, line: &ClientLine) -> Result<ClientSettings, String> {
    let settings: ClientSettings = settings(&line.settings)?;
    settings.check().map_err(|error| error.to_string())?;
    let schema = pool.schema();
    let lists = [&settings.read_attributes, &settings.write_attributes];
    if let Some(name) = lists.into_iter().flatten().flatten().find(|name| *name != "sub" && !schema.has(name)) {
        return Err(format!("it reads or writes the attribute {name:?}, which the pool has not"));
    }
    let has_attribute = |name: &str| schema.has(name);
    let facts = Facts {
        has_secret: !line.secrets.is_empty(),
        may_ask: &oauth_rules::check_page,
        has_attribute: &has_attribute,
    };
    oauth_rules::check(&settings.oauth, &facts)?;
    check_client_name(&line.name)?;
    let made = line.secrets.iter().map(|secret| secret.created_at);
    check_instants(made.chain([line.created_at, line.modified_at]))?;
    let fits = |value: &str| (1..=MAX_SECRET).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
    let at_once = line.secrets.first().zip(line.secrets.get(1)).is_some_and(|(a, b)| a.created_at >= b.created_at);
    if at_once || line.secrets.len() > MAX_SECRETS || !line.secrets.iter().all(|secret| fits(&secret.value)) {
        return Err("its secrets are none".to_owned());
    }
    Ok(settings)
}

pub(super) fn check_instants(instants: impl IntoIterator<Item = UnixMillis>) -> Result<(), String> {
    match instants.into_iter().find(|at| *at > LAST_INSTANT) {
        Some(at) => Err(format!("{} is no instant in milliseconds", at.0)),
        None => Ok(()),
    }
}

fn check_client_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(format!("its name is none of 1 to {MAX_NAME} characters"));
    }
    Ok(())
}

/// What no line says alone: order, and names that two users want. Takes about 40 bytes of memory a name.
pub struct Together<'a> {
    pool: &'a Pool,
    keeps_srp: bool,
    groups: BTreeSet<String>,
    clients: BTreeSet<String>,
    names: HashSet<u128>,
    last_sub: String,
    stage: u8,
}

impl<'a> Together<'a> {
    pub fn new(pool: &'a Pool, keeps_srp: bool) -> Self {
        let none = (BTreeSet::new(), HashSet::new());
        Self {
            pool,
            keeps_srp,
            groups: none.0,
            clients: BTreeSet::new(),
            names: none.1,
            last_sub: String::new(),
            stage: 0,
        }
    }

    /// What is wrong with the next line.
    pub fn check(&mut self, line: Line) -> Result<(), String> {
        let stage = match &line {
            Line::Pool(_) | Line::End(_) => return Err("the first or last line in the middle".to_owned()),
            Line::Group(_) => 1,
            Line::Client(_) => 2,
            Line::User(_) => 3,
        };
        if stage < self.stage {
            return Err("out of order: groups, then clients, then users".to_owned());
        }
        self.stage = stage;
        match line {
            Line::Group(line) => {
                let group = group(self.pool, line)?;
                if self.groups.insert(group.name) { Ok(()) } else { Err("the group is there twice".to_owned()) }
            }
            Line::Client(line) => {
                client(self.pool, &line)?;
                let is_new = self.clients.insert(line.client.to_string());
                if is_new { Ok(()) } else { Err("the client is there twice".to_owned()) }
            }
            Line::User(line) => self.user(*line),
            Line::Pool(_) | Line::End(_) => Ok(()),
        }
    }

    fn user(&mut self, line: UserLine) -> Result<(), String> {
        if line.sub.as_str() <= self.last_sub.as_str() {
            return Err("out of order, or there twice: users are in the order of sub".to_owned());
        }
        line.sub.as_str().clone_into(&mut self.last_sub);
        let person = person(self.pool, line, self.keeps_srp)?;
        if let Some((name, _)) = person.groups.iter().find(|(name, _)| !self.groups.contains(name)) {
            return Err(format!("in the group {name:?}, which there is not"));
        }
        let own = std::iter::once((person.user.sub.as_str(), "sub"));
        let names = own.chain(person.names.iter().map(|name| (name.key.as_str(), name.kind)));
        // A user's own names may be the same text under two kinds: one of them is stored.
        let distinct: BTreeSet<_> = names.map(|(key, _)| key.to_owned()).collect();
        // No name has this beginning: white space is in none.
        let credentials = person.held.credentials().map(|credential| format!("passkey {credential}"));
        let distinct = distinct.into_iter().chain(credentials);
        let taken = distinct.filter(|key| !self.names.insert(short(key))).count();
        if taken > 0 {
            return Err("another user of the export signs in by the same name, address or passkey".to_owned());
        }
        Ok(())
    }
}

fn short(key: &str) -> u128 {
    sha256(key.as_bytes()).iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// The name that a user signs in by, where the line has to tell it: it is not the user name, or no new user of the pool could choose it.
pub fn login_of(pool: &Pool, username: &str, sub: &str, key: &str) -> Option<String> {
    let of_addresses = !pool.settings.username_attributes.is_empty();
    let kept =
        username != sub && (of_addresses && is_address(username) || login_names::is_address_alias(pool, username));
    (kept || key != login_names::key(pool, username)).then(|| key.to_owned())
}
