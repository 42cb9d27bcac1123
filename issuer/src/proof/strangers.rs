//! A good request with what is somebody else's, of another kind, forged or gone, in the place of each member.

use cognito_model::OperationInfo;
use serde_json::{Map, Value, json};

use super::examples::{self, Deployment};

/// What was put where, and the request.
pub(super) fn of<'a>(
    operation: &'a OperationInfo,
    good: &'a Map<String, Value>,
    deployment: &'a Deployment,
    kept: &'a Map<String, Value>,
) -> impl Iterator<Item = (String, Value)> + 'a {
    operation.shape.members.iter().flat_map(move |member| {
        let strangers = deployment.strangers.get(member.name).into_iter().flatten();
        strangers.map(move |stranger| {
            let mut request = good.clone();
            request.insert(member.name.to_owned(), examples::fill(stranger, kept));
            (format!("/{}: {stranger}", member.name), json!(request))
        })
    })
}
