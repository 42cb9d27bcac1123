//! Attacks in virtual time, with honest people among them: how much of the attack is refused, and who is hurt.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

use super::*;

const SCOPE: Scope = Scope(1);
/// What the shipped group refuses.
const REFUSES: [Signal; 9] = [
    Signal::FailedRatioIp,
    Signal::FailedRatioNetwork,
    Signal::FailedUnderAttack,
    Signal::FailedSession,
    Signal::NamesOfSession,
    Signal::NamesOfPassword,
    Signal::PasswordsOfName,
    Signal::SessionReused,
    Signal::NamesRecovered,
];

/// Somebody's attempt: when, from where, with what, and whether that is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Try {
    at: u64,
    from: u32,
    name: String,
    password: String,
    right: bool,
    /// Honest people, by who they are.
    who: Option<u32>,
}

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    attacks: u32,
    blocked: u32,
    honest: u32,
    hurt: std::collections::BTreeSet<u32>,
    hurt_attempts: u32,
}

impl Tally {
    fn blocked_share(&self) -> f64 {
        f64::from(self.blocked) / f64::from(self.attacks)
    }
}

/// Answers take so long; milliseconds.
const LATENCY: u64 = 80;

fn moment(millis: u64) -> Moment {
    Moment::after(Duration::from_millis(millis + 1_000_000))
}

fn run(mut tries: Vec<Try>) -> Tally {
    let watch = Watch::new(&[7; 32]);
    let mut answers: BinaryHeap<Reverse<(u64, usize, bool)>> = BinaryHeap::new();
    let mut begun = Vec::new();
    let mut tally = Tally::default();
    tries.sort();
    for one in tries {
        while let Some(Reverse((at, number, right))) = answers.peek().copied().filter(|Reverse((at, ..))| *at <= one.at)
        {
            answers.pop();
            let began: &Begun = &begun[number];
            watch.end(moment(at), began, if right { Outcome::Succeeded } else { Outcome::Failed }, false);
        }
        let attempt = Attempt {
            kind: Kind::SignIn,
            name: watch.hasher.name(&one.name),
            password: watch.hasher.password(one.password.as_bytes()),
        };
        let sender = Sender { address: Some(Ipv4Addr::from(one.from).into()), session: None };
        let (signals, began) = watch.begin(moment(one.at), SCOPE, attempt, sender);
        let refused = REFUSES.iter().any(|signal| signals.has(*signal));
        match one.who {
            None => (tally.attacks += 1, tally.blocked += u32::from(refused)).1,
            Some(who) => {
                tally.honest += 1;
                if refused {
                    tally.hurt_attempts += 1;
                    tally.hurt.insert(who);
                }
            }
        }
        if refused {
            watch.end(moment(one.at), &began, Outcome::Refused, false);
        } else {
            begun.push(began);
            answers.push(Reverse((one.at + LATENCY, begun.len() - 1, one.right)));
        }
    }
    tally
}

/// A generator that gives the same numbers every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// People within so many milliseconds: each alone at an address, one office of forty and one household of four.
fn people(numbers: &mut Numbers, span: u64) -> Vec<Try> {
    let mut tries = Vec::new();
    for person in 0..360_u32 {
        let from = match person {
            // Neighbours of attackers: the last addresses of 10.0.1.0/24, and one in each of theirs where they are apart.
            0..12 => 0x0a00_01f4 + person,
            12..300 => 0x0a00_0000 | (person << 8) | 200,
            300..340 => 0xac10_0001,
            _ => 0xac20_0000 + (person - 340) / 4 * 256,
        };
        let start = numbers.below(span);
        let wrong = match numbers.below(100) {
            0..80 => 0,
            80..95 => 1,
            _ => 2,
        };
        let wrong_name = numbers.below(100) < 3;
        let mut at = start;
        for attempt in 0..=wrong {
            let name = if wrong_name && attempt == 0 && wrong > 0 {
                format!("typo{person}")
            } else {
                format!("person{person}")
            };
            let right = attempt == wrong;
            let password = if right { format!("own{person}") } else { format!("mistyped{attempt}") };
            tries.push(Try { at, from, name, password, right, who: Some(person) });
            at += 4_000 + numbers.below(8_000);
        }
    }
    tries
}

#[derive(Clone, Copy)]
struct Shape {
    pairs: u32,
    addresses: u32,
    span: u64,
    burst: bool,
    one_password: bool,
    stolen: u64,
    apart: bool,
}

const ROUND: Shape =
    Shape { pairs: 10_000, addresses: 500, span: 120_000, burst: false, one_password: false, stolen: 2, apart: true };

fn attack(numbers: &mut Numbers, shape: Shape) -> Vec<Try> {
    let each = shape.pairs / shape.addresses;
    (0..shape.pairs)
        .map(|number| {
            let address = if shape.burst { number / each } else { number % shape.addresses };
            let from = if shape.apart { 0x0a00_0000 | (address << 8) | 9 } else { 0x0a00_0000 + address };
            let password = if shape.one_password { "Winter2026!".to_owned() } else { format!("leaked{number}") };
            let right = numbers.below(100) < shape.stolen;
            Try {
                at: u64::from(number) * shape.span / u64::from(shape.pairs),
                from,
                name: format!("victim{number}"),
                password,
                right,
                who: None,
            }
        })
        .collect()
}

fn both(shape: Shape) -> Tally {
    let mut numbers = Numbers(11);
    let mut tries = people(&mut numbers, shape.span);
    tries.extend(attack(&mut numbers, shape));
    run(tries)
}

/// What an attack comes to: blocked at least so much of it, and hurt at most so many people.
#[test]
fn attacks_are_refused_and_people_are_not() {
    let (addresses, hour) = (500, 3_600_000);
    for (name, shape, least, hurt) in [
        ("round robin, a /24 each", ROUND, 0.89, 0),
        ("round robin, two /24", Shape { apart: false, ..ROUND }, 0.89, 0),
        // Two of a household mistype within the same five seconds, and a third one comes.
        ("as fast as it goes", Shape { span: 5_000, ..ROUND }, 0.89, 1),
        ("an hour", Shape { span: hour, ..ROUND }, 0.89, 0),
        ("ten hours", Shape { span: 10 * hour, ..ROUND }, 0.89, 0),
        ("two days", Shape { span: 48 * hour, ..ROUND }, 0.75, 0),
        ("an address after the other", Shape { burst: true, ..ROUND }, 0.68, 0),
        ("an address after the other, in an hour", Shape { burst: true, span: hour, ..ROUND }, 0.89, 0),
        ("an address after the other, as fast as it goes", Shape { burst: true, span: 5_000, ..ROUND }, 0.66, 1),
        ("one password", Shape { one_password: true, ..ROUND }, 0.89, 0),
        ("one password, ten hours", Shape { one_password: true, span: 10 * hour, ..ROUND }, 0.96, 0),
        ("a tenth of the pairs is right", Shape { stolen: 10, ..ROUND }, 0.86, 0),
        ("a quarter of the pairs is right", Shape { stolen: 25, ..ROUND }, 0.79, 0),
        ("1,500 pairs", Shape { pairs: 1_500, addresses: 75, ..ROUND }, 0.89, 0),
        ("fifty addresses", Shape { addresses: addresses / 10, ..ROUND }, 0.98, 0),
    ] {
        let tally = both(shape);
        let (share, count) = (tally.blocked_share(), tally.hurt.len());
        println!(
            "{name}: {:.1} % blocked, {count} of 360 people hurt, {} of {} attempts",
            share * 100.0,
            tally.hurt_attempts,
            tally.honest
        );
        assert!(share >= least, "{name}: {share:.3} blocked");
        assert!(count <= hurt, "{name}: {:?} hurt", tally.hurt);
    }
}

#[test]
fn without_an_attack_nobody_is_refused() {
    let mut numbers = Numbers(5);
    let days: Vec<Try> = (0..5)
        .flat_map(|day| {
            let mut tries = people(&mut numbers, 8 * 3_600_000);
            tries.iter_mut().for_each(|one| one.at += day * 86_400_000);
            tries
        })
        .collect();
    let tally = run(days);
    assert!(tally.hurt.is_empty() && tally.honest > 2_000, "{tally:?}");
}

#[test]
fn who_has_succeeded_from_an_address_is_let_in_whatever_others_do_there() {
    let mut tries =
        vec![Try { at: 0, from: 1, name: "ann".to_owned(), password: "own".to_owned(), right: true, who: Some(1) }];
    let attack = (0..40).map(|n| Try {
        at: 1_000 + n * 1_000,
        from: 1,
        name: format!("victim{n}"),
        password: format!("x{n}"),
        right: false,
        who: None,
    });
    tries.extend(attack);
    tries.push(Try {
        at: 60_000,
        from: 1,
        name: "Ann ".to_owned(),
        password: "own".to_owned(),
        right: true,
        who: Some(1),
    });
    let tally = run(tries);
    assert!(tally.blocked >= 35 && tally.hurt.is_empty(), "{tally:?}");
}

#[test]
fn a_session_that_is_passed_around_and_names_that_one_session_tries() {
    let watch = Watch::new(&[7; 32]);
    let said = |at: u64, from: u32, session: u8, name: &str| {
        let attempt = Attempt {
            kind: Kind::SignIn,
            name: watch.hasher.name(name),
            password: watch.hasher.password(name.as_bytes()),
        };
        let sender = Sender { address: Some(Ipv4Addr::from(from).into()), session: Some([session; 16]) };
        let (signals, begun) = watch.begin(moment(at), SCOPE, attempt, sender);
        watch.end(moment(at + 10), &begun, Outcome::Failed, false);
        signals
    };
    let all: Vec<Signals> = (0..7).map(|n| said(n * 1_000, n as u32 * 65_536, 1, "ann")).collect();
    let last = all[6];
    assert!(last.has(Signal::SessionReused) && !last.has(Signal::NamesOfSession));
    let all: Vec<Signals> = (0..4).map(|n| said(n * 1_000, 77, 2, &format!("user{n}"))).collect();
    let last = all[3];
    assert!(last.has(Signal::NamesOfSession) && !last.has(Signal::SessionReused));
}

#[test]
fn a_pair_that_others_know_is_known_for_a_day() {
    let watch = Watch::new(&[7; 32]);
    let attempt = |name: &str| Attempt {
        kind: Kind::SignIn,
        name: watch.hasher.name(name),
        password: watch.hasher.password(b"123456"),
    };
    let sender = Sender { address: Some(Ipv4Addr::from(9).into()), session: None };
    let (signals, begun) = watch.begin(moment(0), SCOPE, attempt("ann"), sender);
    assert!(!signals.has(Signal::Compromised));
    watch.end(moment(10), &begun, Outcome::Succeeded, true);
    let said = |at, name| watch.look(moment(at), SCOPE, attempt(name), Sender::default());
    assert!(said(1_000, "ANN").has(Signal::Compromised) && !said(1_000, "bob").has(Signal::Compromised));
    assert!(!said(25 * 3_600_000, "ann").has(Signal::Compromised));
}

#[test]
fn memory_is_bounded_whoever_comes() {
    let watch = Watch::new(&[7; 32]);
    for n in 0..200_000_u32 {
        let attempt = Attempt { kind: Kind::SignIn, name: Some(Key(u128::from(n) << 90)), password: None };
        let sender = Sender { address: Some(Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()), session: None };
        let (_, begun) = watch.begin(moment(0), Scope(n), attempt, sender);
        watch.end(moment(1), &begun, Outcome::Failed, false);
    }
    assert!(watch.sources.len() <= SOURCES && watch.names.len() <= NAMES_KEPT && watch.tides().len() <= SCOPES);
}

#[test]
fn a_calm_tide_makes_room() {
    let watch = Watch::new(&[7; 32]);
    let scope = |n: usize| Scope(u32::try_from(n).unwrap());
    let attack = |scope, at| (0..20).for_each(|_| watch.tide(moment(at), scope, |tide| tide.failed(moment(at))));
    attack(scope(0), 0);
    (1..SCOPES).for_each(|n| watch.tide(moment(0), scope(n), |tide| tide.succeeded(moment(0))));
    attack(scope(SCOPES), 1_000);
    assert!(watch.is_under_attack(moment(1_000), scope(SCOPES)), "a new group sees an attack, too");
    assert!(watch.is_under_attack(moment(1_000), scope(0)), "an attack that is on is not forgotten");
    assert_eq!(watch.tides().len(), SCOPES);
    assert_eq!(watch.attacks(moment(1_000)), 2);
    // All of them are under attack: there is no room.
    (1..=SCOPES).for_each(|n| attack(scope(n), 2_000));
    attack(scope(SCOPES + 1), 2_000);
    assert_eq!(watch.tides().len(), SCOPES);
    assert!(!watch.is_under_attack(moment(2_000), scope(SCOPES + 1)));
}
