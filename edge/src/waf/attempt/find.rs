//! What a request attempts: by Cognito's API, at its pages, or where an application has its own.

use common::cognito::{Account, Operation, TARGET};
use common::secret::SecretBytes;
use common::waf::model::{AttemptFields, Payload, Watching};
use http::header::ACCEPT;
use serde::Deserialize;

use crate::takeover::Kind;
use crate::waf::attempt::fields::Form;
use crate::waf::attempt::place::Place;
use crate::waf::request::{Body, Request};

pub enum Found {
    Nothing,
    /// The page that has the form, asked for by a browser.
    Page,
    /// An attempt of which nobody knows what it says: there is more of it than is inspected, or it has several readings, or none.
    Unreadable,
    Attempt(Says),
}

/// What an attempt says.
pub struct Says {
    pub kind: Kind,
    pub name: Option<String>,
    pub password: Option<SecretBytes>,
    /// Something is missing without which nobody is let in.
    pub is_missing: bool,
    pub phone: Option<String>,
    pub postal: Option<String>,
    pub how: How,
}

/// How the answer tells the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As Cognito's API does.
    Cognito,
    /// As Cognito's pages do: they lead on, or show the form again.
    Page,
    /// As the configuration of the place says.
    Place,
}

/// Paths of Cognito's pages, where no place is configured.
const SIGN_IN_PAGE: &str = "/login";
const SIGN_UP_PAGE: &str = "/signup";
const RECOVERY_PAGE: &str = "/forgotPassword";

/// What is asked for by the head alone.
enum Target<'p> {
    Operation(&'static Operation),
    Page(Kind),
    Place(&'p Place),
    PlacesPage,
    /// A call by its head and a page by its path, or several calls: who answers it decides which.
    Several,
}

pub fn wants_body(kind: Watching, place: Option<&Place>, request: &Request<'_>) -> bool {
    target(kind, place, request).is_some_and(|target| !matches!(target, Target::PlacesPage))
}

pub fn find(kind: Watching, place: Option<&Place>, request: &Request<'_>) -> Found {
    let Some(target) = target(kind, place, request) else { return Found::Nothing };
    let body = match request.body {
        Body::Read { more: true, .. } if !matches!(target, Target::PlacesPage) => return Found::Unreadable,
        Body::Read { bytes, .. } => bytes,
        Body::None | Body::Unread => b"",
    };
    match target {
        Target::Operation(operation) => of_call(operation, body),
        Target::Page(kind) => {
            let fields = AttemptFields {
                name: Some("username".to_owned()),
                password: Some("password".to_owned()),
                ..AttemptFields::default()
            };
            let form = Form { kind, fields: &fields, payload: Some(Payload::Form), how: How::Page };
            form.read(request, body).map_or(Found::Unreadable, Found::Attempt)
        }
        Target::Place(place) => {
            let kind = if kind == Watching::SignIns { Kind::SignIn } else { Kind::SignUp };
            let form = Form { kind, fields: &place.fields, payload: place.payload, how: How::Place };
            form.read(request, body).map_or(Found::Unreadable, Found::Attempt)
        }
        Target::Several => Found::Unreadable,
        Target::PlacesPage => Found::Page,
    }
}

fn target<'p>(kind: Watching, place: Option<&'p Place>, request: &Request<'_>) -> Option<Target<'p>> {
    if let Some(place) = place {
        if place.is_attempt(request.method, request.path) {
            return Some(Target::Place(place));
        }
        if place.is_page(request.method, request.path) && text_of(request, &ACCEPT).contains("text/html") {
            return Some(Target::PlacesPage);
        }
    }
    if request.method != "POST" {
        return None;
    }
    // A target that names nothing watched says nothing of who answers: a page minds no such header.
    let named = request.headers.get_all(TARGET);
    let call =
        named.iter().find_map(|target| Operation::by_target(target.to_str().ok()?).filter(|one| is_watched(kind, one)));
    let page = page(kind, request.path).filter(|_| place.is_none());
    match (call, page) {
        (Some(_), Some(_)) => Some(Target::Several),
        (Some(_), None) if named.iter().nth(1).is_some() => Some(Target::Several),
        (Some(operation), None) => Some(Target::Operation(operation)),
        (None, page) => page.map(Target::Page),
    }
}

fn page(kind: Watching, path: &str) -> Option<Kind> {
    match (kind, path) {
        (Watching::SignIns, SIGN_IN_PAGE) => Some(Kind::SignIn),
        (Watching::SignIns, RECOVERY_PAGE) => Some(Kind::Recovery),
        (Watching::SignUps, SIGN_UP_PAGE) => Some(Kind::SignUp),
        _ => None,
    }
}

fn is_watched(kind: Watching, operation: &Operation) -> bool {
    match kind {
        Watching::SignIns => {
            matches!(
                operation.name,
                "InitiateAuth" | "RespondToAuthChallenge" | "ForgotPassword" | "ConfirmForgotPassword"
            )
        }
        Watching::SignUps => operation.name == "SignUp",
    }
}

/// What the issuer reads more strictly: nothing that can't be read here is done there.
///
/// By SRP the first step proves nothing; the second is the attempt. It says the user's id, where the first may say an alias, so that the two can't be compared.
fn of_call(operation: &Operation, body: &[u8]) -> Found {
    let Ok(account) = Account::read(operation, body) else { return Found::Unreadable };
    let step = account.step.as_deref().unwrap_or_default();
    let has_password = account.password.is_some();
    let kind = match (operation.name, step) {
        ("InitiateAuth", "USER_PASSWORD_AUTH") => Kind::SignIn,
        ("InitiateAuth", "USER_AUTH") if has_password => Kind::SignIn,
        ("RespondToAuthChallenge", "PASSWORD_VERIFIER" | "PASSWORD") => Kind::SignIn,
        ("RespondToAuthChallenge", "SELECT_CHALLENGE") if has_password => Kind::SignIn,
        ("SignUp", _) => Kind::SignUp,
        ("ForgotPassword" | "ConfirmForgotPassword", _) => Kind::Recovery,
        _ => return Found::Nothing,
    };
    let is_missing = account.user_name.is_none() || (step == "USER_PASSWORD_AUTH" && !has_password);
    // Of a recovery the new password says nothing.
    let password = account.password.filter(|_| kind != Kind::Recovery);
    Found::Attempt(Says {
        kind,
        name: account.user_name,
        password: password.map(|password| SecretBytes::new(password.expose().as_bytes())),
        is_missing,
        phone: (kind == Kind::SignUp).then(|| phone_of(body)).flatten(),
        postal: None,
        how: How::Cognito,
    })
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(rename = "UserAttributes")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    name: String,
    value: Option<String>,
}

fn phone_of(body: &[u8]) -> Option<String> {
    let Attributes { attributes } = serde_json::from_slice(body).ok()?;
    attributes.into_iter().find(|one| one.name == "phone_number")?.value
}

fn text_of<'r>(request: &Request<'r>, name: &http::HeaderName) -> &'r str {
    request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use common::waf::model::{AttemptPlace, PathMatch};
    use http::HeaderMap;

    use super::*;
    use crate::waf::request::Clearance;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn request<'r>(method: &'r str, path: &'r str, headers: &'r HeaderMap, body: &'r str) -> Request<'r> {
        Request {
            method,
            path,
            query: None,
            headers,
            body: Body::Read { bytes: body.as_bytes(), more: false },
            client: None,
            ja3: None,
            ja4: None,
            token: None,
            clearance: Clearance::default(),
        }
    }

    fn says(kind: Watching, place: Option<&Place>, request: Request<'_>) -> Option<(Kind, String, String, bool, How)> {
        let Found::Attempt(says) = find(kind, place, &request) else { return None };
        assert!(wants_body(kind, place, &request));
        let password = says.password.map(|password| String::from_utf8(password.expose().to_vec()).unwrap());
        Some((says.kind, says.name.unwrap_or_default(), password.unwrap_or_default(), says.is_missing, says.how))
    }

    fn call(kind: Watching, operation: &str, body: &str) -> Option<(Kind, String, String, bool, How)> {
        let headers = headers(&[("x-amz-target", &format!("AWSCognitoIdentityProviderService.{operation}"))]);
        says(kind, None, request("POST", "/", &headers, body))
    }

    fn said(
        kind: Kind,
        name: &str,
        password: &str,
        is_missing: bool,
        how: How,
    ) -> Option<(Kind, String, String, bool, How)> {
        Some((kind, name.to_owned(), password.to_owned(), is_missing, how))
    }

    #[test]
    fn cognitos_calls() {
        let (ins, ups) = (Watching::SignIns, Watching::SignUps);
        let plain = r#"{"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "ann", "PASSWORD": "pw"}}"#;
        assert_eq!(call(ins, "InitiateAuth", plain), said(Kind::SignIn, "ann", "pw", false, How::Cognito));
        assert_eq!(call(ups, "InitiateAuth", plain), None);
        let none = r#"{"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "ann"}}"#;
        assert_eq!(call(ins, "InitiateAuth", none), said(Kind::SignIn, "ann", "", true, How::Cognito));
        let srp = r#"{"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "ann", "SRP_A": "1"}}"#;
        assert_eq!(call(ins, "InitiateAuth", srp), None, "nothing is proven yet");
        let verifier = r#"{"ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": {"USERNAME": "ann"}}"#;
        assert_eq!(call(ins, "RespondToAuthChallenge", verifier), said(Kind::SignIn, "ann", "", false, How::Cognito));
        let mfa = r#"{"ChallengeName": "SMS_MFA", "ChallengeResponses": {"USERNAME": "ann"}}"#;
        assert_eq!(call(ins, "RespondToAuthChallenge", mfa), None);
        let refresh = r#"{"AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": "t"}}"#;
        assert_eq!(call(ins, "InitiateAuth", refresh), None);
        let forgot = call(ins, "ForgotPassword", r#"{"Username": "ann"}"#);
        assert_eq!(forgot, said(Kind::Recovery, "ann", "", false, How::Cognito));
        let headers = headers(&[("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth")]);
        let twice = r#"{"AuthParameters": {"USERNAME": "a", "USERNAME": "b"}}"#;
        for body in ["{", "", twice] {
            assert!(matches!(find(ins, None, &request("POST", "/", &headers, body)), Found::Unreadable), "{body}");
        }
        let more = Body::Read { bytes: plain.as_bytes(), more: true };
        assert!(matches!(
            find(ins, None, &Request { body: more, ..request("POST", "/", &headers, "") }),
            Found::Unreadable
        ));
        assert_eq!(call(ins, "AdminInitiateAuth", plain), None);
        let up =
            r#"{"Username": "ann", "Password": "pw", "UserAttributes": [{"Name": "phone_number", "Value": "+1555"}]}"#;
        assert_eq!(call(ups, "SignUp", up), said(Kind::SignUp, "ann", "pw", false, How::Cognito));
        assert_eq!(phone_of(up.as_bytes()).as_deref(), Some("+1555"));
    }

    #[test]
    fn pages_and_places() {
        let (none, json) = (headers(&[]), headers(&[("content-type", "application/json")]));
        let page = says(Watching::SignIns, None, request("POST", "/login", &none, "username=ann%40x&password=a+b&x=1"));
        assert_eq!(page, said(Kind::SignIn, "ann@x", "a b", false, How::Page));
        assert_eq!(says(Watching::SignIns, None, request("GET", "/login", &none, "")), None);
        let place = |page: Option<&str>| {
            Place::new(&AttemptPlace {
                path: PathMatch::Prefix("/web/in".to_owned()),
                page: page.map(|page| PathMatch::Pattern(page.to_owned())),
                payload: None,
                fields: AttemptFields::default(),
                answers: None,
            })
            .unwrap()
        };
        let own = place(None);
        let form = headers(&[("content-type", "application/x-www-form-urlencoded")]);
        let by = |headers, body| says(Watching::SignIns, Some(&own), request("POST", "/web/in/now", headers, body));
        assert_eq!(
            by(&json, r#"{"username": "ann", "password": "pw"}"#),
            said(Kind::SignIn, "ann", "pw", false, How::Place)
        );
        assert_eq!(by(&form, "username=ann&password="), said(Kind::SignIn, "ann", "", true, How::Place));
        assert_eq!(by(&form, ""), said(Kind::SignIn, "", "", true, How::Place));
        for (headers, body) in [(&json, "{broken"), (&none, "username=ann&password=pw")] {
            let found = find(Watching::SignIns, Some(&own), &request("POST", "/web/in", headers, body));
            assert!(matches!(found, Found::Unreadable), "{body}");
        }
        assert_eq!(says(Watching::SignIns, Some(&own), request("POST", "/login", &none, "")), None);
        let (with_page, html) = (place(Some("^/new$")), headers(&[("accept", "text/html,*/*")]));
        let asked = |headers| find(Watching::SignUps, Some(&with_page), &request("GET", "/new", headers, ""));
        assert!(matches!(asked(&html), Found::Page) && matches!(asked(&none), Found::Nothing));
    }

    #[test]
    fn a_header_does_not_hide_a_page() {
        let body = "username=ann&password=pw";
        let own = Place::new(&AttemptPlace {
            path: PathMatch::Prefix("/web/in".to_owned()),
            page: None,
            payload: Some(Payload::Form),
            fields: AttemptFields::default(),
            answers: None,
        })
        .unwrap();
        for target in ["x", "AWSCognitoIdentityProviderService.GetUser", "AWSCognitoIdentityProviderService.SignUp"] {
            let headers = headers(&[("x-amz-target", target)]);
            let page = says(Watching::SignIns, None, request("POST", "/login", &headers, body));
            assert_eq!(page, said(Kind::SignIn, "ann", "pw", false, How::Page), "{target}");
            let at_place = says(Watching::SignIns, Some(&own), request("POST", "/web/in", &headers, body));
            assert_eq!(at_place, said(Kind::SignIn, "ann", "pw", false, How::Place), "{target}");
            assert!(says(Watching::SignIns, None, request("POST", "/", &headers, body)).is_none());
        }
        let initiate = ("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth");
        let mut twice = headers(&[initiate]);
        twice.append("x-amz-target", "x".parse().unwrap());
        // The one who reads it as a call finds no attempt in it, the other does.
        let refresh = r#"{"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": "&username=ann&password=pw&"}"#;
        for (path, headers) in [("/login", headers(&[initiate])), ("/", twice)] {
            let found = find(Watching::SignIns, None, &request("POST", path, &headers, refresh));
            assert!(matches!(found, Found::Unreadable), "{path}");
        }
    }
}
