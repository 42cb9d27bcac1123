//! A look into the issuer's database past the issuer.

use std::path::{Path, PathBuf};

use issuer::store::fixture::Cluster;

use crate::roles::Roles;

const SQLITE_FILE: &str = "db/tollgate.db";
const POSTGRES_FILE: &str = "postgres.url";

/// Where the issuer under test keeps its data.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

/// The `[storage]` section for SQLite, in a folder of its own that nothing else writes to.
pub fn sqlite_storage(folder: &Path) -> String {
    let file = folder.join(SQLITE_FILE);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    format!("sqlite = {file:?}")
}

/// The `[storage]` section for a fresh database of a cluster.
pub fn postgres_storage(cluster: &Cluster, folder: &Path) -> String {
    let file = folder.join(POSTGRES_FILE);
    std::fs::write(&file, cluster.database().unwrap()).unwrap();
    format!("postgres_url_file = {file:?}")
}

impl Database {
    /// The database of roles that were started on one of the two sections above.
    pub fn of(roles: &Roles) -> Self {
        match std::fs::read_to_string(roles.folder().join(POSTGRES_FILE)) {
            Ok(settings) => Self::Postgres(settings),
            Err(_) => Self::Sqlite(roles.folder().join(SQLITE_FILE)),
        }
    }

    /// One column of texts.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(file) => {
                let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
                let connection = rusqlite::Connection::open_with_flags(file, flags).unwrap();
                connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
                connection.pragma_update(None, "query_only", true).unwrap();
                let mut statement = connection.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| row.get(0)).unwrap();
                rows.collect::<Result<_, _>>().unwrap()
            }
            Self::Postgres(settings) => postgres_texts(settings, sql),
        }
    }

    /// What is wrong with the files and with what must hold between rows; nothing, it is hoped.
    pub fn damage(&self) -> Vec<String> {
        let mut found = Vec::new();
        if let Self::Sqlite(_) = self {
            found.extend(self.texts("PRAGMA integrity_check").into_iter().filter(|line| line != "ok"));
        }
        // The feed's log has no gap and its digests join on.
        found.extend(self.texts(
            "SELECT 'feed ' || h.feed || ' has a gap' FROM feed_head h \
             WHERE h.seq - h.floor <> (SELECT COUNT(*) FROM feed_log l WHERE l.feed = h.feed AND l.seq > h.floor)",
        ));
        found.extend(self.texts(
            "SELECT 'feed ' || a.feed || ' breaks after ' || CAST(a.seq AS TEXT) FROM feed_log a \
             JOIN feed_log b ON b.feed = a.feed AND b.seq = a.seq + 1 WHERE b.prev <> a.digest",
        ));
        // A name stands for one user who is there.
        found.extend(self.texts(
            "SELECT 'nobody is ' || n.name FROM login_names n \
             LEFT JOIN users u ON u.pool = n.pool AND u.sub = n.sub WHERE u.sub IS NULL",
        ));
        found
    }
}

fn postgres_texts(settings: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(settings, tokio_postgres::NoTls).await.unwrap();
        let link = tokio::spawn(connection);
        let rows = client.query(sql, &[]).await.unwrap();
        drop(client);
        link.await.unwrap().unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    })
}
