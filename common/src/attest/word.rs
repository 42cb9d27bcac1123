//! What the issuer tells an edge that has vouched for a request: what came of the sign-in that it was. The answer's status can't say it, since pools hide
//! whether a user exists. It goes to edges alone, which take it off before the answer goes to the client.

/// The field of the answer.
pub const SIGN_IN: &str = "x-tollgate-signin";

/// What came of a sign-in, a sign-up or a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub result: Told,
    /// There is no such user.
    pub is_unknown: bool,
    /// The password is on a list of those that others know.
    pub is_compromised: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// What was to be proven is.
    Succeeded,
    Failed,
    /// Nothing was proven or disproven: too many requests, another step, no such client.
    Neither,
}

const RESULTS: [(&str, Told); 3] =
    [("succeeded", Told::Succeeded), ("failed", Told::Failed), ("neither", Told::Neither)];
const UNKNOWN: &str = "reason=unknown-user";
const COMPROMISED: &str = "compromised";

impl Word {
    pub const fn new(result: Told) -> Self {
        Self { result, is_unknown: false, is_compromised: false }
    }

    /// `failed; reason=unknown-user; compromised`.
    pub fn text(self) -> String {
        let result = RESULTS.iter().find(|(_, told)| *told == self.result).map_or("neither", |(name, _)| name);
        let unknown = if self.is_unknown { UNKNOWN } else { "" };
        let compromised = if self.is_compromised { COMPROMISED } else { "" };
        [result, unknown, compromised].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// None: nothing that this edge knows. What stands behind the result and is not known is left out: a later issuer may say more.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let first = parts.next()?;
        let (_, result) = RESULTS.iter().find(|(name, _)| *name == first)?;
        let mut word = Self::new(*result);
        for part in parts {
            word.is_unknown |= part == UNKNOWN;
            word.is_compromised |= part == COMPROMISED;
        }
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_read_it_alike() {
        for result in [Told::Succeeded, Told::Failed, Told::Neither] {
            for flags in 0..4 {
                let word = Word { result, is_unknown: flags & 1 > 0, is_compromised: flags & 2 > 0 };
                assert_eq!(Word::read(&word.text()), Some(word));
            }
        }
        let failed = Word { is_unknown: true, ..Word::new(Told::Failed) };
        assert_eq!(failed.text(), "failed; reason=unknown-user");
        assert_eq!(Word::read("failed;reason=unknown-user ; later=1"), Some(failed));
        assert_eq!(
            (Word::read(""), Word::read("Failed"), Word::read("failed reason=unknown-user")),
            (None, None, None)
        );
    }
}
