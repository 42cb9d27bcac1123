//! What a browser asks before it sends a request of another site (Fetch standard, "CORS-preflight request"). The edge answers it where the
//! route of the request that is to come says so; it brings no token, and nothing of it goes upstream.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cors;
use crate::routes::{self, Choice};
use crate::snapshot::route::{Route, RouteTable};

/// What a preflight is told, and the route of the request that it announces.
#[derive(Debug)]
pub struct Told<'t> {
    pub route: &'t Arc<Route>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The answer to a preflight. None where this is no preflight, or none of a route and an
/// origin that go together: then it is a request like any other. `host` and `path` are as for [`routes::choose`].
pub fn answer<'t>(
    table: &'t RouteTable,
    (host, path, method): (&str, &str, &str),
    headers: &HeaderMap,
) -> Option<Told<'t>> {
    let announced = cors::preflight(method, headers)?;
    let Choice::Route(route) = routes::choose(table, host, path, announced) else { return None };
    let headers = cors::permission(route.cors.as_ref()?, headers)?;
    Some(Told { route, headers })
}
