//! Tollgate's own edge, started like every other peer. One process serves the routes that are compared.

use std::ffi::OsString;

use super::{About, CHECKS, ConfigFile, Duty, HOST, Installed, Peer, PeerError, Site, Way};

/// `tollgate edge`.
pub struct TollgateEdge {
    name: &'static str,
    title: &'static str,
    /// The program with its leading arguments.
    command: Vec<OsString>,
    /// Whether a web ACL of 30 rules stands before one more route.
    ruled: bool,
}

/// Web ACL of 30 rules on headers, cookies, method, path and query, none of which looks at a body: byte matches, regular expressions, sizes,
/// injection and cross-site scripting, with transformations as in AWS's examples.
const THIRTY_RULES: &str = include_str!("../../golden/tollgate_30_rules/rules.json");
const RULES: &str = "rules.json";

impl TollgateEdge {
    /// The build under test.
    pub fn new(command: Vec<OsString>) -> Self {
        Self { name: "tollgate", title: "Tollgate", command, ruled: false }
    }

    /// Another build, measured beside it.
    pub fn baseline(command: Vec<OsString>) -> Self {
        Self { name: "tollgate_baseline", title: "Tollgate, baseline build", command, ruled: false }
    }

    /// The build under test, with the whole pipeline behind a web ACL of 30 rules at [`TollgateEdge::RULED`].
    pub fn with_rules(command: Vec<OsString>) -> Self {
        Self { name: "tollgate_30_rules", title: "Tollgate, 30 rules", command, ruled: true }
    }

    /// Path of a request that goes through the rules and the whole pipeline.
    pub const RULED: &'static str = "/ruled/orders";
}

const CONFIG: &str = "edge.toml";

impl Peer for TollgateEdge {
    fn about(&self) -> About {
        About {
            name: self.name,
            title: self.title,
            note: "",
            duty: Duty::Check,
            caches: true,
            checks: CHECKS,
            packages: &[],
        }
    }

    fn is_ours(&self) -> bool {
        true
    }

    fn path(&self, way: Way) -> Option<&'static str> {
        Some(match way {
            Way::Plain => "/plain/orders",
            Way::Token => "/token/orders",
            Way::Full => "/full/orders",
        })
    }

    fn has_admin(&self) -> bool {
        true
    }

    fn program(&self, _: &Installed) -> Result<Vec<OsString>, PeerError> {
        if self.command.is_empty() { Err(PeerError::NoCommand) } else { Ok(self.command.clone()) }
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let admin = site.admin;
        let (listen, upstream, feed, pool, client) = (site.listen, site.upstream, site.feed, site.pool, site.client);
        let (join_token, state) = (site.join_token(), site.folder.join("state"));
        let (join_token, state) = (join_token.display(), state.display());
        let pipeline = pipeline("/full/*", pool, client);
        let text = format!(
            "[listen]
http = \"{listen}\"
admin = \"{admin}\"
threads = 1

[log]
access = \"off\"

[feed]
issuer = \"{feed}\"
join_token_file = \"{join_token}\"
state_dir = \"{state}\"

[[upstream]]
name = \"service\"
servers = [\"{upstream}\"]

[[route]]
match = {{ path = \"/plain/*\" }}
upstream = \"service\"

[[route]]
match = {{ path = \"/token/*\" }}
upstream = \"service\"
token = {{ issuers = [\"pool:{pool}\"], use = \"access\" }}

{pipeline}"
        );
        if !self.ruled {
            return vec![ConfigFile { name: CONFIG, text }];
        }
        let ruled = self::pipeline("/ruled/*", pool, client);
        let text = format!(
            "{text}
{ruled}acl = \"rules\"

[[acl]]
name = \"rules\"
file = \"{RULES}\"
"
        );
        vec![ConfigFile { name: CONFIG, text }, ConfigFile { name: RULES, text: THIRTY_RULES.into() }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec!["edge".into(), "--config".into(), site.folder.join(CONFIG).into()]
    }
}

/// The route with all that an edge does for a request.
fn pipeline(path: &str, pool: &str, client: &str) -> String {
    format!(
        "[[route]]
match = {{ host = \"{HOST}\", path = \"{path}\", methods = [\"GET\", \"POST\"] }}
upstream = \"service\"
token = {{ issuers = [\"pool:{pool}\"], use = \"access\", clients = [\"{client}\"], scopes_all = [\"orders/read\"], groups_any = [\"staff\"] }}
headers = {{ add = {{ \"x-user-id\" = \"{{sub}}\", \"x-groups\" = \"{{cognito:groups}}\" }} }}
revocation = {{ required = true, max_staleness = \"5m\", stale = \"deny\" }}
"
    )
}
