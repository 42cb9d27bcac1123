//! What is refused, and in which words: Cognito's.

use cognito_model::{OperationModel, decode, identity, idp::op};

/// Exception and message.
#[allow(clippy::unwrap_used)] // a helper of the tests below
fn refusal<O: OperationModel>(body: &str) -> (&'static str, String)
where
    O::Input: std::fmt::Debug,
{
    let fault = decode::<O>(body.as_bytes()).unwrap_err();
    assert_eq!(fault.status(), 400);
    (fault.exception.name(), fault.message.into_owned())
}

/// Bodies of operations with the exact texts that Cognito has for them.
#[test]
fn broken_limits() {
    let one = "1 validation error detected: ";
    let fails = "failed to satisfy constraint:";
    let username = r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+";
    let pool = "\"UserPoolId\":\"us-east-1_AbC\"";
    let long_name = "phone_number_verified";
    let table: Vec<((&str, String), String)> = vec![
        (
            refusal::<op::ListUsers>(&format!("{{{pool},\"Limit\":100}}")),
            format!("{one}Value '100' at 'limit' {fails} Member must have value less than or equal to 60"),
        ),
        (
            refusal::<op::ListUsers>(&format!("{{{pool},\"Limit\":-1}}")),
            format!("{one}Value '-1' at 'limit' {fails} Member must have value greater than or equal to 0"),
        ),
        (
            refusal::<op::AdminConfirmSignUp>(r#"{"UserPoolId":"no-pool","Username":"a"}"#),
            format!(
                "{one}Value 'no-pool' at 'userPoolId' {fails} Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+"
            ),
        ),
        (
            refusal::<op::SignUp>(r#"{"ClientId":"abc","Password":"","Username":""}"#),
            format!(
                "3 validation errors detected: Value at 'password' {fails} Member must satisfy regular expression pattern: [\\S]+; Value at 'username' {fails} Member must have length greater than or equal to 1; Value at 'username' {fails} {username}"
            ),
        ),
        (
            refusal::<op::SignUp>("{}"),
            format!(
                "2 validation errors detected: Value null at 'clientId' {fails} Member must not be null; Value null at 'username' {fails} Member must not be null"
            ),
        ),
        (
            refusal::<op::ConfirmSignUp>(r#"{"ClientId":"abc","Username":"a","ConfirmationCode":"1 2"}"#),
            format!(
                "{one}Value '1 2' at 'confirmationCode' {fails} Member must satisfy regular expression pattern: [\\S]+"
            ),
        ),
        (
            refusal::<op::CreateUserPool>(&format!("{{\"PoolName\":\"p\",\"Schema\":[{{\"Name\":\"{long_name}\"}}]}}")),
            format!(
                "{one}Value '{long_name}' at 'schema.1.member.name' {fails} Member must have length less than or equal to 20"
            ),
        ),
        (
            refusal::<op::SignUp>(
                r#"{"ClientId":"abc","Username":"a","UserAttributes":[{"Name":"email"},{"Value":"x"},null]}"#,
            ),
            format!(
                "2 validation errors detected: Value null at 'userAttributes.2.member.name' {fails} Member must not be null; Value null at 'userAttributes.3.member' {fails} Member must not be null"
            ),
        ),
        (
            refusal::<op::CreateUserPoolClient>(&format!(
                "{{{pool},\"ClientName\":\"c\",\"CallbackURLs\":[\"https://a b\"]}}"
            )),
            format!(
                "{one}Value '[https://a b]' at 'callbackURLs' {fails} Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, {username}]"
            ),
        ),
        (
            refusal::<op::CreateUserPoolClient>(&format!(
                "{{{pool},\"ClientName\":\"c\",\"AllowedOAuthFlows\":[\"code\",\"x\"]}}"
            )),
            format!(
                "{one}Value '[code, x]' at 'allowedOAuthFlows' {fails} Member must satisfy constraint: [Member must satisfy enum value set: [code, implicit, client_credentials]]"
            ),
        ),
        (
            refusal::<op::SetUserPoolMfaConfig>(&format!("{{{pool},\"MfaConfiguration\":\"MAYBE\"}}")),
            format!(
                "{one}Value 'MAYBE' at 'mfaConfiguration' {fails} Member must satisfy enum value set: [OFF, ON, OPTIONAL]"
            ),
        ),
        (
            refusal::<op::TagResource>(
                r#"{"ResourceArn":"arn:aws:cognito-idp:us-east-1:1:userpool/x","Tags":{"":"v"}}"#,
            ),
            format!(
                "{one}Value '{{=v}}' at 'tags' {fails} Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"
            ),
        ),
        (
            refusal::<op::AddCustomAttributes>(&format!("{{{pool},\"CustomAttributes\":[]}}")),
            format!("{one}Value at 'customAttributes' {fails} Member must have length greater than or equal to 1"),
        ),
    ];
    for ((exception, message), expected) in table {
        assert_eq!((exception, message), ("InvalidParameterException", expected));
    }
    let body = r#"{"IdentityPoolId":"nonsense"}"#;
    let (exception, message) = refusal::<identity::op::GetId>(body);
    assert_eq!(exception, "ValidationException");
    assert_eq!(
        message,
        format!(
            "{one}Value 'nonsense' at 'identityPoolId' {fails} Member must satisfy regular expression pattern: [\\w-]+:[0-9a-f-]+"
        )
    );
}

#[test]
fn wrong_types() {
    let table = [
        (r#"{"Username":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"Username":1.5}"#, "DECIMAL_VALUE can not be converted to a String"),
        (r#"{"Username":true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"Username":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"Username":["a"]}"#, "Start of list found where not expected"),
        (r#"{"UserAttributes":"a"}"#, "Expected list or null"),
        (r#"{"UserAttributes":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"UserAttributes":[["Name"]]}"#, "Start of list found where not expected"),
        (r#"{"ClientMetadata":"a"}"#, "Expected map or null"),
        (r#"{"ClientMetadata":{"a":false}}"#, "FALSE_VALUE can not be converted to a String"),
        (r#"{"UserContextData":7}"#, "Expected map or null"),
        (r#"{"#, "The request body is not well-formed JSON"),
        (r#"[]"#, "The request body is not a JSON object"),
        (r#"{"Username":"a","Username":"b"}"#, "The request body has a member name twice in one object"),
    ];
    for (body, message) in table {
        assert_eq!(refusal::<op::SignUp>(body), ("SerializationException", message.to_owned()), "{body}");
    }
    let integer = |limit: &str| refusal::<op::ListUsers>(&format!("{{\"Limit\":{limit}}}")).1;
    assert_eq!(integer("\"5\""), "STRING_VALUE can not be converted to an Integer");
    assert_eq!(integer("5.0"), "DECIMAL_VALUE can not be converted to an Integer");
    assert_eq!(integer("2147483648"), "NUMBER_VALUE can not be converted to an Integer");
    let boolean = refusal::<op::AdminSetUserPassword>(r#"{"Permanent":"true"}"#).1;
    assert_eq!(boolean, "STRING_VALUE can not be converted to a Boolean");
    assert_eq!(refusal::<op::SetUICustomization>(r#"{"ImageFile":"?"}"#).1, "Invalid Base64 text");
}

/// What the model marks sensitive is in no message, wherever it stands.
#[test]
fn secrets_are_not_repeated() {
    let secret = "hunter2 with spaces";
    let too_long = secret.repeat(200);
    let bodies = [
        refusal::<op::SignUp>(&format!(
            "{{\"ClientId\":\"{secret}\",\"Username\":\"{secret}\",\"Password\":\"{secret}\",\"SecretHash\":\"{secret}\"}}"
        )),
        refusal::<op::SignUp>(&format!(
            "{{\"ClientId\":\"a\",\"Username\":\"a\",\"UserAttributes\":[{{\"Name\":\"n\",\"Value\":\"{too_long}\"}}]}}"
        )),
        refusal::<op::GetUser>(&format!("{{\"AccessToken\":\"{secret}\"}}")),
        refusal::<identity::op::GetId>(&format!(
            "{{\"IdentityPoolId\":\"a:0\",\"Logins\":{{{}}}}}",
            (0..11).map(|n| format!("\"{n}\":\"{secret}\"")).collect::<Vec<_>>().join(",")
        )),
    ];
    for (_, message) in bodies {
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn messages_stay_small() {
    let attributes = vec!["{}"; 5000].join(",");
    let body = format!("{{\"ClientId\":\"a\",\"Username\":\"a\",\"UserAttributes\":[{attributes}]}}");
    let message = refusal::<op::SignUp>(&body).1;
    assert!(message.starts_with("32 validation errors detected: ") && message.len() < 8000, "{}", message.len());
    let long = "é".repeat(100_000);
    let message = refusal::<op::ConfirmSignUp>(&format!(
        "{{\"ClientId\":\"a\",\"Username\":\"a\",\"ConfirmationCode\":\"{long}\"}}"
    ))
    .1;
    assert!(message.contains("é...' at 'confirmationCode'") && message.len() < 3000, "{}", message.len());
}

#[test]
fn lengths_count_code_points() {
    let username = |n: usize| format!("{{\"UserPoolId\":\"a_b\",\"Username\":\"{}\"}}", "😀".repeat(n));
    assert!(decode::<op::AdminGetUser>(username(128).as_bytes()).is_ok());
    let message = refusal::<op::AdminGetUser>(&username(129)).1;
    assert!(
        message
            .ends_with("at 'username' failed to satisfy constraint: Member must have length less than or equal to 128")
    );
}
