//! What a request may cost, as promised (docs/BENCHMARKS.md): each budget is a ratio or a difference within one run, round by round.

use super::names::{
    ENVOY_JWT_CACHED, FLOODS, HAPROXY_JWT, MANY_REVOCATIONS, NEVER_SEEN, NGINX_PLAIN, P99, PIPELINE, PLAIN_PASS,
    REVOCATIONS, TOKEN_GATE, TOLLGATE, WAF_30_RULES, WAF_SHIPPED, cpu,
};
use crate::finding::{Budget, Findings, Unit, Verdict};

/// A promise, what it is about, and the most that it may be.
struct Promise {
    words: &'static str,
    about: About,
    limit: f64,
}

/// Scenarios and systems whose figures are put in relation.
enum About {
    /// Processor time of ours in a scenario, divided by that of a system in a scenario.
    Quotient { ours: &'static str, scenario: &'static str, system: &'static str },
    /// Processor time of ours in a scenario, less our own plain pass.
    OverPlain(&'static str),
    /// What a scenario has noted of ours, round by round.
    Noted { scenario: &'static str, measure: &'static str, unit: Unit },
    /// 99 % of all sign-outs are refused this much later.
    SignOut { variant: &'static str },
    /// A measure of an edge that knows a million revocations.
    Million { variant: &'static str, measure: &'static str, unit: Unit },
    /// Memory in the last third of any flood of five minutes, less that in the second.
    Flood,
}

/// What the promises about many revocations are about.
const MILLION: f64 = 1_000_000.0;
/// The shortest flood that says that memory is flat; seconds.
const FLOOD: f64 = 299.0;

const PROMISES: [Promise; 18] = [
    Promise {
        words: "plain pass at most 1.6 × nginx",
        about: About::Quotient { ours: PLAIN_PASS, scenario: PLAIN_PASS, system: NGINX_PLAIN },
        limit: 1.6,
    },
    Promise {
        words: "token gate, known token, at most 2.5 µs over a plain pass",
        about: About::OverPlain(TOKEN_GATE),
        limit: 2.5,
    },
    Promise {
        words: "whole pipeline, known token, at most 4 µs over a plain pass",
        about: About::OverPlain(PIPELINE),
        limit: 4.0,
    },
    Promise {
        words: "with a web ACL of 30 rules at most 9 µs over a plain pass",
        about: About::Noted { scenario: WAF_30_RULES, measure: "over_plain_us", unit: Unit::MicrosPerRequest },
        limit: 9.0,
    },
    Promise {
        words: "with a web ACL of 30 rules at most 5 µs over the pipeline without",
        about: About::Noted { scenario: WAF_30_RULES, measure: "over_pipeline_us", unit: Unit::MicrosPerRequest },
        limit: 5.0,
    },
    Promise {
        words: "shipped rule set on a JSON body of 1 KB at most 60 µs over a pass without",
        about: About::Noted { scenario: WAF_SHIPPED, measure: "over_plain_us", unit: Unit::MicrosPerRequest },
        limit: 60.0,
    },
    Promise {
        words: "shipped rule set at most 0.1 × ModSecurity with CRS at level 1",
        about: About::Noted { scenario: WAF_SHIPPED, measure: "times_modsecurity", unit: Unit::Ratio },
        limit: 0.1,
    },
    Promise {
        words: "never-seen token at most 0.95 × HAProxy, which verifies each",
        about: About::Quotient { ours: NEVER_SEEN, scenario: TOKEN_GATE, system: HAPROXY_JWT },
        limit: 0.95,
    },
    Promise {
        words: "whole pipeline, known token, at most 0.5 × HAProxy",
        about: About::Quotient { ours: PIPELINE, scenario: TOKEN_GATE, system: HAPROXY_JWT },
        limit: 0.5,
    },
    Promise {
        words: "whole pipeline, known token, at most 0.5 × Envoy with its cache",
        about: About::Quotient { ours: PIPELINE, scenario: TOKEN_GATE, system: ENVOY_JWT_CACHED },
        limit: 0.5,
    },
    Promise {
        words: "sign-out to refusal, idle: p99 at most 5 ms",
        about: About::SignOut { variant: "idle" },
        limit: 5_000.0,
    },
    Promise {
        words: "sign-out to refusal, under load: p99 at most 15 ms",
        about: About::SignOut { variant: "under_load" },
        limit: 15_000.0,
    },
    Promise {
        words: "1,000,000 revocations: at most 32 bytes of the edge each",
        about: About::Million { variant: "each", measure: "taken_bytes", unit: Unit::Bytes },
        limit: 32.0,
    },
    Promise {
        words: "1,000,000 revocations: a lookup under 1 µs, p99",
        about: About::Million { variant: "lookup", measure: P99, unit: Unit::Micros },
        limit: 1.0,
    },
    Promise {
        words: "1,000,000 revocations: at a new edge within 3 s of its start",
        about: About::Million { variant: "all", measure: "first_answer_us", unit: Unit::Micros },
        limit: 3_000_000.0,
    },
    Promise {
        words: "1,000,000 revocations on disk: start to the first checked request at most 100 ms",
        about: About::Million { variant: "from_disk", measure: "first_answer_us", unit: Unit::Micros },
        limit: 100_000.0,
    },
    Promise {
        words: "100,000 missed revocations within 2 s of the issuer's return",
        about: About::Million { variant: "away", measure: "caught_up_us", unit: Unit::Micros },
        limit: 2_000_000.0,
    },
    Promise {
        words: "five minutes of any flood: at most 4 MiB more in the last third than in the second",
        about: About::Flood,
        limit: 4.0 * 1024.0 * 1024.0,
    },
];

/// Every budget beside its figure; none for a run that is not about the edge.
pub fn of(findings: &Findings) -> Vec<Budget> {
    if findings.command != "edge" {
        return Vec::new();
    }
    PROMISES.iter().map(|promise| judge(promise, findings)).collect()
}

fn judge(promise: &Promise, findings: &Findings) -> Budget {
    let (unit, figure) = match &promise.about {
        About::Quotient { ours, scenario, system } => (Unit::Ratio, quotient(findings, ours, scenario, system)),
        About::OverPlain(scenario) => (Unit::MicrosPerRequest, over_plain(findings, scenario)),
        About::Noted { scenario, measure, unit } => (*unit, noted(findings, scenario, measure)),
        About::SignOut { variant } => (Unit::Micros, sign_out(findings, variant)),
        About::Million { variant, measure, unit } => (*unit, of_million(findings, variant, measure)),
        About::Flood => (Unit::Bytes, of_floods(findings)),
    };
    let verdict = match figure {
        Some(figure) if figure <= promise.limit => Verdict::Met,
        Some(_) => Verdict::Missed,
        None => Verdict::Unknown,
    };
    Budget { promise: promise.words.into(), unit, figure, limit: Some(promise.limit), verdict }
}

fn quotient(findings: &Findings, ours: &str, scenario: &str, system: &str) -> Option<f64> {
    cpu(findings, ours, TOLLGATE)?.ratio(cpu(findings, scenario, system)?)
}

fn over_plain(findings: &Findings, scenario: &str) -> Option<f64> {
    let plain = cpu(findings, PLAIN_PASS, TOLLGATE)?;
    cpu(findings, scenario, TOLLGATE)?.minus(plain).map(|over| over.spread.median)
}

fn noted(findings: &Findings, scenario: &str, measure: &str) -> Option<f64> {
    let mut rows = findings.scenario(scenario)?.rows.iter().filter(|row| row.system == TOLLGATE);
    rows.find_map(|row| row.figure(measure)).map(|figure| figure.spread.median)
}

fn sign_out(findings: &Findings, variant: &str) -> Option<f64> {
    let row = findings.scenario(REVOCATIONS)?.variant(TOLLGATE, variant)?;
    row.figure(P99).map(|figure| figure.spread.median)
}

/// None for a run with another number of them.
fn of_million(findings: &Findings, variant: &str, measure: &str) -> Option<f64> {
    let row = findings.scenario(MANY_REVOCATIONS)?.variant(TOLLGATE, variant)?;
    let known = row.figure("revocations")?.spread.median;
    row.figure(measure).filter(|_| known == MILLION).map(|figure| figure.spread.median)
}

/// The largest of all; none where one was shorter.
fn of_floods(findings: &Findings) -> Option<f64> {
    let rows = findings.scenario(FLOODS)?.rows.iter();
    let grown = rows.map(|row| {
        let long = row.figure("seconds")?.spread.median >= FLOOD;
        row.figure("grown_bytes").filter(|_| long).map(|figure| figure.spread.median)
    });
    grown.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::names::CPU;
    use super::*;
    use crate::finding::{Better, Figure, Row, ScenarioFinding, sample};

    /// A run of the sample with other costs in the named scenario, one a round.
    fn with(findings: &mut Findings, scenario: &str, system: &str, rounds: &[f64]) {
        let row = sample::row(findings, scenario, system);
        row.figures.insert(CPU.into(), Figure::of(Unit::MicrosPerRequest, Better::Lower, rounds.to_vec()).unwrap());
    }

    #[test]
    fn verdicts_are_taken_round_by_round() {
        let mut findings = sample::findings();
        with(&mut findings, PLAIN_PASS, TOLLGATE, &[16.0, 32.0, 16.0]);
        with(&mut findings, PLAIN_PASS, NGINX_PLAIN, &[10.0, 20.0, 10.0]);
        with(&mut findings, TOKEN_GATE, TOLLGATE, &[18.5, 34.5, 18.5]);
        with(&mut findings, PIPELINE, TOLLGATE, &[20.2, 36.5, 20.1]);
        with(&mut findings, NEVER_SEEN, TOLLGATE, &[36.0, 72.0, 36.0]);
        with(&mut findings, TOKEN_GATE, HAPROXY_JWT, &[40.0, 80.0, 40.0]);
        with(&mut findings, TOKEN_GATE, ENVOY_JWT_CACHED, &[40.4, 80.0, 40.4]);
        let budgets = of(&findings);
        let verdicts: Vec<Verdict> = budgets.iter().map(|budget| budget.verdict).collect();
        use Verdict::{Met, Missed, Unknown};
        let wanted = [Met, Met, Missed, Unknown, Unknown, Unknown, Unknown, Met, Missed, Met, Met, Met];
        assert_eq!(verdicts[..12], wanted, "{budgets:#?}");
        let figure = |index: usize| budgets[index].figure.unwrap();
        assert!((figure(0) - 1.6).abs() < 1e-9 && (figure(2) - 4.2).abs() < 1e-9, "{budgets:#?}");
    }

    #[test]
    fn what_was_not_measured_is_unknown_and_a_late_refusal_is_missed() {
        let mut findings = sample::findings();
        findings.scenarios.retain(|scenario| scenario.name == REVOCATIONS);
        let late = Figure::of(Unit::Micros, Better::Lower, vec![15_100.0]).unwrap();
        for row in &mut findings.scenarios[0].rows {
            row.figures.insert(P99.into(), late.clone());
        }
        let words: Vec<&str> = of(&findings).iter().map(|budget| budget.verdict.word()).collect();
        assert!(words[..10].iter().all(|word| *word == "unknown: not measured"), "{words:?}");
        assert_eq!(words[10..12], ["missed", "missed"]);
        findings.command = "issuer".into();
        assert_eq!(of(&findings), []);
    }

    #[test]
    fn what_rules_cost_is_what_the_scenarios_have_noted() {
        let mut findings = sample::findings();
        let figure = |unit, value| Figure::of(unit, Better::Lower, vec![value]).unwrap();
        let row = |system: &str, measure: &str, figure| Row {
            system: system.into(),
            variant: "rules".into(),
            figures: [(measure.to_owned(), figure)].into(),
            ..Row::default()
        };
        let us = Unit::MicrosPerRequest;
        let rows = vec![
            row("modsecurity_pl1", "over_plain_us", figure(us, 900.0)),
            row(TOLLGATE, "times_modsecurity", figure(Unit::Ratio, 0.11)),
            row(TOLLGATE, "over_plain_us", figure(us, 59.0)),
        ];
        findings.scenarios.push(ScenarioFinding { name: WAF_SHIPPED.into(), rows, ..ScenarioFinding::default() });
        let verdicts: Vec<Verdict> = of(&findings)[3..7].iter().map(|budget| budget.verdict).collect();
        assert_eq!(verdicts, [Verdict::Unknown, Verdict::Unknown, Verdict::Met, Verdict::Missed]);
    }

    #[test]
    fn promises_about_a_million_are_judged_with_a_million_only() {
        let verdict = |known: f64, bytes: f64| {
            let figure = |unit, value| Figure::of(unit, Better::Lower, vec![value]).unwrap();
            let figures = [
                ("revocations".to_owned(), figure(Unit::Count, known)),
                ("taken_bytes".to_owned(), figure(Unit::Bytes, bytes)),
            ];
            let row =
                Row { system: TOLLGATE.into(), variant: "each".into(), figures: figures.into(), ..Row::default() };
            let mut findings = sample::findings();
            let name = MANY_REVOCATIONS.into();
            findings.scenarios.push(ScenarioFinding { name, rows: vec![row], ..ScenarioFinding::default() });
            of(&findings)[12].verdict
        };
        assert_eq!(verdict(1e6, 31.9), Verdict::Met);
        assert_eq!(verdict(1e6, 32.1), Verdict::Missed);
        assert_eq!(verdict(1e5, 31.9), Verdict::Unknown);
    }

    #[test]
    fn the_worst_flood_counts_if_all_were_long() {
        let verdict = |floods: &[(f64, f64)]| {
            let rows = floods.iter().map(|(seconds, grown)| {
                let figure = |unit, value| Figure::of(unit, Better::Lower, vec![value]).unwrap();
                let figures = [
                    ("seconds".to_owned(), figure(Unit::Count, *seconds)),
                    ("grown_bytes".to_owned(), figure(Unit::Bytes, *grown)),
                ];
                Row { system: TOLLGATE.into(), figures: figures.into(), ..Row::default() }
            });
            let mut findings = sample::findings();
            let (name, rows) = (FLOODS.into(), rows.collect());
            findings.scenarios.push(ScenarioFinding { name, rows, ..ScenarioFinding::default() });
            of(&findings)[17].verdict
        };
        assert_eq!(verdict(&[(300.0, 1e6), (300.0, -1e6)]), Verdict::Met);
        assert_eq!(verdict(&[(300.0, 1e6), (300.0, 5e6)]), Verdict::Missed);
        assert_eq!(verdict(&[(300.0, 1e6), (60.0, 1e6)]), Verdict::Unknown);
        assert_eq!(verdict(&[]), Verdict::Unknown);
    }
}
