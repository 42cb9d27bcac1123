use std::net::Ipv4Addr;

use super::*;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn rule(metric: &str) -> SampledRule {
    SampledRule { web_acl: "arn".into(), metric: metric.into() }
}

fn sample(at: UnixMillis, uri: usize) -> Sample {
    Sample { at, uri: "u".repeat(uri), weight: 1, ..Sample::default() }
}

#[test]
fn a_window_has_its_requests_and_its_newest_samples() {
    let sampled = Sampled::default();
    for minute in 0..10_u64 {
        let at = NOW.plus(Duration::from_secs(60 * minute));
        sampled.report(at, rule("m"), 100, vec![sample(at, 1), sample(at.plus(SECOND), 2)]);
    }
    let (from, to) = (NOW.plus(Duration::from_secs(300)), NOW.plus(Duration::from_secs(420)));
    let population = sampled.population(&rule("m"), from, to, 3);
    assert_eq!(population.samples.iter().map(|sample| sample.uri.len()).collect::<Vec<_>>(), [1, 2, 1]);
    assert!((300..=400).contains(&population.requests), "{}", population.requests);
    assert_eq!(sampled.population(&rule("other"), from, to, 3), Population::default());
}

#[test]
fn old_ones_go_and_so_does_what_there_is_no_room_for() {
    let sampled = Sampled::default();
    let many = (0..600).map(|_| sample(NOW, 1)).chain([sample(NOW, MAX_SAMPLE)]).collect();
    sampled.report(NOW, rule("m"), 600, many);
    let all = |at: UnixMillis| sampled.population(&rule("m"), NOW, at, usize::MAX);
    assert_eq!((all(NOW).samples.len(), all(NOW).requests), (500, 600), "500 of a rule, none that is too large");
    let later = NOW.plus(SAMPLES_STAY + SECOND);
    sampled.report(later, rule("m"), 1, vec![sample(later, 1)]);
    assert_eq!((all(later).samples.len(), all(later).requests), (1, 1));
}

#[test]
fn memory_has_an_end_whatever_edges_say() {
    let sampled = Sampled::default();
    for metric in 0..40 {
        let large = (0..500).map(|_| sample(NOW, 12 << 10)).collect();
        sampled.report(NOW, rule(&metric.to_string()), 500, large);
    }
    let bytes = || sampled.inner().samples.values().map(Kept::bytes).sum::<usize>();
    assert!(bytes() <= MAX_BYTES && bytes() > MAX_BYTES / 2, "{}", bytes());
    for metric in 0..2 * MAX_RULES {
        sampled.inner().samples.entry(rule(&format!("x{metric}"))).or_default();
        if sampled.inner().samples.len() >= MAX_RULES {
            break;
        }
    }
    sampled.inner().samples.values_mut().for_each(|kept| kept.add(NOW, 1, vec![], 0));
    sampled.report(NOW, rule("one more"), 1, vec![]);
    assert_eq!(sampled.inner().samples.len(), MAX_RULES);
    let later = NOW.plus(SAMPLES_STAY + Duration::from_secs(61));
    sampled.report(later, rule("one more"), 1, vec![sample(later, 1)]);
    assert_eq!(sampled.inner().samples.len(), 1, "what is over makes room");
}

#[test]
fn an_edges_word_on_addresses_counts_for_a_minute() {
    let sampled = Sampled::default();
    let rule = RateRule { web_acl: "id".into(), rule: "r".into(), rule_within_group: None };
    let edge = |name: &str| EdgeId::parse(name).unwrap();
    let address = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
    sampled.hold_back(NOW, rule.clone(), edge("a"), vec![address(1), address(2)]);
    sampled.hold_back(NOW.plus(SECOND * 30), rule.clone(), edge("b"), vec![address(2), address(3)]);
    let held = |at: UnixMillis| sampled.held_back(at, &rule).into_iter().collect::<Vec<_>>();
    assert_eq!(held(NOW.plus(SECOND * 31)), [address(1), address(2), address(3)]);
    assert_eq!(held(NOW.plus(SECOND * 70)), [address(2), address(3)]);
    sampled.hold_back(NOW.plus(SECOND * 71), rule.clone(), edge("b"), vec![]);
    assert!(held(NOW.plus(SECOND * 72)).is_empty());
}
