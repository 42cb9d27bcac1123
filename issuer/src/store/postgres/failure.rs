//! What an error of the server or of the connection means for a batch. Details carry the server's code and message, never its
//! DETAIL line, which quotes values.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Because of other transactions; nothing happened, and it may well work now.
    RolledBack(String),
    /// The connection is no good; if COMMIT was not sent, nothing happened and another connection may do.
    Lost(String),
    /// The statement is at fault.
    Refused(String),
    /// The server is full, stopping, read-only or too slow.
    Away(String),
}

impl Failure {
    pub(super) fn slow() -> Self {
        Self::Away("PostgreSQL did not answer in time".to_owned())
    }

    /// Whether something may still be under way on the connection, or its state is unknown.
    pub(super) fn spoils_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Away(_))
    }

    /// The same failure as the answer to COMMIT: only the server's own word that it rolled back leaves no doubt.
    pub(super) fn at_commit(self) -> Self {
        match self {
            Self::Lost(detail) => Self::Away(format!("the outcome of a commit is unknown: {detail}")),
            other => other,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let detail = describe(&error);
        let Some(code) = error.code() else {
            let of_connection = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
            return if of_connection { Self::Lost(detail) } else { Self::Refused(detail) };
        };
        by_code(code, detail)
    }
}

fn by_code(code: &SqlState, detail: String) -> Failure {
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return Failure::RolledBack(detail);
    }
    // Another issuer changed a table under a prepared statement, or a pooler between us and the server forgot it.
    if [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME].contains(code) {
        return Failure::Lost(detail);
    }
    match code.code().get(..2) {
        Some("08") => Failure::Lost(detail),
        Some("57") if *code != SqlState::QUERY_CANCELED => Failure::Lost(detail),
        Some("0A" | "21" | "22" | "23" | "2B" | "42" | "44" | "54" | "P0") => Failure::Refused(detail),
        _ => Failure::Away(detail),
    }
}

fn describe(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(server), _) => format!("{} {}", server.code().code(), server.message()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meaning() {
        for (code, wanted) in [
            ("40001", Failure::RolledBack as fn(String) -> Failure),
            ("40P01", Failure::RolledBack),
            ("0A000", Failure::Lost),
            ("26000", Failure::Lost),
            ("08006", Failure::Lost),
            ("57P01", Failure::Lost),
            ("57P03", Failure::Lost),
            ("57014", Failure::Away),
            ("53100", Failure::Away),
            ("25006", Failure::Away),
            ("23505", Failure::Refused),
            ("22001", Failure::Refused),
            ("42601", Failure::Refused),
            ("XX000", Failure::Away),
        ] {
            assert_eq!(by_code(&SqlState::from_code(code), String::new()), wanted(String::new()), "{code}");
        }
    }

    #[test]
    fn a_commit_without_an_answer_is_not_repeated() {
        assert!(matches!(Failure::Lost(String::new()).at_commit(), Failure::Away(_)));
        assert!(matches!(Failure::RolledBack(String::new()).at_commit(), Failure::RolledBack(_)));
    }
}
