//! Texts with wildcards, as IAM has them: `*` for any run of characters, `?` for one.

/// A pattern. Matching takes at most (length of the pattern) × (length of the text) steps, whatever both are.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    case: Case,
}

/// Whether letters are compared with their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    /// Actions: IAM compares them without case.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    AnyRun,
    AnyOne,
    Letter(char),
}

impl Pattern {
    pub(super) fn new(text: &str, case: Case) -> Self {
        let part = |letter| match letter {
            '*' => Part::AnyRun,
            '?' => Part::AnyOne,
            letter => Part::Letter(letter),
        };
        Self { parts: letters(text, case).map(part).collect(), case }
    }

    /// A text in which `*` and `?` are themselves.
    pub(super) fn literal(text: &str, case: Case) -> Self {
        Self { parts: letters(text, case).map(Part::Letter).collect(), case }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = letters(text, self.case).collect();
        let (mut at, mut from) = (0, 0);
        // Where the last `*` was, and how much of the text was before what it has taken.
        let mut run: Option<(usize, usize)> = None;
        while let Some(&letter) = text.get(at) {
            match self.parts.get(from) {
                Some(Part::AnyRun) => {
                    run = Some((from, at));
                    from += 1;
                }
                Some(&part) if part == Part::AnyOne || part == Part::Letter(letter) => {
                    at += 1;
                    from += 1;
                }
                _ => {
                    let Some((star, taken)) = run else { return false };
                    run = Some((star, taken + 1));
                    from = star + 1;
                    at = taken + 1;
                }
            }
        }
        self.parts.iter().skip(from).all(|&rest| rest == Part::AnyRun)
    }
}

fn letters(text: &str, case: Case) -> impl Iterator<Item = char> + '_ {
    text.chars().map(move |c| if case == Case::Ignored { c.to_ascii_lowercase() } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards() {
        let cases = [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab*ab", "abxab", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "aab", false),
            ("**", "x", true),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(Pattern::new(pattern, Case::Sensitive).matches(text), want, "{pattern} {text}");
        }
        assert!(!Pattern::literal("a*", Case::Sensitive).matches("ab"));
        assert!(Pattern::literal("a*", Case::Sensitive).matches("a*"));
        assert!(Pattern::new("cognito-idp:list*", Case::Ignored).matches("cognito-idp:ListUsers"));
        assert!(!Pattern::new("list", Case::Sensitive).matches("List"));
    }

    /// The definition, exponential in time.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], text) => (0..=text.len()).any(|taken| by_definition(rest, &text[taken..])),
            ([wanted, rest @ ..], [letter, left @ ..]) if *wanted == '?' || wanted == letter => {
                by_definition(rest, left)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn as_the_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern, Case::Sensitive).matches(&text), by_definition(&p, &t));
        }
    }
}
