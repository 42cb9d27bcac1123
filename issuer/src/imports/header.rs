//! The first line of a file of users (pure; Cognito: GetCSVHeader).

use crate::pools::schema::Schema;

/// In Cognito's order; own attributes come after them, and the two last columns at the end.
const STANDARD: [&str; 19] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];
const LAST: [&str; 2] = ["cognito:mfa_enabled", "cognito:username"];

/// The columns of a pool's file: what only developers write is not among them.
pub fn columns(schema: Schema<'_>) -> Vec<String> {
    let own = schema.describe().into_iter().filter_map(|attribute| attribute.name);
    let own = own.filter(|name| name.starts_with("custom:"));
    STANDARD.into_iter().map(str::to_owned).chain(own).chain(LAST.into_iter().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::{AttributeDataType, SchemaAttributeType};

    use super::*;
    use crate::pools::schema::declare;

    #[test]
    fn own_attributes_stand_between() {
        let own = |name: &str, developer_only: bool| {
            declare(SchemaAttributeType {
                name: Some(name.into()),
                attribute_data_type: Some(AttributeDataType::String),
                developer_only_attribute: Some(developer_only),
                ..SchemaAttributeType::default()
            })
            .unwrap()
        };
        let own = [own("tier", false), own("hidden", true)];
        let columns = columns(Schema::new(&own));
        assert_eq!(columns.len(), 22);
        assert_eq!(columns[18..], ["updated_at", "custom:tier", "cognito:mfa_enabled", "cognito:username"]);
    }
}
