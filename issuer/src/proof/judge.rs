//! Whether an answer is one that Cognito could give.

use cognito_model::spoil::{Spoilt, Verdict};
use cognito_model::{Exception, OperationInfo};
use serde_json::Value;
use uuid::Uuid;

use super::stage::Answer;

/// Answers stay small, however large the request was.
const LARGEST_REFUSAL: usize = 256 << 10;

/// What any operation may answer: not JSON, or too many (four operations of the model lack what Cognito says of all).
const OF_ALL: [Exception; 2] = [Exception::Serialization, Exception::TooManyRequests];

/// What is wrong with an answer.
pub(super) fn complaint(operation: &OperationInfo, answer: &Answer) -> Option<String> {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = || {
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        Uuid::parse_str(header("x-amzn-requestid")).map_err(|_| "no x-amzn-RequestId")?;
        (header("content-type") == "application/x-amz-json-1.1").then_some(()).ok_or("another content type")?;
        if answer.status == 200 {
            let is_object = answer.body.is_empty() || json.is_some_and(|json| json.is_object());
            return is_object.then_some(()).ok_or("a success that is no object");
        }
        (answer.status == 400).then_some(()).ok_or("a status that is neither 200 nor 400")?;
        let json = json.ok_or("a refusal that is no JSON")?;
        let kind = json["__type"].as_str().ok_or("no __type")?;
        let text = json["message"].as_str().filter(|text| !text.is_empty());
        text.ok_or("no message")?;
        (answer.body.len() < LARGEST_REFUSAL).then_some(()).ok_or("a refusal that is too long")?;
        (header("x-amzn-errortype") == format!("{kind}:")).then_some(()).ok_or("another x-amzn-ErrorType")?;
        let of_model = operation.errors.iter().any(|error| error.name() == kind);
        let may = of_model || OF_ALL.iter().any(|error| error.name() == kind);
        may.then_some(()).ok_or("an exception that the operation does not have")
    };
    let found: Result<(), &str> = form();
    found.err().map(|why| format!("{why}: {} {}", answer.status, answer.text()))
}

/// The same, and whether what the tables say is wrong was found to be wrong.
pub(super) fn of_spoilt(operation: &OperationInfo, spoilt: &Spoilt, answer: &Answer) -> Option<String> {
    if let Some(complaint) = complaint(operation, answer) {
        return Some(complaint);
    }
    let found = answer.exception();
    let right = match spoilt.verdict {
        Verdict::Serialization => found == "SerializationException",
        Verdict::Violation => found == "InvalidParameterException" && answer.text().contains(" validation error"),
        Verdict::Ignored => answer.status == 200,
        Verdict::Orderly => true,
    };
    (!right).then(|| format!("not as {:?} demands: {} {}", spoilt.verdict, answer.status, answer.text()))
}
