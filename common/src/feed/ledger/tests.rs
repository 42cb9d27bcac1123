use super::*;
use crate::ids::PoolId;

const RULE: CountedRule = CountedRule { id: 1, window_s: 60 };

fn share(origin: u64, heard: Option<Heard>) -> Share {
    Share { scope: Scope::default(), origin, heard }
}

fn counts(of: impl IntoIterator<Item = (u8, u32)>) -> Counts {
    let mut counts = Counts::default();
    for (key, admitted) in of {
        counts.push(RULE, Count { rule: 0, key: [key; 16], admitted, asked: admitted, ago_ms: 0 });
    }
    counts
}

/// Key, admitted, ago.
fn told(merged: Option<Merged>) -> Vec<(u8, u32, u32)> {
    let of_others = merged.map(|merged| merged.of_others).unwrap_or_default();
    let mut told: Vec<_> = of_others.counts.iter().map(|count| (count.key[0], count.admitted, count.ago_ms)).collect();
    told.sort_unstable();
    told
}

#[test]
fn each_hears_what_the_others_have_counted() {
    let mut ledger = Ledger::new(7);
    let mut members: Vec<_> = (0..3).map(|origin| ledger.join(0, &share(origin, None)).unwrap()).collect();
    assert!(ledger.take(100, &members[0], &counts([(1, 5), (2, 1)]), 2));
    assert!(ledger.take(101, &members[1], &counts([(1, 7)]), 0));
    assert_eq!(told(ledger.due(105, &mut members[0])), [(1, 7, 4)]);
    assert_eq!(told(ledger.due(105, &mut members[1])), [(1, 5, 7), (2, 1, 7)]);
    assert_eq!(told(ledger.due(105, &mut members[2])), [(1, 12, 4), (2, 1, 7)], "added up, as of the last");
    for member in &mut members {
        assert!(!ledger.is_due(member) && ledger.due(106, member).is_none(), "once");
    }
}

#[test]
fn scopes_are_apart() {
    let mut ledger = Ledger::new(7);
    let one = ledger.join(0, &share(0, None)).unwrap();
    let scope = Scope(PoolId::parse("r_A").unwrap().into());
    let mut other = ledger.join(0, &Share { scope, ..share(1, None) }).unwrap();
    ledger.take(1, &one, &counts([(1, 5)]), 0);
    assert!(!ledger.is_due(&other) && ledger.due(2, &mut other).is_none());
}

#[test]
fn who_comes_late_is_told_the_totals_of_the_window() {
    let mut ledger = Ledger::new(7);
    let one = ledger.join(0, &share(0, None)).unwrap();
    for second in 0..50 {
        ledger.take(second * 1_000, &one, &counts([(1, 2)]), 0);
    }
    let mut late = ledger.join(70_000, &share(1, None)).unwrap();
    let heard = told(ledger.due(70_000, &mut late));
    let (sum, oldest) = (heard.iter().map(|(_, count, _)| count).sum::<u32>(), heard.last().unwrap().2);
    // Those of the last 60 seconds are 39 times two; what is older by up to a piece of four seconds may be among them.
    assert!((78..=86).contains(&sum) && oldest < 60_000, "{heard:?}");
    assert!(ledger.due(70_000, &mut late).is_none());
    ledger.take(70_001, &late, &counts([(1, 1)]), 0);
    assert!(ledger.due(70_002, &mut late).is_none(), "its own it knows");
    let mut too_late = ledger.join(200_000, &share(2, None)).unwrap();
    assert!(ledger.due(200_000, &mut too_late).is_none());
}

#[test]
fn who_comes_back_goes_on_where_it_was() {
    let mut ledger = Ledger::new(7);
    let (one, mut other) = (ledger.join(0, &share(0, None)).unwrap(), ledger.join(0, &share(1, None)).unwrap());
    ledger.take(1, &one, &counts([(1, 5)]), 0);
    let heard = ledger.due(2, &mut other).unwrap().heard;
    ledger.take(3, &other, &counts([(1, 2)]), 0);
    ledger.leave(&other);
    ledger.take(4, &one, &counts([(1, 3)]), 0);
    let mut back = ledger.join(10, &share(1, Some(heard))).unwrap();
    assert_eq!(told(ledger.due(10, &mut back)), [(1, 3, 6)], "neither what it has heard nor what it has said");
    let mut anew = Ledger::new(8);
    let one = anew.join(0, &share(0, Some(heard))).unwrap();
    anew.take(1, &one, &counts([(1, 9)]), 0);
    let mut other = anew.join(2, &share(1, Some(heard))).unwrap();
    assert_eq!(told(anew.due(2, &mut other)), [(1, 9, 0)], "another ledger: all that is in it is new");
}

#[test]
fn a_member_that_reads_too_slowly_misses_the_oldest() {
    let mut ledger = Ledger::new(7);
    let (one, mut slow) = (ledger.join(0, &share(0, None)).unwrap(), ledger.join(0, &share(1, None)).unwrap());
    ledger.take(0, &one, &counts([(1, 1)]), 0);
    for _ in 0..LOG / 256 {
        ledger.take(1, &one, &counts((0..=255).map(|_| (2, 1))), 0);
    }
    assert_eq!(told(ledger.due(1, &mut slow)), [(2, u32::try_from(LOG).unwrap(), 0)]);
}

#[test]
fn frames_and_memory_are_bounded() {
    let mut ledger = Ledger::new(7);
    let (one, mut other) = (ledger.join(0, &share(0, None)).unwrap(), ledger.join(0, &share(1, None)).unwrap());
    let mut flood = Counts::default();
    for number in 0..150_000_u128 {
        let key = number.to_be_bytes();
        flood.push(RULE, Count { rule: 0, key, admitted: 1, asked: 1, ago_ms: 0 });
    }
    ledger.take(0, &one, &flood, 0);
    let mut heard = 0;
    while let Some(merged) = ledger.due(1, &mut other) {
        assert!(merged.of_others.counts.len() <= MOST_AT_ONCE);
        assert!(super::super::Report::Merged(merged.clone()).encode().is_ok());
        heard += merged.of_others.counts.len();
    }
    assert_eq!(heard, LOG);
    let mut late = ledger.join(2, &share(2, None)).unwrap();
    let mut totals = 0;
    while let Some(merged) = ledger.due(2, &mut late) {
        totals += merged.of_others.counts.len();
    }
    assert!((KEYS / 2..=KEYS).contains(&totals), "{totals}");
    let pool = |number: usize| Scope(PoolId::parse(format!("r_{number}")).unwrap().into());
    let joined =
        (0..MOST_SCOPES * 2).filter_map(|number| ledger.join(3, &Share { scope: pool(number), ..share(3, None) }));
    let joined: Vec<Member> = joined.collect();
    assert_eq!(joined.len(), MOST_SCOPES - 1);
    ledger.leave(&joined[0]);
    assert!(ledger.join(4, &Share { scope: pool(999), ..share(4, None) }).is_some(), "one that nobody uses makes room");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let mut ledger = Ledger::new(7);
    let member = ledger.join(0, &share(0, None)).unwrap();
    let good = counts([(1, 5)]);
    let with = |rule: CountedRule, count: Count| Counts { rules: vec![rule], counts: vec![count] };
    for wrong in [
        with(CountedRule { window_s: 0, ..RULE }, good.counts[0]),
        with(CountedRule { window_s: 86_401, ..RULE }, good.counts[0]),
        with(RULE, Count { rule: 1, ..good.counts[0] }),
        with(RULE, Count { asked: 4, ..good.counts[0] }),
    ] {
        assert!(!ledger.take(0, &member, &wrong, 0), "{wrong:?}");
    }
    assert!(ledger.take(0, &member, &good, 0));
}

/// An edge that shares alone is told nothing, and yet must not hear of itself when it comes again.
#[test]
fn who_comes_again_does_not_hear_what_it_said_itself() {
    let mut ledger = Ledger::new(7);
    let mut alone = ledger.join(0, &share(1, None)).unwrap();
    let heard = ledger.stands(&alone);
    assert!(heard.is_some());
    assert!(ledger.take(1, &alone, &counts([(1, 60)]), 0));
    assert!(ledger.due(2, &mut alone).is_none());
    ledger.leave(&alone);
    let mut again = ledger.join(10, &share(1, heard)).unwrap();
    assert!(told(ledger.due(11, &mut again)).is_empty());
    let late = ledger.join(12, &share(2, None)).unwrap();
    assert_eq!(ledger.stands(&late), None, "it is still to be told of the time before");
}
