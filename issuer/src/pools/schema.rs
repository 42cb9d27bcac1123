//! The attributes of a pool's users: Cognito's standard ones and the pool's own (Cognito: SchemaAttributeType).

use std::collections::BTreeSet;

use cognito_model::idp::types::{
    AttributeDataType, NumberAttributeConstraintsType, SchemaAttributeType, StringAttributeConstraintsType,
};

/// The attribute values of a user by name.
pub type Attributes = std::collections::BTreeMap<String, String>;

/// (name, type, length bounds): mutable and not required unless a pool says otherwise; `sub` is neither.
const STANDARD: &[(&str, Kind, usize, usize)] = &[
    ("address", Kind::Text, 0, 2048),
    ("birthdate", Kind::Text, 10, 10),
    ("email", Kind::Text, 0, 2048),
    ("email_verified", Kind::Flag, 0, 0),
    ("family_name", Kind::Text, 0, 2048),
    ("gender", Kind::Text, 0, 2048),
    ("given_name", Kind::Text, 0, 2048),
    ("identities", Kind::Text, 0, 2048),
    ("locale", Kind::Text, 0, 2048),
    ("middle_name", Kind::Text, 0, 2048),
    ("name", Kind::Text, 0, 2048),
    ("nickname", Kind::Text, 0, 2048),
    ("phone_number", Kind::Text, 0, 2048),
    ("phone_number_verified", Kind::Flag, 0, 0),
    ("picture", Kind::Text, 0, 2048),
    ("preferred_username", Kind::Text, 0, 2048),
    ("profile", Kind::Text, 0, 2048),
    ("updated_at", Kind::Number, 0, 0),
    ("website", Kind::Text, 0, 2048),
    ("zoneinfo", Kind::Text, 0, 2048),
];

/// Cognito: AttributeValueType.
const LONGEST_VALUE: u64 = 2_048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Date,
}

/// Who writes: users never write what only administrators may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    User,
    Admin,
}

/// Standard and own attributes of one pool.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    own: &'a [SchemaAttributeType],
}

/// Prefixes an own attribute's name (`custom:`, `dev:custom:`) and checks its definition. A standard name in the list changes
/// `Required` and `Mutable` of that attribute.
pub fn declare(attribute: SchemaAttributeType) -> Result<SchemaAttributeType, String> {
    let name = attribute.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err("Invalid AttributeName: a schema attribute needs a name.".into());
    }
    if name == "sub" {
        return Err("sub can not be changed.".into());
    }
    let Some((_, kind, ..)) = STANDARD.iter().find(|(standard, ..)| *standard == name) else {
        return declare_custom(attribute);
    };
    check_constraints(&SchemaAttributeType { attribute_data_type: Some(kind.data_type()), ..attribute.clone() })?;
    Ok(attribute)
}

/// The same for AddCustomAttributes, which has no standard attributes: each name gets a prefix.
pub fn declare_custom(mut attribute: SchemaAttributeType) -> Result<SchemaAttributeType, String> {
    let name = attribute.name.clone().unwrap_or_default();
    if name.is_empty() {
        return Err("Invalid AttributeName: a schema attribute needs a name.".into());
    }
    if attribute.attribute_data_type.is_none() {
        return Err("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.".into());
    }
    if attribute.required.unwrap_or(false) {
        return Err("Required custom attributes are not supported currently.".into());
    }
    let prefix = if attribute.developer_only_attribute.unwrap_or(false) { "dev:custom:" } else { "custom:" };
    attribute.name = Some(format!("{prefix}{name}"));
    attribute.mutable = attribute.mutable.or(Some(true));
    attribute.developer_only_attribute = attribute.developer_only_attribute.or(Some(false));
    // Bounds of another type mean nothing, and Cognito forgets them.
    attribute.string_attribute_constraints = attribute
        .string_attribute_constraints
        .filter(|_| attribute.attribute_data_type == Some(AttributeDataType::String));
    attribute.number_attribute_constraints = attribute
        .number_attribute_constraints
        .filter(|_| attribute.attribute_data_type == Some(AttributeDataType::Number));
    check_constraints(&attribute)?;
    Ok(attribute)
}

/// What [`declare`] was given.
pub fn undeclared(mut attribute: SchemaAttributeType) -> SchemaAttributeType {
    attribute.name = attribute.name.map(|name| {
        let bare = name.strip_prefix("dev:").unwrap_or(&name);
        bare.strip_prefix("custom:").unwrap_or(bare).to_owned()
    });
    attribute
}

/// Bounds that are numbers, and in their order (Cognito's texts).
pub fn check_constraints(attribute: &SchemaAttributeType) -> Result<(), String> {
    let name = attribute.name.as_deref().unwrap_or_default();
    match attribute.attribute_data_type {
        Some(AttributeDataType::String) => {
            let Some(bounds) = &attribute.string_attribute_constraints else { return Ok(()) };
            let bound = |text: Option<&String>| match text.map(|text| text.parse::<u64>()) {
                Some(Err(_)) => Err(format!("Invalid StringAttributeConstraints for schema attribute {name}")),
                Some(Ok(bound)) => Ok(Some(bound)),
                None => Ok(None),
            };
            let (min, max) = (bound(bounds.min_length.as_ref())?, bound(bounds.max_length.as_ref())?);
            if min.max(max).is_some_and(|bound| bound > LONGEST_VALUE) {
                return Err(format!(
                    "user.{name}: String attributes cannot have a length of more than {LONGEST_VALUE}"
                ));
            }
            match min.zip(max) {
                Some((min, max)) if min > max => {
                    Err(format!("user.{name}: Max length cannot be less than min length."))
                }
                _ => Ok(()),
            }
        }
        Some(AttributeDataType::Number) => {
            let Some(bounds) = &attribute.number_attribute_constraints else { return Ok(()) };
            let bound = |text: Option<&String>| match text.map(|text| text.parse::<i64>()) {
                Some(Err(_)) => Err(format!("Invalid NumberAttributeConstraints for schema attribute {name}")),
                Some(Ok(bound)) => Ok(Some(bound)),
                None => Ok(None),
            };
            let (min, max) = (bound(bounds.min_value.as_ref())?, bound(bounds.max_value.as_ref())?);
            match min.zip(max) {
                Some((min, max)) if min > max => Err(format!("user.{name}: Max value cannot be less than min value.")),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

pub fn check_distinct(attributes: &[SchemaAttributeType]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match attributes.iter().filter_map(|a| a.name.as_deref()).find(|name| !names.insert(*name)) {
        Some(name) => {
            let plain = name.strip_prefix("dev:").unwrap_or(name);
            Err(format!("{plain}: Existing attribute already has name {name}."))
        }
        None => Ok(()),
    }
}

impl<'a> Schema<'a> {
    pub fn new(own: &'a [SchemaAttributeType]) -> Self {
        Self { own }
    }

    /// Names that a user must have a value for.
    pub fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.own.iter().filter(|a| a.required.unwrap_or(false)).filter_map(|a| a.name.as_deref())
    }

    /// Whether the pool knows the attribute.
    pub fn has(&self, name: &str) -> bool {
        self.kind(name).is_some()
    }

    /// Whether a value, once set, may change.
    pub fn is_mutable(&self, name: &str) -> bool {
        self.own(name).and_then(|a| a.mutable).unwrap_or(true)
    }

    /// Checks values before they are stored; the text is that of Cognito's `InvalidParameterException`.
    pub fn check(&self, values: &Attributes, writer: Writer) -> Result<(), String> {
        values.iter().try_for_each(|(name, value)| self.check_one(name, value, writer))
    }

    /// Checks that nothing required is missing.
    pub fn check_complete(&self, values: &Attributes) -> Result<(), String> {
        match self.required().find(|name| values.get(*name).is_none_or(String::is_empty)) {
            Some(name) => Err(format!("Attributes did not conform to the schema: {name}: The attribute is required\n")),
            None => Ok(()),
        }
    }

    /// `SchemaAttributes` of DescribeUserPool.
    pub fn describe(&self) -> Vec<SchemaAttributeType> {
        let own = self.own.iter().filter(|a| a.name.as_deref().is_some_and(|name| name.contains(':'))).cloned();
        let standard = STANDARD.iter().map(|(name, kind, min, max)| self.describe_standard(name, *kind, *min, *max));
        std::iter::once(describe_sub()).chain(standard).chain(own).collect()
    }

    fn describe_standard(&self, name: &str, kind: Kind, min: usize, max: usize) -> SchemaAttributeType {
        let own = self.own(name);
        SchemaAttributeType {
            attribute_data_type: Some(kind.data_type()),
            developer_only_attribute: Some(false),
            mutable: Some(own.and_then(|a| a.mutable).unwrap_or(true)),
            name: Some(name.to_owned()),
            // What the pool was made with shows in the place of the default, bound by bound.
            number_attribute_constraints: (kind == Kind::Number).then(|| {
                let own = own.and_then(|a| a.number_attribute_constraints.clone()).unwrap_or_default();
                NumberAttributeConstraintsType {
                    min_value: own.min_value.or_else(|| Some("0".into())),
                    max_value: own.max_value,
                }
            }),
            required: Some(own.and_then(|a| a.required).unwrap_or(false)),
            string_attribute_constraints: (kind == Kind::Text).then(|| {
                let own = own.and_then(|a| a.string_attribute_constraints.clone()).unwrap_or_default();
                StringAttributeConstraintsType {
                    min_length: own.min_length.or_else(|| Some(min.to_string())),
                    max_length: own.max_length.or_else(|| Some(max.to_string())),
                }
            }),
        }
    }

    fn check_one(&self, name: &str, value: &str, writer: Writer) -> Result<(), String> {
        let nonconforming = |why: String| Err(format!("Attributes did not conform to the schema: {name}: {why}\n"));
        let Some(kind) = self.kind(name) else {
            return nonconforming("Attribute does not exist in the schema.".into());
        };
        let admin_only = name.starts_with("dev:") || name.ends_with("_verified") || name == "identities";
        if admin_only && writer == Writer::User {
            return Err(format!("A client attempted to write unauthorized attribute {name}"));
        }
        if value.contains('\0') {
            return nonconforming("Invalid character".into());
        }
        match name {
            "email" if !is_email(value) => return Err("Invalid email address format.".into()),
            "phone_number" if !is_phone_number(value) => return Err("Invalid phone number format.".into()),
            _ => {}
        }
        match kind {
            Kind::Flag if !["true", "false"].iter().any(|flag| value.eq_ignore_ascii_case(flag)) => {
                nonconforming("Type is invalid: a boolean is true or false".into())
            }
            Kind::Number => check_number(value, self.own(name)).or_else(nonconforming).and_then(|()| {
                // The one standard attribute that is a number is a time.
                let negative = name == "updated_at" && value.starts_with('-');
                if negative { nonconforming("Number must be greater than or equal to 0".into()) } else { Ok(()) }
            }),
            Kind::Date if !is_date(value) => nonconforming("Type is invalid: a date is YYYY-MM-DD".into()),
            Kind::Text => check_length(value, self.bounds(name)).or_else(nonconforming),
            _ => Ok(()),
        }
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        if let Some((_, kind, ..)) = STANDARD.iter().find(|(standard, ..)| *standard == name) {
            return Some(*kind);
        }
        self.own(name).map(|a| match a.attribute_data_type {
            Some(AttributeDataType::Number) => Kind::Number,
            Some(AttributeDataType::Boolean) => Kind::Flag,
            Some(AttributeDataType::DateTime) => Kind::Date,
            _ => Kind::Text,
        })
    }

    fn bounds(&self, name: &str) -> (usize, usize) {
        let standard = STANDARD.iter().find(|(n, ..)| *n == name).map_or((0, 2048), |(_, _, min, max)| (*min, *max));
        let own = self.own(name).and_then(|a| a.string_attribute_constraints.as_ref());
        let bound = |text: Option<&String>, default| text.and_then(|t| t.parse().ok()).unwrap_or(default);
        own.map_or(standard, |c| (bound(c.min_length.as_ref(), standard.0), bound(c.max_length.as_ref(), standard.1)))
    }

    fn own(&self, name: &str) -> Option<&'a SchemaAttributeType> {
        self.own.iter().find(|a| a.name.as_deref() == Some(name))
    }
}

impl Kind {
    fn data_type(self) -> AttributeDataType {
        match self {
            Self::Text => AttributeDataType::String,
            Self::Number => AttributeDataType::Number,
            Self::Flag => AttributeDataType::Boolean,
            Self::Date => AttributeDataType::DateTime,
        }
    }
}

fn describe_sub() -> SchemaAttributeType {
    SchemaAttributeType {
        attribute_data_type: Some(AttributeDataType::String),
        developer_only_attribute: Some(false),
        mutable: Some(false),
        name: Some("sub".into()),
        number_attribute_constraints: None,
        required: Some(true),
        string_attribute_constraints: Some(StringAttributeConstraintsType {
            min_length: Some("1".into()),
            max_length: Some("2048".into()),
        }),
    }
}

/// A value as it is stored: Cognito takes `True` for a flag of an address, too.
pub fn spelled(name: &str, value: &str) -> String {
    let is_flag = STANDARD.iter().any(|(standard, kind, ..)| *standard == name && *kind == Kind::Flag);
    if is_flag { value.to_ascii_lowercase() } else { value.to_owned() }
}

/// One `@`, something on both sides, no spaces or controls, a dot in the domain or none (localhost), 254 at most (RFC 5321 §4.5.3).
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let clean = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
    };
    text.len() <= 254
        && clean(local)
        && clean(domain)
        && !local.contains('@')
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// E.164: `+`, then 7 to 15 digits, the first not 0.
pub fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

fn check_length(value: &str, (min, max): (usize, usize)) -> Result<(), String> {
    let length = value.chars().count();
    if length < min {
        return Err(format!("String must be no shorter than {min} characters"));
    }
    if length > max {
        return Err(format!("String must be no longer than {max} characters"));
    }
    Ok(())
}

fn check_number(value: &str, attribute: Option<&SchemaAttributeType>) -> Result<(), String> {
    let Ok(number) = value.parse::<i64>() else { return Err("Type is invalid: a number is needed".into()) };
    let constraints = attribute.and_then(|a| a.number_attribute_constraints.as_ref());
    let bound = |text: Option<&String>| text.and_then(|t| t.parse::<i64>().ok());
    if let Some(min) = constraints.and_then(|c| bound(c.min_value.as_ref())).filter(|min| number < *min) {
        return Err(format!("Number must be greater than or equal to {min}"));
    }
    if let Some(max) = constraints.and_then(|c| bound(c.max_value.as_ref())).filter(|max| number > *max) {
        return Err(format!("Number must be less than or equal to {max}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, data_type: AttributeDataType) -> SchemaAttributeType {
        SchemaAttributeType {
            name: Some(name.into()),
            attribute_data_type: Some(data_type),
            ..SchemaAttributeType::default()
        }
    }

    fn values(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn values_are_checked_by_kind() {
        let mut tier = own("tier", AttributeDataType::String);
        tier.string_attribute_constraints =
            Some(StringAttributeConstraintsType { min_length: Some("2".into()), max_length: Some("4".into()) });
        let own = [declare(tier).unwrap(), declare(own("age", AttributeDataType::Number)).unwrap()];
        let schema = Schema::new(&own);
        let good =
            [("email", "a@b.example"), ("custom:tier", "gold"), ("custom:age", "-3"), ("birthdate", "2000-01-01")];
        assert_eq!(schema.check(&values(&good), Writer::User), Ok(()));
        let bad = [
            ("email", "a@b@c", "Invalid email"),
            ("phone_number", "0123456789", "Invalid phone"),
            ("custom:tier", "x", "no shorter than 2"),
            ("custom:tier", "platinum", "no longer than 4"),
            ("custom:age", "ten", "a number"),
            ("custom:absent", "x", "does not exist in the schema"),
            ("email_verified", "true", "unauthorized attribute"),
            ("sub", "x", "does not exist"),
            ("name", "a\0b", "Invalid character"),
        ];
        for (name, value, want) in bad {
            let got = schema.check(&values(&[(name, value)]), Writer::User).unwrap_err();
            assert!(got.contains(want), "{name}={value}: {got}");
        }
        for flag in ["true", "False", "TRUE"] {
            assert_eq!(schema.check(&values(&[("email_verified", flag)]), Writer::Admin), Ok(()), "{flag}");
        }
        assert!(schema.check(&values(&[("email_verified", "yes")]), Writer::Admin).is_err());
        assert_eq!(spelled("email_verified", "True"), "true");
        assert_eq!(spelled("name", "True"), "True");
    }

    #[test]
    fn required_standard_attributes() {
        let mut email = own("email", AttributeDataType::String);
        email.required = Some(true);
        let own = [declare(email).unwrap()];
        let schema = Schema::new(&own);
        assert!(schema.check_complete(&values(&[])).unwrap_err().contains("email: The attribute is required"));
        assert_eq!(schema.check_complete(&values(&[("email", "a@b.c")])), Ok(()));
        assert_eq!(schema.describe().len(), STANDARD.len() + 1);

        let bounds = StringAttributeConstraintsType { min_length: None, max_length: Some("256".into()) };
        let name = SchemaAttributeType {
            string_attribute_constraints: Some(bounds),
            ..super::tests::own("name", AttributeDataType::String)
        };
        let own = [declare(name).unwrap()];
        let shown = Schema::new(&own).describe().into_iter().find(|a| a.name.as_deref() == Some("name")).unwrap();
        let shown = shown.string_attribute_constraints.unwrap();
        assert_eq!((shown.min_length.as_deref(), shown.max_length.as_deref()), (Some("0"), Some("256")));
    }

    #[test]
    fn standard_attributes_have_bounds_of_their_own() {
        let bounded = |min: &str, max: &str| {
            let mut name = own("name", AttributeDataType::String);
            name.string_attribute_constraints =
                Some(StringAttributeConstraintsType { min_length: Some(min.into()), max_length: Some(max.into()) });
            declare(name)
        };
        let own_list = [bounded("2", "5").unwrap()];
        let schema = Schema::new(&own_list);
        assert!(schema.check(&values(&[("name", "A")]), Writer::User).unwrap_err().contains("no shorter than 2"));
        let shown = schema.describe().into_iter().find(|a| a.name.as_deref() == Some("name")).unwrap();
        let shown = shown.string_attribute_constraints.unwrap();
        assert_eq!((shown.min_length.as_deref(), shown.max_length.as_deref()), (Some("2"), Some("5")));
        assert!(bounded("6", "5").unwrap_err().contains("less than min length"));
        assert!(schema.check(&values(&[("updated_at", "-1")]), Writer::User).unwrap_err().contains("or equal to 0"));
        assert_eq!(schema.check(&values(&[("updated_at", "1700000000")]), Writer::User), Ok(()));
    }

    #[test]
    fn own_attributes_cannot_be_required_or_double() {
        let mut a = own("a", AttributeDataType::String);
        a.required = Some(true);
        assert!(declare(a).is_err());
        let twice = [
            declare(own("b", AttributeDataType::String)).unwrap(),
            declare(own("b", AttributeDataType::Number)).unwrap(),
        ];
        assert!(check_distinct(&twice).is_err());
    }

    #[test]
    fn an_own_attribute_has_the_bounds_of_its_type_and_cognitos_defaults() {
        let both = |data_type| {
            let bounds = NumberAttributeConstraintsType { min_value: Some("1".into()), max_value: Some("2".into()) };
            let lengths = StringAttributeConstraintsType { min_length: Some("1".into()), max_length: Some("2".into()) };
            declare_custom(SchemaAttributeType {
                number_attribute_constraints: Some(bounds),
                string_attribute_constraints: Some(lengths),
                ..own("a", data_type)
            })
            .unwrap()
        };
        let has = |a: &SchemaAttributeType| {
            (a.string_attribute_constraints.is_some(), a.number_attribute_constraints.is_some())
        };
        assert_eq!(has(&both(AttributeDataType::String)), (true, false));
        assert_eq!(has(&both(AttributeDataType::Number)), (false, true));
        assert_eq!(has(&both(AttributeDataType::Boolean)), (false, false));
        let plain = declare_custom(own("a", AttributeDataType::String)).unwrap();
        assert_eq!((plain.mutable, plain.developer_only_attribute), (Some(true), Some(false)));
        let hidden =
            SchemaAttributeType { developer_only_attribute: Some(true), ..own("a", AttributeDataType::String) };
        let hidden = declare_custom(hidden).unwrap();
        let said = check_distinct(&[hidden.clone(), hidden]).unwrap_err();
        assert_eq!(said, "custom:a: Existing attribute already has name dev:custom:a.");
    }

    #[test]
    fn bounds_are_numbers_in_their_order() {
        let text = |min: &str, max: &str| {
            let mut attribute = own("a", AttributeDataType::String);
            attribute.string_attribute_constraints =
                Some(StringAttributeConstraintsType { min_length: Some(min.into()), max_length: Some(max.into()) });
            declare_custom(attribute).err()
        };
        assert_eq!(text("0", "2048"), None);
        let number = |min: &str, max: &str| {
            let mut attribute = own("a", AttributeDataType::Number);
            attribute.number_attribute_constraints =
                Some(NumberAttributeConstraintsType { min_value: Some(min.into()), max_value: Some(max.into()) });
            declare_custom(attribute).err()
        };
        assert_eq!(number("-5", "5"), None);
        // Of standard attributes too, and of their type whatever the definition says.
        let email = StringAttributeConstraintsType { min_length: Some("9".into()), max_length: Some("1".into()) };
        let email = SchemaAttributeType {
            string_attribute_constraints: Some(email),
            name: Some("email".into()),
            ..SchemaAttributeType::default()
        };
        assert_eq!(declare(email).unwrap_err(), "user.email: Max length cannot be less than min length.");
        for (said, why) in [
            (text("0", "2049"), "more than 2048"),
            (text("-1", "5"), "Invalid StringAttributeConstraints"),
            (text("6", "5"), "less than min length"),
            (number("x", "5"), "Invalid NumberAttributeConstraints"),
            (number("6", "5"), "less than min value"),
        ] {
            assert!(said.unwrap().contains(why), "{why}");
        }
        assert_eq!(
            declare_custom(own("email", AttributeDataType::String)).unwrap().name.as_deref(),
            Some("custom:email")
        );
    }

    #[test]
    fn addresses() {
        for good in ["a@b.example", "A.b+c@x-y.example", "ü@é.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c.d", "a@b..c", "a@-b.c", "a\u{0}@b.c"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_phone_number("+4915112345678"));
        assert!(!is_phone_number("+0915112345678"));
    }
}
