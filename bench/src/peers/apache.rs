//! Apache with `mod_auth_openidc`: tokens checked by libcjose, requests proxied by threads. Debian packages `apache2-bin` and
//! `libapache2-mod-auth-openidc`.

use std::ffi::OsString;
use std::path::Path;

use super::{About, ConfigFile, Duty, HOST, Installed, Peer, PeerError, Site, find};

/// Every token verified, every time.
pub struct ApacheOidc;

const CONFIG: &str = "httpd.conf";
const PACKAGE: &str = "libapache2-mod-auth-openidc";
/// Where Debian puts them.
const MODULES: &str = "/usr/lib/apache2/modules";

impl Peer for ApacheOidc {
    fn about(&self) -> About {
        About {
            name: "apache_oidc",
            title: "Apache, mod_auth_openidc",
            note: "One process with 64 threads, as its event MPM has a thread a request in flight; the others have one event loop. \
                   It can't be told to accept RS256 only: any RSA algorithm of the key passes.",
            duty: Duty::CheckAnyRsa,
            caches: false,
            checks: "an RSA signature, issuer, expiry; passes the subject on",
            packages: &["apache2-bin", PACKAGE],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        if !Path::new(MODULES).join("mod_auth_openidc.so").is_file() {
            return Err(installed.missing(PACKAGE));
        }
        installed.program("apache2-bin", find("apache2"))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &[PACKAGE]
    }

    /// User and group count only when root starts it, which Apache refuses to serve as.
    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let (listen, upstream, folder) = (site.listen, site.upstream, site.folder.display());
        let (pem, issuer) = (site.pem.display(), site.issuer);
        let text = format!(
            "ServerRoot \"{folder}\"
ServerName {HOST}
PidFile httpd.pid
Listen {listen}
User #65534
Group #65534
ErrorLog /dev/stderr
LogLevel crit
LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
LoadModule authn_core_module {MODULES}/mod_authn_core.so
LoadModule authz_core_module {MODULES}/mod_authz_core.so
LoadModule headers_module {MODULES}/mod_headers.so
LoadModule proxy_module {MODULES}/mod_proxy.so
LoadModule proxy_http_module {MODULES}/mod_proxy_http.so
LoadModule auth_openidc_module {MODULES}/mod_auth_openidc.so
StartServers 1
ServerLimit 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
ProxyPass / http://{upstream}/ keepalive=On
OIDCOAuthVerifyCertFiles bench-key-1#{pem}
OIDCOAuthRemoteUserClaim sub
OIDCPassClaimsAs none
<Location />
    AuthType oauth20
    Require claim iss:{issuer}
    RequestHeader set x-user-id expr=%{{REMOTE_USER}}
</Location>
"
        );
        vec![ConfigFile { name: CONFIG, text }]
    }

    /// `-X`: in the foreground, one process, which serves by itself.
    fn arguments(&self, site: &Site) -> Vec<OsString> {
        vec!["-X".into(), "-f".into(), site.folder.join(CONFIG).into()]
    }
}
