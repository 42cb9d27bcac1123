//! At most so many sessions of a user at a time (SetUserPoolSessionConfiguration: `TokenSession.MaxPerUser`): a sign-in ends those that were
//! used least recently.
//!
//! The sign-in's batch holds the user's row, so of several at once one counts after the other; what has changed since the count was read
//! makes it miss, and be made anew.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, Revoked};

use super::rows;
use crate::pools::Pool;
use crate::store::{Row, Statement, Store};
use crate::users::User;

/// How many a sign-in ends at most. A user may have more than the pool allows from before it did: then the next ones end the rest.
const MOST_AT_ONCE: u64 = 100;

/// What makes room for one more session, for the batch that adds it, after what takes the user's row.
#[derive(Debug, Default)]
pub struct Room {
    pub statements: Vec<Statement>,
    /// What edges must learn of it.
    pub changes: Vec<Change>,
}

/// Nothing in a pool that tracks no sessions: there is no limit.
pub async fn room(store: &Store, pool: &Pool, user: &User, now: UnixMillis) -> Result<Room, Fault> {
    if !pool.settings.tracks_sessions() {
        return Ok(Room::default());
    }
    let most = u64::try_from(pool.settings.sessions().max_per_user).unwrap_or(1).max(1);
    let idle = store.read(rows::idle(user, now, MOST_AT_ONCE)).await?;
    let alive = idle.first().map(|row| row.u64(1)).transpose()?.unwrap_or(0);
    let ending = to_end(alive, most);
    let ended = |row: &Row| Ok(row.text(0)?.to_owned());
    let ended: Vec<String> =
        idle.iter().take(usize::try_from(ending).unwrap_or_default()).map(ended).collect::<Result<_, Fault>>()?;
    let mut statements: Vec<Statement> = ended.iter().map(|id| rows::revoke_named(&pool.id, id, now)).collect();
    statements.push(rows::at_most(user, (alive - ending).max(most - 1), now));
    let changes = ended.into_iter().map(|origin_jti| Change::Revoked(Revoked::Session { origin_jti })).collect();
    Ok(Room { statements, changes })
}

/// How many of those that live must end before another one begins.
fn to_end(alive: u64, most: u64) -> u64 {
    (alive + 1).saturating_sub(most).min(alive).min(MOST_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_one() {
        for (alive, most, ending) in [
            (0, 1, 0),
            (1, 1, 1),
            (0, 20, 0),
            (19, 20, 0),
            (20, 20, 1),
            (25, 20, 6),
            (5, 1, 5),
            (1_000, 20, MOST_AT_ONCE),
        ] {
            assert_eq!(to_end(alive, most), ending, "{alive} of {most}");
        }
    }
}
