//! HAProxy with `jwt_verify`: every token verified, every time. Debian package `haproxy`.

use std::ffi::OsString;
use std::path::Path;

use super::{Duty, Peer, Site, find};

/// Algorithm, signature, issuer and expiry checked; the subject goes upstream.
pub struct HaproxyJwt;

impl Peer for HaproxyJwt {
    fn name(&self) -> &'static str {
        "haproxy_jwt"
    }

    fn duty(&self) -> Duty {
        Duty::Check
    }

    fn program(&self) -> Option<Vec<OsString>> {
        find("haproxy").map(|program| vec![program.into()])
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn config_name(&self) -> &'static str {
        "haproxy.cfg"
    }

    fn config(&self, site: &Site) -> String {
        let (listen, upstream, pem, issuer) = (site.listen, site.upstream, site.pem.display(), site.issuer);
        format!(
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
    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
    http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }} {{ var(txn.bearer),jwt_verify(txn.alg,\"{pem}\") 1 }}
    http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_payload_query('$.iss') -m str {issuer} }}
    http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) lt 0 }}
    http-request set-header x-user-id %[var(txn.bearer),jwt_payload_query('$.sub')]
    default_backend service
backend service
    server one {upstream}
"
        )
    }

    /// `-db`: in the foreground, without a master process.
    fn arguments(&self, config: &Path, _: &Site) -> Vec<OsString> {
        vec!["-db".into(), "-f".into(), config.into()]
    }
}
