//! The promises of the window and of the memory.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SECRET: Secret = *b"0123456789abcdef";
const MINUTE: Duration = Duration::from_secs(60);

fn table() -> Table {
    Table::bounded(4 << 20, SECRET)
}

/// So little that sets overflow and planes are short.
fn tiny() -> Table {
    Table::bounded(1 << 20, SECRET)
}

fn observed(table: &Table, quota: &Quota, key: u128, times: u32) {
    for _ in 0..times {
        table.observe(at(0), quota, Key(key));
    }
}

fn quota(rate: u32, window: Duration) -> Quota {
    Quota::new(RuleId(7), rate, window).unwrap()
}

fn at(nanos: u64) -> Moment {
    Moment::after(Duration::from_nanos(nanos))
}

/// The most requests of a log (in nanoseconds, ascending) in any window: one that begins with a request.
fn most_in_a_window(log: &[u64], window: Duration) -> usize {
    let window = window.as_nanos() as u64;
    let (mut most, mut first) = (0, 0);
    for (last, time) in log.iter().enumerate() {
        while log[first] + window < *time {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Gaps between requests: bursts, the length of a sub-bucket and a nanosecond more or less, the window and a nanosecond more or less, anything.
fn gaps(window: Duration) -> impl Strategy<Value = Vec<u64>> {
    let window = window.as_nanos() as u64;
    let near = |span: u64| (0_u64..3).prop_map(move |more| span.saturating_sub(1) + more);
    let gap = prop_oneof![
        6 => Just(0_u64),
        3 => 0..window / 59,
        2 => near(window / 59),
        1 => near(window),
        1 => near(window / 2),
        1 => 0..2 * window,
    ];
    proptest::collection::vec(gap, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_window_has_more_than_the_rate(
        rate in 1_u32..40,
        millis in prop_oneof![Just(1_000_u64), Just(60_000), Just(1_777), Just(86_400_000)],
        start in 0_u64..1 << 50,
        steps in gaps(Duration::from_secs(10)),
        scarce in any::<bool>(),
    ) {
        let window = Duration::from_millis(millis);
        let (quota, table) = (quota(rate, window), if scarce { tiny() } else { table() });
        let (mut now, mut log) = (start, Vec::new());
        for step in steps {
            // Of a window of ten seconds, brought to the one in question.
            now += u64::try_from(u128::from(step) * window.as_nanos() / 10_000_000_000).unwrap();
            let looked = table.look(at(now), &quota, Key(1));
            let verdict = table.admit(at(now), &quota, Key(1));
            prop_assert_eq!(looked.admits, verdict.admits);
            if verdict.admits {
                log.push(now);
                prop_assert_eq!((looked.count + 1, looked.remaining - 1), (verdict.count, verdict.remaining));
            } else {
                prop_assert_eq!((looked, verdict.remaining), (verdict, 0));
            }
        }
        prop_assert!(most_in_a_window(&log, window) <= rate as usize, "{log:?}");
    }

    #[test]
    fn a_steady_sender_at_59_60ths_is_never_refused(
        rate in 1_u32..300,
        millis in 1_000_u64..100_000,
        start in 0_u64..1 << 50,
        wobble in 0_u64..1_000,
    ) {
        let window = Duration::from_millis(millis);
        let (quota, table) = (quota(rate, window), table());
        // 60/59 of the window for as many as the rate, each on its nanosecond or the next.
        let step = |number: u128| number * window.as_nanos() * 60 / 59 / u128::from(rate);
        for number in 0..u128::from(rate) * 3 {
            let now = start + u64::try_from(step(number) + u128::from(number > 0)).unwrap() + wobble;
            prop_assert!(table.admit(at(now), &quota, Key(1)).admits, "{number}");
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted_and_not_before(
        rate in 1_u32..20,
        steps in gaps(MINUTE),
    ) {
        let (quota, table) = (quota(rate, MINUTE), table());
        let mut now = 0;
        for step in steps {
            now += step;
            let verdict = table.admit(at(now), &quota, Key(1));
            if !verdict.admits {
                let free = at(now).plus(verdict.wait);
                prop_assert!(!table.look(free.minus(Duration::from_nanos(1)), &quota, Key(1)).admits);
                prop_assert!(table.look(free, &quota, Key(1)).admits);
            }
        }
    }

    #[test]
    fn observing_counts_what_an_exact_log_has_and_at_most_a_bucket_more(
        rate in 1_u32..200,
        steps in gaps(MINUTE),
    ) {
        let (quota, table) = (quota(rate, MINUTE), table());
        let (window, mut now, mut log) = (MINUTE.as_nanos() as u64, 0, Vec::new());
        for step in steps {
            now += step;
            log.push(now);
            let verdict = table.observe(at(now), &quota, Key(1));
            let within = |span: u64| log.iter().filter(|time| **time + span >= now).count() as u32;
            prop_assert!((within(window)..=within(window / 59 * 60 + 60)).contains(&verdict.count));
            prop_assert_eq!((verdict.admits, verdict.remaining), (verdict.count <= rate, rate.saturating_sub(verdict.count)));
        }
    }

    #[test]
    fn what_is_given_back_was_never_there(
        rate in 1_u32..20,
        steps in proptest::collection::vec((0_u64..3_000_000_000, any::<bool>()), 1..200),
    ) {
        let (quota, one, other) = (quota(rate, MINUTE), table(), table());
        let mut now = 0;
        for (step, stays) in steps {
            now += step;
            let verdict = one.admit(at(now), &quota, Key(1));
            if verdict.admits && !stays {
                one.give_back(at(now), &quota, Key(1));
            } else {
                prop_assert_eq!(other.admit(at(now), &quota, Key(1)), verdict);
            }
            prop_assert_eq!(one.look(at(now), &quota, Key(1)), other.look(at(now), &quota, Key(1)));
        }
    }
}

#[test]
fn keys_and_rules_are_told_apart() {
    let (table, one) = (table(), quota(1, MINUTE));
    let other = Quota::new(RuleId(8), 1, MINUTE).unwrap();
    assert!(table.admit(at(0), &one, Key(1)).admits && !table.admit(at(0), &one, Key(1)).admits);
    assert!(table.admit(at(0), &one, Key(2)).admits && table.admit(at(0), &other, Key(1)).admits);
}

#[test]
fn a_refused_request_is_counted_by_observing_alone() {
    let (table, quota) = (table(), quota(2, MINUTE));
    let counts = |count: &dyn Fn() -> Verdict| [(); 4].map(|()| count()).map(|v| (v.admits, v.count));
    assert_eq!(counts(&|| table.admit(at(0), &quota, Key(1))), [(true, 1), (true, 2), (false, 2), (false, 2)]);
    assert_eq!(counts(&|| table.observe(at(0), &quota, Key(2))), [(true, 1), (true, 2), (false, 3), (false, 4)]);
}

#[test]
fn a_race_counts_for_the_later_moment() {
    let (table, quota) = (table(), quota(2, MINUTE));
    let late = MINUTE.as_nanos() as u64;
    assert!(table.admit(at(late), &quota, Key(1)).admits);
    assert_eq!(table.admit(at(late - 1), &quota, Key(1)).count, 2);
    assert!(!table.admit(at(late - 1), &quota, Key(1)).admits);
    assert!(!table.admit(at(late + late), &quota, Key(1)).admits, "the second counts as of the first");
    assert!(table.admit(at(late + late / 59 * 60 + 60), &quota, Key(1)).admits);
}

#[test]
fn counts_of_others_count_from_when_they_were_made() {
    let (table, quota) = (table(), quota(10, MINUTE));
    let now = at(3_600_000_000_000);
    table.add(now, &quota, Key(1), 4, Duration::from_secs(30));
    table.add(now, &quota, Key(1), 3, Duration::ZERO);
    table.add(now, &quota, Key(1), 5, Duration::from_secs(62));
    assert_eq!(table.look(now, &quota, Key(1)).remaining, 3);
    assert_eq!(table.look(now.plus(Duration::from_secs(32)), &quota, Key(1)).remaining, 7);
    assert_eq!(table.look(now.plus(Duration::from_secs(62)), &quota, Key(1)).remaining, 10);
    table.add(now, &quota, Key(2), u32::MAX, Duration::ZERO);
    table.add(now, &quota, Key(2), u32::MAX, Duration::from_secs(3));
    assert_eq!(table.admit(now, &quota, Key(2)), Verdict { count: u32::MAX, ..table.look(now, &quota, Key(2)) });
}

#[test]
fn those_over_their_rate_are_listed_highest_first() {
    let (table, quota) = (table(), quota(2, MINUTE));
    let other = Quota::new(RuleId(8), 2, MINUTE).unwrap();
    for key in 0..6_u128 {
        observed(&table, &quota, key, key as u32);
        observed(&table, &other, 100 + key, 9);
    }
    assert_eq!(table.over(at(0), &quota, 10), [(Key(5), 5), (Key(4), 4), (Key(3), 3)]);
    assert_eq!(table.over(at(0), &quota, 2), [(Key(5), 5), (Key(4), 4)]);
    assert_eq!(table.over(at(70_000_000_000), &quota, 10), []);
}

#[test]
fn no_more_than_ten_thousand_are_listed() {
    let (table, quota) = (table(), quota(1, MINUTE));
    for key in 0..11_000 {
        observed(&table, &quota, key, 2 + u32::from(key >= 10_990));
    }
    let listed = table.over(at(0), &quota, usize::MAX);
    assert_eq!(listed.len(), MOST_LISTED);
    assert_eq!(listed.iter().filter(|(_, count)| *count == 3).count(), 10);
}

#[test]
fn a_flood_of_single_requests_lets_no_busy_key_begin_anew() {
    let (table, quota) = (tiny(), quota(5, Duration::from_secs(3_600)));
    let capacity = table.capacity() as u128;
    let busy = || (0..capacity / 20).map(|key| Key(1 << 100 | key));
    let mut now = 0;
    for round in 0..4 {
        // From its second request on a key is no longer of the flood's kind.
        for key in busy().chain(busy().filter(|_| round == 0)) {
            now += 1_000;
            assert!(table.admit(at(now), &quota, key).admits);
        }
        for key in 0..capacity {
            now += 1_000;
            assert!(table.admit(at(now), &quota, Key(1 << 90 | round << 64 | key)).admits, "the flood's own begin");
        }
    }
    assert!(busy().all(|key| !table.admit(at(now), &quota, key).admits), "all five are remembered");
    let health = table.health();
    assert_eq!(health.displaced_busy, 0);
    assert!(health.displaced as u128 > capacity && health.used as u128 <= capacity, "{health:?}");
}

#[test]
fn idle_keys_go_first() {
    let (table, quota) = (tiny(), quota(5, MINUTE));
    let capacity = table.capacity() as u128;
    let fill = |now: u64, keys: std::ops::Range<u128>| {
        keys.for_each(|key| assert!(table.admit(at(now), &quota, Key(key)).admits));
    };
    fill(0, 0..capacity * 2);
    let displaced = table.health().displaced;
    assert!(displaced as u128 >= capacity);
    fill(62_000_000_000, capacity * 2..capacity * 5 / 2);
    assert_eq!(table.health().displaced, displaced);
}

#[test]
fn the_share_of_the_rate_decides_among_the_busy() {
    let table = tiny();
    let (strict, lenient) = (quota(5, MINUTE), Quota::new(RuleId(8), 10_000, MINUTE).unwrap());
    for _ in 0..5 {
        table.admit(at(0), &strict, Key(1));
    }
    for key in 0..table.capacity() as u128 * 3 {
        observed(&table, &lenient, 1 << 90 | key, 9);
    }
    assert!(
        !table.admit(at(0), &strict, Key(1)).admits,
        "one at its limit is not driven out by nine requests of ten thousand"
    );
}

#[test]
fn without_planes_nobody_is_admitted_too_often() {
    let (table, quota) = (tiny(), quota(30, MINUTE));
    let mut logs: HashMap<u128, Vec<u64>> = HashMap::new();
    for step in 0..130_u64 {
        let now = step * 1_017_000_000;
        for key in 0..table.capacity() as u128 / 10 {
            if table.admit(at(now + key as u64), &quota, Key(key)).admits {
                logs.entry(key).or_default().push(now + key as u64);
            }
        }
    }
    let health = table.health();
    assert!(health.merged > 0 && health.displaced == 0, "{health:?}");
    for log in logs.values() {
        assert!(most_in_a_window(log, MINUTE) <= 30);
        assert!(log.len() >= 40, "{} of 65", log.len());
    }
}

#[test]
fn planes_of_idle_keys_are_found_again() {
    let (table, quota) = (table(), quota(1_000, MINUTE));
    for round in 0..12_u64 {
        let merged = table.health().merged;
        for step in 0..12_u64 {
            let now = round * 200_000_000_000 + step * 1_017_000_000;
            (0..1_000).for_each(|key| assert!(table.admit(at(now), &quota, Key(u128::from(round) << 64 | key)).admits));
        }
        assert_eq!(table.health().merged, merged, "round {round}");
    }
}

#[test]
fn any_number_of_threads_get_what_there_is() {
    let (table, quota) = (table(), quota(1_000, MINUTE));
    let admitted: usize = std::thread::scope(|scope| {
        let ask = || (0..1_000).filter(|_| table.admit(at(5), &quota, Key(1)).admits).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1_000);
}
