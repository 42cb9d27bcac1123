//! `claims = { "email_verified" = true, "level" = { ge = 3 } }` in a route's `token`.

use common::settings::{Entry, Section, SettingError, Value};
use common::verify::{ClaimPath, ClaimRule, Condition, Number, Values};

/// Reads the rules: a value must be equal, a list must have the claim among its items, a table says how to compare.
pub fn rules(section: Section) -> Result<Vec<ClaimRule>, SettingError> {
    let place = section.place("");
    let mut rules = Vec::new();
    for (name, entry) in section.entries() {
        let place = format!("{place}{name}");
        let path = ClaimPath::parse(&name).map_err(|problem| SettingError::new(&place, problem))?;
        let conditions = match entry {
            Entry::Table(table) => conditions(table, &place)?,
            Entry::Value(Value::Array(items)) => vec![Condition::OneOf(several(&place, Value::Array(items))?)],
            Entry::Value(value) => vec![Condition::OneOf(one(&place, value)?)],
        };
        rules.extend(conditions.into_iter().map(|condition| ClaimRule { path: path.clone(), condition }));
    }
    Ok(rules)
}

/// All comparisons of a table; each must hold.
fn conditions(mut table: Section, place: &str) -> Result<Vec<Condition>, SettingError> {
    type Read = fn(&str, Value) -> Result<Condition, SettingError>;
    const COMPARISONS: [(&str, Read); 13] = [
        ("eq", |place, value| Ok(Condition::OneOf(one(place, value)?))),
        ("ne", |place, value| Ok(Condition::NoneOf(one(place, value)?))),
        ("in", |place, value| Ok(Condition::OneOf(several(place, value)?))),
        ("not_in", |place, value| Ok(Condition::NoneOf(several(place, value)?))),
        ("ge", |place, value| Ok(Condition::AtLeast(number(place, value)?))),
        ("gt", |place, value| Ok(Condition::Above(number(place, value)?))),
        ("le", |place, value| Ok(Condition::AtMost(number(place, value)?))),
        ("lt", |place, value| Ok(Condition::Below(number(place, value)?))),
        ("contains", |place, value| Ok(Condition::HoldsAll(one(place, value)?))),
        ("contains_all", |place, value| Ok(Condition::HoldsAll(several(place, value)?))),
        ("contains_any", |place, value| Ok(Condition::HoldsAny(several(place, value)?))),
        ("prefix", |place, value| Ok(Condition::Prefix(text(place, value)?))),
        ("suffix", |place, value| Ok(Condition::Suffix(text(place, value)?))),
    ];
    let exists = table.flag("exists")?;
    let mut conditions = Vec::new();
    for (key, read) in COMPARISONS {
        if let Some(value) = table.value(key) {
            conditions.push(read(&table.place(key), value)?);
        }
    }
    table.finish()?;
    match exists {
        Some(false) if !conditions.is_empty() => {
            return Err(SettingError::new(place, "has `exists = false` beside a comparison: no claim can be both"));
        }
        Some(true) => conditions.push(Condition::Present),
        Some(false) => conditions.push(Condition::Absent),
        None => {}
    }
    if conditions.is_empty() {
        return Err(SettingError::new(place, "says nothing: it needs a comparison such as `{ ge = 3 }`"));
    }
    Ok(conditions)
}

fn one(place: &str, value: Value) -> Result<Values, SettingError> {
    several(place, Value::Array(vec![value]))
}

/// A list of one type.
fn several(place: &str, value: Value) -> Result<Values, SettingError> {
    let Value::Array(items) = value else { return Err(SettingError::new(place, "must be a list")) };
    let values = match items.first() {
        None => return Err(SettingError::new(place, "must not be empty")),
        Some(Value::String(_)) => items.into_iter().map(as_text).collect::<Option<Vec<_>>>().and_then(Values::texts),
        Some(Value::Boolean(_)) => items.iter().map(Value::as_bool).collect::<Option<Vec<_>>>().and_then(Values::flags),
        Some(_) => items.iter().map(as_number).collect::<Option<Vec<_>>>().and_then(Values::numbers),
    };
    values
        .ok_or_else(|| SettingError::new(place, "must be a string, a number or true or false, and a list of one type"))
}

fn number(place: &str, value: Value) -> Result<Number, SettingError> {
    as_number(&value).ok_or_else(|| SettingError::new(place, "must be a number"))
}

fn text(place: &str, value: Value) -> Result<Box<str>, SettingError> {
    as_text(value).filter(|text| !text.is_empty()).ok_or_else(|| SettingError::new(place, "must be a string"))
}

fn as_text(value: Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.into()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Integer(number) => Some((*number).into()),
        Value::Float(number) => Number::from_f64(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use common::settings::parse;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let mut root = parse(text, [], &[]).unwrap();
        let rules = rules(root.section("claims").unwrap().unwrap()).map_err(|error| error.to_string())?;
        Ok(rules.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_way_to_write_a_rule() {
        for (text, expected) in [
            ("email_verified = true", &["\"email_verified\" in [true]"] as &[&str]),
            ("tenant = [\"a\", \"b\"]", &["\"tenant\" in [\"a\", \"b\"]"]),
            ("level = { gt = 2, le = 7.5 }", &["\"level\" gt 2", "\"level\" le 7.5"]),
            ("\"cognito:groups\" = { contains = \"x\" }", &["\"cognito:groups\" contains_all [\"x\"]"]),
            ("\"https://example.com/roles\".contains_any = [1]", &["\"https://example.com/roles\" contains_any [1]"]),
            (
                "\"/realm_access/roles\" = { contains_all = [\"a\", \"b\"] }",
                &["\"/realm_access/roles\" contains_all [\"a\", \"b\"]"],
            ),
            ("a = { exists = false }", &["\"a\" does not exist"]),
            ("a = { ne = \"x\", exists = true }", &["\"a\" not_in [\"x\"]", "\"a\" exists"]),
            ("a = { not_in = [1, 2.5] }", &["\"a\" not_in [1, 2.5]"]),
            ("a = { prefix = \"x\", suffix = \"y\" }", &["\"a\" prefix \"x\"", "\"a\" suffix \"y\""]),
        ] {
            assert_eq!(read(&format!("[claims]\n{text}")).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn every_mistake_says_where() {
        for (text, expected) in [
            ("a = {}", "claims.a: says nothing: it needs a comparison such as `{ ge = 3 }`"),
            ("a = { gte = 3 }", "claims.a.gte: unknown key; did you mean `ge`?"),
            ("a = { ge = \"3\" }", "claims.a.ge: must be a number"),
            ("a = { in = \"x\" }", "claims.a.in: must be a list"),
            ("a = { in = [] }", "claims.a.in: must not be empty"),
            ("a = [1, \"x\"]", "claims.a: must be a string, a number or true or false, and a list of one type"),
            ("a = nan", "claims.a: must be a string, a number or true or false, and a list of one type"),
            ("a = 2026-01-01", "claims.a: must be a string, a number or true or false, and a list of one type"),
            ("a = { prefix = 3 }", "claims.a.prefix: must be a string"),
            ("a = { exists = \"yes\" }", "claims.a.exists: must be true or false"),
            (
                "a = { exists = false, eq = 1 }",
                "claims.a: has `exists = false` beside a comparison: no claim can be both",
            ),
            ("\"/a/~2\" = 1", "claims./a/~2: has a `~` that is neither `~0` nor `~1`"),
            ("\"\" = 1", "claims.: names no claim"),
        ] {
            assert_eq!(read(&format!("[claims]\n{text}")).unwrap_err(), expected, "{text}");
        }
    }
}
