//! A JSON value and where it stands, read member by member. What nobody asked for is an error: a condition that is not understood must not be
//! passed over.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Invalid;

/// A value at its place.
#[derive(Clone, Debug)]
pub struct Node<'j> {
    pub value: &'j Value,
    /// `Rules[2].Statement`; empty for the whole.
    place: String,
    /// AWS's name for what this is (`ParameterExceptionField`).
    what: &'static str,
}

/// An object and the members that were asked of it so far.
#[derive(Debug)]
pub struct Object<'j> {
    pub node: Node<'j>,
    members: &'j Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'j> Node<'j> {
    pub fn whole(value: &'j Value, what: &'static str) -> Self {
        Self { value, place: String::new(), what }
    }

    /// Errors from here on are about such a thing.
    pub fn named(mut self, what: &'static str) -> Self {
        self.what = what;
        self
    }

    pub fn invalid(&self, reason: impl Into<String>) -> Invalid {
        Invalid { field: self.what, place: self.place.clone(), parameter: shown(self.value), reason: reason.into() }
    }

    pub fn object(self) -> Result<Object<'j>, Invalid> {
        match self.value {
            Value::Object(members) => Ok(Object { node: self, members, known: Vec::new() }),
            _ => Err(self.invalid("must be an object")),
        }
    }

    /// The members of an object whose names are data, in their order.
    pub fn entries(&self) -> Result<impl Iterator<Item = (&'j str, Node<'j>)> + use<'j>, Invalid> {
        let Value::Object(members) = self.value else { return Err(self.invalid("must be an object")) };
        let (place, what) = (self.place.clone(), self.what);
        Ok(members
            .iter()
            .map(move |(key, value)| (key.as_str(), Node { value, place: format!("{place}.{key}"), what })))
    }

    /// The items of a list of so many.
    pub fn items(&self, count: RangeInclusive<usize>) -> Result<impl Iterator<Item = Node<'j>> + use<'j>, Invalid> {
        let Value::Array(items) = self.value else { return Err(self.invalid("must be a list")) };
        if !count.contains(&items.len()) {
            let (least, most) = (count.start(), count.end());
            let expected = match *most {
                usize::MAX => format!("must have {least} or more items"),
                _ => format!("must have {least} to {most} items"),
            };
            return Err(self.invalid(format!("{expected}, not {}", items.len())));
        }
        let (place, what) = (self.place.clone(), self.what);
        Ok(items.iter().enumerate().map(move |(at, value)| Node { value, place: format!("{place}[{at}]"), what }))
    }

    pub fn text(&self) -> Result<&'j str, Invalid> {
        self.value.as_str().ok_or_else(|| self.invalid("must be a string"))
    }

    /// Text of so many characters.
    pub fn text_of(&self, chars: RangeInclusive<usize>) -> Result<&'j str, Invalid> {
        let text = self.text()?;
        let count = text.chars().count();
        if chars.contains(&count) {
            return Ok(text);
        }
        Err(self.invalid(format!("must have {} to {} characters, not {count}", chars.start(), chars.end())))
    }

    /// Text of so many characters, each of which `allows`.
    pub fn token(&self, chars: RangeInclusive<usize>, allows: impl Fn(char) -> bool) -> Result<&'j str, Invalid> {
        let text = self.text_of(chars)?;
        match text.chars().find(|&char| !allows(char)) {
            None => Ok(text),
            Some(char) => Err(self.invalid(format!("{char:?} is not allowed here"))),
        }
    }

    pub fn truth(&self) -> Result<bool, Invalid> {
        self.value.as_bool().ok_or_else(|| self.invalid("must be true or false"))
    }

    pub fn number(&self, range: RangeInclusive<u64>) -> Result<u64, Invalid> {
        let number = self.value.as_u64().filter(|number| range.contains(number));
        number.ok_or_else(|| self.invalid(format!("must be a whole number from {} to {}", range.start(), range.end())))
    }

    /// One of the names in the table.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Invalid> {
        let text = self.text()?;
        choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.invalid(format!("must be {}", one_of(&names)))
        })
    }

    /// The one member of a union, by its name.
    pub fn union(self) -> Result<(&'j str, Node<'j>), Invalid> {
        let mut there: Vec<_> = self.entries()?.filter(|(_, node)| !node.value.is_null()).collect();
        match (there.pop(), there.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(self.invalid("is empty: exactly one member must be there")),
            (Some(_), false) => Err(self.invalid("has several members: exactly one must be there")),
        }
    }

    /// This has no members of its own.
    pub fn nothing_in_it(self) -> Result<(), Invalid> {
        self.object()?.finish()
    }
}

impl<'j> Object<'j> {
    /// The member, unless it is missing or null.
    pub fn optional(&mut self, name: &'static str) -> Option<Node<'j>> {
        self.known.push(name);
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, place: self.place(name), what: self.node.what })
    }

    pub fn required(&mut self, name: &'static str) -> Result<Node<'j>, Invalid> {
        self.optional(name).ok_or_else(|| Invalid {
            field: self.node.what,
            place: self.place(name),
            parameter: name.to_owned(),
            reason: "is missing".to_owned(),
        })
    }

    /// Members that say nothing about what is decided.
    pub fn ignore(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// No member is left that nobody asked for.
    pub fn finish(self) -> Result<(), Invalid> {
        let stranger =
            self.members.iter().find(|(name, value)| !value.is_null() && !self.known.contains(&name.as_str()));
        let Some((name, _)) = stranger else { return Ok(()) };
        let known: Vec<&str> = self.known.clone();
        let reason = match known.is_empty() {
            true => "is not known here, where nothing is expected".to_owned(),
            false => format!("is not known here; known are {}", one_of(&known)),
        };
        Err(Invalid { field: self.node.what, place: self.place(name), parameter: name.clone(), reason })
    }

    fn place(&self, name: &str) -> String {
        if self.node.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.node.place) }
    }
}

/// `a, b or c`.
fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The beginning of a value, for messages.
fn shown(value: &Value) -> String {
    const CHARS: usize = 80;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => "{…}".to_owned(),
        Value::Array(_) => "[…]".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(CHARS) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
