//! Ranges of indexes (Cognito: ListUsers). Every range is read in its index's order, so a page costs the same in a pool of ten users and of
//! a million.
//!
//! The ten attributes that Cognito searches lie in the user's row, six of them in JSON; their indexes are over expressions of that column, so no
//! writer has to keep them in step. They hold the first 256 characters: PostgreSQL takes no entry of more than 2.7 kB, and a filter's value is
//! shorter. The rest lies in tables that triggers fill ([`super::derived`]).
//!
//! Equal values are read by `sub`. Values with a beginning in common are read by value, then `sub`; so a user whose value changes
//! while somebody pages may be met at both places or at none. Users who are made or deleted in between change nothing for others.

use common::ids::PoolId;

use super::derived::{self, END, LENGTH};
use super::indexes;
use crate::store::{Migration, Query, Row, RowError, Value};
use crate::users::filter::{Attribute, Comparison, Searchable, Term};
use crate::users::model::User;

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

/// The same six without the users who lack the attribute, most users in most of them: they made two fifths of what a new user costs SQLite.
pub const PARTIAL: Migration = Migration {
    version: 832,
    name: "users_search_partial",
    sql: "
        CREATE INDEX users_by_email ON users (pool, substr(json_extract(attributes, '$.email'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.email'), 1, 256) IS NOT NULL;
        CREATE INDEX users_by_phone_number ON users (pool, substr(json_extract(attributes, '$.phone_number'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.phone_number'), 1, 256) IS NOT NULL;
        CREATE INDEX users_by_name ON users (pool, substr(json_extract(attributes, '$.name'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.name'), 1, 256) IS NOT NULL;
        CREATE INDEX users_by_given_name ON users (pool, substr(json_extract(attributes, '$.given_name'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.given_name'), 1, 256) IS NOT NULL;
        CREATE INDEX users_by_family_name ON users (pool, substr(json_extract(attributes, '$.family_name'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.family_name'), 1, 256) IS NOT NULL;
        CREATE INDEX users_by_preferred_username ON users (pool, substr(json_extract(attributes, '$.preferred_username'), 1, 256), sub)
            WHERE substr(json_extract(attributes, '$.preferred_username'), 1, 256) IS NOT NULL;
        DROP INDEX users_email;
        DROP INDEX users_phone_number;
        DROP INDEX users_name;
        DROP INDEX users_given_name;
        DROP INDEX users_family_name;
        DROP INDEX users_preferred_username;
    ",
};

/// Characters of a value that are indexed.
const INDEXED: usize = 256;

/// The columns that `rows::user` reads, without what proves a password: nobody who lists users needs it.
pub(in crate::users) const COLUMNS: &str =
    "pool, sub, username, status, enabled, attributes, NULL, NULL, valid_after, newest_mint,
                temporary_until, created_at, modified_at, mfa";

/// Where a page begins: after this value and key. The key is the `sub`, in [`Range::Containing`] with a place behind it.
pub type Position = [String; 2];

/// Which users, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
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
    /// The same for a custom attribute.
    CustomEqual {
        attribute: String,
        value: String,
    },
    CustomPrefix {
        attribute: String,
        prefix: String,
    },
    /// Users of a search index ([`super::indexes`]) once for each place where the value has the pattern, in the order of what follows it.
    Containing {
        index: i64,
        attribute: Attribute,
        pattern: String,
    },
    /// Whose value ends so, in the order of the key.
    Ending {
        index: i64,
        attribute: Attribute,
        pattern: String,
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

impl Range {
    /// The range of an index that has all users of whom the term holds; `None`: there is no such index. `index`: that for places
    /// within this attribute's value, if there is one.
    pub fn of(term: &Term, index: Option<i64>) -> Option<Self> {
        let value = || term.value.clone();
        if matches!(term.comparison, Comparison::Contains | Comparison::EndsWith) {
            return match (index?, &term.comparison) {
                _ if term.value.is_empty() => None,
                (index, Comparison::Contains) => {
                    Some(Self::Containing { index, attribute: term.attribute.clone(), pattern: value() })
                }
                (index, _) => Some(Self::Ending { index, attribute: term.attribute.clone(), pattern: value() }),
            };
        }
        let equals = term.comparison == Comparison::Equals;
        let column = match &term.attribute {
            Attribute::Custom(name) if equals => {
                return Some(Self::CustomEqual { attribute: name.clone(), value: value() });
            }
            Attribute::Custom(name) => {
                return Some(Self::CustomPrefix { attribute: name.clone(), prefix: value() });
            }
            Attribute::Enabled => return Some(Self::enabled(term)),
            Attribute::Username => Column::Username,
            Attribute::Sub => Column::Sub,
            Attribute::UserStatus => Column::Status,
            Attribute::Value(attribute) => Column::Attribute(*attribute),
        };
        let value = if column == Column::Status { term.value.to_ascii_uppercase() } else { value() };
        Some(if equals {
            Self::Equal { column, value: value.into() }
        } else if value.is_empty() && !matches!(column, Column::Attribute(_)) {
            // Everybody has the three columns. A state changes often, and would take a user to another page.
            Self::All
        } else {
            Self::Prefix { column, prefix: value }
        })
    }

    fn enabled(term: &Term) -> Self {
        match term.enabled().as_slice() {
            [] => Self::Nobody,
            [enabled] => Self::Equal { column: Column::Enabled, value: (*enabled).into() },
            _ => Self::All,
        }
    }

    /// Kind, attribute and index; two terms of one filter may have the same.
    pub(super) fn name(&self) -> String {
        let within = |attribute: &Attribute| indexes::name(attribute).unwrap_or_default().to_owned();
        match self {
            Self::All => "all".to_owned(),
            Self::Nobody => "nobody".to_owned(),
            Self::Equal { column, .. } => format!("equal {}", column.name()),
            Self::Prefix { column, .. } => format!("prefix {}", column.name()),
            Self::CustomEqual { attribute, .. } => format!("equal {attribute}"),
            Self::CustomPrefix { attribute, .. } => format!("prefix {attribute}"),
            Self::Containing { index, attribute, .. } => format!("containing {} {index}", within(attribute)),
            Self::Ending { index, attribute, .. } => format!("ending {} {index}", within(attribute)),
        }
    }

    /// The next users, at most `limit`, for `rows::user`; `None`: there can be none.
    pub fn query(&self, pool: &PoolId, after: Option<&Position>, limit: u64) -> Option<Query> {
        let after_key = after.map_or("", |[_, key]| key);
        let select =
            |condition: String| Query::new(format!("SELECT {COLUMNS} FROM users WHERE {condition}")).bind(pool);
        // No key is empty, so the first page of what is in the order of values begins after (prefix, "").
        let from =
            |prefix: &'_ str| -> Position { after.cloned().unwrap_or_else(|| [prefix.to_owned(), String::new()]) };
        Some(match self {
            Self::Nobody => return None,
            Self::All => {
                let condition = "pool = $1 AND sub > $2 ORDER BY sub LIMIT $3".to_owned();
                select(condition).bind(after_key).bind(limit)
            }
            Self::Equal { column, value } => {
                let column = column.sql();
                let condition = format!("pool = $1 AND {column} = $2 AND sub > $3 ORDER BY sub LIMIT $4");
                select(condition).bind(value.clone()).bind(after_key).bind(limit)
            }
            Self::Prefix { column, prefix } => {
                let [value, sub] = from(prefix);
                Query::new(after_in_order_of(column.sql()))
                    .bind(pool)
                    .bind(value)
                    .bind(sub)
                    .bind(end(prefix))
                    .bind(limit)
            }
            Self::CustomEqual { attribute, value } => derived::equal_values(pool, attribute, value, after_key, limit),
            Self::CustomPrefix { attribute, prefix } => {
                derived::values_from(pool, attribute, &from(prefix), &end(prefix), limit)
            }
            Self::Containing { index, pattern, .. } => match whole(pattern) {
                Some(pattern) => derived::suffixes_from(pool, *index, &from(pattern), &end(pattern), limit),
                None => derived::equal_suffixes(pool, *index, &beginning(pattern), after_key, limit),
            },
            Self::Ending { index, pattern, .. } => {
                let suffix = whole(pattern).map_or_else(|| beginning(pattern), |pattern| format!("{pattern}{END}"));
                derived::equal_suffixes(pool, *index, &suffix, after_key, limit)
            }
        })
    }

    /// How many rows there are in the range, counted up to `most`; for choosing between ranges.
    pub fn count(&self, pool: &PoolId, most: u64) -> Option<Query> {
        let count = |from: String| Query::new(format!("SELECT COUNT(*) FROM (SELECT 1 FROM {from}) few"));
        Some(
            match self {
                Self::Nobody | Self::All => return None,
                Self::Equal { column, value } => {
                    let column = column.sql();
                    count(format!("users WHERE pool = $1 AND {column} = $2 LIMIT $3")).bind(pool).bind(value.clone())
                }
                Self::Prefix { column, prefix } => {
                    let column = column.sql();
                    count(format!("users WHERE pool = $1 AND {column} >= $2 AND {column} < $3 LIMIT $4"))
                        .bind(pool)
                        .bind(prefix)
                        .bind(end(prefix))
                }
                Self::CustomEqual { attribute, value } => {
                    count("derived_values WHERE pool = $1 AND attribute = $2 AND value = $3 LIMIT $4".to_owned())
                        .bind(pool)
                        .bind(attribute)
                        .bind(value)
                }
                Self::CustomPrefix { attribute, prefix } => {
                    let range =
                        "derived_values WHERE pool = $1 AND attribute = $2 AND value >= $3 AND value < $4 LIMIT $5";
                    count(range.to_owned()).bind(pool).bind(attribute).bind(prefix).bind(end(prefix))
                }
                Self::Containing { index, pattern, .. } | Self::Ending { index, pattern, .. } => {
                    let pattern = beginning(pattern);
                    count("derived_suffixes WHERE id = $1 AND suffix >= $2 AND suffix < $3 LIMIT $4".to_owned())
                        .bind(*index)
                        .bind(pattern.as_str())
                        .bind(end(&pattern))
                }
            }
            .bind(most),
        )
    }

    /// Where the page ends whose last row this is, with the user that it has.
    pub fn position(&self, row: &Row, user: &User) -> Result<Position, RowError> {
        Ok(match self {
            Self::Prefix { column, .. } => [column.of(user), user.sub.to_string()],
            Self::All | Self::Nobody | Self::Equal { .. } => [String::new(), user.sub.to_string()],
            _ => derived::position(row)?,
        })
    }
}

/// A pattern that an entry of a search index can hold in full.
fn whole(pattern: &str) -> Option<&str> {
    (pattern.chars().count() <= LENGTH).then_some(pattern)
}

/// What an entry holds of a pattern.
fn beginning(pattern: &str) -> String {
    pattern.chars().take(LENGTH).collect()
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

    const fn name(self) -> &'static str {
        match self {
            Self::Sub => "sub",
            Self::Username => "username",
            Self::Status => "status",
            Self::Enabled => "enabled",
            Self::Attribute(attribute) => attribute.name(),
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
