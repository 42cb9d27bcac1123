//! Tollgate's own edge, started like every other peer. One process serves the routes that are compared.

use std::ffi::OsString;
use std::path::Path;

use super::{Duty, HOST, Peer, Site};

/// A route of the edge under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Passes everything on.
    Plain,
    /// Token gate only.
    Token,
    /// The whole pipeline as far as it exists.
    Full,
}

impl Route {
    /// Path of a request to it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Plain => "/plain/orders",
            Self::Token => "/token/orders",
            Self::Full => "/full/orders",
        }
    }
}

/// `tollgate edge`; `command` is the program with its leading arguments.
pub struct TollgateEdge {
    pub command: Vec<OsString>,
}

impl Peer for TollgateEdge {
    fn name(&self) -> &'static str {
        "tollgate_edge"
    }

    fn duty(&self) -> Duty {
        Duty::Check
    }

    fn program(&self) -> Option<Vec<OsString>> {
        (!self.command.is_empty()).then(|| self.command.clone())
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn config_name(&self) -> &'static str {
        "edge.toml"
    }

    fn config(&self, site: &Site) -> String {
        let (listen, upstream, jwks, issuer, client) =
            (site.listen, site.upstream, site.jwks.display(), site.issuer, site.client);
        format!(
            "[listen]
http = \"{listen}\"
threads = 1

[log]
access = \"off\"

[[issuer]]
name = \"bench\"
iss = \"{issuer}\"
jwks = {{ file = \"{jwks}\" }}
profile = \"cognito\"

[[upstream]]
name = \"service\"
servers = [\"{upstream}\"]

[[route]]
match = {{ path = \"/plain/*\" }}
upstream = \"service\"

[[route]]
match = {{ path = \"/token/*\" }}
upstream = \"service\"
token = {{ issuers = [\"bench\"], use = \"access\" }}

[[route]]
match = {{ host = \"{HOST}\", path = \"/full/*\", methods = [\"GET\", \"POST\"] }}
upstream = \"service\"
token = {{ issuers = [\"bench\"], use = \"access\", clients = [\"{client}\"], scopes_all = [\"orders/read\"], groups_any = [\"staff\"] }}
headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\", \"x-groups\" = \"{{cognito:groups}}\" }} }}
"
        )
    }

    fn arguments(&self, config: &Path, _: &Site) -> Vec<OsString> {
        vec!["edge".into(), "--config".into(), config.into()]
    }
}
