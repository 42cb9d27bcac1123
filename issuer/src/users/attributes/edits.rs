//! What is to be changed, as requests say it.

use std::collections::BTreeMap;

use cognito_model::idp::types::AttributeType;

use crate::pools::schema;
use crate::users::UserError;

/// The changes of one request, in its order, each attribute once. There are some dozens at most: a user has no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<(String, Edit)>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Set(String),
    Remove,
}

impl Edits {
    /// `UserAttributes` of an update. A blank value removes the attribute (Cognito: UpdateUserAttributes); a name that comes twice is
    /// refused, since it is not clear what was meant.
    pub fn of_list(list: &[AttributeType]) -> Result<Self, UserError> {
        let mut edits = Self::default();
        for attribute in list {
            let value = attribute.value.as_deref().unwrap_or_default();
            if edits.0.iter().any(|(name, _)| *name == attribute.name) {
                return Err(UserError::Attributes(format!("Attribute {} is given twice.", attribute.name)));
            }
            edits.0.push((attribute.name.clone(), Edit::of_value(&schema::spelled(&attribute.name, value))));
        }
        Ok(edits)
    }

    /// `UserAttributeNames` of a deletion.
    pub fn removing(names: Vec<String>) -> Self {
        let mut edits = Self::default();
        for name in names {
            if edits.get(&name).is_none() {
                edits.0.push((name, Edit::Remove));
            }
        }
        edits
    }

    /// The attributes in an answer to NEW_PASSWORD_REQUIRED.
    pub fn of_answers(values: BTreeMap<String, String>) -> Self {
        Self(values.into_iter().map(|(name, value)| (name, Edit::of_value(&value))).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Edit)> {
        self.0.iter().map(|(name, edit)| (name.as_str(), edit))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Edit> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, edit)| edit)
    }

    pub(super) fn sets(&self, name: &str, value: &str) -> bool {
        matches!(self.get(name), Some(Edit::Set(set)) if set == value)
    }
}

impl Edit {
    fn of_value(value: &str) -> Self {
        if value.is_empty() { Self::Remove } else { Self::Set(value.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: Option<&str>) -> AttributeType {
        AttributeType { name: name.into(), value: value.map(str::to_owned) }
    }

    #[test]
    fn blank_values_remove() {
        let edits = Edits::of_list(&[
            attribute("name", Some("Ann")),
            attribute("gender", Some("")),
            attribute("zoneinfo", None),
        ]);
        let edits = edits.unwrap();
        assert!(edits.sets("name", "Ann"));
        assert_eq!((edits.get("gender"), edits.get("zoneinfo")), (Some(&Edit::Remove), Some(&Edit::Remove)));
        assert_eq!(Edits::removing(vec!["name".into(), "name".into()]).iter().count(), 1);
    }

    #[test]
    fn a_name_comes_once() {
        let twice = Edits::of_list(&[attribute("name", Some("Ann")), attribute("name", Some("Ann"))]);
        assert!(twice.unwrap_err().to_string().contains("given twice"));
    }
}
