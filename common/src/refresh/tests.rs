use proptest::prelude::*;

use super::*;

const START: UnixMillis = UnixMillis(1_800_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn plan() -> Plan {
    Plan::new(SECOND * 600, SECOND * 30, SECOND * 3_600).unwrap()
}

fn at(seconds: u64) -> UnixMillis {
    START.plus(SECOND * u32::try_from(seconds).unwrap())
}

fn refresher() -> Refresher {
    Refresher::new(plan(), START, None)
}

const LATEST: Chance = Chance(0);
const SOONEST: Chance = Chance(u32::MAX);

#[test]
fn plans_have_bounds() {
    let plan =
        |refresh: u32, cool_down: u32, stale: u32| Plan::new(SECOND * refresh, SECOND * cool_down, SECOND * stale);
    assert!(plan(600, 30, 86_400).is_ok());
    assert_eq!(plan(600, 0, 86_400), Err(PlanError::CoolDown));
    assert_eq!(plan(7_200, 3_601, 86_400), Err(PlanError::CoolDown));
    assert_eq!(plan(29, 30, 86_400), Err(PlanError::Refresh));
    assert_eq!(plan(604_801, 30, 2_000_000), Err(PlanError::Refresh));
    assert_eq!(plan(600, 30, 599), Err(PlanError::MaxStale));
    assert_eq!(plan(600, 30, 2_592_001), Err(PlanError::MaxStale));
}

#[test]
fn fetches_follow_the_plan() {
    let mut state = refresher();
    assert_eq!(state.next(START), Next::Fetch);
    assert_eq!(state.next(at(1)), Next::Busy);
    state.succeeded(at(2), None, LATEST);
    assert_eq!(state.next(at(2)), Next::Wait(SECOND * 600));
    assert_eq!(state.next(at(602)), Next::Fetch);
    state.succeeded(at(602), None, SOONEST);
    assert_eq!(state.next(at(603)), Next::Wait(SECOND * 539 + Duration::from_millis(1)));
}

#[test]
fn a_source_may_ask_to_be_asked_more_often_within_bounds() {
    for (lifetime, wait) in [(None, 600), (Some(0), 60), (Some(300), 300), (Some(86_400), 600)] {
        let mut state = refresher();
        state.next(START);
        state.succeeded(START, lifetime.map(Duration::from_secs), LATEST);
        assert_eq!(state.next(START), Next::Wait(Duration::from_secs(wait)), "{lifetime:?}");
    }
}

#[test]
fn failures_are_tried_again_and_what_was_fetched_stays_good_for_so_long() {
    let mut state = refresher();
    assert_eq!((state.age(START), state.good_until()), (None, None));
    state.next(START);
    state.succeeded(START, None, LATEST);
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let Next::Wait(wait) = state.next(now) else { panic!("it is not due") };
        waits.push(wait.as_secs());
        now = now.plus(wait);
        assert_eq!(state.next(now), Next::Fetch);
        state.failed(now, None, LATEST);
    }
    assert_eq!(waits, [600, 30, 60, 60]);
    assert_eq!(state.good_until(), Some(at(3_600)));
    assert_eq!(state.age(now), Some(SECOND * 750));
    assert_eq!(state.failures(), 4);
}

#[test]
fn a_source_that_asks_for_a_pause_gets_it_also_from_unknown_names() {
    let mut state = refresher();
    state.next(START);
    state.failed(START, Some(SECOND * 120), LATEST);
    state.want();
    assert_eq!(state.next(START), Next::Wait(SECOND * 120));
    let mut state = refresher();
    state.next(START);
    state.failed(START, Some(SECOND * 86_400), LATEST);
    assert_eq!(state.next(START), Next::Wait(SECOND * 600), "but no longer than it would wait anyway");
}

#[test]
fn an_unknown_name_brings_a_fetch_when_the_cool_down_from_the_attempt_is_over() {
    let mut state = refresher();
    state.next(START);
    state.want();
    state.succeeded(at(5), None, LATEST);
    assert_eq!(state.next(at(5)), Next::Wait(SECOND * 25), "it came while the fetch was under way, and stays");
    assert_eq!(state.next(at(30)), Next::Fetch);
    state.succeeded(at(31), None, LATEST);
    assert_eq!(state.next(at(31)), Next::Wait(SECOND * 600));
    state.want();
    assert_eq!(state.next(at(59)), Next::Wait(SECOND));
    assert_eq!(state.next(at(60)), Next::Fetch);
}

#[test]
fn what_was_kept_is_good_from_when_it_was_fetched_and_never_from_the_future() {
    let mut state = Refresher::new(plan(), START, Some(at(0).minus(SECOND * 100)));
    assert_eq!(state.age(START), Some(SECOND * 100));
    assert_eq!(state.next(START), Next::Fetch, "a kept set is checked at once");
    let state = Refresher::new(plan(), START, Some(at(500)));
    assert_eq!(state.age(START), Some(Duration::ZERO));
}

#[test]
fn a_clock_that_goes_back_puts_nothing_off_and_keeps_nothing_longer() {
    let mut state = refresher();
    state.next(at(0));
    state.succeeded(at(100), None, LATEST);
    // Back by a day: 600 s from the fetch it is due all the same.
    let yesterday = |seconds: u64| at(seconds).minus(SECOND * 86_400);
    assert_eq!(state.next(yesterday(100)), Next::Wait(SECOND * 600));
    assert_eq!(state.good_until(), Some(yesterday(3_700)));
    state.want();
    assert_eq!(state.next(yesterday(101)), Next::Fetch);
}

/// T10: a million invented names, whatever the fetches bring.
#[test]
fn a_flood_of_unknown_names_costs_one_fetch_a_cool_down() {
    const FLOOD: u64 = 1_000_000;
    const LASTS: u64 = 1_800;
    type End = fn(&mut Refresher, UnixMillis);
    let good: End = |state, now| state.succeeded(now, None, SOONEST);
    // An empty set counts as a failure.
    let bad: End = |state, now| state.failed(now, None, SOONEST);
    let soon_over: End = |state, now| state.succeeded(now, Some(Duration::ZERO), SOONEST);
    for end in [good, bad, soon_over] {
        let (mut state, mut fetches) = (refresher(), 0);
        for i in 0..FLOOD {
            let now = START.plus(Duration::from_millis(i * LASTS * 1_000 / FLOOD));
            state.want();
            if state.next(now) == Next::Fetch {
                fetches += 1;
                end(&mut state, now);
            }
        }
        assert!(fetches <= LASTS / 30 + 1, "{fetches}");
        assert!(fetches >= LASTS / 30, "a flood must not stop fetches, either: {fetches}");
    }
}

/// One step of a life: time passes, the wall clock is set back, names come, a fetch ends.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    SetBack(u64),
    Unknown(u32),
    Ends { good: bool, lifetime: Option<u64>, retry_after: Option<u64>, chance: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..40_000).prop_map(Step::Pass),
        1 => (0_u64..10_000_000).prop_map(Step::SetBack),
        2 => (1_u32..50).prop_map(Step::Unknown),
        3 => (any::<bool>(), proptest::option::of(0_u64..2_000), proptest::option::of(0_u64..300), any::<u32>())
            .prop_map(|(good, lifetime, retry_after, chance)| Step::Ends { good, lifetime, retry_after, chance }),
    ]
}

proptest! {
    /// Against true time, which the machine never sees: one fetch at a time, none within a cool-down of another's beginning, a wish is granted
    /// within a cool-down (and the pause that the source asked for), and nothing is good for longer than it may be.
    #[test]
    fn any_life_keeps_the_promises(steps in proptest::collection::vec(step(), 1..300)) {
        let plan = plan();
        let mut state = Refresher::new(plan, START, None);
        let (mut truth, mut behind) = (0_u64, 0_u64);
        let (mut under_way, mut began, mut succeeded): (bool, Option<u64>, Option<u64>) = (false, None, None);
        let (mut wished, mut held_off) = (None::<u64>, 0_u64);
        for step in steps {
            match step {
                Step::Pass(millis) => truth += millis,
                Step::SetBack(millis) => behind += millis,
                Step::Unknown(times) => {
                    (0..times).for_each(|_| state.want());
                    wished.get_or_insert(truth);
                }
                Step::Ends { good, lifetime, retry_after, chance } if under_way => {
                    let now = UnixMillis(START.0 + truth - behind.min(START.0));
                    let chance = Chance(chance);
                    if good {
                        state.succeeded(now, lifetime.map(Duration::from_secs), chance);
                        (succeeded, held_off) = (Some(truth), 0);
                    } else {
                        state.failed(now, retry_after.map(Duration::from_secs), chance);
                        held_off = retry_after.unwrap_or(0) * 1_000;
                    }
                    under_way = false;
                }
                Step::Ends { .. } => {}
            }
            let now = UnixMillis(START.0 + truth - behind.min(START.0));
            match state.next(now) {
                Next::Fetch => {
                    prop_assert!(!under_way, "two at once");
                    prop_assert!(began.is_none_or(|began| truth - began >= 30_000), "within the cool-down");
                    (under_way, began, wished) = (true, Some(truth), None);
                }
                Next::Busy => prop_assert!(under_way),
                Next::Wait(wait) => {
                    prop_assert!(!under_way);
                    prop_assert!(wait <= Duration::from_secs(660), "{wait:?}");
                    if wished.is_some() {
                        prop_assert!(wait <= Duration::from_secs(30).max(Duration::from_millis(held_off)), "{wait:?}");
                    }
                }
            }
            // Set back between two looks, the clock hides at most what passed between them, never what came before.
            if let (Some(until), Some(succeeded)) = (state.good_until(), succeeded) {
                let left = until.since(now).as_millis() as u64;
                prop_assert!(left <= 3_600_000, "{left}");
                if behind == 0 {
                    prop_assert_eq!(left, (succeeded + 3_600_000).saturating_sub(truth));
                }
            }
        }
    }
}
