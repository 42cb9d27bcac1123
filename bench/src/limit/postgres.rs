//! One small row committed to PostgreSQL on this machine, with `fsync` and `synchronous_commit` as they are by default: on.

use std::path::Path;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use super::{Counts, Limit, LimitError, Work};
use crate::cluster::Cluster;
use crate::measure::{Disk, process_tree_clock};

const TABLE: &str = "CREATE TABLE row (id bigserial PRIMARY KEY, body text NOT NULL)";
const INSERT: &str = "INSERT INTO row (body) VALUES ($1)";
const BODY: &str =
    "a row of about a hundred bytes, which is what the smallest of the issuer's tables keep for one event";

/// An insert in a transaction of its own, over a Unix socket. Processor time is the server's.
#[derive(Clone, Copy, Debug)]
pub struct PostgresCommit;

impl Limit for PostgresCommit {
    fn name(&self) -> &'static str {
        "postgres_commit"
    }

    fn title(&self) -> String {
        "PostgreSQL commit of one row, fsync on, over a Unix socket".into()
    }

    fn counts(&self) -> Counts {
        Counts::Waiting
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let cluster = Cluster::start()?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LimitError::Runtime)?;
        let (client, insert) = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&cluster.settings("postgres"), NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(TABLE).await?;
            let insert = client.prepare(INSERT).await?;
            Ok::<_, tokio_postgres::Error>((client, insert))
        })?;
        Ok(Box::new(Database { client, insert, runtime, cluster }))
    }
}

/// In the order in which they end: the server last.
struct Database {
    client: Client,
    insert: Statement,
    runtime: Runtime,
    cluster: Cluster,
}

impl Work for Database {
    fn operate(&mut self) -> Result<(), LimitError> {
        self.runtime.block_on(self.client.execute(&self.insert, &[&BODY]))?;
        Ok(())
    }

    fn cpu_ns(&self) -> Result<u64, LimitError> {
        Ok(process_tree_clock(self.cluster.pid()).map_err(LimitError::Accounting)?.total_ns())
    }

    fn place(&self) -> String {
        Disk::of(self.cluster.folder()).map(|disk| format!(", on {disk}")).unwrap_or_default()
    }
}
