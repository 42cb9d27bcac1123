//! All that differs between the engines' SQL. Statements and queries need nothing from here: their text is the same for both. Only the
//! types and the table options of migrations are written for one engine.
//!
//! Portable migrations use BIGINT, TEXT and BYTEA, and end a `CREATE TABLE` with `) WITHOUT ROWID;` where rows are small and found by their
//! primary key. What has no portable form (triggers) follows a line `-- sqlite only` or `-- postgres only`, in that engine's own words, up to
//! the next such line or `-- both`. Tables that are to be copied by backups are made in the portable part.

/// One table that is not the ledger of migrations, if there is one.
pub(super) const SQLITE_OTHER_TABLES: &str = "SELECT name FROM sqlite_master
    WHERE type = 'table' AND name <> 'schema_migrations' AND name NOT LIKE 'sqlite_%' LIMIT 1";
pub(super) const POSTGRES_OTHER_TABLES: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name <> 'schema_migrations' LIMIT 1";

/// For whom a part of a script is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Both,
    Sqlite,
    Postgres,
}

/// The parts of a script, in order, without the lines that part them.
fn parts(sql: &str) -> Vec<(Audience, String)> {
    let mut parts = vec![(Audience::Both, String::with_capacity(sql.len()))];
    for line in sql.split_inclusive('\n') {
        let audience = match line.trim() {
            "-- both" => Audience::Both,
            "-- sqlite only" => Audience::Sqlite,
            "-- postgres only" => Audience::Postgres,
            _ => {
                if let Some((_, part)) = parts.last_mut() {
                    part.push_str(line);
                }
                continue;
            }
        };
        parts.push((audience, String::new()));
    }
    parts
}

/// A script as one engine takes it: its own parts as they are, the portable ones translated.
fn schema(sql: &str, own: Audience, translate: impl Fn(&str) -> String) -> String {
    parts(sql)
        .into_iter()
        .map(|(audience, part)| match audience {
            Audience::Both => translate(&part),
            other if other == own => part,
            _ => String::new(),
        })
        .collect()
}

pub(super) fn sqlite_schema(sql: &str) -> String {
    schema(sql, Audience::Sqlite, portable_for_sqlite)
}

pub(super) fn postgres_schema(sql: &str) -> String {
    schema(sql, Audience::Postgres, portable_for_postgres)
}

/// SQLite: exact types (STRICT), and the types by the names that STRICT knows.
fn portable_for_sqlite(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    for statement in statements(sql) {
        let words: String = tokens(statement).map(sqlite_word).collect();
        let body = words.trim_end();
        text.push_str(body);
        if creates_table(statement) {
            text.push_str(if tokens(body).any(|t| t.eq_ignore_ascii_case("ROWID")) { ", STRICT" } else { " STRICT" });
        }
        text.push_str(";\n");
    }
    text
}

/// PostgreSQL: text is compared by its bytes, as SQLite does, whatever the cluster's locale; `WITHOUT ROWID` goes.
fn portable_for_postgres(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    for statement in statements(sql) {
        let (mut after_as, mut in_option) = (false, false);
        for token in tokens(statement) {
            if creates_table(statement) && token.eq_ignore_ascii_case("WITHOUT") {
                in_option = true;
            } else if token.eq_ignore_ascii_case("TEXT") && !after_as {
                text.push_str("TEXT COLLATE \"C\"");
            } else if !(in_option && token.eq_ignore_ascii_case("ROWID")) {
                text.push_str(token);
            }
            if !token.trim().is_empty() {
                after_as = token.eq_ignore_ascii_case("AS");
            }
        }
        text.push_str(";\n");
    }
    text
}

fn sqlite_word(token: &str) -> &str {
    match token {
        t if t.eq_ignore_ascii_case("BIGINT") => "INTEGER",
        t if t.eq_ignore_ascii_case("BYTEA") => "BLOB",
        other => other,
    }
}

fn creates_table(statement: &str) -> bool {
    let mut words = tokens(statement).filter(|t| !t.trim().is_empty() && !t.starts_with("--"));
    words.next().is_some_and(|w| w.eq_ignore_ascii_case("CREATE"))
        && words.next().is_some_and(|w| w.eq_ignore_ascii_case("TABLE"))
}

/// The tables that a script makes on both engines, in its order.
pub(super) fn created_tables(sql: &str) -> Vec<String> {
    let both = parts(sql).into_iter().filter(|(audience, _)| *audience == Audience::Both);
    both.flat_map(|(_, part)| tables_of(&part)).collect()
}

fn tables_of(sql: &str) -> Vec<String> {
    let plain = |token: &&str| !token.trim().is_empty() && !token.starts_with("--");
    let optional = |token: &&str| ["IF", "NOT", "EXISTS"].iter().any(|word| token.eq_ignore_ascii_case(word));
    let made = statements(sql).filter(|statement| creates_table(statement));
    made.filter_map(|statement| tokens(statement).filter(plain).skip(2).find(|token| !optional(token)))
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// The statements of a script, without their semicolons and without comments after the last one.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let mut end = 0;
        for token in tokens(rest) {
            if token == ";" {
                break;
            }
            end += token.len();
        }
        let (statement, tail) = (rest.get(..end)?, rest.get(end..)?);
        rest = tail.strip_prefix(';').unwrap_or(tail);
        (!statement.is_empty() || !tail.is_empty()).then_some(statement)
    })
    .filter(|s| tokens(s).any(|t| !t.trim().is_empty() && !t.starts_with("--")))
}

/// Words, quoted texts, comments and single characters; joined they are the input again.
fn tokens(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '\'' | '"' => rest.char_indices().skip(1).find(|(_, c)| *c == first).map_or(rest.len(), |(at, _)| at + 1),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(length)?;
        rest = tail;
        Some(token)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCRIPT: &str = "-- users; not BIGINT\nCREATE TABLE users (pool TEXT NOT NULL, n BIGINT DEFAULT 0, k BYTEA, note TEXT DEFAULT 'a;TEXT',\n PRIMARY KEY (pool)) WITHOUT ROWID;\nCREATE INDEX users_n ON users (pool, n);\nCREATE TABLE plain (a TEXT);\nUPDATE users SET note = CAST(n AS TEXT);\n-- end\n";

    #[test]
    fn sqlite_gets_strict_tables() {
        let sql = sqlite_schema(SCRIPT);
        assert!(sql.contains("n INTEGER DEFAULT 0, k BLOB, note TEXT DEFAULT 'a;TEXT'"), "{sql}");
        assert!(sql.contains("PRIMARY KEY (pool)) WITHOUT ROWID, STRICT;"), "{sql}");
        assert!(sql.contains("CREATE TABLE plain (a TEXT) STRICT;"), "{sql}");
        assert!(sql.contains("CREATE INDEX users_n ON users (pool, n);"), "{sql}");
        rusqlite::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    }

    #[test]
    fn postgres_gets_bytewise_text() {
        let sql = postgres_schema(SCRIPT);
        assert!(sql.contains("pool TEXT COLLATE \"C\" NOT NULL, n BIGINT DEFAULT 0"), "{sql}");
        assert!(sql.contains("DEFAULT 'a;TEXT'"), "{sql}");
        assert!(!sql.contains("ROWID"), "{sql}");
        assert!(sql.contains("CAST(n AS TEXT)"), "{sql}");
    }

    #[test]
    fn the_tables_of_a_script_are_known() {
        assert_eq!(created_tables(SCRIPT), ["users", "plain"]);
        assert_eq!(created_tables("CREATE TABLE IF NOT EXISTS a (b TEXT); ALTER TABLE a ADD COLUMN c TEXT"), ["a"]);
    }

    #[test]
    fn each_engine_gets_its_own_part_untouched() {
        let script = "CREATE TABLE a (n BIGINT);
            -- sqlite only
            CREATE TABLE places (n INTEGER PRIMARY KEY) STRICT;
            CREATE TRIGGER a_i AFTER INSERT ON a BEGIN DELETE FROM places; DELETE FROM a; END;
            -- postgres only
            CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            -- both
            CREATE INDEX a_n ON a (n);";
        let (sqlite, postgres) = (sqlite_schema(script), postgres_schema(script));
        assert!(sqlite.contains("n INTEGER) STRICT") && sqlite.contains("CREATE INDEX a_n"), "{sqlite}");
        assert!(!sqlite.contains("plpgsql") && !postgres.contains("places"), "{sqlite} {postgres}");
        assert!(postgres.contains("AS $$ BEGIN RETURN NULL; END $$;") && postgres.contains("a_n"), "{postgres}");
        assert_eq!(created_tables(script), ["a"]);
        rusqlite::Connection::open_in_memory().unwrap().execute_batch(&sqlite).unwrap();
    }

    proptest! {
        #[test]
        fn tokens_lose_nothing(text in "[a-z '\";\\-\n(é]{0,40}") {
            prop_assert_eq!(tokens(&text).collect::<String>(), text);
        }
    }
}
