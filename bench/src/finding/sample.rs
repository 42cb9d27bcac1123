//! A run as it might come out, for tests of reports: eight systems, every form of finding, costs like those of a real machine.

use std::collections::BTreeMap;

use super::{
    Better, Build, Curve, Figure, Findings, Limit, Pinned, Point, Row, Run, SCHEMA, ScenarioFinding, Series, System,
    Unit,
};
use crate::measure::Machine;

/// What distinguishes one made-up run from another.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Of the noise: 3 % between rounds, 1 % between runs.
    pub seed: u64,
    /// Factor on every time: another machine, or a busy neighbour.
    pub machine: f64,
    /// Microseconds that a gate of ours takes too long.
    pub slow_gate_us: f64,
    pub rounds: usize,
}

impl Default for Sample {
    fn default() -> Self {
        Self { seed: 1, machine: 1.0, slow_gate_us: 0.0, rounds: 5 }
    }
}

/// System, title, version, plain pass and request with a known token in µs; `None` where it has no such form.
type Product = (&'static str, &'static str, &'static str, Option<f64>, Option<f64>);

const PRODUCTS: [Product; 8] = [
    ("tollgate", "Tollgate", "tollgate 0.1.0", Some(22.0), Some(23.2)),
    ("nginx_plain", "nginx, plain pass", "nginx version: nginx/1.22.1", Some(16.8), None),
    ("haproxy_jwt", "HAProxy, jwt_verify", "HAProxy version 2.6.12-1+deb12u2", Some(17.2), Some(47.1)),
    ("envoy_jwt", "Envoy, jwt_authn", "envoy 1.40.0", Some(44.0), Some(82.4)),
    ("envoy_jwt_cached", "Envoy, jwt_authn with its cache", "envoy 1.40.0", Some(44.1), Some(49.2)),
    ("nginx_auth_jwt", "nginx, auth_jwt module", "nginx version: nginx/1.27.3", None, Some(52.8)),
    ("apache_oidc", "Apache, mod_auth_openidc", "Apache/2.4.62 (Debian)", Some(61.0), Some(118.0)),
    ("fastify_fast_jwt", "fastify with fast-jwt and its cache", "node v20.20.2", Some(140.0), Some(152.0)),
];

/// The run that tests of rendering use.
pub fn findings() -> Findings {
    Sample::default().findings()
}

/// A row of a run, to be changed.
pub fn row<'a>(findings: &'a mut Findings, scenario: &str, system: &str) -> &'a mut Row {
    let found = findings.scenarios.iter_mut().find(|found| found.name == scenario).unwrap();
    found.rows.iter_mut().find(|row| row.system == system).unwrap()
}

impl Sample {
    pub fn findings(self) -> Findings {
        let mut noise = Noise(self.seed);
        let system = |(name, title, version, ..): &Product| System {
            name: (*name).into(),
            title: (*title).into(),
            version: (*version).into(),
            note: if *name == "envoy_jwt_cached" {
                "its cache is keyed by the token's text".into()
            } else {
                String::new()
            },
            ours: *name == "tollgate",
        };
        Findings {
            schema: SCHEMA,
            command: "edge".into(),
            tollgate: Build {
                version: "0.1.0".into(),
                commit: Some("49e8d06".into()),
                profile: "release".into(),
                flags: "x86_64-unknown-linux-gnu, opt-level 3, fat LTO, mimalloc".into(),
            },
            machine: Machine {
                cpu: "AMD EPYC <virtual>".into(),
                processors: 2,
                memory_bytes: Some(8 << 30),
                kernel: "Linux 6.18".into(),
                load_average: Some(0.12),
            },
            run: Run {
                started_at: "2026-11-24T02:10:00Z".into(),
                seconds: 812.0,
                rounds: u32::try_from(self.rounds).unwrap(),
                connections: 32,
                known_tokens: 2000,
                token_bytes: 1093,
                workload: "HTTP/1.1 keep-alive; every request carries an RS256 token, plain passes too".into(),
                pinned: Some(Pinned { measured: "0".into(), generator_and_upstream: "1".into() }),
            },
            systems: PRODUCTS.iter().map(system).collect(),
            limits: self.limits(&mut noise),
            scenarios: self.scenarios(&mut noise),
            budgets: Vec::new(),
            missing: BTreeMap::from([("nginx_njs".to_owned(), "it is not installed".to_owned())]),
        }
    }

    fn limits(self, noise: &mut Noise) -> Vec<Limit> {
        let bare = [
            ("ring_rs256_verify", "ring, bare RS256 verification", 21.8),
            ("graviola_rs256_verify", "graviola, prepared key, RS256 verification", 14.1),
            ("sqlite_commit", "SQLite, a bare commit", 310.0),
        ];
        let limit = |(name, title, us): (&str, &str, f64)| Limit {
            name: name.into(),
            title: title.into(),
            figure: self.figure(noise, Unit::MicrosPerOperation, us),
        };
        bare.map(limit).into()
    }

    fn scenarios(self, noise: &mut Noise) -> Vec<ScenarioFinding> {
        let gate = self.slow_gate_us;
        let known = |product: &Product| product.4.map(|us| us + if product.0 == "tollgate" { gate } else { 0.0 });
        let new = |product: &Product| match product.0 {
            "tollgate" => Some(41.0 + gate),
            "envoy_jwt_cached" => Some(85.0),
            _ => product.4,
        };
        let ours = |us: f64| move |product: &Product| (product.0 == "tollgate").then_some(us + gate);
        let mut all = vec![
            self.costs(noise, "plain_pass", "Plain pass", |product: &Product| product.3),
            self.costs(noise, "token_gate", "Token gate, known tokens", known),
            self.costs(noise, "pipeline", "Whole pipeline, known tokens", ours(25.6)),
            self.costs(noise, "never_seen", "Never-seen tokens", new),
            self.costs(noise, "repeats_95", "95 % repeats", ours(24.4)),
        ];
        all.extend([self.half_load(noise), self.load_curve(noise), self.revocations(noise)]);
        all.extend([self.over_time(noise), self.overload(noise)]);
        all
    }

    fn figure(self, noise: &mut Noise, unit: Unit, value: f64) -> Figure {
        let run = noise.around(value * self.machine, 0.01);
        let rounds = (0..self.rounds).map(|_| noise.around(run, 0.03)).collect();
        Figure::of(unit, Better::Lower, rounds).unwrap()
    }

    fn costs(
        self,
        noise: &mut Noise,
        name: &str,
        title: &str,
        us: impl Fn(&Product) -> Option<f64>,
    ) -> ScenarioFinding {
        let row = |product: &Product| {
            let us = us(product)?;
            let cpu = self.figure(noise, Unit::MicrosPerRequest, us);
            let part = |share: f64| {
                Figure::of(cpu.unit, cpu.better, cpu.rounds.iter().map(|us| in_64ths(us * share)).collect()).unwrap()
            };
            let mut rate = self.figure(noise, Unit::PerSecond, 700_000.0 / us);
            rate.better = Better::Higher;
            let mut share = self.figure(noise, Unit::Share, 0.41);
            share.better = Better::Neither;
            let figures = [
                ("user_us", part(0.44)),
                ("kernel_us", part(0.56)),
                ("per_second", rate),
                ("p50_us", self.figure(noise, Unit::Micros, us * 40.0)),
                ("p90_us", self.figure(noise, Unit::Micros, us * 52.0)),
                ("p99_us", self.figure(noise, Unit::Micros, us * 90.0)),
                ("p999_us", self.figure(noise, Unit::Micros, us * 160.0)),
                ("generator_share", share),
                ("pss_bytes", self.figure(noise, Unit::Bytes, (18 << 20) as f64)),
                ("cpu_us", cpu),
            ];
            Some(Row {
                system: product.0.into(),
                figures: figures.map(|(name, figure)| (name.to_owned(), figure)).into(),
                requests: 310_000,
                statuses: BTreeMap::from([(200, 309_998), (503, 2)]),
                failures: BTreeMap::from([("status_503".to_owned(), 2)]),
                ..Row::default()
            })
        };
        ScenarioFinding {
            name: name.into(),
            title: title.into(),
            about: "32 connections in a closed loop; processor time of the proxy process a request.".into(),
            rows: PRODUCTS.iter().filter_map(row).collect(),
            ..ScenarioFinding::default()
        }
    }

    fn half_load(self, noise: &mut Noise) -> ScenarioFinding {
        let row = |product: &Product| {
            let us = product.4.or(product.3)?;
            let quantiles = [("p50_us", 60.0), ("p90_us", 110.0), ("p99_us", 420.0), ("p999_us", 1900.0)];
            let figure = |(name, base): (&str, f64)| {
                (name.to_owned(), self.figure(noise, Unit::Micros, base * (0.4 + us / 40.0)))
            };
            let figures = quantiles.map(figure).into();
            Some(Row { system: product.0.into(), figures, requests: 80_000, ..Row::default() })
        };
        ScenarioFinding {
            name: "half_load".into(),
            title: "Latency at half load".into(),
            about: "Poisson arrivals at half of each system's capacity; latency from the intended start.".into(),
            headline: "p99_us".into(),
            rows: PRODUCTS.iter().filter_map(row).collect(),
            ..ScenarioFinding::default()
        }
    }

    fn load_curve(self, noise: &mut Noise) -> ScenarioFinding {
        let curve = |product: &Product| {
            let us = product.4.or(product.3)?;
            let capacity = 850_000.0 / us;
            let mut point = |share: f64| {
                let queue = 1.0 / (1.06 - share);
                let figures = [("p50_us", 55.0 + us * queue), ("p99_us", 160.0 + us * 9.0 * queue * queue)];
                let figure = |(name, value): (&str, f64)| (name.to_owned(), self.figure(noise, Unit::Micros, value));
                Point { x: in_64ths(capacity * share), figures: figures.map(figure).into() }
            };
            let points = [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0].map(&mut point).into();
            Some(Curve { system: product.0.into(), x_title: "offered load".into(), x_unit: Unit::PerSecond, points })
        };
        ScenarioFinding {
            name: "load_curve".into(),
            title: "Latency as load rises".into(),
            about: "Constant arrivals in steps up to each system's capacity, known tokens.".into(),
            curves: PRODUCTS.iter().filter_map(curve).collect(),
            ..ScenarioFinding::default()
        }
    }

    fn revocations(self, noise: &mut Noise) -> ScenarioFinding {
        let mut row = |(variant, p99): (&str, f64)| Row {
            system: "tollgate".into(),
            variant: variant.into(),
            figures: [("p50_us", 0.45), ("p99_us", 1.0)]
                .map(|(name, part)| (name.to_owned(), self.figure(noise, Unit::Micros, p99 * part)))
                .into(),
            requests: 400,
            ..Row::default()
        };
        ScenarioFinding {
            name: "revocations".into(),
            title: "Sign-out to refusal".into(),
            about: "From the answer to a sign-out to the first refusal at the edge.".into(),
            headline: "p99_us".into(),
            rows: [("idle", 2900.0), ("under_load", 11_200.0)].map(&mut row).into(),
            ..ScenarioFinding::default()
        }
    }

    /// Memory and rate by seconds, with two reloads.
    fn over_time(self, noise: &mut Noise) -> ScenarioFinding {
        let memory = |product: &Product| Series {
            system: product.0.into(),
            measure: "pss_bytes".into(),
            unit: Unit::Bytes,
            points: (0..=120_u32)
                .map(|second| {
                    let base = 9.0e6 + product.4.unwrap_or(12.0) * 3.1e5;
                    (f64::from(second), noise.around(base + f64::from(second.min(40)) * 2.0e4, 0.002))
                })
                .collect(),
        };
        let mut series: Vec<Series> = PRODUCTS.iter().map(memory).collect();
        let rate = |second: u32| if matches!(second, 40 | 80) { 21_000.0 } else { 27_500.0 };
        series.push(Series {
            system: "tollgate".into(),
            measure: "per_second".into(),
            unit: Unit::PerSecond,
            points: (0..=120).map(|second| (f64::from(second), noise.around(rate(second), 0.02))).collect(),
        });
        ScenarioFinding {
            name: "reload".into(),
            title: "Reload under load".into(),
            about: "The routes are reloaded at seconds 40 and 80; no request may fail.".into(),
            series,
            ..ScenarioFinding::default()
        }
    }

    fn overload(self, noise: &mut Noise) -> ScenarioFinding {
        let mut rows = self.costs(noise, "", "", |product: &Product| product.4.filter(|us| *us < 50.0)).rows;
        rows.iter_mut().for_each(|row| row.variant = "10 × its capacity".into());
        // One in which too much failed: it has a row and no figure.
        rows.push(Row {
            system: "apache_oidc".into(),
            variant: "10 × its capacity".into(),
            requests: 90_000,
            failures: BTreeMap::from([("timeout".to_owned(), 61_000), ("refused".to_owned(), 9_000)]),
            ..Row::default()
        });
        ScenarioFinding {
            name: "overload".into(),
            title: "Ten times what it can carry".into(),
            about: "Arrivals at ten times the capacity for 20 s; figures of what was answered.".into(),
            rows,
            ..ScenarioFinding::default()
        }
    }
}

/// Such numbers are the same after they were written as decimals and read back.
fn in_64ths(value: f64) -> f64 {
    (value * 64.0).round() / 64.0
}

/// Noise that is the same in every run of the tests: splitmix64, twelve draws summed to a bell.
struct Noise(u64);

impl Noise {
    fn around(&mut self, value: f64, deviation: f64) -> f64 {
        let bell: f64 = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
        in_64ths(value * (1.0 + deviation * bell))
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
