//! What is searched for and does not lie in an index of the users' own table: values of custom attributes, and the places within values
//! where something begins.
//!
//! Triggers fill both tables from `users.attributes`, in the writer's own transaction, so no writer has to know of them, not even an issuer
//! of an older build that still runs beside this one. (Once it ends it does not start again: an older build refuses a newer ledger.)
//!
//! - `derived_values`: the first 256 characters of each custom attribute. Always there; a user without custom attributes costs nothing.
//! - `derived_suffixes`: for each attribute of a pool that has a *search index* (`search_indexes`), one row for each of the first 256 places
//!   of its value: the next 48 characters from there, and U+0001 where the value ends within them. What a value contains is the beginning of
//!   one of its suffixes, and what it ends with is one of them, so both are one range of one index, however many users have it. (Lists of
//!   trigrams have as many entries, and have to be intersected, which is not bounded.) An e-mail address makes some 25 rows, several
//!   times what the user costs otherwise; so it is done for attributes that were asked for, and no others.
//!
//! `UPDATE users SET username = username` makes a user's rows anew: user names never change, so nothing else sets that column.

use common::ids::PoolId;

use super::range::{COLUMNS, Position};
use crate::store::{Migration, Query, Row, RowError, Statement};
use crate::users::rows::COLUMNS as COLUMNS_OF_USERS;

/// Characters of a suffix that are kept.
pub const LENGTH: usize = 48;
/// Where a match may begin, in characters from 0.
pub const PLACES: usize = 256;
/// Stands behind a suffix that is kept in full.
pub const END: char = '\u{1}';
/// Characters of a `sub`; a suffix's key is `sub#place`, the place counted from 1.
const SUB: usize = 36;

pub const MIGRATION: Migration = Migration {
    version: 830,
    name: "users_derived",
    sql: "
        CREATE TABLE search_indexes (
            pool TEXT NOT NULL,
            attribute TEXT NOT NULL,
            id BIGINT NOT NULL,
            state TEXT NOT NULL,
            reached TEXT NOT NULL,
            done BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            PRIMARY KEY (pool, attribute)
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX search_indexes_id ON search_indexes (id);
        CREATE TABLE derived_values (
            pool TEXT NOT NULL,
            attribute TEXT NOT NULL,
            value TEXT NOT NULL,
            sub TEXT NOT NULL,
            PRIMARY KEY (pool, attribute, value, sub)
        ) WITHOUT ROWID;
        CREATE TABLE derived_suffixes (
            id BIGINT NOT NULL,
            suffix TEXT NOT NULL,
            holder TEXT NOT NULL,
            PRIMARY KEY (id, suffix, holder)
        ) WITHOUT ROWID;
        -- sqlite only
        CREATE TABLE search_places (n INTEGER PRIMARY KEY) STRICT;
        WITH RECURSIVE places (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM places WHERE n < 256)
            INSERT INTO search_places (n) SELECT n FROM places;
        INSERT OR IGNORE INTO derived_values (pool, attribute, value, sub)
            SELECT u.pool, e.key, substr(e.value, 1, 256), u.sub FROM users u, json_each(u.attributes) e
            WHERE substr(e.key, 1, 7) = 'custom:' OR substr(e.key, 1, 11) = 'dev:custom:';

        CREATE TRIGGER users_values_insert AFTER INSERT ON users WHEN instr(NEW.attributes, 'custom:') > 0 BEGIN
            INSERT OR IGNORE INTO derived_values (pool, attribute, value, sub)
                SELECT NEW.pool, e.key, substr(e.value, 1, 256), NEW.sub FROM json_each(NEW.attributes) e
                WHERE substr(e.key, 1, 7) = 'custom:' OR substr(e.key, 1, 11) = 'dev:custom:';
        END;
        CREATE TRIGGER users_values_update AFTER UPDATE OF attributes ON users
        WHEN OLD.attributes <> NEW.attributes AND (instr(OLD.attributes, 'custom:') > 0 OR instr(NEW.attributes, 'custom:') > 0)
        BEGIN
            DELETE FROM derived_values WHERE (pool, attribute, value, sub) IN (
                SELECT OLD.pool, e.key, substr(e.value, 1, 256), OLD.sub FROM json_each(OLD.attributes) e
                WHERE substr(e.key, 1, 7) = 'custom:' OR substr(e.key, 1, 11) = 'dev:custom:'
                EXCEPT
                SELECT NEW.pool, e.key, substr(e.value, 1, 256), NEW.sub FROM json_each(NEW.attributes) e);
            INSERT OR IGNORE INTO derived_values (pool, attribute, value, sub)
                SELECT NEW.pool, e.key, substr(e.value, 1, 256), NEW.sub FROM json_each(NEW.attributes) e
                WHERE substr(e.key, 1, 7) = 'custom:' OR substr(e.key, 1, 11) = 'dev:custom:';
        END;
        CREATE TRIGGER users_values_delete AFTER DELETE ON users WHEN instr(OLD.attributes, 'custom:') > 0 BEGIN
            DELETE FROM derived_values WHERE (pool, attribute, value, sub) IN (
                SELECT OLD.pool, e.key, substr(e.value, 1, 256), OLD.sub FROM json_each(OLD.attributes) e);
        END;

        CREATE TRIGGER users_suffixes_insert AFTER INSERT ON users
        WHEN EXISTS (SELECT 1 FROM search_indexes WHERE pool = NEW.pool) BEGIN
            INSERT OR IGNORE INTO derived_suffixes (id, suffix, holder)
                SELECT i.id, substr(v.value, p.n, 48) || CASE WHEN length(v.value) < p.n + 48 THEN char(1) ELSE '' END, NEW.sub || '#' || p.n
                FROM search_indexes i
                JOIN (SELECT key, value FROM json_each(NEW.attributes) UNION ALL SELECT 'username', NEW.username) v ON v.key = i.attribute
                JOIN search_places p ON p.n <= length(v.value)
                WHERE i.pool = NEW.pool;
        END;
        CREATE TRIGGER users_suffixes_again AFTER UPDATE OF username ON users
        WHEN EXISTS (SELECT 1 FROM search_indexes WHERE pool = NEW.pool) BEGIN
            INSERT OR IGNORE INTO derived_suffixes (id, suffix, holder)
                SELECT i.id, substr(v.value, p.n, 48) || CASE WHEN length(v.value) < p.n + 48 THEN char(1) ELSE '' END, NEW.sub || '#' || p.n
                FROM search_indexes i
                JOIN (SELECT key, value FROM json_each(NEW.attributes) UNION ALL SELECT 'username', NEW.username) v ON v.key = i.attribute
                JOIN search_places p ON p.n <= length(v.value)
                WHERE i.pool = NEW.pool;
        END;
        CREATE TRIGGER users_suffixes_update AFTER UPDATE OF attributes ON users
        WHEN OLD.attributes <> NEW.attributes AND EXISTS (SELECT 1 FROM search_indexes WHERE pool = NEW.pool) BEGIN
            DELETE FROM derived_suffixes WHERE (id, suffix, holder) IN (
                SELECT i.id, substr(v.value, p.n, 48) || CASE WHEN length(v.value) < p.n + 48 THEN char(1) ELSE '' END, OLD.sub || '#' || p.n
                FROM search_indexes i
                JOIN (SELECT key, value FROM json_each(OLD.attributes) EXCEPT SELECT key, value FROM json_each(NEW.attributes)) v
                    ON v.key = i.attribute
                JOIN search_places p ON p.n <= length(v.value)
                WHERE i.pool = OLD.pool);
            INSERT OR IGNORE INTO derived_suffixes (id, suffix, holder)
                SELECT i.id, substr(v.value, p.n, 48) || CASE WHEN length(v.value) < p.n + 48 THEN char(1) ELSE '' END, NEW.sub || '#' || p.n
                FROM search_indexes i
                JOIN (SELECT key, value FROM json_each(NEW.attributes) EXCEPT SELECT key, value FROM json_each(OLD.attributes)) v
                    ON v.key = i.attribute
                JOIN search_places p ON p.n <= length(v.value)
                WHERE i.pool = NEW.pool;
        END;
        CREATE TRIGGER users_suffixes_delete AFTER DELETE ON users
        WHEN EXISTS (SELECT 1 FROM search_indexes WHERE pool = OLD.pool) BEGIN
            DELETE FROM derived_suffixes WHERE (id, suffix, holder) IN (
                SELECT i.id, substr(v.value, p.n, 48) || CASE WHEN length(v.value) < p.n + 48 THEN char(1) ELSE '' END, OLD.sub || '#' || p.n
                FROM search_indexes i
                JOIN (SELECT key, value FROM json_each(OLD.attributes) UNION ALL SELECT 'username', OLD.username) v ON v.key = i.attribute
                JOIN search_places p ON p.n <= length(v.value)
                WHERE i.pool = OLD.pool);
        END;
        -- postgres only
        INSERT INTO derived_values (pool, attribute, value, sub)
            SELECT u.pool, e.key, substr(e.value, 1, 256), u.sub FROM users u, json_each_text(u.attributes::json) e
            WHERE (starts_with(e.key, 'custom:') OR starts_with(e.key, 'dev:custom:')) ON CONFLICT DO NOTHING;

        CREATE OR REPLACE FUNCTION users_suffixes (pool_of TEXT, username TEXT, attributes TEXT, sub TEXT)
        RETURNS TABLE (id BIGINT, suffix TEXT, holder TEXT) LANGUAGE sql STABLE AS $body$
            SELECT i.id, substr(v.value, n, 48) || CASE WHEN length(v.value) < n + 48 THEN chr(1) ELSE '' END, sub || '#' || n
            FROM search_indexes i
            JOIN (SELECT key, value FROM json_each_text(attributes::json) UNION ALL SELECT 'username', username) v ON v.key = i.attribute
            CROSS JOIN LATERAL generate_series(1, least(length(v.value), 256)) n
            WHERE i.pool = pool_of
        $body$;
        CREATE OR REPLACE FUNCTION users_derive () RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.attributes <> NEW.attributes) THEN
                IF strpos(OLD.attributes, 'custom:') > 0 THEN
                    DELETE FROM derived_values d USING json_each_text(OLD.attributes::json) e
                    WHERE d.pool = OLD.pool AND d.attribute = e.key AND d.value = substr(e.value, 1, 256) AND d.sub = OLD.sub
                        AND (TG_OP = 'DELETE' OR e.value IS DISTINCT FROM NEW.attributes::json ->> e.key);
                END IF;
                IF EXISTS (SELECT 1 FROM search_indexes i WHERE i.pool = OLD.pool) THEN
                    DELETE FROM derived_suffixes d USING users_suffixes(OLD.pool, OLD.username, OLD.attributes, OLD.sub) s
                    WHERE d.id = s.id AND d.suffix = s.suffix AND d.holder = s.holder AND NOT EXISTS (
                        SELECT 1 FROM users_suffixes(NEW.pool, NEW.username, NEW.attributes, NEW.sub) n
                        WHERE n.id = s.id AND n.suffix = s.suffix AND n.holder = s.holder);
                END IF;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                IF strpos(NEW.attributes, 'custom:') > 0 THEN
                    INSERT INTO derived_values (pool, attribute, value, sub)
                        SELECT NEW.pool, e.key, substr(e.value, 1, 256), NEW.sub FROM json_each_text(NEW.attributes::json) e
                        WHERE (starts_with(e.key, 'custom:') OR starts_with(e.key, 'dev:custom:')) ON CONFLICT DO NOTHING;
                END IF;
                IF EXISTS (SELECT 1 FROM search_indexes i WHERE i.pool = NEW.pool) THEN
                    INSERT INTO derived_suffixes (id, suffix, holder)
                        SELECT s.id, s.suffix, s.holder FROM users_suffixes(NEW.pool, NEW.username, NEW.attributes, NEW.sub) s
                        ON CONFLICT DO NOTHING;
                END IF;
            END IF;
            RETURN NULL;
        END
        $body$;
        CREATE TRIGGER users_derive AFTER INSERT OR DELETE OR UPDATE OF attributes, username ON users
            FOR EACH ROW EXECUTE FUNCTION users_derive();
    ",
};

/// Makes the rows of the users after one `sub` up to another.
pub fn derive_again(pool: &PoolId, after: &str, last: &str) -> Statement {
    Statement::new("UPDATE users SET username = username WHERE pool = $1 AND sub > $2 AND sub <= $3")
        .bind(pool)
        .bind(after)
        .bind(last)
}

/// Users who have exactly this value, by `sub`.
pub(super) fn equal_values(pool: &PoolId, attribute: &str, value: &str, after: &str, limit: u64) -> Query {
    let found = "SELECT value AS found_value, sub AS found_key FROM derived_values
        WHERE pool = $1 AND attribute = $2 AND value = $3 AND sub > $4 ORDER BY sub LIMIT $5";
    Query::new(users_of(found, "f.found_key")).bind(pool).bind(attribute).bind(value).bind(after).bind(limit)
}

/// Users with a value from a position up to `end`, by value and `sub`.
pub(super) fn values_from(pool: &PoolId, attribute: &str, from: &Position, end: &str, limit: u64) -> Query {
    let [value, sub] = from;
    let found = "SELECT * FROM (
            SELECT * FROM (SELECT value AS found_value, sub AS found_key FROM derived_values
                WHERE pool = $1 AND attribute = $2 AND value = $3 AND sub > $4 ORDER BY sub LIMIT $6) same
            UNION ALL
            SELECT * FROM (SELECT value AS found_value, sub AS found_key FROM derived_values
                WHERE pool = $1 AND attribute = $2 AND value > $3 AND value < $5 ORDER BY value, sub LIMIT $6) greater
        ) both_parts ORDER BY found_value, found_key LIMIT $6";
    let query = Query::new(users_of(found, "f.found_key")).bind(pool).bind(attribute).bind(value).bind(sub);
    query.bind(end).bind(limit)
}

/// Users with exactly this entry, by key.
pub(super) fn equal_suffixes(pool: &PoolId, index: i64, suffix: &str, after: &str, limit: u64) -> Query {
    let found = "SELECT suffix AS found_value, holder AS found_key FROM derived_suffixes
        WHERE id = $2 AND suffix = $3 AND holder > $4 ORDER BY holder LIMIT $5";
    Query::new(users_of(found, HOLDERS_SUB)).bind(pool).bind(index).bind(suffix).bind(after).bind(limit)
}

/// Users with an entry from a position up to `end`, by suffix and key.
pub(super) fn suffixes_from(pool: &PoolId, index: i64, from: &Position, end: &str, limit: u64) -> Query {
    let [suffix, holder] = from;
    let found = "SELECT * FROM (
            SELECT * FROM (SELECT suffix AS found_value, holder AS found_key FROM derived_suffixes
                WHERE id = $2 AND suffix = $3 AND holder > $4 ORDER BY holder LIMIT $6) same
            UNION ALL
            SELECT * FROM (SELECT suffix AS found_value, holder AS found_key FROM derived_suffixes
                WHERE id = $2 AND suffix > $3 AND suffix < $5 ORDER BY suffix, holder LIMIT $6) greater
        ) both_parts ORDER BY found_value, found_key LIMIT $6";
    let query = Query::new(users_of(found, HOLDERS_SUB)).bind(pool).bind(index).bind(suffix).bind(holder);
    query.bind(end).bind(limit)
}

const HOLDERS_SUB: &str = "substr(f.found_key, 1, 36)";

/// The users that are found, in the order in which they were. CROSS JOIN: SQLite takes the parts of one in the order in which they stand.
fn users_of(found: &str, sub: &str) -> String {
    format!(
        "SELECT {COLUMNS}, f.found_value, f.found_key FROM ({found}) f CROSS JOIN users
         WHERE pool = $1 AND sub = {sub} ORDER BY f.found_value, f.found_key"
    )
}

/// The position of a row of the four queries.
pub(super) fn position(row: &Row) -> Result<Position, RowError> {
    Ok([row.text(COLUMNS_OF_USERS)?.to_owned(), row.text(COLUMNS_OF_USERS + 1)?.to_owned()])
}

/// The place of a key, counted from 0; `None` for one that is a `sub`.
pub(super) fn place(key: &str) -> Option<usize> {
    key.get(SUB..)?.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1)
}
