//! `POST /reload` and `POST /config/check`. What they do is `app`'s; this is how it is asked and told.

use common::clock::UnixMillis;
use serde::Serialize;
use serde_json::json;

use super::State;
use super::http::Answer;

/// The configuration file of the running edge.
pub trait Configuration: Send + Sync {
    /// Takes the file into use; the one line why the old configuration goes on.
    fn reload(&self) -> Result<Taken, String>;

    /// Checks the file and takes nothing. Answers the settings in it that a restart would change.
    fn check(&self) -> Result<Vec<&'static str>, String>;

    fn history(&self) -> History;
}

/// A configuration that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub generation: u64,
    /// Settings that have changed in the file and count from the next start on.
    pub restart: Vec<&'static str>,
}

/// How the present configuration came about.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub loaded_at: UnixMillis,
    /// The last reload, unless it succeeded.
    pub failure: Option<Failure>,
    pub restart: Vec<&'static str>,
    /// What the TLS listener shows.
    pub certificates: Vec<Certificate>,
}

/// A configuration that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub at: UnixMillis,
    pub error: String,
}

/// A certificate by which this edge is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// DNS names.
    pub names: Vec<String>,
    pub expires: UnixMillis,
}

pub fn reload(state: &State) -> Answer {
    match state.parts.configuration.reload() {
        Ok(taken) => Answer::json("200 OK", &json!({"generation": taken.generation, "restart": taken.restart})),
        Err(error) => refused(&error, state),
    }
}

pub fn check(state: &State) -> Answer {
    match state.parts.configuration.check() {
        Ok(restart) => Answer::json("200 OK", &json!({"valid": true, "restart": restart})),
        Err(error) => refused(&error, state),
    }
}

fn refused(error: &str, state: &State) -> Answer {
    let body = json!({"error": error, "generation": state.parts.picture.load().generation});
    Answer::json("422 Unprocessable Content", &body)
}
