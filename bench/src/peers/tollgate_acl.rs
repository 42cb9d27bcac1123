//! Tollgate's edge with a web ACL in front of everything, and nothing else: what is compared with ModSecurity.

use std::ffi::OsString;

use super::{About, ConfigFile, Duty, Installed, Peer, PeerError, Site, Way};

const CONFIG: &str = "edge.toml";
const RULES: &str = "rules.json";
/// In the peer's folder.
pub const ACCESS_LOG: &str = "access.log";
/// What a request is asked for that no rule sees.
const PLAIN: &str = "/plain/orders";
/// What the rules see.
const RULED: &str = "/ruled/orders";

/// `tollgate edge` with a web ACL.
pub struct TollgateAcl {
    name: &'static str,
    title: &'static str,
    /// The program with its leading arguments.
    command: Vec<OsString>,
    /// A web ACL in AWS WAF's JSON.
    rules: String,
    log: Log,
}

/// What it writes about refused requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Log {
    Off,
    /// Which rule has refused it; not for figures of speed.
    Refused,
}

impl TollgateAcl {
    /// For the figures of speed.
    pub fn new(command: Vec<OsString>, rules: String) -> Self {
        let (name, title) = ("tollgate_acl", "Tollgate, web ACL");
        Self { name, title, command, rules, log: Log::Off }
    }

    /// One that says why it refuses; `level` is the paranoia level that its rules are compared at.
    pub fn audited(command: Vec<OsString>, level: u8, rules: String) -> Self {
        let (name, title) = match level {
            1 => ("tollgate_acl_1", "Tollgate, web ACL, level 1"),
            _ => ("tollgate_acl_2", "Tollgate, web ACL, level 2"),
        };
        Self { name, title, command, rules, log: Log::Refused }
    }
}

impl Peer for TollgateAcl {
    fn about(&self) -> About {
        About {
            name: self.name,
            title: self.title,
            note: "",
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &[],
        }
    }

    fn is_ours(&self) -> bool {
        true
    }

    fn path(&self, way: Way) -> Option<&'static str> {
        match way {
            Way::Plain => Some(PLAIN),
            Way::Full => Some(RULED),
            Way::Token => None,
        }
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
        let (listen, admin, upstream) = (site.listen, site.admin, site.upstream);
        let log = match self.log {
            Log::Off => "access = \"off\"".to_owned(),
            Log::Refused => format!("access = \"refused\"\nfile = \"{ACCESS_LOG}\""),
        };
        let text = format!(
            "[listen]
http = \"{listen}\"
admin = \"{admin}\"
threads = 1

[log]
{log}

[[upstream]]
name = \"service\"
servers = [\"{upstream}\"]

[[acl]]
name = \"rules\"
file = \"{RULES}\"

[[route]]
match = {{ path = \"{PLAIN}\" }}
upstream = \"service\"

[[route]]
match = {{ path = \"/*\" }}
upstream = \"service\"
acl = \"rules\"
"
        );
        vec![ConfigFile { name: CONFIG, text }, ConfigFile { name: RULES, text: self.rules.clone() }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec!["edge".into(), "--config".into(), site.folder.join(CONFIG).into()]
    }
}
