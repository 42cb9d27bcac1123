//! A strict reader of the two text formats: every line must be what the specification lets stand there.

use std::collections::{BTreeMap, BTreeSet};

/// Series with their values, and the families' types.
#[derive(Debug, Default)]
pub struct Exposition {
    pub series: BTreeMap<String, f64>,
    pub kinds: BTreeMap<String, String>,
}

impl Exposition {
    /// OpenMetrics 1.0.
    pub fn open_metrics(text: &str) -> Self {
        let text = text.strip_suffix("# EOF\n").expect("the end is told");
        Self::read(text, |kind| match kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            other => panic!("type {other}"),
        })
    }

    /// Prometheus's text format 0.0.4.
    pub fn text(text: &str) -> Self {
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
        Self::read(text, |kind| match kind {
            "counter" | "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("type {other}"),
        })
    }

    fn read(text: &str, suffixes: fn(&str) -> &'static [&'static str]) -> Self {
        let (mut found, mut family, mut helped) = (Self::default(), String::new(), BTreeSet::new());
        for line in text.split_terminator('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(helped.contains(name), "{line}");
                assert!(
                    found.kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "{line}: a family stands together"
                );
                family = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').unwrap();
                assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}");
            } else {
                let (name, labels, value) = sample(line);
                let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} in {family}"));
                assert!(suffixes(&found.kinds[&family]).contains(&suffix), "{line} in {family}");
                let series = format!("{name}{labels:?}");
                assert!(found.series.insert(series, value).is_none(), "{line}: a series twice");
            }
        }
        found
    }

    /// The value of the only series of this name that has all of these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |series: &&String| {
            series.starts_with(&format!("{name}{{"))
                && labels.iter().all(|(name, value)| series.contains(&format!("{name:?}: {value:?}")))
        };
        let mut found = self.series.iter().filter(|(series, _)| fits(series));
        let (_, value) = found.next().unwrap_or_else(|| panic!("{name}{labels:?} in {:#?}", self.series));
        assert!(found.next().is_none(), "{name}{labels:?} is not one");
        *value
    }

    pub fn names(&self) -> BTreeSet<&str> {
        self.series.keys().map(|series| series.split('{').next().unwrap()).collect()
    }
}

/// `name{a="b",c="d"} 1`.
fn sample(line: &str) -> (&str, BTreeMap<String, String>, f64) {
    let name_ends = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    let (name, mut rest) = line.split_at(name_ends);
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            let (value, after) = quoted(after);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    (name, labels, value.parse().unwrap_or_else(|_| panic!("{line}")))
}

fn quoted(text: &str) -> (String, &str) {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().unwrap().1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("\\{other}"),
            },
            other => value.push(other),
        }
    }
    panic!("no end: {text}");
}
