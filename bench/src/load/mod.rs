//! What is sent: tokens, requests, when and how; and the small upstream that answers behind every measured proxy.

mod api;
mod arrival;
mod client;
mod exchange;
mod http1;
mod http2;
mod outcome;
mod place;
mod plan;
mod raw;
mod requests;
mod response;
mod run;
mod sink;
mod stream;
mod target;
mod timer;
mod tokens;
mod upstream;
mod url;
mod users;

#[cfg(test)]
mod tests;

pub use api::{Api, ApiError, Signer};
pub use arrival::{Arrival, ArrivalError};
pub use exchange::{Answer, Exchange};
pub use outcome::{Failure, Outcome};
pub use plan::{Plan, PlanError, Spawned};
#[cfg(test)]
pub use raw::source;
pub use raw::{Said, number as number_of_source, send_all};
pub use requests::{Bearers, Reply, Request, RequestError, Requests, Same, Turn};
pub use sink::Sink;
pub use target::{Protocol, Target, Tls, TlsError, Trust};
pub use tokens::{Bad, FixtureError, Issuer};
pub use upstream::Upstream;
pub use url::UrlError;
pub use users::{Database, FillError, fill, username};
