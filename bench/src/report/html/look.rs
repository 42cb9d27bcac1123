//! How the systems are told apart: by colour, by the form of their marks, and by the dashes of their lines.

use std::fmt;

use crate::finding::Findings;

/// Colours, marks and dashes that style.css and [`MARKS`] have. They share no divisor, so that no two of many systems look alike.
const COLOURS: usize = 8;
const DASHES: usize = 3;

/// Outlines of the marks around the origin, about nine pixels wide.
pub const MARKS: [&str; 7] = [
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.6-3.6h7.2v7.2h-7.2z",
    "M0-4.8L4.6 3.4h-9.2z",
    "M0-5L5 0 0 5-5 0z",
    "M0 4.8L4.6-3.4h-9.2z",
    "M-4.4-2.9l1.5-1.5L0-1.5 2.9-4.4 4.4-2.9 1.5 0 4.4 2.9 2.9 4.4 0 1.5-2.9 4.4-4.4 2.9-1.5 0z",
    "M-1.2-4.8h2.4v3.6h3.6v2.4h-3.6v3.6h-2.4v-3.6h-3.6v-2.4h3.6z",
];

/// The look of one system; displayed, it is the classes of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    index: usize,
    pub ours: bool,
}

impl Look {
    /// Ours come first and look the same in every report; the others follow in the order of the findings.
    pub fn of(findings: &Findings, system: &str) -> Self {
        let ours = findings.systems.iter().any(|known| known.name == system && known.ours);
        let (own, others): (Vec<_>, Vec<_>) = findings.systems.iter().partition(|known| known.ours);
        let mut order = own.into_iter().chain(others);
        let index = order.position(|known| known.name == system).unwrap_or(findings.systems.len());
        Self { index, ours }
    }

    /// Index into [`MARKS`].
    pub fn mark(self) -> usize {
        self.index % MARKS.len()
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{} d{}{}", self.index % COLOURS, self.index % DASHES, if self.ours { " ours" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::sample;

    #[test]
    fn ours_comes_first_and_no_two_look_alike() {
        let mut findings = sample::findings();
        findings.systems.rotate_left(1);
        let looks: Vec<(String, usize)> = findings
            .systems
            .iter()
            .map(|system| Look::of(&findings, &system.name))
            .map(|look| (look.to_string(), look.mark()))
            .collect();
        assert_eq!(Look::of(&findings, "tollgate").to_string(), "c0 d0 ours");
        for (index, look) in looks.iter().enumerate() {
            assert!(!looks[..index].contains(look), "{looks:?}");
        }
        assert!(!Look::of(&findings, "no such").ours);
    }
}
