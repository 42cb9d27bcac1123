//! Which questions may have yes for an answer: one pass over a value tells it of all of them, for all forms of a part. What they need has no case, so a
//! value of which a transformation has changed nothing but the case need not be looked at again.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::waf::literals::{Clause, Text};

/// Bytes of texts that an automaton of the faster, larger kind may have.
const MAX_DFA_BYTES: usize = 8_000;

/// What all questions about one part need.
#[derive(Debug)]
pub struct Filter {
    texts: Option<AhoCorasick>,
    /// For each text of the automaton, where it counts.
    uses: Vec<Vec<Use>>,
    /// For each byte a bit for every set that has it.
    sets_of: Box<[u128; 256]>,
    /// The clauses of these sets, by their bits.
    sets: Vec<usize>,
    /// For each clause the alternatives that need it.
    clauses: Vec<Vec<usize>>,
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    clause: usize,
    starts_word: bool,
    ends_word: bool,
}

#[derive(Clone, Copy, Debug)]
struct Alternative {
    question: usize,
    clauses: u8,
}

#[derive(Debug, Default)]
pub struct Builder {
    known: Vec<Clause>,
    clauses: Vec<Vec<usize>>,
    alternatives: Vec<Alternative>,
    questions: usize,
}

impl Builder {
    /// Adds a question; its place.
    pub fn add(&mut self, needs: Vec<Vec<Clause>>) -> usize {
        let question = self.questions;
        self.questions += 1;
        for clauses in needs {
            let alternative = self.alternatives.len();
            let mut count = 0;
            for clause in clauses {
                let number = self.known.iter().position(|known| *known == clause).unwrap_or_else(|| {
                    self.known.push(clause);
                    self.clauses.push(Vec::new());
                    self.known.len() - 1
                });
                if let Some(needed) = self.clauses.get_mut(number).filter(|needed| needed.last() != Some(&alternative))
                {
                    needed.push(alternative);
                    count += 1;
                }
            }
            self.alternatives.push(Alternative { question, clauses: count });
        }
        question
    }

    /// None where there is nothing to look for, too much, or the library can't build the automaton.
    pub fn build(self) -> Option<Filter> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut uses: Vec<Vec<Use>> = Vec::new();
        let mut sets_of = Box::new([0_u128; 256]);
        let mut sets = Vec::new();
        for (clause, known) in self.known.into_iter().enumerate() {
            match known {
                Clause::Bytes(set) => {
                    let bit = 1_u128.checked_shl(u32::try_from(sets.len()).unwrap_or(u32::MAX))?;
                    (0..=u8::MAX)
                        .zip(sets_of.iter_mut())
                        .filter(|(byte, _)| set.has(*byte))
                        .for_each(|(_, bits)| *bits |= bit);
                    sets.push(clause);
                }
                Clause::Texts(of) => {
                    for Text { bytes, starts_word, ends_word } in of {
                        let at = texts.iter().position(|text| *text == bytes).unwrap_or_else(|| {
                            texts.push(bytes);
                            uses.push(Vec::new());
                            texts.len() - 1
                        });
                        if let Some(uses) = uses.get_mut(at) {
                            uses.push(Use { clause, starts_word, ends_word });
                        }
                    }
                }
            }
        }
        let texts = if texts.is_empty() { None } else { Some(automaton(&texts)?) };
        (self.questions > 0).then_some(Filter {
            texts,
            uses,
            sets_of,
            sets,
            clauses: self.clauses,
            alternatives: self.alternatives,
        })
    }
}

fn automaton(texts: &[Vec<u8>]) -> Option<AhoCorasick> {
    let bytes: usize = texts.iter().map(Vec::len).sum();
    let kind = if bytes <= MAX_DFA_BYTES { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(texts)
        .ok()
}

impl Filter {
    /// Starts on a request.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner {
            filter: self,
            clauses: vec![0; self.clauses.len()],
            alternatives: vec![(0, 0); self.alternatives.len()],
            scanned: 0,
        }
    }
}

/// What was seen so far. Values are numbered from one, so that nothing need be reset from one to the next.
pub struct Scanner<'f> {
    filter: &'f Filter,
    /// The value in which a clause was met last.
    clauses: Vec<u32>,
    /// The value in which an alternative was met last, and how many of its clauses were.
    alternatives: Vec<(u32, u8)>,
    scanned: u32,
}

impl Scanner<'_> {
    /// The questions that the value may pass, whichever form it is in.
    pub fn scan(&mut self, value: &[u8]) -> Vec<usize> {
        let filter = self.filter;
        let mut questions = Vec::new();
        self.scanned += 1;
        let mut met =
            value.iter().fold(0, |met, byte| met | filter.sets_of.get(usize::from(*byte)).copied().unwrap_or_default());
        while met != 0 {
            if let Some(clause) = filter.sets.get(met.trailing_zeros() as usize) {
                self.meet(*clause, &mut questions);
            }
            met &= met - 1;
        }
        let Some(texts) = &filter.texts else { return questions };
        for found in texts.find_overlapping_iter(value) {
            for one in filter.uses.get(found.pattern().as_usize()).into_iter().flatten() {
                if self.clauses.get(one.clause) == Some(&self.scanned) {
                    continue;
                }
                let before = found.start().checked_sub(1);
                let is_joined = (one.starts_word && before.is_some_and(|at| is_word(value, at)))
                    || (one.ends_word && is_word(value, found.end()));
                if !is_joined {
                    self.meet(one.clause, &mut questions);
                }
            }
        }
        questions
    }

    /// A clause holds in this value, which it has not before.
    fn meet(&mut self, clause: usize, questions: &mut Vec<usize>) {
        let filter = self.filter;
        if let Some(met) = self.clauses.get_mut(clause) {
            *met = self.scanned;
        }
        for number in filter.clauses.get(clause).into_iter().flatten() {
            let (Some(state), Some(alternative)) =
                (self.alternatives.get_mut(*number), filter.alternatives.get(*number))
            else {
                continue;
            };
            *state = if state.0 == self.scanned { (state.0, state.1 + 1) } else { (self.scanned, 1) };
            if state.1 == alternative.clauses && !questions.contains(&alternative.question) {
                questions.push(alternative.question);
            }
        }
    }
}

fn is_word(value: &[u8], at: usize) -> bool {
    value.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
