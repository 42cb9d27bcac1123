//! Protected resources as they describe themselves (RFC 9728), as data. `resource` reads them from the settings and answers with them.

use serde_json::{Map, Value};

/// One resource. Several routes may be part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its identifier, to the letter: clients compare it with what they asked for (§3.3).
    pub url: String,
    /// Where its metadata is: canonical host without port, canonical path.
    pub host: String,
    pub path: String,
    /// The same as a URL, for challenges (§5.1).
    pub metadata: String,
    pub servers: Servers,
    /// The members of the document besides `resource` and `authorization_servers`.
    pub members: Map<String, Value>,
}

/// Who gives out tokens for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// As the settings say.
    Named(Vec<String>),
    /// The `iss` of these issuers, by their positions in the snapshot, as far as they are known.
    Issuers(Vec<usize>),
}
