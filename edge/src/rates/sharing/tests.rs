use super::*;
use crate::rates::RuleId;

const RATE: u32 = 1_000;

fn quota() -> Quota {
    Quota::new(RuleId(7), RATE, Duration::from_secs(60)).unwrap()
}

fn at(millis: u64) -> Moment {
    Moment::after(Duration::from_secs(100) + Duration::from_millis(millis))
}

fn table() -> Table {
    Table::bounded(4 << 20, [3; 16])
}

fn quiet() -> Sharing {
    Sharing::default()
}

/// Key, admitted, asked, ago.
fn said(flushed: &Flushed) -> Vec<(u128, u32, u32, u32)> {
    let of = |count: &Count| (u128::from_be_bytes(count.key), count.admitted, count.asked, count.ago_ms);
    let mut said: Vec<_> = flushed.counts.counts.iter().map(of).collect();
    said.sort_unstable();
    said
}

#[test]
fn what_was_counted_is_said_once() {
    let (table, sharing) = (table(), quiet());
    for (millis, key) in [(0, 1), (1, 1), (2, 2), (10, 1)] {
        assert!(sharing.admit(&table, at(millis), &quota(), Key(key)).admits);
    }
    let flushed = sharing.flush(at(15), true);
    assert_eq!(said(&flushed), [(1, 3, 3, 5), (2, 1, 1, 13)]);
    assert_eq!(flushed.counts.rules, [CountedRule { id: 7, window_s: 60 }]);
    assert!(sharing.flush(at(16), true).counts.is_empty());
    sharing.admit(&table, at(17), &quota(), Key(1));
    assert_eq!(said(&sharing.flush(at(17), true)), [(1, 1, 1, 0)]);
}

#[test]
fn what_was_refused_is_said_as_asked() {
    let (table, sharing) = (table(), quiet());
    table.add(at(0), &quota(), Key(1), RATE - 1, Duration::ZERO);
    let passed = (0..10).filter(|_| sharing.admit(&table, at(1), &quota(), Key(1)).admits).count();
    assert_eq!((passed, said(&sharing.flush(at(1), true))), (1, vec![(1, 1, 10, 0)]));
    sharing.admit(&table, at(2), &quota(), Key(1));
    assert_eq!(said(&sharing.flush(at(3), true)), [(1, 0, 1, 0)]);
}

#[test]
fn the_nearer_to_the_limit_the_sooner_it_is_said() {
    let woken = std::sync::Arc::new(AtomicU32::new(0));
    let wakes = woken.clone();
    let sharing = quiet();
    sharing.when_urgent(move || {
        wakes.fetch_add(1, Ordering::Relaxed);
    });
    let table = table();
    for _ in 0..50 {
        sharing.admit(&table, at(0), &quota(), Key(1));
    }
    assert!(sharing.flush(at(1), false).counts.is_empty() && woken.load(Ordering::Relaxed) == 0, "5 % can wait");
    for _ in 0..10 {
        sharing.admit(&table, at(1), &quota(), Key(1));
    }
    assert_eq!((woken.load(Ordering::Relaxed), said(&sharing.flush(at(1), false))), (1, vec![(1, 60, 60, 0)]));
    table.add(at(2), &quota(), Key(1), RATE - 60 - 10, Duration::ZERO);
    sharing.admit(&table, at(2), &quota(), Key(1));
    assert_eq!((woken.load(Ordering::Relaxed), said(&sharing.flush(at(2), false))), (2, vec![(1, 1, 1, 0)]));
}

#[test]
fn what_is_given_back_is_not_said_or_made_up_for() {
    let (table, sharing) = (table(), quiet());
    sharing.admit(&table, at(0), &quota(), Key(1));
    sharing.give_back(&table, at(0), &quota(), Key(1));
    assert_eq!(said(&sharing.flush(at(1), true)), [(1, 0, 1, 0)]);
    sharing.admit(&table, at(2), &quota(), Key(1));
    sharing.flush(at(3), true);
    sharing.give_back(&table, at(2), &quota(), Key(1));
    assert_eq!(table.look(at(4), &quota(), Key(1)).count, 0);
    sharing.admit(&table, at(5), &quota(), Key(1));
    sharing.admit(&table, at(5), &quota(), Key(1));
    assert_eq!(said(&sharing.flush(at(6), true)), [(1, 1, 2, 1)], "the others have counted one of them already");
}

#[test]
fn what_others_admit_counts_here() {
    let (table, sharing) = (table(), quiet());
    let count = Count { rule: 0, key: [0; 16], admitted: 400, asked: 400, ago_ms: 3 };
    sharing.hear(&table, at(10), &quota(), Key(1), &count, Duration::from_millis(1));
    let verdict = sharing.admit(&table, at(11), &quota(), Key(1));
    assert_eq!((verdict.admits, verdict.remaining), (true, 599));
    assert!(said(&sharing.flush(at(11), true)) == [(1, 1, 1, 0)], "and is not said on");
}

#[test]
fn without_a_connection_nothing_is_reckoned_with() {
    let (table, sharing) = (table(), quiet());
    let others = Count { rule: 0, key: [0; 16], admitted: 50, asked: 500, ago_ms: 1 };
    let passes = |connected| {
        let (table, sharing) = (&table, &sharing);
        sharing.set_connected(connected);
        for millis in 0..10 {
            sharing.admit(table, at(millis), &quota(), Key(1));
            sharing.hear(table, at(millis), &quota(), Key(1), &others, Duration::ZERO);
        }
        let room = table.look(at(10), &quota(), Key(1)).remaining;
        (room, (0..RATE).filter(|_| sharing.admit(table, at(10), &quota(), Key(1)).admits).count())
    };
    let (room, passed) = passes(true);
    assert!(passed < room as usize, "{passed} of {room}: some is left to the others");
    let (room, passed) = passes(false);
    assert_eq!(room as usize, passed);
}

#[test]
fn of_many_keys_the_busiest_are_said_first_and_the_rest_later() {
    let (table, sharing) = (table(), quiet());
    for key in 0..3_000 {
        sharing.admit(&table, at(0), &quota(), Key(key));
    }
    (0..200).for_each(|_| {
        sharing.admit(&table, at(0), &quota(), Key(77));
    });
    let first = sharing.flush(at(1), true);
    assert!(first.counts.counts.len() == MOST_AT_ONCE && first.more && said(&first).contains(&(77, 201, 201, 1)));
    assert!(first.pause > PAUSE);
    let mut heard = first.counts.counts.len();
    for millis in 2..4 {
        heard += sharing.flush(at(millis), false).counts.counts.len();
    }
    assert_eq!(heard, 3_000);
}

#[test]
fn a_flood_of_keys_takes_no_more_memory_and_leaves_the_busy_one() {
    let (table, sharing) = (Table::bounded(60 << 20, [3; 16]), quiet());
    let mut of_busy = 0;
    for key in 0..300_000_u128 {
        let now = at(u64::try_from(key / 300).unwrap());
        sharing.admit(&table, now, &quota(), Key(1_000 + key.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        if key % 400 == 0 {
            sharing.admit(&table, now, &quota(), Key(5));
        }
        if key % 3_000 == 0 {
            let flushed = sharing.flush(now, key % 30_000 == 0);
            of_busy += said(&flushed).iter().filter(|said| said.0 == 5).map(|said| said.1).sum::<u32>();
        }
    }
    for millis in 0..200 {
        let flushed = sharing.flush(at(1_001 + millis), true);
        of_busy += said(&flushed).iter().filter(|said| said.0 == 5).map(|said| said.1).sum::<u32>();
    }
    assert!(sharing.keys() <= KEYS && sharing.lost() > 0);
    let listed = |shard: &Mutex<Shard>| {
        let lists = &lock(shard).lists;
        lists.patient.capacity() + lists.urgent.capacity()
    };
    assert!(sharing.shards.iter().map(listed).sum::<usize>() <= 4 * MOST_LISTED * SHARDS);
    assert!((730..=750).contains(&of_busy), "{of_busy} of 750");
    assert!(size_of::<(SharedKey, Peer)>() <= 240);
}
