//! Pages of users, filtered (Cognito: ListUsers). Every page is one range of one index, read in the index's order: it costs the same
//! in a pool of ten users and of a million, whatever the filter.
//!
//! Attributes lie in the user's row as JSON; the indexes are over expressions of that column, so no writer has to keep them in step.
//! They hold the first 256 characters: PostgreSQL takes no entry of more than 2.7 kB, and a filter's value is shorter.
//!
//! Equal values are read by `sub`. Values with a beginning in common are read by value, then `sub`; so a user whose value changes
//! while somebody pages may be met at both places or at none. Users who are made or deleted in between change nothing for others.

use common::ids::PoolId;

use super::filter::{Attribute, Comparison, Filter, Searchable};
use super::model::User;
use crate::store::{Migration, Query, Value};

pub const MIGRATION: Migration = Migration {
    version: 530,
    name: "users_search",
    sql: "
        CREATE INDEX users_username ON users (pool, username, sub);
        CREATE INDEX users_status ON users (pool, status, sub);
        CREATE INDEX users_enabled ON users (pool, enabled, sub);
        CREATE INDEX users_email ON users (pool, substr(json_extract(attributes, '$.email'), 1, 256), sub);
        CREATE INDEX users_phone_number ON users (pool, substr(json_extract(attributes, '$.phone_number'), 1, 256), sub);
        CREATE INDEX users_name ON users (pool, substr(json_extract(attributes, '$.name'), 1, 256), sub);
        CREATE INDEX users_given_name ON users (pool, substr(json_extract(attributes, '$.given_name'), 1, 256), sub);
        CREATE INDEX users_family_name ON users (pool, substr(json_extract(attributes, '$.family_name'), 1, 256), sub);
        CREATE INDEX users_preferred_username
            ON users (pool, substr(json_extract(attributes, '$.preferred_username'), 1, 256), sub);
    ",
};

/// Characters of a value that are indexed.
const INDEXED: usize = 256;

/// The columns that `rows::user` reads, without what proves a password: nobody who lists users needs it.
pub(super) const COLUMNS: &str =
    "pool, sub, username, status, enabled, attributes, NULL, NULL, valid_after, newest_mint,
                temporary_until, created_at, modified_at, mfa";

/// Where a page begins: after this value and `sub`.
pub type Position = [String; 2];

/// Which users, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    All,
    Nobody,
    /// In the order of `sub`.
    Equal {
        column: Column,
        value: Value,
    },
    /// In the order of the column, then of `sub`.
    Prefix {
        column: Column,
        prefix: String,
    },
}

/// What an index of the table orders by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Sub,
    Username,
    Status,
    Enabled,
    Attribute(Searchable),
}

impl Search {
    pub fn new(filter: Option<Filter>) -> Self {
        let Some(filter) = filter else { return Self::All };
        let column = match filter.attribute {
            Attribute::Enabled => return Self::enabled(&filter),
            Attribute::Username => Column::Username,
            Attribute::Sub => Column::Sub,
            Attribute::UserStatus => Column::Status,
            Attribute::Value(attribute) => Column::Attribute(attribute),
        };
        let value = if column == Column::Status { filter.value.to_ascii_uppercase() } else { filter.value };
        match filter.comparison {
            Comparison::Equals => Self::Equal { column, value: value.into() },
            // Everybody has the three columns. A state changes often, and would take a user to another page.
            Comparison::StartsWith if value.is_empty() && !matches!(column, Column::Attribute(_)) => Self::All,
            Comparison::StartsWith => Self::Prefix { column, prefix: value },
        }
    }

    fn enabled(filter: &Filter) -> Self {
        match filter.enabled().as_slice() {
            [] => Self::Nobody,
            [enabled] => Self::Equal { column: Column::Enabled, value: (*enabled).into() },
            _ => Self::All,
        }
    }

    /// The next users, at most `limit`, for `rows::user`; `None`: there can be none.
    pub fn query(&self, pool: &PoolId, after: Option<&Position>, limit: u64) -> Option<Query> {
        let after_sub = after.map_or("", |[_, sub]| sub);
        let select =
            |condition: String| Query::new(format!("SELECT {COLUMNS} FROM users WHERE {condition}")).bind(pool);
        Some(match self {
            Self::Nobody => return None,
            Self::All => {
                let condition = "pool = $1 AND sub > $2 ORDER BY sub LIMIT $3".to_owned();
                select(condition).bind(after_sub).bind(limit)
            }
            Self::Equal { column, value } => {
                let column = column.sql();
                let condition = format!("pool = $1 AND {column} = $2 AND sub > $3 ORDER BY sub LIMIT $4");
                select(condition).bind(value.clone()).bind(after_sub).bind(limit)
            }
            Self::Prefix { column, prefix } => {
                // No `sub` is empty, so the first page begins after (prefix, "").
                let (value, sub) = after.map_or((prefix.as_str(), ""), |[value, sub]| (value, sub));
                Query::new(after_in_order_of(column.sql()))
                    .bind(pool)
                    .bind(value)
                    .bind(sub)
                    .bind(end(prefix))
                    .bind(limit)
            }
        })
    }

    /// Where the page ends whose last user this is.
    pub fn position(&self, user: &User) -> Position {
        let value = match self {
            Self::Prefix { column, .. } => column.of(user),
            Self::All | Self::Nobody | Self::Equal { .. } => String::new(),
        };
        [value, user.sub.to_string()]
    }
}

impl Column {
    const fn sql(self) -> &'static str {
        match self {
            Self::Sub => "sub",
            Self::Username => "username",
            Self::Status => "status",
            Self::Enabled => "enabled",
            Self::Attribute(Searchable::Email) => "substr(json_extract(attributes, '$.email'), 1, 256)",
            Self::Attribute(Searchable::PhoneNumber) => "substr(json_extract(attributes, '$.phone_number'), 1, 256)",
            Self::Attribute(Searchable::Name) => "substr(json_extract(attributes, '$.name'), 1, 256)",
            Self::Attribute(Searchable::GivenName) => "substr(json_extract(attributes, '$.given_name'), 1, 256)",
            Self::Attribute(Searchable::FamilyName) => "substr(json_extract(attributes, '$.family_name'), 1, 256)",
            Self::Attribute(Searchable::PreferredUsername) => {
                "substr(json_extract(attributes, '$.preferred_username'), 1, 256)"
            }
        }
    }

    /// What the index has of a user.
    fn of(self, user: &User) -> String {
        match self {
            Self::Sub => user.sub.to_string(),
            Self::Username => user.username.clone(),
            Self::Status => user.status.as_str().to_owned(),
            Self::Enabled => String::new(),
            Self::Attribute(attribute) => {
                user.attributes.get(attribute.name()).map(|v| v.chars().take(INDEXED).collect()).unwrap_or_default()
            }
        }
    }
}

/// What comes after ($2, $3) and before $4: the rest of those with the same value, then those with a greater one. Two ranges of the index:
/// asked as `(value, sub) > ($2, $3)`, SQLite would read all that have the value.
fn after_in_order_of(column: &str) -> String {
    let part = |range: &str, order: &str| {
        format!("SELECT {COLUMNS}, {column} AS value FROM users WHERE pool = $1 AND {range} ORDER BY {order} LIMIT $5")
    };
    let same = part(&format!("{column} = $2 AND sub > $3"), "sub");
    let greater = part(&format!("{column} > $2 AND {column} < $4"), &format!("{column}, sub"));
    format!(
        "SELECT * FROM (SELECT * FROM ({same}) same UNION ALL SELECT * FROM ({greater}) greater) found
         ORDER BY value, sub LIMIT $5"
    )
}

/// A text after all indexed ones that begin with `prefix`, and before all others that come after it. Both engines compare bytes; those
/// of UTF-8 sort as code points do.
fn end(prefix: &str) -> String {
    let mut letters: Vec<char> = prefix.chars().collect();
    while let Some(last) = letters.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other).saturating_add(1)),
        };
        if let Some(next) = next {
            letters.push(next);
            return letters.into_iter().collect();
        }
    }
    // Nothing comes after them: longer than whatever is indexed, of the greatest character.
    std::iter::repeat_n(char::MAX, INDEXED + 1).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_has_all_between_itself_and_its_successor(
            prefix in proptest::collection::vec(any::<char>(), 0..4),
            other in proptest::collection::vec(any::<char>(), 0..4),
            rest in any::<String>(),
        ) {
            let (prefix, other): (String, String) = (prefix.into_iter().collect(), other.into_iter().collect());
            let within = |text: &str| text >= prefix.as_str() && text < end(&prefix).as_str();
            let text = format!("{prefix}{rest}");
            prop_assert!(within(&text));
            prop_assert_eq!(within(&other), other.starts_with(&prefix));
        }
    }

    #[test]
    fn ends_of_prefixes() {
        assert_eq!(end("ab"), "ac");
        assert_eq!(end("a\u{10FFFF}"), "b");
        assert_eq!(end("\u{D7FF}"), "\u{E000}");
        assert!(end("").as_str() > "\u{10FFFF}\u{10FFFF}x");
        assert!(end("\u{10FFFF}").as_str() > "\u{10FFFF}\u{10FFFF}");
    }
}
