//! Tables of the feed: its log, and who may read it.

use crate::store::Migration;

/// The feed's own migrations.
pub const MIGRATIONS: &[Migration] = &[FEED, DEPLOYMENT_KEYS];

const FEED: Migration = Migration {
    version: 10,
    name: "feed",
    sql: "
CREATE TABLE feed_head (
    feed TEXT PRIMARY KEY,
    epoch BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    prev BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    floor BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE feed_log (
    feed TEXT NOT NULL,
    seq BIGINT NOT NULL,
    prev BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    subject TEXT NOT NULL,
    body BYTEA NOT NULL,
    at BIGINT NOT NULL,
    leave_at BIGINT,
    PRIMARY KEY (feed, seq)
) WITHOUT ROWID;
CREATE INDEX feed_log_subject ON feed_log (feed, kind, subject, seq);
CREATE INDEX feed_log_leave ON feed_log (feed, leave_at);
CREATE TABLE edges (
    edge TEXT PRIMARY KEY,
    pools TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    joined_at BIGINT,
    revoked_at BIGINT
) WITHOUT ROWID;
CREATE TABLE enrolments (
    secret_hash BYTEA PRIMARY KEY,
    edge TEXT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE feed_ca (
    id BIGINT PRIMARY KEY,
    certificate BYTEA NOT NULL,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;
",
};

/// Which secrets edges share. The secrets are in the log, sealed.
const DEPLOYMENT_KEYS: Migration = Migration {
    version: 11,
    name: "deployment keys",
    sql: "
CREATE TABLE deployment_keys (
    usage TEXT NOT NULL,
    number BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at BIGINT,
    PRIMARY KEY (usage, number)
) WITHOUT ROWID;
",
};
