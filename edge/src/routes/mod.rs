//! Which route a canonical request takes.

pub mod config;

use std::sync::Arc;

use http::Method;

use crate::snapshot::route::{HostPattern, PathPattern, Route, RouteTable};

/// The answer of the table.
#[derive(Debug)]
pub enum Choice<'t> {
    Route(&'t Arc<Route>),
    /// Some route has this host and path, but none with this method.
    WrongMethod,
    NoRoute,
}

/// The first route that fits. `host` is the canonical name without port, `path` the canonical path decoded once.
pub fn choose<'t>(table: &'t RouteTable, host: &str, path: &str, method: &str) -> Choice<'t> {
    let mut choice = Choice::NoRoute;
    for route in &table.routes {
        if !fits_host(&route.host, host) || !fits_path(&route.path, path) {
            continue;
        }
        if route.methods.is_empty() || route.methods.iter().any(|allowed| allowed.as_str() == method) {
            return Choice::Route(route);
        }
        choice = Choice::WrongMethod;
    }
    choice
}

/// Puts the more exact routes first: exact hosts and paths before suffixes and prefixes, longer before shorter. Routes that are
/// equally exact stay in the order in which they were written.
pub fn order(routes: &mut [Route]) {
    routes.sort_by_key(|route| {
        let host = match &route.host {
            HostPattern::Exact(_) => (0, 0),
            HostPattern::Suffix(suffix) => (1, usize::MAX - suffix.len()),
            HostPattern::Any => (2, 0),
        };
        let path = match &route.path {
            PathPattern::Exact(_) => (0, 0),
            PathPattern::Prefix(prefix) => (1, usize::MAX - prefix.len()),
        };
        (host, path, methods_rank(&route.methods))
    });
}

/// A route for some methods is more exact than one for all.
fn methods_rank(methods: &[Method]) -> u8 {
    u8::from(methods.is_empty())
}

/// Whether a host is among those of a pattern; `host` is the canonical name without port.
pub fn fits_host(pattern: &HostPattern, host: &str) -> bool {
    match pattern {
        HostPattern::Any => true,
        HostPattern::Exact(name) => name == host,
        HostPattern::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
    }
}

fn fits_path(pattern: &PathPattern, path: &str) -> bool {
    match pattern {
        PathPattern::Exact(exact) => exact == path,
        PathPattern::Prefix(prefix) => path.starts_with(prefix.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: HostPattern, path: PathPattern, methods: &[Method]) -> Route {
        let name = format!("{host:?} {path:?}").into();
        Route { name, host, path, methods: methods.to_vec(), ..Route::fixture() }
    }

    fn exact(path: &str) -> PathPattern {
        PathPattern::Exact(path.into())
    }

    fn below(path: &str) -> PathPattern {
        PathPattern::Prefix(path.into())
    }

    fn table() -> RouteTable {
        let api = || HostPattern::Exact("api.example.com".into());
        let mut routes = vec![
            route(HostPattern::Any, below("/"), &[]),
            route(HostPattern::Suffix(".example.com".into()), below("/"), &[]),
            route(api(), below("/"), &[Method::GET]),
            route(api(), below("/orders/"), &[]),
            route(api(), exact("/orders/new"), &[Method::POST]),
        ];
        order(&mut routes);
        RouteTable { routes: routes.into_iter().map(Arc::new).collect(), ..RouteTable::default() }
    }

    #[test]
    fn the_most_exact_route_wins() {
        let table = table();
        let cases = [
            ("api.example.com", "/orders/new", "POST", 4),
            ("api.example.com", "/orders/new", "GET", 3),
            ("api.example.com", "/orders/7", "DELETE", 3),
            ("api.example.com", "/orders", "GET", 2),
            ("www.example.com", "/orders/7", "GET", 1),
            ("example.com", "/", "GET", 0),
            ("evilexample.com", "/", "GET", 0),
        ];
        let written = [
            (HostPattern::Any, below("/")),
            (HostPattern::Suffix(".example.com".into()), below("/")),
            (HostPattern::Exact("api.example.com".into()), below("/")),
            (HostPattern::Exact("api.example.com".into()), below("/orders/")),
            (HostPattern::Exact("api.example.com".into()), exact("/orders/new")),
        ];
        for (host, path, method, expected) in cases {
            let Choice::Route(route) = choose(&table, host, path, method) else { panic!("{host}{path}") };
            assert_eq!((route.host.clone(), route.path.clone()), written[expected], "{method} {host}{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_apart_from_no_route() {
        let mut routes = vec![route(HostPattern::Exact("a".into()), below("/x/"), &[Method::GET])];
        order(&mut routes);
        let table = RouteTable { routes: routes.into_iter().map(Arc::new).collect(), ..RouteTable::default() };
        assert!(matches!(choose(&table, "a", "/x/1", "POST"), Choice::WrongMethod));
        assert!(matches!(choose(&table, "a", "/y", "GET"), Choice::NoRoute));
        assert!(matches!(choose(&table, "b", "/x/1", "GET"), Choice::NoRoute));
        assert!(matches!(choose(&table, "a", "/X/1", "GET"), Choice::NoRoute), "paths have case");
    }
}
