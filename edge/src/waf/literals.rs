//! What must stand wherever a pattern matches: texts and bytes that are looked for before the pattern itself is tried.
//!
//! The idea is that of RE2's `FilteredRE2`: of each alternative of a pattern, what all of its matches have in common. `;\s*(?:cat|ls)\b` needs a
//! semicolon, and one of two words. Texts are in lower case and are looked for without regard to case, so a pattern that ignores case, whose form has
//! a class of two letters for each, has few of them.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Texts that are kept for one clause.
const MAX_TEXTS: usize = 64;
/// Texts that a part stands for exactly, while it is put together.
const MAX_EXACT: usize = 16;
/// Characters of a class that is taken apart into texts; a larger one is a set of bytes.
const MAX_CLASS: usize = 2;
/// A text that is put together gets no longer.
const MAX_BYTES: usize = 24;
/// Bytes from which a longer text selects no better.
const LONG_ENOUGH: usize = 8;
/// Clauses that are kept of one alternative.
const MAX_CLAUSES: usize = 4;
/// Alternatives of one pattern that are told apart.
const MAX_ALTERNATIVES: usize = 64;

/// A text in lower case, and whether no letter, digit or underscore stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    pub bytes: Vec<u8>,
    pub starts_word: bool,
    pub ends_word: bool,
}

/// A set of bytes; of letters it has both cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteSet([u64; 4]);

/// One of these texts, or one of these bytes, stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    Texts(Vec<Text>),
    Bytes(ByteSet),
}

/// For each alternative of the pattern all that stands in whatever it matches; None where nothing is known of one.
pub fn needs(hir: &Hir) -> Option<Vec<Vec<Clause>>> {
    let alone = std::slice::from_ref(hir);
    let branches = match hir.kind() {
        HirKind::Alternation(branches) if branches.len() <= MAX_ALTERNATIVES => branches,
        _ => alone,
    };
    branches.iter().map(clauses).collect()
}

impl ByteSet {
    pub fn of(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        bytes.iter().for_each(|byte| set.add(*byte));
        set
    }

    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// In both cases, where it has two.
    fn add_letter(&mut self, byte: u8) {
        self.add(byte.to_ascii_lowercase());
        self.add(byte.to_ascii_uppercase());
    }

    pub fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word & (1 << (byte & 63)) != 0)
    }

    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }
}

/// Bytes that most values have.
fn common() -> ByteSet {
    ByteSet::of(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-_/:")
}

/// What selects best of what is known of one alternative.
fn clauses(hir: &Hir) -> Option<Vec<Clause>> {
    let mut found = Found::default();
    found.collect(hir);
    let Found { mut texts, mut bytes } = found;
    texts.sort_by_key(|texts| std::cmp::Reverse(rank(texts)));
    texts.dedup();
    bytes.dedup();
    let (rare, other): (Vec<ByteSet>, Vec<ByteSet>) = bytes.into_iter().partition(|set| !set.meets(&common()));
    // Where a rare mark stands, short words add little.
    texts.retain(|texts| rare.is_empty() || rank(texts).0 > 2);
    let mut clauses: Vec<Clause> = texts.into_iter().take(2).map(Clause::Texts).collect();
    clauses.extend(rare.into_iter().map(Clause::Bytes));
    clauses.truncate(MAX_CLAUSES);
    if clauses.is_empty() {
        clauses.extend(other.into_iter().take(1).map(Clause::Bytes));
    }
    (!clauses.is_empty()).then_some(clauses)
}

#[derive(Default)]
struct Found {
    texts: Vec<Vec<Text>>,
    bytes: Vec<ByteSet>,
}

impl Found {
    /// Adds all that stands in whatever `hir` matches.
    fn collect(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Concat(parts) => self.collect_concat(parts),
            HirKind::Capture(capture) => self.collect(&capture.sub),
            HirKind::Repetition(repetition) if repetition.min > 0 => {
                self.keep(of(hir).required);
                self.collect(&repetition.sub);
            }
            HirKind::Class(Class::Bytes(class)) => {
                let mut set = ByteSet::default();
                class.iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.add_letter(byte));
                self.bytes.push(set);
            }
            _ => {
                let known = of(hir);
                self.keep(known.exact);
                self.keep(known.required);
            }
        }
    }

    fn collect_concat(&mut self, parts: &[Hir]) {
        let mut run = vec![Text::empty(false)];
        for part in parts {
            let known = of(part);
            let joined = known.exact.as_ref().and_then(|exact| product(&run, exact));
            if let Some(joined) = joined {
                run = joined;
                continue;
            }
            self.keep(Some(std::mem::take(&mut run)));
            match known.exact {
                Some(exact) => run = exact,
                None => {
                    self.collect(part);
                    run = vec![Text::empty(false)];
                }
            }
        }
        self.keep(Some(run));
    }

    /// Texts of which one is a single common byte select no better than the bytes that they begin with; of marks each is a byte.
    fn keep(&mut self, texts: Option<Vec<Text>>) {
        let Some(texts) = texts.and_then(usable) else { return };
        let is_byte = |text: &Text| text.bytes.len() == 1;
        if texts.iter().all(|text| text.weight() > 1) && !texts.iter().all(is_byte) {
            self.texts.push(texts);
            return;
        }
        let mut set = ByteSet::default();
        for byte in texts.iter().filter_map(|text| text.bytes.first()) {
            set.add_letter(*byte);
        }
        self.bytes.push(set);
    }
}

impl Text {
    fn empty(is_boundary: bool) -> Self {
        Self { bytes: Vec::new(), starts_word: is_boundary, ends_word: is_boundary }
    }

    fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, starts_word: false, ends_word: false }
    }

    /// How well it selects, from 1 on. A mark that values rarely have is worth a word.
    fn weight(&self) -> usize {
        match *self.bytes {
            [byte] if !common().has(byte) => 3,
            _ => {
                let has_mark = self.bytes.iter().any(|byte| !byte.is_ascii_alphanumeric());
                self.bytes.len() + usize::from(has_mark) + usize::from(self.starts_word) + usize::from(self.ends_word)
            }
        }
    }

    /// A boundary between the two is forgotten.
    fn and(&self, next: &Self) -> Self {
        Self {
            bytes: [&*self.bytes, &*next.bytes].concat(),
            starts_word: self.starts_word || (self.bytes.is_empty() && next.starts_word),
            ends_word: next.ends_word || (next.bytes.is_empty() && self.ends_word),
        }
    }

    /// So often, or as often as it fits.
    fn repeated(&self, times: usize) -> Self {
        let times = times.min((MAX_BYTES / self.bytes.len().max(1)).max(1));
        Self { bytes: self.bytes.repeat(times), ..self.clone() }
    }

    /// A boundary beside what is no word says something else.
    fn settled(mut self) -> Self {
        let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        self.starts_word &= is_word(self.bytes.first());
        self.ends_word &= is_word(self.bytes.last());
        self
    }
}

/// What is known of a part.
struct Known {
    /// All texts that it can be.
    exact: Option<Vec<Text>>,
    /// Texts of which it has one at least.
    required: Option<Vec<Text>>,
}

const UNKNOWN: Known = Known { exact: None, required: None };

fn exactly(texts: Vec<Text>) -> Known {
    Known { exact: Some(texts), required: None }
}

fn of(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty => exactly(vec![Text::empty(false)]),
        HirKind::Look(look) => exactly(vec![Text::empty(*look == Look::WordAscii)]),
        HirKind::Literal(literal) => exactly(vec![Text::plain(literal.0.to_ascii_lowercase())]),
        HirKind::Class(class) => texts_of(class).map_or(UNKNOWN, exactly),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) => {
            let inner = of(&repetition.sub);
            match (repetition.min, repetition.max) {
                (1, Some(1)) => inner,
                (0, _) => UNKNOWN,
                (least, most) => {
                    // It stands there so often at least, with anything of its own kind after it.
                    let least = usize::try_from(least).unwrap_or(MAX_BYTES);
                    let repeated = match inner.exact.as_deref() {
                        Some([text]) if !text.bytes.is_empty() => vec![text.repeated(least)],
                        _ => Vec::new(),
                    };
                    let exact =
                        (most == Some(repetition.min) && least * repeated.len() <= MAX_BYTES).then(|| repeated.clone());
                    let mut best = inner.required;
                    better(&mut best, inner.exact);
                    better(&mut best, (!repeated.is_empty()).then_some(repeated));
                    Known { exact: exact.filter(|exact| !exact.is_empty()), required: best }
                }
            }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn concat(parts: &[Hir]) -> Known {
    let mut best: Option<Vec<Text>> = None;
    let mut run = vec![Text::empty(false)];
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
                run = known.exact.unwrap_or_else(|| vec![Text::empty(false)]);
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
    let all = |texts: &mut dyn Iterator<Item = Option<Vec<Text>>>, most: usize| -> Option<Vec<Text>> {
        let mut together: Vec<Text> = texts.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
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
fn product(left: &[Text], right: &[Text]) -> Option<Vec<Text>> {
    if left.len() * right.len() > MAX_EXACT {
        return None;
    }
    let joined: Vec<Text> = left.iter().flat_map(|left| right.iter().map(move |right| left.and(right))).collect();
    joined.iter().all(|text| text.bytes.len() <= MAX_BYTES).then_some(joined)
}

/// The texts of a small class. A letter stands there in both cases where case is ignored, and is one text.
fn texts_of(class: &Class) -> Option<Vec<Text>> {
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
    (texts.len() <= MAX_CLASS).then(|| texts.into_iter().map(Text::plain).collect())
}

/// None for what says nothing: no text, an empty one, too many.
fn usable(texts: Vec<Text>) -> Option<Vec<Text>> {
    let mut texts: Vec<Text> = texts.into_iter().map(Text::settled).collect();
    texts.sort();
    texts.dedup();
    let shortest = texts.iter().map(|text| text.bytes.len()).min().unwrap_or(0);
    (shortest > 0 && texts.len() <= MAX_TEXTS).then_some(texts)
}

/// The longer the shortest text, and the fewer there are, the better they select.
fn rank(texts: &[Text]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = texts.iter().map(Text::weight).min().unwrap_or(0);
    (shortest.min(LONG_ENOUGH), std::cmp::Reverse(texts.len()))
}

/// Keeps what selects better.
fn better(best: &mut Option<Vec<Text>>, texts: Option<Vec<Text>>) {
    let Some(texts) = texts.and_then(usable) else { return };
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

    /// As `semicolon-bytes & cat,ls | ...`.
    fn shown(pattern: &str) -> Option<String> {
        let needs = needs(&pattern::parse(pattern).unwrap().0)?;
        let clause = |clause: &Clause| match clause {
            Clause::Texts(texts) => {
                let text = |text: &Text| {
                    let mark = |is_word: bool| if is_word { "|" } else { "" };
                    format!(
                        "{}{}{}",
                        mark(text.starts_word),
                        String::from_utf8_lossy(&text.bytes),
                        mark(text.ends_word)
                    )
                };
                texts.iter().map(text).collect::<Vec<_>>().join(",")
            }
            Clause::Bytes(set) => {
                (0..=255_u8).filter(|byte| set.meets(&ByteSet::of(&[*byte]))).map(char::from).collect::<String>()
            }
        };
        let all = |clauses: &Vec<Clause>| clauses.iter().map(clause).collect::<Vec<_>>().join(" & ");
        Some(needs.iter().map(all).collect::<Vec<_>>().join(" or "))
    }

    #[test]
    fn what_must_stand_there() {
        let shown = |pattern| shown(pattern).unwrap_or_default();
        assert_eq!(shown("(?i)union.{1,100}?select"), "select & union");
        assert_eq!(shown("(?i)union"), "union");
        assert_eq!(shown("(?:cat|dog)+x"), "cat,dog");
        assert_eq!(shown("a(b|c)d"), "abd,acd");
        assert_eq!(shown(r"\bexec\s*\("), "|exec & (");
        assert_eq!(shown(r"(?i)[;|&]\s*(?:cat|ls)\b\s"), "cat|,ls| & &;|");
        assert_eq!(shown("(?i)<script[^>]*>"), "<script & >");
        assert_eq!(shown("(?i)abc|x<"), "abc or x<");
        assert_eq!(shown(r"\b<x"), "<x", "a boundary beside a mark is another thing");
        assert_eq!(shown("(abc)?d"), "Dd");
        assert_eq!(shown(".*"), "");
        assert_eq!(shown("abc|.*"), "");
        assert_eq!(shown("x*"), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]
        /// Whatever a pattern matches has all that one of its alternatives needs.
        #[test]
        fn nothing_is_missed(
            pattern in r"[(]?[?]?[:]?(\\b)?[a-c;]{1,3}[|*+?.]?[a-c]{0,3}[)]?[*+?]?[a-dA-D]{0,2}[|]?[\[]?[a-c;]{1,2}[\]]?[+*?]?(\\b)?[ab]?",
            text in "[a-dA-D; ]{0,12}",
        ) {
            let Ok((hir, _)) = pattern::parse(&pattern) else { return Ok(()) };
            let Ok(regex) = pattern::compile(&pattern) else { return Ok(()) };
            let Some(needs) = needs(&hir) else { return Ok(()) };
            if !regex.is_match(text.as_bytes()) {
                return Ok(());
            }
            let text = text.to_ascii_lowercase();
            let is_word = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric);
            let stands = |one: &Text| memchr::memmem::find_iter(text.as_bytes(), &one.bytes).any(|at| {
                !(one.starts_word && is_word(at.checked_sub(1)) || one.ends_word && is_word(Some(at + one.bytes.len())))
            });
            let holds = |clause: &Clause| match clause {
                Clause::Texts(texts) => texts.iter().any(stands),
                Clause::Bytes(set) => set.meets(&ByteSet::of(text.as_bytes())),
            };
            prop_assert!(needs.iter().any(|clauses| clauses.iter().all(holds)), "{pattern}: {needs:?} in {text}");
        }
    }
}
