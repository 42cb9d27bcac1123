//! `ManagedRuleGroupConfigs`: where an application has its sign-in or sign-up, for the groups that judge them.

use super::node::{Node, Object};
use super::{Invalid, set};
use crate::waf::model::{Answers, AttemptFields, AttemptPlace, PathMatch, Payload, Texts};

const PAYLOADS: [(&str, Payload); 2] = [("JSON", Payload::Json), ("FORM_ENCODED", Payload::Form)];
/// Parts of a number or an address.
const MAX_PARTS: usize = 20;

/// What the configurations say together; AWS's older form has one for each member.
pub fn place(list: &Node<'_>) -> Result<Option<AttemptPlace>, Invalid> {
    let mut found = None;
    let mut older = Older::default();
    for item in list.items(0..=10)? {
        let mut config = item.object()?;
        for (name, read) in [
            ("AWSManagedRulesATPRuleSet", sign_in as fn(Object<'_>) -> Result<AttemptPlace, Invalid>),
            ("AWSManagedRulesACFPRuleSet", sign_up),
        ] {
            let Some(node) = config.optional(name) else { continue };
            if found.is_some() {
                return Err(node.invalid("is a second configuration"));
            }
            found = Some(read(node.object()?)?);
        }
        older.read(&mut config)?;
        // Of groups that there are not.
        config.ignore(&["AWSManagedRulesBotControlRuleSet", "AWSManagedRulesAntiDDoSRuleSet"]);
        config.finish()?;
    }
    match (found, older.path) {
        (Some(_), Some(_)) => Err(list.invalid("LoginPath stands beside AWSManagedRulesATPRuleSet, which has one")),
        (None, Some(path)) => {
            Ok(Some(AttemptPlace { path, page: None, payload: older.payload, fields: older.fields, answers: None }))
        }
        (found, None) => Ok(found),
    }
}

/// Members that AWS took before it had `AWSManagedRulesATPRuleSet`.
#[derive(Default)]
struct Older {
    path: Option<PathMatch>,
    payload: Option<Payload>,
    fields: AttemptFields,
}

impl Older {
    fn read(&mut self, config: &mut Object<'_>) -> Result<(), Invalid> {
        if let Some(node) = config.optional("LoginPath") {
            self.path = Some(path(&node, false)?);
        }
        if let Some(node) = config.optional("PayloadType") {
            self.payload = Some(node.named("PAYLOAD_TYPE").choice(&PAYLOADS)?);
        }
        self.fields.name = field(config, "UsernameField")?.or_else(|| self.fields.name.take());
        self.fields.password = field(config, "PasswordField")?.or_else(|| self.fields.password.take());
        Ok(())
    }
}

fn sign_in(mut object: Object<'_>) -> Result<AttemptPlace, Invalid> {
    let by_pattern = by_pattern(&mut object)?;
    let path = path(&object.required("LoginPath")?, by_pattern)?;
    let (mut payload, mut fields) = (None, AttemptFields::default());
    if let Some(node) = object.optional("RequestInspection") {
        let mut inspection = node.object()?;
        payload = Some(inspection.required("PayloadType")?.named("PAYLOAD_TYPE").choice(&PAYLOADS)?);
        inspection.required("UsernameField")?;
        inspection.required("PasswordField")?;
        fields.name = field(&mut inspection, "UsernameField")?;
        fields.password = field(&mut inspection, "PasswordField")?;
        inspection.finish()?;
    }
    let answers = answers(&mut object)?;
    object.finish()?;
    Ok(AttemptPlace { path, page: None, payload, fields, answers })
}

fn sign_up(mut object: Object<'_>) -> Result<AttemptPlace, Invalid> {
    let by_pattern = by_pattern(&mut object)?;
    let path_ = path(&object.required("CreationPath")?, by_pattern)?;
    let page = path(&object.required("RegistrationPagePath")?, by_pattern)?;
    let mut inspection = object.required("RequestInspection")?.object()?;
    let payload = Some(inspection.required("PayloadType")?.named("PAYLOAD_TYPE").choice(&PAYLOADS)?);
    let fields = AttemptFields {
        name: field(&mut inspection, "UsernameField")?,
        password: field(&mut inspection, "PasswordField")?,
        email: field(&mut inspection, "EmailField")?,
        phone: fields(&mut inspection, "PhoneNumberFields")?,
        address: fields(&mut inspection, "AddressFields")?,
    };
    inspection.finish()?;
    let answers = answers(&mut object)?;
    object.finish()?;
    Ok(AttemptPlace { path: path_, page: Some(page), payload, fields, answers })
}

fn by_pattern(object: &mut Object<'_>) -> Result<bool, Invalid> {
    Ok(object.optional("EnableRegexInPath").map(|node| node.truth()).transpose()?.unwrap_or_default())
}

fn path(node: &Node<'_>, by_pattern: bool) -> Result<PathMatch, Invalid> {
    let text = node.text_of(1..=256)?;
    if by_pattern {
        return set::regex(node).map(PathMatch::Pattern);
    }
    match text.starts_with('/') {
        true => Ok(PathMatch::Prefix(text.to_owned())),
        false => Err(node.invalid("must begin with a slash")),
    }
}

fn field(object: &mut Object<'_>, name: &'static str) -> Result<Option<String>, Invalid> {
    object.optional(name).map(identifier).transpose()
}

fn fields(object: &mut Object<'_>, name: &'static str) -> Result<Vec<String>, Invalid> {
    match object.optional(name) {
        None => Ok(Vec::new()),
        Some(list) => list.items(0..=MAX_PARTS)?.map(identifier).collect(),
    }
}

fn identifier(node: Node<'_>) -> Result<String, Invalid> {
    let mut object = node.object()?;
    let text = object.required("Identifier")?.text_of(1..=512)?.to_owned();
    object.finish()?;
    Ok(text)
}

fn answers(object: &mut Object<'_>) -> Result<Option<Answers>, Invalid> {
    let Some(node) = object.optional("ResponseInspection") else { return Ok(None) };
    let (name, inner) = node.union()?;
    let at = inner.clone();
    let mut inner = inner.object()?;
    let answers = match name {
        "StatusCode" => {
            let (success, failure) = (codes(&mut inner, "SuccessCodes")?, codes(&mut inner, "FailureCodes")?);
            if success.iter().any(|code| failure.contains(code)) {
                return Err(at.invalid("has a code that means success and failure"));
            }
            Answers::Status { success, failure }
        }
        "Header" => {
            let name = inner.required("Name")?;
            let name = name.token(1..=200, |char| char.is_ascii_alphanumeric() || "-_.".contains(char))?;
            Answers::Header {
                name: name.to_ascii_lowercase(),
                values: texts(&mut inner, ("SuccessValues", "FailureValues"), 3)?,
            }
        }
        "BodyContains" => Answers::Body(texts(&mut inner, ("SuccessStrings", "FailureStrings"), 5)?),
        "Json" => {
            let pointer = inner.required("Identifier")?.text_of(1..=512)?.to_owned();
            Answers::Json { pointer, values: texts(&mut inner, ("SuccessValues", "FailureValues"), 5)? }
        }
        _ => return Err(at.invalid("is none of StatusCode, Header, BodyContains and Json")),
    };
    inner.finish()?;
    Ok(Some(answers))
}

fn codes(object: &mut Object<'_>, name: &'static str) -> Result<Vec<u16>, Invalid> {
    let codes = object.required(name)?.items(1..=10)?.map(|item| item.number(0..=999));
    codes.map(|code| code.map(|code| u16::try_from(code).unwrap_or_default())).collect()
}

fn texts(object: &mut Object<'_>, names: (&'static str, &'static str), most: usize) -> Result<Texts, Invalid> {
    let mut list = |name| -> Result<Vec<String>, Invalid> {
        let items = object.required(name)?.items(1..=most)?;
        items.map(|item| item.text_of(1..=100).map(str::to_owned)).collect()
    };
    Ok(Texts { success: list(names.0)?, failure: list(names.1)? })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(configs: &Value) -> Result<Option<AttemptPlace>, String> {
        place(&Node::whole(configs, "MANAGED_RULE_GROUP_CONFIG")).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_sign_in_as_aws_has_it() {
        let inspection = json!({"PayloadType": "JSON", "UsernameField": {"Identifier": "/form/user"}, "PasswordField": {"Identifier": "/form/pass"}});
        let answers = json!({"StatusCode": {"SuccessCodes": [200], "FailureCodes": [401, 403]}});
        let place = read(
            &json!([{"AWSManagedRulesATPRuleSet": {"LoginPath": "/web/login", "RequestInspection": inspection, "ResponseInspection": answers, "EnableRegexInPath": false}}]),
        );
        let place = place.unwrap().unwrap();
        assert_eq!((place.path, place.payload), (PathMatch::Prefix("/web/login".to_owned()), Some(Payload::Json)));
        assert_eq!(place.fields.name.as_deref(), Some("/form/user"));
        assert_eq!(place.answers, Some(Answers::Status { success: vec![200], failure: vec![401, 403] }));
        let older = json!([{"LoginPath": "/in"}, {"PayloadType": "FORM_ENCODED"}, {"UsernameField": {"Identifier": "u"}}, {"PasswordField": {"Identifier": "p"}}]);
        let place = read(&older).unwrap().unwrap();
        assert_eq!((place.fields.name.as_deref(), place.fields.password.as_deref()), (Some("u"), Some("p")));
        assert_eq!(read(&json!([])), Ok(None));
    }

    #[test]
    fn a_sign_up_as_aws_has_it() {
        let inspection = json!({"PayloadType": "FORM_ENCODED", "EmailField": {"Identifier": "mail"}, "PhoneNumberFields": [{"Identifier": "p1"}, {"Identifier": "p2"}], "AddressFields": []});
        let answers =
            json!({"Json": {"Identifier": "/login/success", "SuccessValues": ["True"], "FailureValues": ["False"]}});
        let place = read(
            &json!([{"AWSManagedRulesACFPRuleSet": {"CreationPath": "^/new$", "RegistrationPagePath": "/form", "EnableRegexInPath": true, "RequestInspection": inspection, "ResponseInspection": answers}}]),
        );
        let place = place.unwrap().unwrap();
        assert_eq!(place.page, Some(PathMatch::Pattern("/form".to_owned())));
        assert_eq!((place.fields.email.as_deref(), place.fields.phone.len()), (Some("mail"), 2));
        assert!(matches!(place.answers, Some(Answers::Json { .. })));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let login = |more: Value| {
            let mut config = json!({"LoginPath": "/in"});
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(&json!([{"AWSManagedRulesATPRuleSet": config}])).unwrap_err()
        };
        for (more, says) in [
            (json!({"LoginPath": "in"}), "LoginPath: must begin with a slash"),
            (json!({"LoginPath": "(", "EnableRegexInPath": true}), "LoginPath"),
            (json!({"RequestInspection": {"PayloadType": "XML"}}), "PayloadType: must be JSON or FORM_ENCODED"),
            (
                json!({"ResponseInspection": {"StatusCode": {"SuccessCodes": [200], "FailureCodes": [200]}}}),
                "success and failure",
            ),
            (json!({"ResponseInspection": {"Json": {}, "Header": {}}}), "exactly one"),
            (json!({"Other": 1}), "Other: is not known here"),
        ] {
            let said = login(more);
            assert!(said.contains(says), "{said}");
        }
        assert!(read(&json!([{"LoginPath": "/a"}, {"AWSManagedRulesATPRuleSet": {"LoginPath": "/b"}}])).is_err());
        assert!(
            read(&json!([{"AWSManagedRulesACFPRuleSet": {"CreationPath": "/b"}}]))
                .unwrap_err()
                .contains("RegistrationPagePath")
        );
    }
}
