//! Groups and who is in them.

use cognito_model::Timestamp;
use cognito_model::idp::types::GroupType;
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::error::UserError;
use super::model::User;
use super::search::range::COLUMNS;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 531,
    name: "memberships_by_group",
    sql: "CREATE INDEX memberships_by_group ON memberships (pool, name, sub);",
};

/// A group of a pool. The lowest precedence wins; a group without one comes last (Cognito: CreateGroup).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub pool: PoolId,
    pub name: String,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub precedence: Option<u64>,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

impl Group {
    pub fn describe(&self) -> GroupType {
        GroupType {
            creation_date: Some(Timestamp::from(self.created)),
            description: self.description.clone(),
            group_name: Some(self.name.clone()),
            last_modified_date: Some(Timestamp::from(self.modified)),
            precedence: self.precedence.and_then(|p| i32::try_from(p).ok()),
            role_arn: self.role_arn.clone(),
            user_pool_id: Some(self.pool.to_string()),
        }
    }
}

/// The role that a user prefers (`cognito:preferred_role`): the only one, or that of the lowest precedence, unless two tie with different roles. No
/// precedence is the highest.
pub fn preferred_role(groups: &[Group]) -> Option<&str> {
    let precedence = |group: &Group| group.precedence.unwrap_or(u64::MAX);
    let with_role = || groups.iter().filter(|group| group.role_arn.is_some());
    let lowest = with_role().map(precedence).min()?;
    let mut roles =
        with_role().filter(|group| precedence(group) == lowest).filter_map(|group| group.role_arn.as_deref());
    let first = roles.next()?;
    roles.all(|role| role == first).then_some(first)
}

/// The group that a request names.
///
/// # Errors
/// [`UserError::NoGroup`] (`ResourceNotFoundException: Group not found.`), storage.
pub async fn named(store: &Store, pool: &PoolId, name: &str) -> Result<Group, UserError> {
    let row = store.one(by_name(pool, name)).await?.ok_or(UserError::NoGroup)?;
    Ok(group(&row)?)
}

/// What the model's limits don't say.
pub fn check_description(description: Option<&String>) -> Result<(), UserError> {
    match description {
        Some(text) if text.contains('\0') => {
            Err(UserError::Attributes("Description has an invalid character.".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Misses when the name is taken.
pub fn insert(group: &Group) -> Statement {
    Statement::new(
        "INSERT INTO groups (pool, name, description, role_arn, precedence, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&group.pool)
    .bind(&group.name)
    .bind(group.description.clone())
    .bind(group.role_arn.clone())
    .bind(group.precedence)
    .bind(group.created)
    .bind(group.modified)
    .expect(Rows::Exactly(1))
}

/// What an update changes; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    pub description: Option<String>,
    pub role_arn: Option<String>,
    pub precedence: Option<u64>,
}

/// Misses when the group is gone.
pub fn update(pool: &PoolId, name: &str, changed: &Changed, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE groups SET description = COALESCE($1, description), role_arn = COALESCE($2, role_arn),
                precedence = COALESCE($3, precedence), modified_at = $4
         WHERE pool = $5 AND name = $6",
    )
    .bind(changed.description.clone())
    .bind(changed.role_arn.clone())
    .bind(changed.precedence)
    .bind(now)
    .bind(pool)
    .bind(name)
    .expect(Rows::Exactly(1))
}

/// Deletes a group and takes everybody out of it. The first statement misses when the group is gone, and holds back whoever is
/// [joining](hold) it, so that no membership outlives it: a group of the same name that is made later begins empty.
pub fn delete(pool: &PoolId, name: &str) -> [Statement; 2] {
    let group = Statement::new("DELETE FROM groups WHERE pool = $1 AND name = $2").bind(pool).bind(name);
    let members = Statement::new("DELETE FROM memberships WHERE pool = $1 AND name = $2").bind(pool).bind(name);
    [group.expect(Rows::Exactly(1)), members]
}

/// For the batch that [joins](join): misses when the group is gone, and keeps it from going before the commit.
pub fn hold(pool: &PoolId, name: &str) -> Statement {
    Statement::new("UPDATE groups SET name = name WHERE pool = $1 AND name = $2")
        .bind(pool)
        .bind(name)
        .expect(Rows::Exactly(1))
}

/// Takes a user out of a group; nothing happens to one who is not in it.
pub fn leave(user: &User, group: &str) -> Statement {
    Statement::new("DELETE FROM memberships WHERE pool = $1 AND sub = $2 AND name = $3")
        .bind(&user.pool)
        .bind(&user.sub)
        .bind(group)
}

/// Puts a user into a group; a second time changes nothing. Nothing happens when the group is gone.
pub fn join(user: &User, group: &str, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO memberships (pool, sub, name, created_at)
         SELECT pool, $1, name, $2 FROM groups WHERE pool = $3 AND name = $4
         ON CONFLICT DO NOTHING",
    )
    .bind(&user.sub)
    .bind(now)
    .bind(&user.pool)
    .bind(group)
    .expect(Rows::Any)
}

pub fn by_name(pool: &PoolId, name: &str) -> Query {
    Query::new(
        "SELECT pool, name, description, role_arn, precedence, created_at, modified_at FROM groups
         WHERE pool = $1 AND name = $2",
    )
    .bind(pool)
    .bind(name)
}

/// A page of the pool's groups by name, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, name, description, role_arn, precedence, created_at, modified_at FROM groups
         WHERE pool = $1 AND name > $2 ORDER BY name LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

/// A page of a user's groups by name, after this one.
pub fn page_of_user(pool: &PoolId, sub: &Sub, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT g.pool, g.name, g.description, g.role_arn, g.precedence, g.created_at, g.modified_at
         FROM memberships m JOIN groups g ON g.pool = m.pool AND g.name = m.name
         WHERE m.pool = $1 AND m.sub = $2 AND m.name > $3 ORDER BY m.name LIMIT $4",
    )
    .bind(pool)
    .bind(sub)
    .bind(after)
    .bind(limit)
}

/// A page of a group's users by `sub`, after this one; for `rows::user`.
pub fn members(pool: &PoolId, group: &str, after: &str, limit: u64) -> Query {
    Query::new(format!(
        "SELECT {COLUMNS}
         FROM (SELECT pool AS of_pool, sub AS member FROM memberships WHERE pool = $1 AND name = $2) m
         JOIN users ON users.pool = m.of_pool AND users.sub = m.member
         WHERE m.member > $3 ORDER BY m.member LIMIT $4"
    ))
    .bind(pool)
    .bind(group)
    .bind(after)
    .bind(limit)
}

/// The groups of a user, the lowest precedence first (100 at most: Cognito's quota).
pub fn of_user(pool: &PoolId, sub: &Sub) -> Query {
    Query::new(
        "SELECT g.pool, g.name, g.description, g.role_arn, g.precedence, g.created_at, g.modified_at
         FROM memberships m JOIN groups g ON g.pool = m.pool AND g.name = m.name
         WHERE m.pool = $1 AND m.sub = $2
         ORDER BY CASE WHEN g.precedence IS NULL THEN 1 ELSE 0 END, g.precedence, g.name
         LIMIT 100",
    )
    .bind(pool)
    .bind(sub)
}

pub fn group(row: &Row) -> Result<Group, RowError> {
    Ok(Group {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        name: row.text(1)?.to_owned(),
        description: row.opt_text(2)?.map(str::to_owned),
        role_arn: row.opt_text(3)?.map(str::to_owned),
        precedence: row.opt_u64(4)?,
        created: row.millis(5)?,
        modified: row.millis(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, precedence: Option<u64>, role: Option<&str>) -> Group {
        Group {
            pool: PoolId::parse("eu_a").unwrap(),
            name: name.into(),
            description: None,
            role_arn: role.map(str::to_owned),
            precedence,
            created: UnixMillis(0),
            modified: UnixMillis(0),
        }
    }

    #[test]
    fn preferred_roles() {
        let a = group("a", Some(2), Some("role-a"));
        let b = group("b", Some(1), Some("role-b"));
        let c = group("c", Some(1), Some("role-c"));
        let none = group("d", None, Some("role-d"));
        assert_eq!(preferred_role(&[a.clone(), b.clone()]), Some("role-b"));
        assert_eq!(preferred_role(&[a, b.clone(), c]), None);
        let same = group("e", Some(1), Some("role-b"));
        let roleless = group("f", Some(0), None);
        assert_eq!(preferred_role(&[b.clone(), same]), Some("role-b"), "a tie of one role");
        assert_eq!(
            preferred_role(&[roleless.clone(), b.clone()]),
            Some("role-b"),
            "who has no role has none to prefer"
        );
        assert_eq!(preferred_role(&[roleless]), None);
        assert_eq!(preferred_role(std::slice::from_ref(&none)), Some("role-d"), "the only one");
        let other = group("g", None, Some("role-g"));
        assert_eq!(preferred_role(&[none.clone(), other]), None, "none of them has a precedence");
        assert_eq!(preferred_role(&[none, b]), Some("role-b"));
    }
}
