//! Table entries: an operation with its input decoded and its output encoded.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use cognito_model::{Auth, Fault, OperationModel, Service};
use serde::Serialize;

use super::Call;

/// The JSON of an answer; empty for operations without output.
pub type Answer = Vec<u8>;

type Pending = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;

/// An operation as the router sees it.
#[derive(Clone)]
pub struct Registered {
    pub service: Service,
    pub name: &'static str,
    pub auth: Auth,
    takes: fn(&str) -> bool,
    check: fn(&[u8]) -> Result<(), Fault>,
    run: Arc<dyn Fn(Call, Vec<u8>) -> Pending + Send + Sync>,
}

impl Registered {
    /// Whether the model knows a member of that name: all others are ignored, and say nothing.
    pub fn takes(&self, member: &str) -> bool {
        (self.takes)(member)
    }

    /// Whether the model allows the input. For operations whose caller is proven by a member of it: what is malformed is said first.
    pub fn check(&self, body: &[u8]) -> Result<(), Fault> {
        (self.check)(body)
    }

    /// Decodes, runs, encodes. The caller in `call` has been resolved as [`Registered::auth`] asks.
    pub fn run(&self, call: Call, body: Vec<u8>) -> impl Future<Output = Result<Answer, Fault>> + Send + use<> {
        (self.run)(call, body)
    }
}

/// Makes a table entry of a handler.
pub fn operation<O, H, F>(_model: O, handler: H) -> Registered
where
    O: OperationModel,
    O::Input: Send + 'static,
    O::Output: Serialize + 'static,
    H: Fn(Call, O::Input) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<O::Output, Fault>> + Send + 'static,
{
    let run = move |call: Call, body: Vec<u8>| -> Pending {
        Box::pin(async move {
            let input = cognito_model::decode::<O>(&body)?;
            let output = handler(call, input).await?;
            cognito_model::encode::<O>(&output)
        })
    };
    let check = |body: &[u8]| cognito_model::decode::<O>(body).map(drop);
    let takes = |name: &str| O::shape().members.iter().any(|member| member.name == name);
    Registered { service: O::SERVICE, name: O::NAME, auth: O::AUTH, takes, check, run: Arc::new(run) }
}
