//! Request bodies in, answer bodies out.

use serde_json::Value;

use crate::fault::Fault;
use crate::operation::{OperationModel, Reply};
use crate::{json, typing, validate};

/// Reads, checks and types a request body. The caller has bounded its length.
///
/// # Errors
/// `SerializationException` for what is no JSON object or has a member of the wrong type; the service's violation exception,
/// in Cognito's words, for values that break a limit of the model.
pub fn decode<O: OperationModel>(body: &[u8]) -> Result<O::Input, Fault> {
    let mut members = json::parse_object(body).map_err(|problem| Fault::serialization(problem.message()))?;
    let shape = O::shape();
    typing::check_structure(&mut members, shape).map_err(Fault::serialization)?;
    if let Some(message) = validate::violations(&members, shape) {
        return Err(Fault::new(O::SERVICE.violation(), message));
    }
    // Tables and types come from one model, so this cannot fail; were it to, the request is still refused.
    serde_json::from_value(Value::Object(members))
        .map_err(|_| Fault::serialization("The request could not be read").caused_by(O::NAME))
}

/// The body of a successful answer.
pub fn encode<O: OperationModel>(output: &O::Output) -> Result<Vec<u8>, Fault> {
    match O::REPLY {
        Reply::Empty => Ok(Vec::new()),
        Reply::Json => serde_json::to_vec(output).map_err(Fault::internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::op;

    #[test]
    fn a_request_becomes_typed() {
        let body =
            br#"{"ClientId":"abc","Username":"demo","Password":"pw","UserAttributes":[{"Name":"email","Value":"a@b"}],
            "ClientMetadata":{"k":"v","gone":null},"SecretHash":null,"Unknown":{"x":[1]}}"#;
        let request = decode::<op::SignUp>(body).unwrap();
        assert_eq!((request.client_id.as_str(), request.username.as_str()), ("abc", "demo"));
        assert_eq!(request.password.unwrap().expose(), "pw");
        assert_eq!(request.user_attributes.unwrap()[0].value.as_deref(), Some("a@b"));
        assert_eq!(request.client_metadata.unwrap().len(), 1);
        assert!(request.secret_hash.is_none());
    }

    #[test]
    fn answers() {
        use crate::idp::types::{AuthenticationResultType, InitiateAuthResponse};
        let answer = InitiateAuthResponse {
            authentication_result: Some(AuthenticationResultType {
                access_token: Some(String::from("t").into()),
                expires_in: Some(3600),
                ..Default::default()
            }),
            ..Default::default()
        };
        let body = encode::<op::InitiateAuth>(&answer).unwrap();
        assert_eq!(body, br#"{"AuthenticationResult":{"AccessToken":"t","ExpiresIn":3600}}"#);
        assert_eq!(encode::<op::DeleteUser>(&crate::NoOutput).unwrap(), b"");
        assert_eq!(encode::<op::ConfirmSignUp>(&Default::default()).unwrap(), b"{}");
    }
}
