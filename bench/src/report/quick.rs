//! The form of `bench edge --quick --json`: a handful of keys that programs may rely on, beside the whole findings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::names::{
    ENVOY_JWT_CACHED, HAPROXY_JWT, NEVER_SEEN, NGINX_PLAIN, PIPELINE, PLAIN_PASS, RING_VERIFY, TOKEN_GATE, TOLLGATE,
    cpu,
};
use crate::finding::Findings;

/// Medians in microseconds of processor time a request; `null` where nothing was measured. Read back, it is [`Findings`].
#[derive(Debug, Serialize)]
pub struct Quick<'a> {
    plain_us: Option<f64>,
    token_us: Option<f64>,
    known_us: Option<f64>,
    new_us: Option<f64>,
    ring_verify_us: Option<f64>,
    nginx_plain_us: Option<f64>,
    peers: BTreeMap<&'static str, Option<PeerFigure>>,
    #[serde(flatten)]
    findings: &'a Findings,
}

#[derive(Debug, Serialize)]
struct PeerFigure {
    us: f64,
}

impl<'a> Quick<'a> {
    pub fn new(findings: &'a Findings) -> Self {
        let us = |scenario, system| cpu(findings, scenario, system).map(|figure| figure.spread.median);
        let peer = |system| (system, us(TOKEN_GATE, system).map(|us| PeerFigure { us }));
        Self {
            plain_us: us(PLAIN_PASS, TOLLGATE),
            token_us: us(TOKEN_GATE, TOLLGATE),
            known_us: us(PIPELINE, TOLLGATE),
            new_us: us(NEVER_SEEN, TOLLGATE),
            ring_verify_us: findings.limit(RING_VERIFY).map(|limit| limit.figure.spread.median),
            nginx_plain_us: us(PLAIN_PASS, NGINX_PLAIN),
            peers: [HAPROXY_JWT, ENVOY_JWT_CACHED].map(peer).into(),
            findings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::CPU;
    use super::*;
    use crate::finding::sample::{self, row};

    #[test]
    fn the_promised_keys_are_there_and_what_is_missing_is_null() {
        let mut findings = sample::findings();
        row(&mut findings, TOKEN_GATE, ENVOY_JWT_CACHED).figures.remove(CPU);
        row(&mut findings, PLAIN_PASS, NGINX_PLAIN).figures.clear();
        let json = serde_json::to_value(Quick::new(&findings)).unwrap();
        let promised = [
            ("plain_us", PLAIN_PASS, TOLLGATE),
            ("token_us", TOKEN_GATE, TOLLGATE),
            ("known_us", PIPELINE, TOLLGATE),
            ("new_us", NEVER_SEEN, TOLLGATE),
        ];
        for (key, scenario, system) in promised {
            assert_eq!(json[key], cpu(&findings, scenario, system).unwrap().spread.median, "{key}");
        }
        assert!(json["ring_verify_us"].is_f64());
        assert!(json.as_object().unwrap().contains_key("nginx_plain_us") && json["nginx_plain_us"].is_null());
        assert!(json["peers"]["haproxy_jwt"]["us"].is_f64());
        assert!(json["peers"].as_object().unwrap()["envoy_jwt_cached"].is_null());
        assert_eq!(serde_json::from_value::<Findings>(json).unwrap(), findings, "read back it is the findings");
    }
}
