//! HAProxy, as a plain proxy and with `jwt_verify`. Debian package `haproxy`.

use std::ffi::OsString;

use super::{About, CHECKS, ConfigFile, Duty, Installed, Peer, PeerError, Site, find};

/// Which of its configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haproxy {
    /// No check of any kind.
    Plain,
    /// Every token verified, every time.
    Jwt,
}

const CONFIG: &str = "haproxy.cfg";
const PACKAGE: &str = "haproxy";

impl Peer for Haproxy {
    fn about(&self) -> About {
        let plain = About {
            name: "haproxy_plain",
            title: "HAProxy, plain pass",
            note: "",
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &[PACKAGE],
        };
        match self {
            Self::Plain => plain,
            Self::Jwt => {
                let (name, title) = ("haproxy_jwt", "HAProxy, jwt_verify");
                About { name, title, duty: Duty::Check, checks: CHECKS, ..plain }
            }
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        installed.program(PACKAGE, find("haproxy"))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let (listen, upstream) = (site.listen, site.upstream);
        let check = match self {
            Self::Plain => String::new(),
            Self::Jwt => check(site),
        };
        let text = format!(
            "global
    nbthread 1
    maxconn 2048
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend api
    bind {listen}
{check}    default_backend service
backend service
    server one {upstream}
"
        );
        vec![ConfigFile { name: CONFIG, text }]
    }

    /// `-db`: in the foreground, without a master process.
    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec!["-db".into(), "-f".into(), site.folder.join(CONFIG).into()]
    }
}

/// Algorithm, signature, issuer and expiry; then the subject for the upstream.
fn check(site: &Site) -> String {
    let (pem, issuer) = (site.pem.display(), site.issuer);
    format!(
        "    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }} {{ var(txn.bearer),jwt_verify(txn.alg,\"{pem}\") 1 }}
    http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_payload_query('$.iss') -m str {issuer} }}
    http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) lt 0 }}
    http-request set-header x-user-id %[var(txn.bearer),jwt_payload_query('$.sub')]
"
    )
}
