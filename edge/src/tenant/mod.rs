//! Whose a request to the issuer is: the pool that the issuer will find for it, found before. Pure.
//!
//! Calls both find by [`common::cognito`], pages by their host, of the same bytes: the canonical request is what the issuer gets. Where they did not agree all the same, the
//! issuer notices: the edge's attestation says whose web ACL was asked.

use common::cognito::{self, Members, Names, Operation, TARGET};
use common::ids::PoolId;
use http::HeaderMap;

use crate::snapshot::tenants::Tenants;
use crate::waf::Body;

/// A request on a route to an issuer, in its canonical form. The body is all of it, or unread.
#[derive(Clone, Copy)]
pub struct Arrived<'r> {
    /// Name and port.
    pub host: (&'r str, Option<u16>),
    pub method: &'r str,
    pub path: &'r str,
    pub headers: &'r HeaderMap,
    pub body: Body<'r>,
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    Pool(PoolId),
    /// No pool's web ACL stands before it (an operation that administrators sign, a preflight), or nothing in it names a pool that is known here.
    Nobody,
    /// The body says it, and has not been read.
    NeedsBody,
}

/// The public operation of user pools that a request calls, if it does.
pub fn operation(method: &str, path: &str, headers: &HeaderMap) -> Option<&'static Operation> {
    if method != "POST" || path != "/" {
        return None;
    }
    Operation::by_target(headers.get(TARGET)?.to_str().ok()?)
}

pub fn of(request: Arrived<'_>, tenants: &Tenants) -> Tenant {
    if let Some(pool) = cognito::pool_of_path(request.path) {
        return Tenant::Pool(pool);
    }
    if request.path != "/" {
        // A page, or an endpoint on a domain: the host alone says whose.
        let (name, port) = request.host;
        return tenants.pool_of_host(name, port).cloned().map_or(Tenant::Nobody, Tenant::Pool);
    }
    let Some(operation) = operation(request.method, request.path, request.headers) else { return Tenant::Nobody };
    let body = match request.body {
        Body::Unread => return Tenant::NeedsBody,
        Body::None => &[],
        Body::Read { bytes, .. } => bytes,
    };
    match Members::read(body).map(|members| members.names(operation)) {
        Ok(Names::Pool(pool)) => Tenant::Pool(pool),
        Ok(Names::Client(client)) => tenants.pool_of(&client).cloned().map_or(Tenant::Nobody, Tenant::Pool),
        // What the issuer can't read either it refuses.
        Ok(Names::Nobody) | Err(_) => Tenant::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use common::ids::ClientId;
    use http::HeaderValue;

    use super::*;

    const IDP: &str = "AWSCognitoIdentityProviderService.";

    fn pool() -> PoolId {
        PoolId::parse("eu_A").unwrap()
    }

    fn tenants() -> Tenants {
        let mut tenants = Tenants::default();
        tenants.add_clients(&pool(), [&ClientId::parse("web").unwrap()]);
        tenants.set_hosts(&pool(), ["login.test".to_owned()]);
        tenants
    }

    fn found(method: &str, path: &str, targets: &[&str], body: &str) -> Tenant {
        let fields = targets.iter().map(|target| (TARGET.parse().unwrap(), HeaderValue::from_str(target).unwrap()));
        let mut headers = HeaderMap::new();
        fields.for_each(|(name, value): (http::HeaderName, _)| {
            headers.append(name, value);
        });
        let body = Body::Read { bytes: body.as_bytes(), more: false };
        of(Arrived { host: ("login.test", None), method, path, headers: &headers, body }, &tenants())
    }

    #[test]
    fn a_call_is_its_clients_pools() {
        let [sign_in, other] = ["InitiateAuth", "AdminInitiateAuth"].map(|name| format!("{IDP}{name}"));
        let [sign_in, other] = [sign_in.as_str(), other.as_str()];
        let web = r#"{"ClientId": "web"}"#;
        let ours = Tenant::Pool(pool());
        for (method, path, targets, body, expected) in [
            ("POST", "/", &[sign_in][..], web, &ours),
            // As the issuer: the first counts.
            ("POST", "/", &[sign_in, other], web, &ours),
            ("POST", "/", &[other, sign_in], web, &Tenant::Nobody),
            ("POST", "/", &[&sign_in.to_ascii_lowercase()], web, &Tenant::Nobody),
            ("POST", "/", &[], web, &Tenant::Nobody),
            ("GET", "/", &[sign_in], web, &Tenant::Nobody),
            // A page of the domain, whatever else the request says.
            ("POST", "/x", &[sign_in], web, &ours),
            ("GET", "/login", &[], "", &ours),
            ("POST", "/", &[sign_in], r#"{"ClientId": "unknown"}"#, &Tenant::Nobody),
            ("POST", "/", &[sign_in], r#"{"ClientId": "web", "ClientId": "web"}"#, &Tenant::Nobody),
            ("POST", "/", &[sign_in], "", &Tenant::Nobody),
            ("GET", "/eu_A/.well-known/jwks.json", &[], "", &ours),
            ("POST", "/eu_A/x", &[sign_in], r#"{"ClientId": "unknown"}"#, &ours),
        ] {
            assert_eq!(found(method, path, targets, body), *expected, "{method} {path} {targets:?} {body}");
        }
    }

    #[test]
    fn only_what_the_body_tells_waits_for_it() {
        let target = HeaderValue::from_static("AWSCognitoIdentityProviderService.SignUp");
        let named = HeaderMap::from_iter([(http::HeaderName::from_static(TARGET), target)]);
        let none = HeaderMap::new();
        let unread = |method, path, headers| {
            of(Arrived { host: ("other.test", None), method, path, headers, body: Body::Unread }, &tenants())
        };
        assert_eq!(unread("POST", "/", &named), Tenant::NeedsBody);
        assert_eq!(unread("POST", "/", &none), Tenant::Nobody);
        assert_eq!(unread("GET", "/eu_B/x", &named), Tenant::Pool(PoolId::parse("eu_B").unwrap()));
    }

    #[test]
    fn a_signature_makes_no_difference() {
        let target = HeaderValue::from_static("AWSCognitoIdentityProviderService.SignUp");
        let signed = HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=x");
        let headers = HeaderMap::from_iter([
            (http::HeaderName::from_static(TARGET), target),
            (http::header::AUTHORIZATION, signed),
        ]);
        let body = Body::Read { bytes: br#"{"ClientId": "web"}"#, more: false };
        let request = Arrived { host: ("login.test", None), method: "POST", path: "/", headers: &headers, body };
        assert_eq!(of(request, &tenants()), Tenant::Pool(pool()));
    }
}
