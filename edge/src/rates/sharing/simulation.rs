//! Edges that share a limit, joined by an issuer's ledger and links that delay, in simulated time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::feed::{Counts, Heard, Ledger, Member, Merged, Scope, Share};

use super::*;
use crate::rates::RuleId;

/// Microseconds.
const STEP: u64 = 100;
/// An issuer's pause after it has told a member something.
const ISSUER_PAUSE: u64 = 2_000;

/// What is simulated.
#[derive(Clone)]
pub(super) struct Scene {
    pub rate: u32,
    pub window: Duration,
    /// Requests a second at each edge.
    pub offered: Vec<u32>,
    pub lasts: Duration,
    /// One way between edge and issuer, at least and at most, in microseconds.
    pub delay: (u64, u64),
    /// From when to when an edge is cut off, in milliseconds.
    pub cut: Option<(usize, u64, u64)>,
    /// When the issuer begins anew, in milliseconds.
    pub restart: Option<u64>,
    pub seed: u64,
}

struct Edge {
    table: Table,
    sharing: Sharing,
    woken: Arc<AtomicBool>,
    phase: Duration,
    next_request: f64,
    next_flush: u64,
    next_full: u64,
    member: Option<Member>,
    heard: Option<Heard>,
    next_told: u64,
    up: Vec<(u64, Counts, u64)>,
    down: Vec<(u64, Merged, u64)>,
    admitted: Vec<u64>,
}

pub(super) struct Outcome {
    /// Microseconds at which each edge admitted.
    pub admitted: Vec<Vec<u64>>,
    pub frames: usize,
}

impl Outcome {
    pub fn sum(&self) -> usize {
        self.admitted.iter().map(Vec::len).sum()
    }

    /// The most in any window of that length.
    pub fn most_in(&self, window: Duration) -> usize {
        let mut all: Vec<u64> = self.admitted.iter().flatten().copied().collect();
        all.sort_unstable();
        let window = u64::try_from(window.as_micros()).unwrap();
        let mut first = 0;
        let most = all.iter().enumerate().map(|(at, time)| {
            while all[first] + window <= *time {
                first += 1;
            }
            at - first + 1
        });
        most.max().unwrap_or(0)
    }
}

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + (self.next() * (most - least) as f64) as u64
    }
}

impl Edge {
    fn new(offered: u32, chance: &mut Chance) -> Self {
        let woken = Arc::new(AtomicBool::new(false));
        let (wake, sharing) = (woken.clone(), Sharing::default());
        sharing.when_urgent(move || wake.store(true, Ordering::Relaxed));
        Self {
            table: Table::bounded(4 << 20, [3; 16]),
            sharing,
            woken,
            phase: Duration::from_secs_f64(1_000.0 * (1.0 + chance.next())),
            next_request: if offered == 0 { f64::MAX } else { chance.next() * 1e6 / f64::from(offered) },
            next_flush: 0,
            next_full: 0,
            member: None,
            heard: None,
            next_told: 0,
            up: Vec::new(),
            down: Vec::new(),
            admitted: Vec::new(),
        }
    }

    fn moment(&self, at: u64) -> Moment {
        Moment::after(self.phase + Duration::from_micros(at))
    }

    fn connect(&mut self, number: u64, at: u64, ledger: &mut Ledger) {
        let share = Share { scope: Scope::default(), origin: number, heard: self.heard };
        self.member = ledger.join(at / 1_000, &share);
        self.sharing.set_connected(true);
    }

    fn cut(&mut self, ledger: &mut Ledger) {
        if let Some(member) = self.member.take() {
            ledger.leave(&member);
        }
        self.sharing.set_connected(false);
        self.up.clear();
        self.down.clear();
    }
}

const KEY: Key = Key(5);

pub(super) fn run(scene: &Scene) -> Outcome {
    let quota = Quota::new(RuleId(7), scene.rate, scene.window).unwrap();
    let mut chance = Chance(scene.seed);
    let mut edges: Vec<Edge> = scene.offered.iter().map(|offered| Edge::new(*offered, &mut chance)).collect();
    let mut ledger = Ledger::new(1);
    let mut frames = 0;
    for (number, edge) in (0..).zip(&mut edges) {
        edge.connect(number, 0, &mut ledger);
    }
    let mut at = 0;
    while u128::from(at) < scene.lasts.as_micros() {
        if let Some((edge, from, to)) = scene.cut {
            if at == from * 1_000 {
                edges[edge].cut(&mut ledger);
            } else if at == to * 1_000 {
                edges[edge].connect(edge as u64, at, &mut ledger);
            }
        }
        if scene.restart.is_some_and(|restart| at == restart * 1_000) {
            edges.iter_mut().for_each(|edge| edge.cut(&mut ledger));
            ledger = Ledger::new(2);
            for (number, edge) in (0..).zip(&mut edges) {
                edge.connect(number, at, &mut ledger);
            }
        }
        for (edge, offered) in edges.iter_mut().zip(&scene.offered) {
            while edge.next_request <= at as f64 {
                edge.next_request += -(1.0 - chance.next()).ln() * 1e6 / f64::from(*offered);
                if edge.sharing.admit(&edge.table, edge.moment(at), &quota, KEY).admits {
                    edge.admitted.push(at);
                }
            }
            if edge.member.is_some() {
                let all = at >= edge.next_full;
                if all || (at >= edge.next_flush && edge.woken.swap(false, Ordering::Relaxed)) {
                    let flushed = edge.sharing.flush(edge.moment(at), all);
                    edge.next_flush = at + u64::try_from(flushed.pause.as_micros()).unwrap();
                    if all {
                        edge.next_full = at + u64::try_from(PATIENCE.as_micros()).unwrap();
                    }
                    if !flushed.counts.is_empty() {
                        let way = chance.between(scene.delay);
                        edge.up.push((at + way, flushed.counts, way));
                        frames += 1;
                    }
                }
            }
            for (_, counts, way) in edge.up.extract_if(.., |(due, ..)| *due <= at) {
                if let Some(member) = &edge.member {
                    assert!(ledger.take(at / 1_000, member, &counts, way / 1_000));
                }
            }
        }
        for edge in &mut edges {
            if let Some(member) = edge.member.as_mut().filter(|member| at >= edge.next_told && ledger.is_due(member))
                && let Some(merged) = ledger.due(at / 1_000, member)
            {
                edge.next_told = at + ISSUER_PAUSE;
                let way = chance.between(scene.delay);
                edge.down.push((at + way, merged, way));
            }
            let now = edge.moment(at);
            for (_, merged, way) in edge.down.extract_if(.., |(due, ..)| *due <= at) {
                edge.heard = Some(merged.heard);
                let ages = merged.of_others.counts.iter().filter(|count| count.admitted > 0).map(|count| count.ago_ms);
                if let Some(age) = ages.min() {
                    edge.sharing.learn_way(Duration::from_millis(age.into()) + Duration::from_micros(way));
                }
                for count in &merged.of_others.counts {
                    edge.sharing.hear(&edge.table, now, &quota, KEY, count, Duration::from_micros(way));
                }
            }
        }
        at += STEP;
    }
    Outcome { admitted: edges.into_iter().map(|edge| edge.admitted).collect(), frames }
}

pub(super) fn scene(rate: u32, window_s: u64, offered: &[u32], lasts_s: u64) -> Scene {
    Scene {
        rate,
        window: Duration::from_secs(window_s),
        offered: offered.to_vec(),
        lasts: Duration::from_secs(lasts_s),
        delay: (200, 1_000),
        cut: None,
        restart: None,
        seed: 9,
    }
}

/// In percent of what one edge admits that gets all of the load.
fn share_of_alone(scene: &Scene, outcome: &Outcome) -> f64 {
    let alone = run(&Scene { offered: vec![scene.offered.iter().sum()], cut: None, restart: None, ..scene.clone() });
    100.0 * outcome.sum() as f64 / alone.sum() as f64
}

const NEAR: (u64, u64) = (200, 1_000);
const IN_A_REGION: (u64, u64) = (1_000, 5_000);
const FAR: (u64, u64) = (10_000, 20_000);

#[test]
fn two_edges_admit_together_what_one_would() {
    for (rate, window_s, lasts_s) in [(100, 1, 10), (500, 1, 10), (900, 1, 10), (3_000, 10, 20), (1_000, 60, 62)] {
        for offered in [[500, 500], [900, 100], [990, 10], [1_000, 0]] {
            for (delay, percent) in [(NEAR, 1.0), (IN_A_REGION, 1.5), (FAR, 4.0)] {
                let scene = Scene { delay, ..scene(rate, window_s, &offered, lasts_s) };
                let outcome = run(&scene);
                let share = share_of_alone(&scene, &outcome);
                let what = format!("{rate}/{window_s}s, {offered:?}, {delay:?}");
                assert!((share - 100.0).abs() <= percent, "{what}: {share:.2} %");
                let over = outcome.most_in(scene.window) as f64 - f64::from(rate);
                let late = 1_000.0 * (delay.1 as f64 * 2e-6 + 0.01); // asked for in the time that news take
                assert!(
                    over <= f64::max(f64::from(rate) * percent / 100.0, late),
                    "{what}: {over} too many in a window"
                );
            }
        }
    }
}

#[test]
fn many_edges_do_so_too() {
    for offered in [vec![250; 4], vec![100; 10], vec![700, 200, 50, 50]] {
        for (rate, window_s) in [(500, 1), (3_000, 10)] {
            let scene = scene(rate, window_s, &offered, 20);
            let outcome = run(&scene);
            let share = share_of_alone(&scene, &outcome);
            assert!((98.0..=101.0).contains(&share), "{rate}/{window_s}s, {offered:?}: {share:.2} %");
        }
    }
}

#[test]
fn whoever_asks_more_gets_more() {
    let outcome = run(&scene(3_000, 10, &[900, 100], 20));
    let share = outcome.admitted[1].len() as f64 / outcome.sum() as f64;
    assert!((0.06..0.14).contains(&share), "{share}");
    assert!(outcome.frames < 3_000, "{} frames in 20 s", outcome.frames);
}

/// How many were admitted in this span of milliseconds.
fn between(outcome: &Outcome, from: u64, to: u64) -> usize {
    outcome.admitted.iter().flatten().filter(|at| (from * 1_000..to * 1_000).contains(*at)).count()
}

#[test]
fn an_edge_that_is_cut_off_goes_on_with_its_own_counts_and_what_it_knew() {
    let scene = Scene { cut: Some((1, 1_000, 20_000)), ..scene(3_000, 10, &[500, 500], 45) };
    let outcome = run(&scene);
    let (all, _) = (between(&outcome, 0, 10_000), ());
    // At one second 1,000 are known to both. Each then admits what is left for it.
    assert!((4_900..=5_200).contains(&all), "{all}");
    assert!(outcome.admitted.iter().all(|edge| edge.len() > 4_000));
    // A window after it has come back they count together again.
    let after = between(&outcome, 31_000, 41_000);
    assert!((2_880..=3_060).contains(&after), "{after}");
}

#[test]
fn an_issuer_that_begins_anew_costs_what_was_under_way() {
    let scene = Scene { restart: Some(2_000), ..scene(3_000, 10, &[500, 500], 20) };
    let outcome = run(&scene);
    assert!((99.0..=101.0).contains(&share_of_alone(&scene, &outcome)));
    assert!(outcome.most_in(scene.window) <= 3_030);
}

#[test]
fn what_was_counted_while_cut_off_is_heard_of_later() {
    // One edge uses the limit up alone, cut off; the other is asked for nothing before it is back.
    let mut scene = Scene { cut: Some((0, 100, 8_000)), ..scene(1_000, 60, &[1_000, 0], 12) };
    scene.offered = vec![1_000, 1];
    let outcome = run(&scene);
    assert_eq!(outcome.admitted[0].len(), 1_000);
    assert!(outcome.admitted[1].iter().all(|at| *at < 8_150_000), "from then on it knows");
}
