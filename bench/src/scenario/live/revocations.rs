//! From the issuer's acknowledgement of a sign-out to the refusal at the edge, idle and under load, and what revocations cost the edge.

use std::time::{Duration, Instant};

use super::deployment::{Deployment, Probe, Revocation, Session};
use super::subject::open;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, Row, ScenarioFinding, Unit};
use crate::load::{Plan, Same};
use crate::measure::Latency;
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::{Failures, Samples};

const SYSTEM: &str = "tollgate";
const TITLE: &str = "Tollgate";
const ROUNDS: u32 = 5;
/// Revocations in all, idle and as many under load; each takes a sign-in before, which costs a password's hash.
const EVENTS: usize = 120;
/// Under load so many come a second.
const PER_SECOND: f64 = 20.0;
/// One that is not enforced by then is a failure.
const LONGEST: Duration = Duration::from_secs(5);
/// Sessions that a user has; the last of them ends by a sign-out everywhere.
const SESSIONS: usize = 3;
const REFUSED: u16 = 401;

/// The scenario.
pub struct Revocations;

impl Live for Revocations {
    fn name(&self) -> &'static str {
        "revocations"
    }

    fn title(&self) -> &'static str {
        "Revocations under load"
    }

    fn about(&self) -> &'static str {
        "Issuer and edge as `tollgate up` starts them, on one processor. RevokeToken, GlobalSignOut and AdminUserGlobalSignOut in turn; from the moment the issuer's answer is here, the edge is asked with the revoked token again and again: in `idle` and `under_load` p50_us, p99_us and max_us are the time until its first 401 is here. Meanwhile, under load, others' tokens arrive at half of what the edge carries: `load_revoking`, with 20 revocations a second; `load_still` is the same load without. Not one of these requests may be refused."
    }

    fn weight(&self) -> u32 {
        3
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let mut deployment = Deployment::take(bench)?;
        let rounds = bench.repeats(ROUNDS);
        let events = EVENTS.min(usize::try_from(bench.options.requests).unwrap_or(EVENTS)) / rounds as usize;
        let mut steps = Steps::new(self.title(), rounds as usize * 4);
        let rate = deployment.capacity(bench)? / 2.0;
        let plan = deployment.closed_loop(bench)?;
        let length = Duration::from_secs_f64(events.max(1) as f64 / PER_SECOND);
        let mut measures = measures::all();
        let (mut idle, mut under_load) = (Enforcement::new()?, Enforcement::new()?);
        let (mut load_still, mut load_revoking) = (Samples::default(), Samples::default());
        let pid = deployment.edge_pid();
        for round in 0..u64::from(rounds) {
            // The rounds before have shown how long one takes; signing in takes about as long as what is measured.
            if bench.left() < length * 4 && round > 0 {
                break;
            }
            steps.next(bench.progress, TITLE);
            let (quiet, busy) = (sign_in(&mut deployment, events)?, sign_in(&mut deployment, events)?);
            let mut probe = deployment.probe();
            steps.next(bench.progress, TITLE);
            for victim in &quiet {
                idle.enforce(&mut deployment, &mut probe, victim)?;
            }
            let mut plan = open(plan.clone(), rate, length, round);
            steps.next(bench.progress, TITLE);
            load_still.take(pid, &mut measures, || Ok(plan.run()?))?;
            steps.next(bench.progress, TITLE);
            load_revoking.take(pid, &mut measures, || {
                beside(plan, &busy, |victim| under_load.enforce(&mut deployment, &mut probe, victim))
            })?;
        }
        deployment.put_back(bench);
        let rows = vec![
            idle.row("idle"),
            under_load.row("under_load"),
            load_still.row(SYSTEM, "load_still"),
            load_revoking.row(SYSTEM, "load_revoking"),
        ];
        Ok(ScenarioFinding { rows, ..finding(self) })
    }
}

/// Runs a plan on a thread of its own and ends the sessions meanwhile, evenly spaced.
fn beside(
    plan: Plan<Same>,
    victims: &[Victim],
    mut enforce: impl FnMut(&Victim) -> Result<(), BenchError>,
) -> Result<crate::load::Outcome, BenchError> {
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    let begun = Instant::now();
    for (number, victim) in victims.iter().enumerate() {
        let due = Duration::from_secs_f64(number as f64 / PER_SECOND);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        if spawned.is_finished() {
            break;
        }
        enforce(victim)?;
    }
    Ok(spawned.join()?.0)
}

/// A session that is about to end.
struct Victim {
    session: Session,
    how: Revocation,
}

/// So many sessions, of as few users as the ways to end them allow.
fn sign_in(deployment: &mut Deployment, count: usize) -> Result<Vec<Victim>, BenchError> {
    let mut victims = Vec::with_capacity(count);
    let mut user = String::new();
    for number in 0..count {
        if number.is_multiple_of(SESSIONS) {
            user = deployment.create_user()?;
        }
        victims.push(Victim { session: deployment.sign_in(&user)?, how: way(number) });
    }
    Ok(victims)
}

fn way(number: usize) -> Revocation {
    match (number % SESSIONS, number / SESSIONS % 2) {
        (turn, _) if turn + 1 < SESSIONS => Revocation::RevokeToken,
        (_, 0) => Revocation::GlobalSignOut,
        _ => Revocation::AdminUserGlobalSignOut,
    }
}

/// Times from acknowledgement to refusal.
struct Enforcement {
    times: Latency,
    /// A request a revocation: enforced is success.
    samples: Samples,
}

impl Enforcement {
    fn new() -> Result<Self, BenchError> {
        let times = Latency::new().ok_or(BenchError::NothingToMeasure)?;
        Ok(Self { times, samples: Samples::new(Failures::Belong) })
    }

    fn enforce(&mut self, deployment: &mut Deployment, probe: &mut Probe, victim: &Victim) -> Result<(), BenchError> {
        let token = &victim.session.access;
        if probe.status(token)? != 200 {
            self.samples.count(Err("refused_before"));
            return Ok(());
        }
        deployment.revoke(&victim.session, victim.how)?;
        let acknowledged = Instant::now();
        while probe.status(token)? != REFUSED {
            if acknowledged.elapsed() > LONGEST {
                self.samples.count(Err("not_enforced"));
                return Ok(());
            }
        }
        self.times.record(acknowledged.elapsed());
        // Once more: it is for good.
        self.samples.count(match probe.status(token)? {
            REFUSED => Ok(REFUSED),
            _ => Err("passed_again"),
        });
        Ok(())
    }

    fn row(mut self, variant: &str) -> Row {
        for (name, at) in [("p50_us", 0.5), ("p90_us", 0.9), ("p99_us", 0.99), ("max_us", 1.0)] {
            if let Some(us) = self.times.quantile_us(at) {
                self.samples.note(Reading { name, unit: Unit::Micros, better: Better::Lower, value: us as f64 });
            }
        }
        self.samples.row(SYSTEM, variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_out_everywhere_comes_last_of_a_users_sessions() {
        use Revocation::{AdminUserGlobalSignOut, GlobalSignOut, RevokeToken};
        let ways: Vec<_> = (0..6).map(way).collect();
        let wanted = [RevokeToken, RevokeToken, GlobalSignOut, RevokeToken, RevokeToken, AdminUserGlobalSignOut];
        assert_eq!(ways, wanted);
    }
}
