//! Statements on edges for whoever changes a database offline.

use common::clock::UnixMillis;
use common::ids::EdgeId;

use crate::store::{Query, Rows, Statement};

/// Edges in one deployment, revoked ones too.
const MAX_EDGES: usize = 100_000;

/// Name, the instant of its last join and that of its revocation, if any.
pub fn all() -> Query {
    Query::new("SELECT edge, joined_at, revoked_at FROM edges ORDER BY edge").at_most(MAX_EDGES)
}

/// Voids an edge's certificates. Misses for an edge that there is not.
pub fn revocation(edge: &EdgeId, at: UnixMillis) -> Statement {
    Statement::new("UPDATE edges SET revoked_at = $1 WHERE edge = $2")
        .bind(at)
        .bind(edge.as_str())
        .expect(Rows::Exactly(1))
}

/// Voids every join token that was not used.
pub fn forget_join_tokens() -> Statement {
    Statement::new("DELETE FROM enrolments")
}
