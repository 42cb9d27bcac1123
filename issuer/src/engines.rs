//! For tests only: an empty store on each engine, so that whatever writes rows is tested on both.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::store::fixture::{Cluster, Fsync};
use crate::store::{Migration, Store, StoreConfig};

/// One server for all tests of the process; each gets a database of its own.
static CLUSTER: OnceLock<Result<Mutex<Cluster>, String>> = OnceLock::new();

pub(crate) async fn sqlite(folder: &tempfile::TempDir, migrations: &[&Migration]) -> Store {
    Store::open(&StoreConfig::sqlite(folder.path().join("tollgate.db")), migrations).await.unwrap()
}

pub(crate) async fn postgres(migrations: &[&Migration]) -> Store {
    let database = cluster().database().unwrap();
    Store::open(&StoreConfig::postgres(database), migrations).await.unwrap()
}

/// The server of this process.
pub(crate) fn cluster() -> MutexGuard<'static, Cluster> {
    let cluster = CLUSTER.get_or_init(|| Cluster::start(Fsync::Off).map(Mutex::new)).as_ref().unwrap();
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs each `async fn test(store: Store)` of the module on both engines; the module says which tables it needs by a function
/// `migrations() -> Vec<&'static Migration>`.
macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test($crate::engines::sqlite(&folder, &super::migrations()).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::engines::postgres(&super::migrations()).await).await;
            })*
        }
    };
}

pub(crate) use on_both_engines;
