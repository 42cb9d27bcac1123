//! How a claim is named.

use std::fmt;

use serde_json::Value;

/// Levels that a token's claims have at most (see [`crate::jose::json::MAX_DEPTH`]); a longer path finds nothing.
const MAX_STEPS: usize = crate::jose::json::MAX_DEPTH;

/// The place of a claim: a name at the top, or a JSON Pointer (RFC 6901) into the claims.
///
/// A text that begins with `/` is a pointer; any other is a name at the top, taken letter by letter. So `cognito:groups`,
/// `https://example.com/roles` and `realm_access.roles` are names, `/realm_access/roles` is the list in an object, and a name that itself begins
/// with a slash is written `/~1name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath {
    /// As written.
    text: Box<str>,
    top: Box<str>,
    /// The pointer to the rest, unescaped, step by step; empty for a name at the top.
    below: Box<[Box<str>]>,
}

impl ClaimPath {
    /// Errors say what is wrong with the text, to be put behind its place.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("names no claim");
        }
        let Some(pointer) = text.strip_prefix('/') else {
            return Ok(Self { text: text.into(), top: text.into(), below: Box::default() });
        };
        let mut steps = pointer.split('/').map(unescaped);
        let top = steps.next().unwrap_or(Err("names no claim"))?;
        let below: Box<[Box<str>]> = steps.collect::<Result<_, _>>()?;
        if below.len() >= MAX_STEPS {
            return Err("goes deeper than claims do");
        }
        Ok(Self { text: text.into(), top, below })
    }

    /// The name of the claim at the top.
    pub fn top(&self) -> &str {
        &self.top
    }

    pub(in crate::verify) fn is_nested(&self) -> bool {
        !self.below.is_empty()
    }

    /// The value below that of the top claim.
    pub(in crate::verify) fn below<'v>(&self, top: &'v Value) -> Option<&'v Value> {
        self.below.iter().try_fold(top, |value, step| match value {
            Value::Object(members) => members.get(&**step),
            Value::Array(items) => items.get(index(step)?),
            _ => None,
        })
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 6901 §4: digits without leading zeros. `-` (the element after the last) names nothing that is there.
fn index(step: &str) -> Option<usize> {
    let canonical = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
    if canonical { step.parse().ok() } else { None }
}

/// RFC 6901 §3: `~1` is a slash, `~0` a tilde, and no other tilde may stand.
fn unescaped(step: &str) -> Result<Box<str>, &'static str> {
    let mut text = String::with_capacity(step.len());
    let mut rest = step;
    while let Some((before, after)) = rest.split_once('~') {
        text.push_str(before);
        rest = match (after.strip_prefix('0'), after.strip_prefix('1')) {
            (Some(after), _) => {
                text.push('~');
                after
            }
            (_, Some(after)) => {
                text.push('/');
                after
            }
            _ => return Err("has a `~` that is neither `~0` nor `~1`"),
        };
    }
    text.push_str(rest);
    Ok(text.into())
}
