//! The filter language of ListUsers (Cognito: ListUsers `Filter`; developer guide "Searching for user attributes"). Pure, and one
//! pass over the text: there is nothing to nest, so no text costs more than its length (SECURITY.md T75).
//!
//! `AttributeName Filter-Type "AttributeValue"`: one of ten attributes, which may be quoted, too; `=` (equals) or `^=` (starts with);
//! in the value `\"` is a quote and `\\` a backslash. An empty text filters nothing.

/// Longer texts are refused before they come here (UserFilterType); the bound that the search relies on is asked again.
pub const LONGEST_VALUE: usize = 255;

/// What may be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Compared exactly, as are the values of all but `UserStatus`.
    Username,
    Sub,
    /// `cognito:user_status`; upper or lower case.
    UserStatus,
    /// `status`: `Enabled` or `Disabled`.
    Enabled,
    Value(Searchable),
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
}

/// A filter that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
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
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (name, rest) = name(text)?;
    let rest = rest.trim_start();
    let (comparison, rest) = match (rest.strip_prefix("^="), rest.strip_prefix('=')) {
        (Some(rest), _) => (Comparison::StartsWith, rest),
        (None, Some(rest)) => (Comparison::Equals, rest),
        (None, None) => return Err(FilterError::Syntax),
    };
    let (value, rest) = quoted(rest.trim_start())?;
    if !rest.is_empty() || value.contains('\0') || value.chars().count() > LONGEST_VALUE {
        return Err(FilterError::Syntax);
    }
    let attribute = Attribute::parse(&name).ok_or(FilterError::Attribute(name))?;
    Ok(Some(Filter { attribute, comparison, value }))
}

impl Filter {
    /// The values of `enabled` that `status` matches.
    pub fn enabled(&self) -> Vec<bool> {
        [("Enabled", true), ("Disabled", false)]
            .into_iter()
            .filter_map(|(text, enabled)| self.matches(text).then_some(enabled))
            .collect()
    }

    fn matches(&self, text: &str) -> bool {
        match self.comparison {
            Comparison::Equals => text == self.value,
            Comparison::StartsWith => text.starts_with(&self.value),
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
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '=' | '^' | '"')).unwrap_or(text.len());
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
        Some(Filter { attribute, comparison, value: value.to_owned() })
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
            r#"email = "x" and name = "y""#,
            r#"email = "x" "y""#,
            r#""email = "x""#,
            r#"e mail = "x""#,
            "email = \"a\0b\"",
            "\"\"\"\"\"\"",
        ];
        for text in bad {
            assert_eq!(parse(text), Err(FilterError::Syntax), "{text}");
        }
        for name in ["custom:foo", "Email", "email_verified", "address", "enabled", "x"] {
            let found = parse(&format!("{name} = \"x\"")).unwrap_err();
            assert_eq!(found.to_string(), format!("Invalid search attribute: {name}"));
        }
        assert_eq!(FilterError::Syntax.to_string(), "Error while parsing filter");
    }

    #[test]
    fn switches() {
        let enabled = |text: &str| parse(text).unwrap().unwrap().enabled();
        assert_eq!(enabled(r#"status = "Enabled""#), [true]);
        assert_eq!(enabled(r#"status = "enabled""#), [] as [bool; 0]);
        assert_eq!(enabled(r#"status ^= "Dis""#), [false]);
        assert_eq!(enabled(r#"status ^= """#), [true, false]);
    }

    /// The longest text that the model lets through, and one far beyond it, in the shapes that hurt parsers which nest or go back.
    #[test]
    fn long_texts_are_answered() {
        for unit in ["(", "\"", "\\", "\\\"", " ", "=", "^=", "email", "email = \"a\" "] {
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
        fn near_misses_do_not_break_it(text in r#"[a-z:"\\=^ ]{0,40}"#) {
            let _answer = parse(&text);
        }
    }
}
