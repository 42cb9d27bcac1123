//! Whether a user is one that a filter wants (pure). It says the same as the ranges do of what they hold.

use super::derived::{PLACES, place};
use super::range::{Position, Range};
use crate::users::filter::{Attribute, Comparison, Term};
use crate::users::model::User;

/// Whether all terms hold.
pub fn all(terms: &[Term], user: &User) -> bool {
    terms.iter().all(|term| holds(term, user))
}

/// False for a row of a search index that is not the one by which its user is told: a value may have a pattern at several places, and a
/// long pattern's beginning is all that a row has of it.
pub fn is_first(range: &Range, at: &Position, user: &User) -> bool {
    let told = match range {
        Range::Containing { attribute, pattern, .. } => value(attribute, user).and_then(|value| first(value, pattern)),
        Range::Ending { attribute, pattern, .. } => value(attribute, user)
            .and_then(|value| value.strip_suffix(pattern.as_str()))
            .map(|rest| rest.chars().count()),
        _ => return true,
    };
    told.is_some() && told == place(&at[1])
}

fn holds(term: &Term, user: &User) -> bool {
    match term.attribute {
        Attribute::Enabled => term.enabled().contains(&user.enabled),
        Attribute::UserStatus => term.comparison.holds(user.status.as_str(), &term.value.to_ascii_uppercase()),
        _ => value(&term.attribute, user).is_some_and(|value| found(term, value)),
    }
}

fn value<'u>(attribute: &Attribute, user: &'u User) -> Option<&'u str> {
    match attribute {
        Attribute::Username => Some(&user.username),
        Attribute::Sub => Some(user.sub.as_str()),
        Attribute::UserStatus | Attribute::Enabled => None,
        Attribute::Value(known) => user.attributes.get(known.name()).map(String::as_str),
        Attribute::Custom(name) => user.attributes.get(name).map(String::as_str),
    }
}

/// What is searched for within a value begins at one of its first [`PLACES`] characters.
fn found(term: &Term, value: &str) -> bool {
    match term.comparison {
        Comparison::Equals | Comparison::StartsWith => term.comparison.holds(value, &term.value),
        Comparison::Contains => first(value, &term.value).is_some(),
        Comparison::EndsWith => value
            .strip_suffix(term.value.as_str())
            .is_some_and(|before| term.value.is_empty() || before.chars().count() < PLACES),
    }
}

/// The character at which the pattern begins for the first time.
fn first(value: &str, pattern: &str) -> Option<usize> {
    let place = value.get(..value.find(pattern)?)?.chars().count();
    (place < PLACES).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::filter;

    #[test]
    fn terms_hold_or_not() {
        let mut user = User::sample();
        user.attributes =
            [("email", "ann@x.example"), ("custom:plan", "göld")].map(|(k, v)| (k.into(), v.into())).into();
        let long = format!("{}xyz", "é".repeat(256));
        user.attributes.insert("name".into(), long);
        for (text, want) in [
            (r#"custom:plan = "göld""#, true),
            (r#"custom:plan *= "öl""#, true),
            (r#"custom:plan $= "ld""#, true),
            (r#"custom:plan ^= "ld""#, false),
            (r#"custom:absent *= """#, false),
            (r#"custom:plan *= """#, true),
            (r#"email $= ".example" and custom:plan = "göld""#, true),
            (r#"email $= ".example" and custom:plan = "gold""#, false),
            (r#"cognito:user_status *= "firm" and status $= "abled" and username *= "u""#, true),
            (r#"status *= "Dis""#, false),
            (r#"name *= "x""#, false),
            (r#"name $= "yz""#, false),
            (r#"name *= "éx""#, true),
            (r#"name $= "éxyz""#, true),
        ] {
            let filter = filter::parse(text).unwrap().unwrap();
            assert_eq!(all(&filter.terms, &user), want, "{text}");
        }
    }
}
