use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::corpus::{Form, Label};

#[test]
fn traffic_repeats_with_its_seed_and_all_of_it_can_be_sent() {
    let first = traffic(1);
    assert_eq!(first, traffic(1));
    assert_ne!(first, traffic(2));
    assert!(first.len() >= 6_000, "{}", first.len());
    for entry in &first {
        assert!(entry.bytes(Form::Ftw).is_ok_and(|bytes| bytes.len() < 64 * 1024), "{}", entry.name());
        assert_eq!(entry.label, Label::Clean);
        let target = entry.uri.as_deref().unwrap_or_default();
        assert!(
            target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()),
            "{}: {target}",
            entry.name()
        );
    }
}

#[test]
fn requests_of_a_class_differ() {
    let mut by_class: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for entry in traffic(1) {
        by_class.entry(entry.fam.clone()).or_default().push(entry.bytes(Form::Ftw).unwrap());
    }
    assert_eq!(by_class.len(), CLASSES.len());
    for (class, requests) in by_class {
        let distinct: BTreeSet<_> = requests.iter().collect();
        assert!(distinct.len() * 100 >= requests.len() * 90, "{class}: {} of {}", distinct.len(), requests.len());
    }
}

#[test]
fn what_is_apart_is_a_class() {
    assert!(APART.iter().all(|name| classes().iter().any(|(class, _)| class == name)));
}
