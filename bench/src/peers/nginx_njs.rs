//! nginx with njs: the check in JavaScript, by an `auth_request`. Debian package `libnginx-mod-http-js`.

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use super::nginx::{CONFIG, Conf, arguments};
use super::{About, CHECKS, ConfigFile, Duty, Installed, Peer, PeerError, Site, find};

/// Every token verified, every time, by `bench/peers/njs/jwt.js`.
pub struct NginxNjs;

const PACKAGE: &str = "libnginx-mod-http-js";
/// Where Debian puts it.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_js_module.so";
const SCRIPT: &str = include_str!("../../peers/njs/jwt.js");

impl Peer for NginxNjs {
    fn about(&self) -> About {
        About {
            name: "nginx_njs",
            title: "nginx, njs (auth_request)",
            note: "A subrequest and a fresh JavaScript machine for every request; WebCrypto is asynchronous, and a key object can't be kept \
                   between requests: its bytes are preloaded (js_preload_object), importing them is part of every check.",
            duty: Duty::Check,
            caches: false,
            checks: CHECKS,
            packages: &["nginx", PACKAGE],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        if !Path::new(MODULE).is_file() {
            return Err(installed.missing(PACKAGE));
        }
        installed.program("nginx", find("nginx"))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &[PACKAGE]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let conf = Conf {
            main: format!("load_module {MODULE};\n"),
            http: "    js_path .;
    js_import jwt from jwt.js;
    js_preload_object settings from settings.json;
"
            .into(),
            server: "        location = /_verify {
            internal;
            js_content jwt.verify;
        }
"
            .into(),
            location: "            auth_request /_verify;
            auth_request_set $user $sent_http_x_user_id;
            proxy_set_header x-user-id $user;
"
            .into(),
        };
        let settings = format!("{:#}\n", json!({"issuer": site.issuer, "spki": site.spki}));
        vec![
            ConfigFile { name: CONFIG, text: conf.text(site) },
            ConfigFile { name: "jwt.js", text: SCRIPT.into() },
            ConfigFile { name: "settings.json", text: settings },
        ]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        arguments(site)
    }
}
