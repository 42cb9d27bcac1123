//! What stands in a change's way, and how many users it is about: every user is looked at, and nothing is changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use common::ids::PoolId;

use super::begin::Plan;
use super::error::ChangeError;
use super::model::{Conflict, Event, Report};
use super::run::Teller;
use crate::pools::Pool;
use crate::pools::model::Changing;
use crate::store::{Query, Store};
use crate::users::attributes::names::{self, Own};
use crate::users::search::Range;
use crate::users::{self, User};

const PAGE: u64 = 500;
/// Names whose digests are held at a time, 24 bytes each or so. With more there are several turns.
const NAMES: u64 = 2_000_000;

/// A page of users, with the name that each was made with.
pub struct Members {
    pub users: Vec<(User, Option<Own>)>,
    pub last: String,
}

/// The next users after a `sub`; `None`: there are none.
pub async fn page(store: &Store, pool: &Pool, after: &str, limit: u64) -> Result<Option<Members>, ChangeError> {
    let position = [String::new(), after.to_owned()];
    let Some(query) = Range::All.query(&pool.id, Some(&position), limit) else { return Ok(None) };
    let rows = store.read(query).await?;
    let users = rows.iter().map(users::rows::user).collect::<Result<Vec<User>, _>>()?;
    let Some(last) = users.last().map(|user| user.sub.to_string()) else { return Ok(None) };
    let mut typed = typed(store, &pool.id, after, &last).await?;
    let with_name = |user: User| {
        let own = typed.remove(user.sub.as_str()).map(|key| names::own(pool, &user, key));
        (user, own)
    };
    Ok(Some(Members { users: users.into_iter().map(with_name).collect(), last }))
}

/// The key of the user name of each user of a range, by `sub`.
async fn typed(store: &Store, pool: &PoolId, after: &str, last: &str) -> Result<BTreeMap<String, String>, ChangeError> {
    let query = Query::new(
        "SELECT sub, name FROM login_names WHERE pool = $1 AND sub > $2 AND sub <= $3 AND kind = 'username'",
    );
    let rows = store.read(query.bind(pool).bind(after).bind(last)).await?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).collect()
}

/// Looks at all users as they would be under the plan.
pub async fn scan(
    store: &Store,
    pool: &Pool,
    plan: &Plan,
    users: u64,
    tell: &mut Teller,
) -> Result<Report, ChangeError> {
    let becoming = Pool { settings: plan.settings.clone(), ..pool.clone() };
    match &plan.settings.changing {
        Some(Changing::SignIn(_)) => Names { store, pool, becoming: &becoming, users }.scan(tell).await,
        Some(changing) => values(store, pool, changing, users, tell).await,
        None => Ok(Report { users, ..Report::default() }),
    }
}

async fn values(
    store: &Store,
    pool: &Pool,
    changing: &Changing,
    users: u64,
    tell: &mut Teller,
) -> Result<Report, ChangeError> {
    let mut report = Report { users, ..Report::default() };
    let (mut after, mut done) = (String::new(), 0);
    while let Some(Members { users: members, last }) = page(store, pool, &after, PAGE).await? {
        for (user, _) in &members {
            match changing {
                Changing::Renamed { from, .. } => {
                    report.affected += u64::from(user.attributes.contains_key(from));
                }
                Changing::Retyped { .. } => {
                    let misfit = changing.misfit(&user.attributes);
                    misfit.into_iter().for_each(|(value, why)| {
                        report.add(Conflict::new(value, why, vec![user.username.clone()]));
                    });
                }
                Changing::SignIn(_) => {}
            }
        }
        done += members.len() as u64;
        after = last;
        tell.tell(Event::Progress { phase: "looking", done, total: users.max(done) }).await?;
    }
    Ok(report)
}

/// Names as they would be, held against each other.
struct Names<'a> {
    store: &'a Store,
    pool: &'a Pool,
    /// The pool with the change under way in its settings.
    becoming: &'a Pool,
    users: u64,
}

impl Names<'_> {
    async fn scan(&self, tell: &mut Teller) -> Result<Report, ChangeError> {
        let mut report = Report { users: self.users, ..Report::default() };
        let hasher = RandomState::new();
        let turns = self.users / NAMES + 1;
        let mut twice = HashSet::new();
        for turn in 0..turns {
            let mut seen = HashSet::new();
            let first = turn == 0;
            self.each(tell, |user, names| {
                let names = match names {
                    Ok(names) => names,
                    Err(why) if first => {
                        return report.add(Conflict::new(&user.username, why, vec![user.username.clone()]));
                    }
                    Err(_) => return,
                };
                for name in &names {
                    let digest = hasher.hash_one(name);
                    if digest % turns == turn && !seen.insert(digest) {
                        twice.insert(digest);
                    }
                }
            })
            .await?;
        }
        report.affected = self.affected(tell).await?;
        if !twice.is_empty() {
            self.holders(tell, &mut report, &twice, &hasher).await?;
        }
        Ok(report)
    }

    /// Who would have the names that several would.
    async fn holders(
        &self,
        tell: &mut Teller,
        report: &mut Report,
        twice: &HashSet<u64>,
        hasher: &RandomState,
    ) -> Result<(), ChangeError> {
        let mut holders: HashMap<String, Vec<String>> = HashMap::new();
        self.each(tell, |user, names| {
            for name in names.unwrap_or_default() {
                let shown = holders.len() < Report::SHOWN || holders.contains_key(&name);
                if twice.contains(&hasher.hash_one(&name)) && shown {
                    let users = holders.entry(name).or_default();
                    if users.len() < Conflict::USERS {
                        users.push(user.username.clone());
                    }
                }
            }
        })
        .await?;
        let mut shown: Vec<(String, Vec<String>)> = holders.into_iter().filter(|(_, users)| users.len() > 1).collect();
        shown.sort_unstable();
        report.conflicts += twice.len() as u64;
        let room = Report::SHOWN.saturating_sub(report.shown.len());
        let conflict =
            |(name, users): (String, Vec<String>)| Conflict::new(&name, "several users would have this name", users);
        report.shown.extend(shown.into_iter().take(room).map(conflict));
        Ok(())
    }

    /// Users whose names become others.
    async fn affected(&self, tell: &mut Teller) -> Result<u64, ChangeError> {
        let mut affected = 0;
        let (mut after, mut done) = (String::new(), 0);
        while let Some(Members { users, last }) = page(self.store, self.pool, &after, PAGE).await? {
            for (user, own) in &users {
                let Some(own) = own else { continue };
                let names = |pool: &Pool| names::wanted(pool, own, &user.attributes).map(|names| keys(&names)).ok();
                let after = self.becoming.becoming().and_then(|pool| names(&pool));
                affected += u64::from(names(self.pool) != after);
            }
            done += users.len() as u64;
            after = last;
            tell.tell(Event::Progress { phase: "looking", done, total: self.users.max(done) }).await?;
        }
        Ok(affected)
    }

    /// Each user, with all names that it has or would have while the change is made and after it.
    async fn each(
        &self,
        tell: &mut Teller,
        mut look: impl FnMut(&User, Result<BTreeSet<String>, String>),
    ) -> Result<(), ChangeError> {
        let (mut after, mut done) = (String::new(), 0);
        while let Some(Members { users, last }) = page(self.store, self.pool, &after, PAGE).await? {
            for (user, own) in &users {
                let Some(own) = own else { continue };
                let names = names::wanted(self.becoming, own, &user.attributes);
                look(user, names.map(|names| keys(&names)).map_err(|error| error.to_string()));
            }
            done += users.len() as u64;
            after = last;
            tell.tell(Event::Progress { phase: "looking", done, total: self.users.max(done) }).await?;
        }
        Ok(())
    }
}

fn keys(names: &[names::Wanted]) -> BTreeSet<String> {
    names.iter().map(|name| name.key.clone()).collect()
}
