//! The table `auth_events`.

use std::time::Duration;

use cognito_model::idp::types::{ChallengeName, ChallengeResponse, EventResponseType, EventType, FeedbackValueType};
use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::model::{Challenge, Event, Feedback, Happened};
use crate::aws_json::Place;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

/// Events of a user that are kept.
pub const MOST: u64 = 200;
/// How long (Cognito's documentation of user event history).
const KEPT: Duration = Duration::from_secs(2 * 365 * 24 * 3_600);

/// `challenges` are `name=response`, with commas.
pub const MIGRATION: Migration = Migration {
    version: 822,
    name: "auth_events",
    sql: "
        CREATE TABLE auth_events (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            id TEXT NOT NULL,
            at BIGINT NOT NULL,
            kind TEXT NOT NULL,
            response TEXT NOT NULL,
            challenges TEXT NOT NULL,
            address TEXT NOT NULL,
            user_agent TEXT,
            feedback TEXT,
            feedback_by TEXT,
            feedback_at BIGINT,
            PRIMARY KEY (pool, sub, id)
        );
        CREATE INDEX auth_events_at ON auth_events (at);
    ",
};

pub fn insert(event: &Event) -> Statement {
    Statement::new(
        "INSERT INTO auth_events (pool, sub, id, at, kind, response, challenges, address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(&event.pool)
    .bind(&event.sub)
    .bind(&event.id)
    .bind(event.at)
    .bind(event.happened.kind.as_str())
    .bind(event.happened.response.as_str())
    .bind(written(&event.happened.challenges))
    .bind(event.place.address.to_string())
    .bind(event.place.user_agent.clone())
}

/// Forgets what a user has beyond the newest [`MOST`].
pub fn trim(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new(
        "DELETE FROM auth_events WHERE pool = $1 AND sub = $2 AND id <= (
             SELECT id FROM auth_events WHERE pool = $3 AND sub = $4 ORDER BY id DESC LIMIT 1 OFFSET $5)",
    )
    .bind(pool)
    .bind(sub)
    .bind(pool)
    .bind(sub)
    .bind(MOST)
}

/// A page of a user's events, the newest first, before this one.
pub fn page(pool: &PoolId, sub: &Sub, before: Option<&str>, limit: u64) -> Query {
    Query::new(
        "SELECT pool, sub, id, at, kind, response, challenges, address, user_agent, feedback, feedback_by, feedback_at
         FROM auth_events WHERE pool = $1 AND sub = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
    )
    .bind(pool)
    .bind(sub)
    // After every UUID.
    .bind(before.unwrap_or("g"))
    .bind(limit)
}

/// Misses when there is no such event.
pub fn give_feedback(pool: &PoolId, sub: &Sub, id: &str, feedback: &Feedback) -> Statement {
    Statement::new(
        "UPDATE auth_events SET feedback = $1, feedback_by = $2, feedback_at = $3 WHERE pool = $4 AND sub = $5 AND id = $6",
    )
    .bind(feedback.value.as_str())
    .bind(&feedback.by)
    .bind(feedback.at)
    .bind(pool)
    .bind(sub)
    .bind(id)
    .expect(Rows::Exactly(1))
}

/// Forgets the events of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM auth_events WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// Forgets what is too old; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM auth_events WHERE at < $1").bind(now.minus(KEPT))
}

pub fn event(row: &Row) -> Result<Event, RowError> {
    let challenges = row.text(6)?.split(',').filter(|text| !text.is_empty()).map(read);
    Ok(Event {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        sub: Sub::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        id: row.text(2)?.to_owned(),
        at: row.millis(3)?,
        happened: Happened {
            kind: EventType::parse(row.text(4)?).ok_or(RowError::Range(4))?,
            response: EventResponseType::parse(row.text(5)?).ok_or(RowError::Range(5))?,
            challenges: challenges.collect::<Option<_>>().ok_or(RowError::Range(6))?,
        },
        place: Place {
            address: row.text(7)?.parse().map_err(|_| RowError::Range(7))?,
            user_agent: row.opt_text(8)?.map(str::to_owned),
        },
        feedback: feedback(row)?,
    })
}

fn feedback(row: &Row) -> Result<Option<Feedback>, RowError> {
    let (Some(value), Some(by), Some(at)) = (row.opt_text(9)?, row.opt_text(10)?, row.opt_millis(11)?) else {
        return Ok(None);
    };
    let value = FeedbackValueType::parse(value).ok_or(RowError::Range(9))?;
    Ok(Some(Feedback { value, by: by.to_owned(), at }))
}

fn written(challenges: &[Challenge]) -> String {
    let texts: Vec<String> =
        challenges.iter().map(|(name, response)| format!("{}={}", name.as_str(), response.as_str())).collect();
    texts.join(",")
}

fn read(text: &str) -> Option<Challenge> {
    let (name, response) = text.split_once('=')?;
    Some((ChallengeName::parse(name)?, ChallengeResponse::parse(response)?))
}
