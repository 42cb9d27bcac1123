//! What policies may know of a request besides its method and its route.

use cedar_policy::{Context, RestrictedExpression};

use crate::gates::RequestView;
use crate::gates::policy::value;
use crate::snapshot::authorization::{ContextAttribute, Reads};

/// The attributes that the policies read. One that is not known is not there: a policy that needs it fails, which denies.
pub fn of(request: RequestView<'_>, reads: &Reads) -> Option<Context> {
    if reads.context.is_empty() {
        return Some(Context::empty());
    }
    let told =
        reads.context.iter().filter_map(|attribute| Some((attribute.name().to_owned(), told(request, *attribute)?)));
    Context::from_pairs(told).ok()
}

fn told(request: RequestView<'_>, attribute: ContextAttribute) -> Option<RestrictedExpression> {
    match attribute {
        ContextAttribute::Method => Some(value::text(request.canonical.method)),
        ContextAttribute::Scheme => Some(value::text(request.connection.scheme.as_str())),
        ContextAttribute::Host => Some(value::text(request.canonical.host.name())),
        // As routes judge it: what an origin sees after decoding once.
        ContextAttribute::Path => Some(value::text(&request.canonical.path.decoded())),
        ContextAttribute::ClientIp => {
            Some(RestrictedExpression::new_ip(request.connection.client?.to_canonical().to_string()))
        }
        ContextAttribute::Now => value::time(request.now),
    }
}
