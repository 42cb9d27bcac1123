//! Claims in Cedar's words.

use cedar_policy::RestrictedExpression;
use common::clock::UnixMillis;
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

/// A claim's value. Cedar has texts, whole numbers of 64 bits, true and false, sets and records, and no `null`, fractions or larger numbers:
/// what has no form is none, and so is the list that holds it; an object goes on without the member.
pub fn of(claim: &Value) -> Option<RestrictedExpression> {
    match claim {
        Value::Null => None,
        Value::Bool(flag) => Some(RestrictedExpression::new_bool(*flag)),
        Value::Number(number) => number.as_i64().map(RestrictedExpression::new_long),
        Value::String(text) => Some(RestrictedExpression::new_string(text.clone())),
        Value::Array(items) => Some(RestrictedExpression::new_set(items.iter().map(of).collect::<Option<Vec<_>>>()?)),
        Value::Object(members) => {
            let fields = members.iter().filter_map(|(name, value)| Some((name.clone(), of(value)?)));
            RestrictedExpression::new_record(fields).ok()
        }
    }
}

pub fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

pub fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.into_iter().map(text))
}

/// A `datetime`, to the second. None beyond the year 9999.
pub fn time(at: UnixMillis) -> Option<RestrictedExpression> {
    let at = OffsetDateTime::from_unix_timestamp(i64::try_from(at.seconds()).ok()?).ok()?;
    let written = at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).ok()?;
    Some(RestrictedExpression::new_datetime(written))
}
