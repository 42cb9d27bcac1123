//! What stores lines, gathered for one batch.

use std::borrow::Cow;

use cognito_model::Fault;
use common::feed::{Change, ClientSettings};
use common::secret::SecretString;

use super::check::{self, Person};
use super::lines::{ClientLine, Line};
use super::rows::{self, Import};
use crate::aws_json::Call;
use crate::clients::model::{Client, Place, SealedSecret, Settings as ClientsSettings};
use crate::clients::{self, rows as client_rows};
use crate::envelope::PoolKey;
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Batch, Statement};
use crate::users::model::Credentials;
use crate::users::{groups, login_names, rows as user_rows};

/// Why lines were not stored.
pub enum Stored {
    /// The count of lines that are done is another one by now.
    Moved,
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for Stored {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

/// Statements, the line of each, and why it may miss.
#[derive(Default)]
pub struct Pending {
    pub batch: Batch,
    pub misses: Vec<(usize, String)>,
    pub changes: Vec<Change>,
}

impl Pending {
    /// Adds what stores a line; `number` is its place among the lines, from 1.
    pub async fn add_line(
        &mut self,
        call: &Call,
        pool: &Pool,
        import: &Import,
        number: u64,
        line: Line,
    ) -> Result<(), Stored> {
        let at = |why: String| Stored::Fault(refused(format!("line {}: {why}", number + 1)));
        match line {
            Line::Group(line) => {
                let group = check::group(pool, line).map_err(at)?;
                self.add(groups::insert(&group), number, "there is a group of this name");
            }
            Line::Client(line) => {
                let settings = check::client(pool, &line).map_err(at)?;
                let named = clients::check_references(&call.services, pool, &settings).await;
                named.map_err(|fault| at(fault.message.to_string()))?;
                self.client(&call.services, pool, *line, settings, number).await?;
            }
            Line::User(line) => {
                let person = check::person(pool, *line, import.keeps_srp).map_err(at)?;
                let key = call.services.pool_keys.key(&pool.id).await?;
                self.person(&key, person, number)?;
            }
            Line::Pool(_) | Line::End(_) => return Err(at("the first or last line in the middle".to_owned())),
        }
        Ok(())
    }

    fn person(&mut self, key: &PoolKey, person: Person, number: u64) -> Result<(), Stored> {
        let Person { mut user, hash, verifier, former, held, names, groups } = person;
        let sub = user.sub.clone();
        let cell = [sub.as_str()];
        let seal = |bytes: &[u8]| key.seal(user_rows::verifier_cell(&cell), bytes).map_err(Fault::internal);
        let sealed_srp_verifier = verifier.map(|verifier| seal(verifier.to_bytes().expose())).transpose()?;
        user.credentials = hash.map(|password_hash| Credentials { password_hash, sealed_srp_verifier });
        self.add(user_rows::insert(&user), number, "there is a user of this sub");
        if !former.is_empty() {
            let former = serde_json::to_string(&former).map_err(Fault::internal)?;
            self.add(rows::remember(&user.pool, &user.sub, &former), number, "the user went meanwhile");
        }
        for (statement, why) in held.statements(key, &user)? {
            self.add(statement, number, why);
        }
        let mut claimed: Vec<&str> = Vec::new();
        for name in &names {
            if !claimed.contains(&name.key.as_str()) {
                let claim = user_rows::claim_name(&user.pool, &name.key, name.kind, &user.sub);
                self.add(claim, number, "another user of the pool signs in by the same name or address");
                claimed.push(&name.key);
            }
        }
        if !claimed.contains(&user.sub.as_str()) {
            let claim = user_rows::claim_name(&user.pool, user.sub.as_str(), login_names::SUB, &user.sub);
            self.add(claim, number, "another user of the pool has this sub for a name");
        }
        for (group, since) in groups {
            self.add(rows::join(&user.pool, &user.sub, &group, since), number, "there is no such group as it is in");
        }
        Ok(())
    }

    async fn client(
        &mut self,
        services: &Services,
        pool: &Pool,
        line: ClientLine,
        settings: ClientsSettings,
        number: u64,
    ) -> Result<(), Stored> {
        let mut secrets = Vec::new();
        for (place, secret) in [Place::First, Place::Second].into_iter().zip(line.secrets) {
            let value = SecretString::new(secret.value);
            let sealed = clients::seal_secret(services, pool, &line.client, place, &value).await?;
            secrets.push(SealedSecret { place, sealed, created: secret.created_at });
        }
        let client = Client {
            pool: pool.id.clone(),
            id: line.client,
            name: line.name,
            settings,
            secrets,
            created: line.created_at,
            modified: line.modified_at,
        };
        self.add(client_rows::insert(&client), number, "a pool of this deployment has a client of this id");
        self.add(client_rows::update_secrets(&client, &client), number, "the client was changed meanwhile");
        let settings = ClientSettings { client_id: client.id.clone(), enabled: true, scopes: None };
        self.changes.push(Change::Client(settings));
        Ok(())
    }

    fn add(&mut self, statement: Statement, number: u64, why: &str) {
        let index = self.batch.add(statement);
        self.misses.push((index, format!("line {}: {why}", number + 1)));
    }
}

pub fn refused(text: impl Into<Cow<'static, str>>) -> Fault {
    Fault::invalid_parameter(text)
}
