//! The filter language of ListUsers (Cognito: ListUsers `Filter`; developer guide "Searching for user attributes"), and what this issuer
//! takes beyond it. Pure, and one pass over the text: there is nothing to nest, so no text costs more than its length (SECURITY.md T75).
//!
//! `AttributeName Filter-Type "AttributeValue"`: the name may be quoted, too; in the value `\"` is a quote and `\\` a backslash. An empty
//! text filters nothing. Cognito knows ten attributes, `=` (equals) and `^=` (starts with). Beyond it: custom attributes, `*=` (contains),
//! `$=` (ends with), and up to [`MOST_TERMS`] of all that joined by `and`.

/// Longer texts are refused before they come here (UserFilterType); the bound that the search relies on is asked again.
pub const LONGEST_VALUE: usize = 255;
/// Terms of one filter.
pub const MOST_TERMS: usize = 16;

/// What may be searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Compared exactly, as are the values of all but `UserStatus`.
    Username,
    Sub,
    /// `cognito:user_status`; upper or lower case.
    UserStatus,
    /// `status`: `Enabled` or `Disabled`.
    Enabled,
    Value(Searchable),
    /// `custom:…` or `dev:custom:…`; whether the pool has it, the filter does not know. Not Cognito's.
    Custom(String),
}

/// The user attributes among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searchable {
    Email,
    PhoneNumber,
    Name,
    GivenName,
    FamilyName,
    PreferredUsername,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equals,
    StartsWith,
    /// Not Cognito's, as is the next.
    Contains,
    EndsWith,
}

/// A filter that is one: at least one term, and all of them must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub terms: Vec<Term>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub attribute: Attribute,
    pub comparison: Comparison,
    pub value: String,
}

/// Why a text is no filter, in Cognito's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("Error while parsing filter")]
    Syntax,
    #[error("Invalid search attribute: {0}")]
    Attribute(String),
}

/// Reads a filter; `None`: all users.
pub fn parse(text: &str) -> Result<Option<Filter>, FilterError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Ok(None);
    }
    let mut terms = Vec::new();
    loop {
        let (term, after) = term(rest)?;
        terms.push(term);
        if after.trim_start().is_empty() {
            break;
        }
        rest = and(after)?;
        if terms.len() == MOST_TERMS {
            return Err(FilterError::Syntax);
        }
    }
    // A name that is none is told only of a text that is well formed.
    let terms = terms.into_iter().map(|(name, comparison, value)| {
        let attribute = Attribute::parse(&name).ok_or(FilterError::Attribute(name))?;
        Ok(Term { attribute, comparison, value })
    });
    Ok(Some(Filter { terms: terms.collect::<Result<_, _>>()? }))
}

/// One comparison and what follows it.
fn term(text: &str) -> Result<((String, Comparison, String), &str), FilterError> {
    let (name, rest) = name(text)?;
    let (comparison, rest) = Comparison::split(rest.trim_start()).ok_or(FilterError::Syntax)?;
    let (value, rest) = quoted(rest.trim_start())?;
    if value.contains('\0') || value.chars().count() > LONGEST_VALUE {
        return Err(FilterError::Syntax);
    }
    Ok(((name, comparison, value), rest))
}

/// What follows an `and`, which stands apart from what is after it.
fn and(text: &str) -> Result<&str, FilterError> {
    let (word, rest) = text.trim_start().split_at_checked(3).ok_or(FilterError::Syntax)?;
    let apart = rest.starts_with(|c: char| c.is_whitespace() || c == '"');
    if word.eq_ignore_ascii_case("and") && apart { Ok(rest.trim_start()) } else { Err(FilterError::Syntax) }
}

impl Filter {
    /// The one term of a filter as Cognito knows them.
    pub fn cognitos(&self) -> Option<&Term> {
        match self.terms.as_slice() {
            [term] if term.is_cognitos() => Some(term),
            _ => None,
        }
    }
}

impl Term {
    fn is_cognitos(&self) -> bool {
        !matches!(self.attribute, Attribute::Custom(_))
            && matches!(self.comparison, Comparison::Equals | Comparison::StartsWith)
    }

    /// The values of `enabled` that `status` matches.
    pub fn enabled(&self) -> Vec<bool> {
        [("Enabled", true), ("Disabled", false)]
            .into_iter()
            .filter_map(|(text, enabled)| self.comparison.holds(text, &self.value).then_some(enabled))
            .collect()
    }
}

impl Comparison {
    fn split(text: &str) -> Option<(Self, &str)> {
        let known = [("^=", Self::StartsWith), ("*=", Self::Contains), ("$=", Self::EndsWith), ("=", Self::Equals)];
        known.into_iter().find_map(|(sign, comparison)| Some((comparison, text.strip_prefix(sign)?)))
    }

    pub fn holds(self, text: &str, value: &str) -> bool {
        match self {
            Self::Equals => text == value,
            Self::StartsWith => text.starts_with(value),
            Self::Contains => text.contains(value),
            Self::EndsWith => text.ends_with(value),
        }
    }
}

impl Attribute {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "username" => Self::Username,
            "sub" => Self::Sub,
            "cognito:user_status" => Self::UserStatus,
            "status" => Self::Enabled,
            name if name.starts_with("custom:") || name.starts_with("dev:custom:") => Self::Custom(name.to_owned()),
            name => Self::Value(Searchable::ALL.into_iter().find(|attribute| attribute.name() == name)?),
        })
    }
}

impl Searchable {
    pub const ALL: [Self; 6] =
        [Self::Email, Self::PhoneNumber, Self::Name, Self::GivenName, Self::FamilyName, Self::PreferredUsername];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::PreferredUsername => "preferred_username",
        }
    }
}

/// The attribute's name, bare or quoted, and what follows it.
fn name(text: &str) -> Result<(String, &str), FilterError> {
    if text.starts_with('"') {
        return quoted(text);
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '^' | '*' | '$' | '"')).unwrap_or(text.len());
    match text.split_at_checked(end) {
        Some((name, rest)) if !name.is_empty() => Ok((name.to_owned(), rest)),
        _ => Err(FilterError::Syntax),
    }
}

/// A text in quotes, unescaped, and what follows it.
fn quoted(text: &str) -> Result<(String, &str), FilterError> {
    let body = text.strip_prefix('"').ok_or(FilterError::Syntax)?;
    let mut value = String::new();
    let mut letters = body.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, body.get(at + 1..).unwrap_or_default())),
            '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    Err(FilterError::Syntax)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(attribute: Attribute, comparison: Comparison, value: &str) -> Option<Filter> {
        Some(Filter { terms: vec![Term { attribute, comparison, value: value.to_owned() }] })
    }

    #[test]
    fn filters() {
        use Attribute::{Enabled, Sub, UserStatus, Username, Value};
        use Comparison::{Equals, StartsWith};
        let good = [
            ("", None),
            ("  \t ", None),
            (r#"username = "Ann""#, filter(Username, Equals, "Ann")),
            (r#"username="Ann""#, filter(Username, Equals, "Ann")),
            (r#"  username   ^=   "A"  "#, filter(Username, StartsWith, "A")),
            (r#""email"^="testuser""#, filter(Value(Searchable::Email), StartsWith, "testuser")),
            (r#"sub = "0b6e""#, filter(Sub, Equals, "0b6e")),
            (r#"cognito:user_status = "confirmed""#, filter(UserStatus, Equals, "confirmed")),
            (r#"status = "Enabled""#, filter(Enabled, Equals, "Enabled")),
            (r#"family_name = "O\"Hara""#, filter(Value(Searchable::FamilyName), Equals, "O\"Hara")),
            (r#"family_name = "a\\""#, filter(Value(Searchable::FamilyName), Equals, "a\\")),
            (r#"family_name = "a\b""#, filter(Value(Searchable::FamilyName), Equals, "a\\b")),
            (r#"name ^= """#, filter(Value(Searchable::Name), StartsWith, "")),
            (r#"name = " = \"x\" ""#, filter(Value(Searchable::Name), Equals, " = \"x\" ")),
            (r#"given_name = "Zoë 💐""#, filter(Value(Searchable::GivenName), Equals, "Zoë 💐")),
            (r#"phone_number ^= "+49""#, filter(Value(Searchable::PhoneNumber), StartsWith, "+49")),
            (r#"preferred_username = "%_'; --""#, filter(Value(Searchable::PreferredUsername), Equals, "%_'; --")),
        ];
        for (text, want) in good {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn beyond_cognito() {
        use Comparison::{Contains, EndsWith, Equals, StartsWith};
        let custom = |name: &str| Attribute::Custom(name.to_owned());
        for (text, attribute, comparison, value) in [
            (r#"custom:plan = "gold""#, custom("custom:plan"), Equals, "gold"),
            (r#""dev:custom:x"^="g""#, custom("dev:custom:x"), StartsWith, "g"),
            (r#"email *= "@x""#, Attribute::Value(Searchable::Email), Contains, "@x"),
            (r#"email$="x.example""#, Attribute::Value(Searchable::Email), EndsWith, "x.example"),
            (r#"username *= "a and b""#, Attribute::Username, Contains, "a and b"),
        ] {
            let read = parse(text).unwrap().unwrap();
            assert_eq!(read.cognitos(), None, "{text}");
            assert_eq!(Some(read), filter(attribute, comparison, value), "{text}");
        }
        let two = parse(r#"email = "x"AND"custom:plan"^="y"  and status = "Enabled" "#).unwrap().unwrap();
        assert_eq!(two.terms.len(), 3);
        assert_eq!(two.cognitos(), None);
        assert!(parse(r#"email = "x""#).unwrap().unwrap().cognitos().is_some());
        let many = |count: usize| vec![r#"sub="a""#; count].join(" and ");
        assert_eq!(parse(&many(MOST_TERMS)).unwrap().unwrap().terms.len(), MOST_TERMS);
        assert_eq!(parse(&many(MOST_TERMS + 1)), Err(FilterError::Syntax));
    }

    #[test]
    fn what_is_no_filter() {
        let bad = [
            "email",
            "email =",
            "email = x",
            "email = 'x'",
            r#"email = "x"#,
            r#"email = "x\""#,
            r#"email == "x""#,
            r#"email != "x""#,
            r#"email ^ = "x""#,
            r#"email ~ "x""#,
            r#"= "x""#,
            r#"email = "x" and"#,
            r#"email = "x" andname = "y""#,
            r#"email = "x" or name = "y""#,
            r#"email = "x" and and name = "y""#,
            r#"and email = "x""#,
            r#"(email = "x")"#,
            r#"email =* "x""#,
            r#"email * = "x""#,
            r#"email = "x" "y""#,
            r#""email = "x""#,
            r#"e mail = "x""#,
            "email = \"a\0b\"",
            "\"\"\"\"\"\"",
        ];
        for text in bad {
            assert_eq!(parse(text), Err(FilterError::Syntax), "{text}");
        }
        for name in ["customs:foo", "nickname", "Email", "email_verified", "address", "enabled", "x"] {
            let found = parse(&format!("{name} = \"x\"")).unwrap_err();
            assert_eq!(found.to_string(), format!("Invalid search attribute: {name}"));
        }
        assert_eq!(FilterError::Syntax.to_string(), "Error while parsing filter");
    }

    #[test]
    fn switches() {
        let enabled = |text: &str| parse(text).unwrap().unwrap().terms[0].enabled();
        assert_eq!(enabled(r#"status = "Enabled""#), [true]);
        assert_eq!(enabled(r#"status = "enabled""#), [] as [bool; 0]);
        assert_eq!(enabled(r#"status ^= "Dis""#), [false]);
        assert_eq!(enabled(r#"status ^= """#), [true, false]);
    }

    /// The longest text that the model lets through, and one far beyond it, in the shapes that hurt parsers which nest or go back.
    #[test]
    fn long_texts_are_answered() {
        for unit in ["(", "\"", "\\", "\\\"", " ", "=", "^=", "email", "email = \"a\" ", "a=\"\" and "] {
            let text = unit.repeat(100_000 / unit.len());
            let _is_refused_or_empty = parse(&text);
            assert!(parse(&format!("email = \"{text}\"")).is_err(), "{unit}");
        }
    }

    proptest! {
        #[test]
        fn values_come_through_their_escapes(value in "[^\0]{0,200}", spaces in " {0,3}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!("name{spaces}^={spaces}\"{escaped}\"{spaces}");
            prop_assert_eq!(parse(&text), Ok(filter(Attribute::Value(Searchable::Name), Comparison::StartsWith, &value)));
        }

        #[test]
        fn no_text_breaks_it(text in any::<String>()) {
            let _answer = parse(&text);
        }

        #[test]
        fn near_misses_do_not_break_it(text in r#"[a-z:"\\=^*$ ]{0,40}"#) {
            let _answer = parse(&text);
        }
    }
}
