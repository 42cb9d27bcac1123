//! Where the user is for whom a server signs in (`ContextData` of AdminInitiateAuth and AdminRespondToAuthChallenge).

use cognito_model::idp::types::ContextDataType;

use crate::aws_json::Place;

/// Its address, and the user agent among the headers that the server got. `EncodedData`, what Amplify finds out about a device, is not read.
pub fn told(context: Option<&ContextDataType>) -> Option<Place> {
    let context = context?;
    let is_agent = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("user-agent"));
    let agent = context.http_headers.iter().find(|header| is_agent(&header.header_name));
    Place::told(&context.ip_address, agent.and_then(|header| header.header_value.as_deref()))
}
