//! One job, and what can become of it.

use std::time::Duration;

use cognito_model::Timestamp;
use cognito_model::idp::types::{PasswordHashingAlgorithmType, UserImportJobStatusType as Status, UserImportJobType};
use common::clock::UnixMillis;
use common::ids::PoolId;
use ring::hmac;

use crate::envelope::PoolKey;

/// In a pool (Cognito's quota). Another one takes the place of the oldest that has ended.
pub const MOST: u64 = 1_000;
/// How long a job waits to be started.
pub const WAITS: Duration = Duration::from_secs(24 * 3_600);
/// How long after its making a job's file may be sent.
const UPLOADS: Duration = Duration::from_secs(15 * 60);

/// A job that imports users.
#[derive(Clone, Debug)]
pub struct Job {
    pub pool: PoolId,
    /// `import-` and ten letters or digits.
    pub id: String,
    pub name: String,
    pub role_arn: String,
    pub hashing: Option<PasswordHashingAlgorithmType>,
    /// As it was stored: see [`Job::status`].
    pub status: Status,
    pub created: UnixMillis,
    pub started: Option<UnixMillis>,
    pub completed: Option<UnixMillis>,
}

impl Job {
    /// A job that nobody started in time is expired.
    pub fn status(&self, now: UnixMillis) -> Status {
        if self.status == Status::Created && now > self.created.plus(WAITS) { Status::Expired } else { self.status }
    }

    /// What starting makes of it; `None` unless it waits for that.
    pub fn start(&self, now: UnixMillis) -> Option<Self> {
        let waits = self.status(now) == Status::Created;
        waits.then(|| Self { status: Status::Pending, started: Some(now), ..self.clone() })
    }

    /// What stopping makes of it; `None` unless it was started and has not ended.
    pub fn stop(&self, now: UnixMillis) -> Option<Self> {
        let runs = matches!(self.status, Status::Pending | Status::InProgress);
        runs.then(|| Self { status: Status::Stopped, completed: Some(now), ..self.clone() })
    }

    pub fn describe(&self, public_url: &str, key: &PoolKey, now: UnixMillis) -> UserImportJobType {
        UserImportJobType {
            cloud_watch_logs_role_arn: Some(self.role_arn.clone()),
            completion_date: self.completed.map(Timestamp::from),
            completion_message: self.completion_message(),
            creation_date: Some(Timestamp::from(self.created)),
            failed_users: Some(0),
            imported_users: Some(0),
            job_id: Some(self.id.clone()),
            job_name: Some(self.name.clone()),
            password_hashing_algorithm: self.hashing,
            pre_signed_url: Some(self.upload_url(public_url, key)),
            skipped_users: Some(0),
            start_date: self.started.map(Timestamp::from),
            status: Some(self.status(now)),
            user_pool_id: Some(self.pool.to_string()),
        }
    }

    /// Cognito's words for a job that did not end by itself.
    fn completion_message(&self) -> Option<String> {
        let stopped = matches!(self.status, Status::Stopped);
        stopped.then(|| "The Import Job was stopped by the developer.".to_owned())
    }

    /// Where the file goes: whoever has this URL may send it, until it ends. Nothing of it is stored.
    fn upload_url(&self, public_url: &str, key: &PoolKey) -> String {
        let expires = self.created.plus(UPLOADS).seconds();
        let path = format!("/imports/{}/{}", self.pool, self.id);
        let tag = hmac::sign(&key.hmac_key("user import uploads"), format!("{path}\n{expires}").as_bytes());
        let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{public_url}{path}?expires={expires}&signature={signature}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: UnixMillis = UnixMillis(1_700_000_000_000);

    fn job(status: Status) -> Job {
        Job {
            pool: PoolId::parse("eu_a").unwrap(),
            id: "import-0123456789".into(),
            name: "n".into(),
            role_arn: String::new(),
            hashing: None,
            status,
            created: THEN,
            started: None,
            completed: None,
        }
    }

    #[test]
    fn a_job_is_started_once_and_stopped_once() {
        let started = job(Status::Created).start(THEN).unwrap();
        assert_eq!((started.status, started.started), (Status::Pending, Some(THEN)));
        assert!(started.start(THEN).is_none() && job(Status::Created).stop(THEN).is_none());
        let stopped = started.stop(THEN).unwrap();
        assert_eq!((stopped.status, stopped.completed), (Status::Stopped, Some(THEN)));
        assert!(stopped.start(THEN).is_none() && stopped.stop(THEN).is_none());
    }

    #[test]
    fn a_job_that_nobody_starts_expires() {
        let (last, late) = (THEN.plus(WAITS), THEN.plus(WAITS + Duration::from_secs(1)));
        assert_eq!(job(Status::Created).status(last), Status::Created);
        assert_eq!(job(Status::Created).status(late), Status::Expired);
        assert!(job(Status::Created).start(late).is_none());
        assert_eq!(job(Status::Pending).status(late), Status::Pending);
    }
}
