//! What was sent, for test suites: the files of the outbox folder, filtered.

use std::path::Path;
use std::time::Duration;

use common::clock::UnixMillis;
use serde_json::Value;
use tokio::time::Instant;

use crate::messages::rows;
use crate::services::Services;

/// Messages of one answer, at most, and unless `limit` says less.
const MOST: usize = 1_000;
/// Seconds that an answer waits for a message, at most.
const LONGEST_WAIT: u64 = 60;
/// What was queued before the request is in the answer, unless writing it takes longer than this.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Which messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    to: Option<String>,
    username: Option<String>,
    pool_id: Option<String>,
    kind: Option<String>,
    channel: Option<String>,
    /// Milliseconds since the epoch: from then on.
    since: Option<u64>,
    /// The newest so many.
    limit: Option<usize>,
    /// Seconds: waits so long for the first one.
    wait: Option<u64>,
}

impl Filter {
    /// From a query string. A name that is none of these is an error, so that a misspelt one does not mean "all".
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let number = |name: &str, value: &str, from: u64, to: u64| {
            let number = value.parse().ok().filter(|number| (from..=to).contains(number));
            number.ok_or_else(|| format!("{name}: a number from {from} to {to}"))
        };
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "to" => filter.to = Some(value.into_owned()),
                "username" => filter.username = Some(value.into_owned()),
                "pool_id" => filter.pool_id = Some(value.into_owned()),
                "kind" => filter.kind = Some(value.into_owned()),
                "channel" => filter.channel = Some(value.into_owned()),
                "since" => filter.since = Some(number("since", &value, 0, u64::MAX)?),
                "limit" => {
                    filter.limit = Some(usize::try_from(number("limit", &value, 1, MOST as u64)?).unwrap_or(MOST))
                }
                "wait" => filter.wait = Some(number("wait", &value, 0, LONGEST_WAIT)?),
                other => {
                    let known = "to, username, pool_id, kind, channel, since, limit, wait";
                    return Err(format!("{}: no filter; there are {known}", other.escape_debug()));
                }
            }
        }
        Ok(filter)
    }

    fn takes(&self, message: &Value) -> bool {
        let is = |name: &str, wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| message.get(name).and_then(Value::as_str) == Some(wanted))
        };
        let at = message.get("at").and_then(Value::as_u64).unwrap_or_default();
        is("to", &self.to)
            && is("username", &self.username)
            && is("pool_id", &self.pool_id)
            && is("kind", &self.kind)
            && is("channel", &self.channel)
            && self.since.is_none_or(|since| at >= since)
    }
}

/// The messages, oldest first. `not_before`: those from before the last reset are gone.
pub(super) async fn list(
    services: &Services,
    folder: &Path,
    filter: Filter,
    not_before: impl Fn() -> UnixMillis,
) -> std::io::Result<Vec<Value>> {
    drain(services).await;
    let until = Instant::now() + Duration::from_secs(filter.wait.unwrap_or_default());
    loop {
        let (folder, wanted, since) = (folder.to_owned(), filter.clone(), not_before());
        let read = tokio::task::spawn_blocking(move || read(&folder, &wanted, since));
        let found = read.await.map_err(std::io::Error::other)??;
        if !found.is_empty() || Instant::now() >= until {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Until nothing waits to be written.
async fn drain(services: &Services) {
    let until = Instant::now() + DRAIN_LIMIT;
    while Instant::now() < until
        && services.store.read(rows::unfinished()).await.is_ok_and(|waiting| !waiting.is_empty())
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn read(folder: &Path, filter: &Filter, since: UnixMillis) -> std::io::Result<Vec<Value>> {
    let mut names: Vec<(u64, String)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let at = name.split_once('-').and_then(|(at, _)| at.parse().ok());
        names.extend(at.filter(|at| name.ends_with(".json") && *at >= since.0).map(|at| (at, name)));
    }
    names.sort();
    let mut newest = Vec::new();
    for (_, name) in names.iter().rev() {
        // A file that went since was one of what a reset deletes.
        let Ok(text) = std::fs::read(folder.join(name)) else { continue };
        newest.extend(serde_json::from_slice(&text).ok().filter(|message| filter.takes(message)));
        if newest.len() == filter.limit.unwrap_or(MOST) {
            break;
        }
    }
    newest.reverse();
    Ok(newest)
}

/// Deletes all messages.
pub(super) fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                // Also when somebody else was quicker.
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (at, to, kind) in
            [(9, "ann@example.com", "sign_up"), (10, "bob", "sign_up"), (100, "ann@example.com", "forgot_password")]
        {
            let message = serde_json::json!({ "to": to, "kind": kind, "at": at, "code": "123456" });
            std::fs::write(folder.path().join(format!("{at}-{to}.json")), message.to_string()).unwrap();
        }
        std::fs::write(folder.path().join(".101-x.json.draft"), "{").unwrap();
        std::fs::write(folder.path().join("102-half.json"), "{").unwrap();
        folder
    }

    fn found(query: &str, since: u64) -> Vec<u64> {
        let folder = folder();
        let found = read(folder.path(), &Filter::parse(query).unwrap(), UnixMillis(since)).unwrap();
        found.iter().map(|message| message["at"].as_u64().unwrap()).collect()
    }

    #[test]
    fn messages_are_found_by_what_they_say_oldest_first() {
        assert_eq!(found("", 0), [9, 10, 100]);
        assert_eq!(found("to=ann%40example.com", 0), [9, 100]);
        assert_eq!(found("to=ann%40example.com&kind=sign_up", 0), [9]);
        assert_eq!(found("since=10", 0), [10, 100]);
        assert_eq!(found("limit=2", 0), [10, 100], "the newest");
        assert_eq!(found("channel=email", 0), [0_u64; 0]);
        assert_eq!(found("", 10), [10, 100], "what a reset has left behind");
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        for query in ["user=ann", "limit=0", "limit=1001", "limit=x", "wait=61", "wait=-1", "since=", "&to"] {
            assert_eq!(Filter::parse(query).is_err(), query != "&to", "{query}");
        }
    }

    #[test]
    fn an_emptied_folder_has_no_messages() {
        let folder = folder();
        empty(folder.path()).unwrap();
        assert!(read(folder.path(), &Filter::default(), UnixMillis(0)).unwrap().is_empty());
    }
}
