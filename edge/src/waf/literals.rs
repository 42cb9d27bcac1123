//! Texts of which one must stand wherever a pattern matches: what is looked for before the pattern itself is tried.
//!
//! The idea is that of RE2's `FilteredRE2`. Texts are in lower case and are looked for without regard to case, so a pattern that ignores case, whose
//! form has a class of two letters for each, has few of them.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Texts that are kept for one pattern.
const MAX_TEXTS: usize = 64;
/// Texts that a part stands for exactly, while it is put together.
const MAX_EXACT: usize = 16;
/// Characters of a class that is taken apart.
const MAX_CLASS: usize = 6;
/// A text that is put together gets no longer.
const MAX_BYTES: usize = 24;
/// Bytes from which a longer text selects no better.
const LONG_ENOUGH: usize = 8;

/// One of these stands in whatever the pattern matches; None where nothing can be said, or nothing that selects.
pub fn required(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let known = of(hir);
    let mut best = None;
    better(&mut best, known.exact);
    better(&mut best, known.required);
    best
}

/// What is known of a part.
struct Known {
    /// All texts that it can be, in lower case.
    exact: Option<Vec<Vec<u8>>>,
    /// Texts of which it has one at least.
    required: Option<Vec<Vec<u8>>>,
}

const UNKNOWN: Known = Known { exact: None, required: None };

fn exactly(texts: Vec<Vec<u8>>) -> Known {
    Known { exact: Some(texts), required: None }
}

fn of(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => exactly(vec![Vec::new()]),
        HirKind::Literal(literal) => exactly(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => texts_of(class).map_or(UNKNOWN, exactly),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = of(&repetition.sub);
            match (repetition.min, repetition.max) {
                (1, Some(1)) => inner,
                (0, _) => UNKNOWN,
                _ => {
                    // It stands there once at least, with anything of its own kind after it.
                    let mut best = inner.required;
                    better(&mut best, inner.exact);
                    Known { exact: None, required: best }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn concat(parts: &[Hir]) -> Known {
    let mut best: Option<Vec<Vec<u8>>> = None;
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    let mut whole = true;
    for part in parts {
        let known = of(part);
        let joined = known.exact.as_ref().and_then(|exact| product(&run, exact));
        match joined {
            Some(joined) => run = joined,
            None => {
                whole = false;
                better(&mut best, Some(std::mem::take(&mut run)));
                // A part that would have made too many begins the next run.
                run = known.exact.unwrap_or_else(|| vec![Vec::new()]);
                better(&mut best, known.required);
            }
        }
    }
    if whole {
        return exactly(run);
    }
    better(&mut best, Some(run));
    Known { exact: None, required: best }
}

fn alternation(branches: &[Hir]) -> Known {
    let known: Vec<Known> = branches.iter().map(of).collect();
    let all = |texts: &mut dyn Iterator<Item = Option<Vec<Vec<u8>>>>, most: usize| -> Option<Vec<Vec<u8>>> {
        let mut together: Vec<Vec<u8>> = texts.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        together.sort();
        together.dedup();
        (together.len() <= most).then_some(together)
    };
    if let Some(exact) = all(&mut known.iter().map(|branch| branch.exact.clone()), MAX_EXACT) {
        return exactly(exact);
    }
    let each = known.into_iter().map(|branch| {
        let mut best = branch.required;
        better(&mut best, branch.exact);
        best
    });
    Known { exact: None, required: all(&mut each.into_iter(), MAX_TEXTS) }
}

/// Every text of the one followed by every text of the other.
fn product(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if left.len() * right.len() > MAX_EXACT {
        return None;
    }
    let joined: Vec<Vec<u8>> =
        left.iter().flat_map(|left| right.iter().map(move |right| [&**left, &**right].concat())).collect();
    joined.iter().all(|text| text.len() <= MAX_BYTES).then_some(joined)
}

/// The texts of a small class. A letter stands there in both cases where case is ignored, and is one text.
fn texts_of(class: &Class) -> Option<Vec<Vec<u8>>> {
    let mut texts: Vec<Vec<u8>> = match class {
        Class::Bytes(class) => {
            let count: usize = class.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum();
            if count > 2 * MAX_CLASS {
                return None;
            }
            class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .map(|byte| vec![byte.to_ascii_lowercase()])
                .collect()
        }
        Class::Unicode(class) => {
            let count: u32 = class.iter().map(|range| u32::from(range.end()) - u32::from(range.start()) + 1).sum();
            if count as usize > 2 * MAX_CLASS {
                return None;
            }
            let chars = class.iter().flat_map(|range| range.start()..=range.end());
            chars.map(|char| char.encode_utf8(&mut [0; 4]).as_bytes().to_ascii_lowercase()).collect()
        }
    };
    texts.sort();
    texts.dedup();
    (texts.len() <= MAX_CLASS).then_some(texts)
}

/// Keeps what selects better: the longer shortest text, then fewer texts. What holds an empty text says nothing.
fn better(best: &mut Option<Vec<Vec<u8>>>, texts: Option<Vec<Vec<u8>>>) {
    let Some(mut texts) = texts else { return };
    texts.sort();
    texts.dedup();
    let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
    if shortest == 0 || texts.len() > MAX_TEXTS {
        return;
    }
    let rank = |texts: &[Vec<u8>]| {
        let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
        (shortest.min(LONG_ENOUGH), std::cmp::Reverse(texts.len()))
    };
    let is_better = best.as_ref().is_none_or(|best| rank(&texts) > rank(best));
    if is_better {
        *best = Some(texts);
    }
}

#[cfg(test)]
mod tests {
    use common::waf::pattern;
    use proptest::prelude::*;

    use super::*;

    fn texts(pattern: &str) -> Option<Vec<String>> {
        let texts = required(&pattern::parse(pattern).unwrap().0)?;
        Some(texts.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
    }

    #[test]
    fn what_must_stand_there() {
        let some = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(texts("(?i)union.{1,100}?select"), some(&["select"]));
        assert_eq!(texts("(?i)union"), some(&["union"]));
        assert_eq!(texts("(?:cat|dog)+x"), some(&["cat", "dog"]));
        assert_eq!(texts("a(b|c)d"), some(&["abd", "acd"]));
        assert_eq!(texts(r"\bexec\s*\("), some(&["exec"]));
        assert_eq!(texts("(?i)<script[^>]*>"), some(&["<script"]));
        assert_eq!(texts("[0-9]{13,16}"), None);
        assert_eq!(texts(".*"), None);
        assert_eq!(texts("(abc)?d"), some(&["d"]));
        assert_eq!(texts("abc|.*"), None);
        assert_eq!(texts("x*"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        /// Whatever a pattern matches holds one of its texts.
        #[test]
        fn nothing_is_missed(pattern in "[(]?[?]?[:]?[a-c]{1,3}[|*+?.]?[a-c]{0,3}[)]?[*+?]?[a-dA-D]{0,2}[|]?[\\[]?[a-c]{1,2}[\\]]?[+*?]?", text in "[a-dA-D]{0,12}") {
            let Ok((hir, _)) = pattern::parse(&pattern) else { return Ok(()) };
            let Ok(regex) = pattern::compile(&pattern) else { return Ok(()) };
            if let (Some(texts), Some(found)) = (required(&hir), regex.find(text.as_bytes())) {
                let found = found.as_bytes().to_ascii_lowercase();
                prop_assert!(texts.iter().any(|text| memchr::memmem::find(&found, text).is_some()), "{pattern}: {texts:?} in {text}");
            }
        }
    }
}
