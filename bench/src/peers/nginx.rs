//! nginx as a plain proxy: the floor that everything is compared with. Debian package `nginx`.

use std::ffi::OsString;
use std::path::Path;

use super::{Duty, Peer, Site, find};

/// `proxy_pass` with keep-alive to the upstream; no check of any kind.
pub struct NginxPlain;

impl Peer for NginxPlain {
    fn name(&self) -> &'static str {
        "nginx_plain"
    }

    fn duty(&self) -> Duty {
        Duty::Pass
    }

    fn program(&self) -> Option<Vec<OsString>> {
        find("nginx").map(|program| vec![program.into()])
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["-v"]
    }

    fn config_name(&self) -> &'static str {
        "nginx.conf"
    }

    /// One process: with a master, killing it would leave its worker behind.
    fn config(&self, site: &Site) -> String {
        let (listen, upstream) = (site.listen, site.upstream);
        format!(
            "daemon off;
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
    upstream service {{
        server {upstream};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {listen};
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
        }}
    }}
}}
"
        )
    }

    fn arguments(&self, config: &Path, site: &Site) -> Vec<OsString> {
        let mut prefix = site.folder.clone().into_os_string();
        prefix.push("/");
        vec!["-e".into(), "stderr".into(), "-p".into(), prefix, "-c".into(), config.into()]
    }
}
