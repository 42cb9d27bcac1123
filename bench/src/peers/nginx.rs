//! nginx as a plain proxy: the floor that everything is compared with. Debian package `nginx`.

use std::ffi::OsString;

use super::{About, ConfigFile, Duty, Installed, Peer, PeerError, Site, find};

/// Name of the configuration of every nginx.
pub(super) const CONFIG: &str = "nginx.conf";

/// `proxy_pass` with keep-alive to the upstream; no check of any kind.
pub struct NginxPlain;

impl Peer for NginxPlain {
    fn about(&self) -> About {
        About {
            name: "nginx_plain",
            title: "nginx, plain pass",
            note: "",
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &["nginx"],
        }
    }

    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        installed.program("nginx", find("nginx"))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        vec![ConfigFile { name: CONFIG, text: Conf::default().text(site) }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        arguments(site)
    }
}

/// What an nginx that checks tokens has beyond the plain one, in lines of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Conf {
    /// Before everything else.
    pub main: String,
    pub http: String,
    /// Further locations.
    pub server: String,
    /// In the location that proxies.
    pub location: String,
}

impl Conf {
    /// One process: with a master, a second one would have to be ended, and nothing gained.
    pub fn text(&self, site: &Site) -> String {
        let (listen, upstream) = (site.listen, site.upstream);
        let Self { main, http, server, location } = self;
        format!(
            "{main}daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    client_body_temp_path temp-body;
    proxy_temp_path temp-proxy;
    fastcgi_temp_path temp-fastcgi;
    uwsgi_temp_path temp-uwsgi;
    scgi_temp_path temp-scgi;
{http}    upstream service {{
        server {upstream};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {listen};
        location / {{
{location}            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
        }}
{server}    }}
}}
"
        )
    }
}

/// Paths without a root are below the peer's folder.
pub(super) fn arguments(site: &Site) -> Vec<OsString> {
    let mut prefix = site.folder.clone().into_os_string();
    prefix.push("/");
    let config = site.folder.join(CONFIG);
    vec!["-e".into(), "stderr".into(), "-p".into(), prefix, "-c".into(), config.into()]
}
