//! Groups and who is in them.

use cognito_model::Timestamp;
use cognito_model::idp::types::GroupType;
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::model::User;
use crate::store::{Query, Row, RowError, Rows, Statement};

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

/// The role that a user prefers (`cognito:preferred_role`): that of the lowest precedence, unless two tie with different roles.
pub fn preferred_role(groups: &[Group]) -> Option<&str> {
    let lowest = groups.iter().filter(|g| g.role_arn.is_some()).filter_map(|g| g.precedence).min()?;
    let mut roles = groups.iter().filter(|g| g.precedence == Some(lowest)).filter_map(|g| g.role_arn.as_deref());
    let first = roles.next()?;
    roles.all(|role| role == first).then_some(first)
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
        assert_eq!(preferred_role(std::slice::from_ref(&none)), None);
        assert_eq!(preferred_role(&[none, b]), Some("role-b"));
    }
}
