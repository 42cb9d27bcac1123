//! Which migrations are still to be applied. The engines run them: each in a transaction of its own that also records it.

use std::collections::BTreeMap;

use super::error::OpenError;

/// One step of the schema, owned by a feature and never changed after a release. `sql` is portable (see `dialect`) and works with
/// the code before and after it, since several issuers share one database while they are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Unique in the program, from 1; the order in which they are applied.
    pub version: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

/// What the ledger says while a restore fills the database (see [`super::load`]). Any issuer takes it for a migration that it does not know.
pub(super) const LOADING: Migration = Migration { version: u32::MAX, name: "restore in progress", sql: "" };

pub(super) const LEDGER: &str = "schema_migrations";
pub(super) const CREATE_LEDGER: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)";
pub(super) const READ_LEDGER: &str = "SELECT version, name FROM schema_migrations";
pub(super) const RECORD: &str =
    "INSERT INTO schema_migrations (version, name, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

/// The steps to apply, in order, given those that the database records.
pub(super) fn pending<'a>(
    applied: &BTreeMap<u32, String>,
    known: &[&'a Migration],
) -> Result<Vec<&'a Migration>, OpenError> {
    let mut steps: BTreeMap<u32, &'a Migration> = BTreeMap::new();
    for step in known {
        if let Some(other) = steps.insert(step.version, step) {
            let (version, name, other) = (step.version, step.name, other.name);
            return Err(OpenError::Migrations(format!("{name} and {other} both have version {version}")));
        }
    }
    if applied.contains_key(&LOADING.version) && !steps.contains_key(&LOADING.version) {
        return Err(OpenError::Unfinished);
    }
    for (version, name) in applied {
        match steps.remove(version) {
            None => return Err(OpenError::Newer { version: *version, name: name.clone() }),
            Some(step) if step.name != name => {
                return Err(OpenError::Migrations(format!(
                    "{version} is {name} in the database and {} here",
                    step.name
                )));
            }
            Some(_) => {}
        }
    }
    Ok(steps.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Migration = Migration { version: 1, name: "a", sql: "" };
    const B: Migration = Migration { version: 2, name: "b", sql: "" };

    fn applied(steps: &[(u32, &str)]) -> BTreeMap<u32, String> {
        steps.iter().map(|(version, name)| (*version, (*name).to_owned())).collect()
    }

    #[test]
    fn pending_steps_come_in_order() {
        assert_eq!(pending(&applied(&[]), &[&B, &A]), Ok(vec![&A, &B]));
        assert_eq!(pending(&applied(&[(1, "a")]), &[&A, &B]), Ok(vec![&B]));
        assert_eq!(pending(&applied(&[(2, "b")]), &[&A, &B]), Ok(vec![&A]));
    }

    #[test]
    fn disagreements_are_refused() {
        assert!(matches!(pending(&applied(&[(3, "c")]), &[&A]), Err(OpenError::Newer { version: 3, .. })));
        let loading = applied(&[(1, "a"), (LOADING.version, LOADING.name)]);
        assert_eq!(pending(&loading, &[&A]), Err(OpenError::Unfinished));
        assert_eq!(pending(&loading, &[&A, &LOADING]), Ok(vec![]));
        assert!(matches!(pending(&applied(&[(1, "z")]), &[&A]), Err(OpenError::Migrations(_))));
        let twice = Migration { version: 1, name: "twice", sql: "" };
        assert!(matches!(pending(&applied(&[]), &[&A, &twice]), Err(OpenError::Migrations(_))));
    }
}
