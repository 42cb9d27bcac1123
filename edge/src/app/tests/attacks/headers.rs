//! Header fields that want to be somebody, or somewhere else (T19, T20, T21, T23, T24).

use super::super::harness::{Answer, Connection, Edge, free_addresses, request};
use super::super::{bearer, good_token};

/// What the edge says to the upstream, and nobody else.
const OWN: [&str; 6] =
    ["x-user-id", "x-groups", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"];

fn spellings(name: &str) -> Vec<String> {
    let title: String = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join("-");
    vec![
        name.to_owned(),
        title.clone(),
        name.to_uppercase(),
        name.replace('-', "_"),
        name.to_uppercase().replace('-', "_"),
        title.replacen('-', "_", 1),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
    ]
}

#[test]
fn each_own_header_arrives_once_and_is_ours_whatever_came() {
    let edge = Edge::start();
    let mut connection = edge.connect();
    let token = bearer(&good_token());
    let plain = connection.send(&request("/api/x", &[("authorization", &token)]));
    for name in OWN {
        for spelling in spellings(name) {
            let forms: [&[(&str, &str)]; 4] = [
                &[(&spelling, "intruder"), ("authorization", &token)],
                &[("authorization", &token), (&spelling, "intruder"), (&spelling, "intruder, intruder")],
                &[(name, "intruder"), ("authorization", &token), (&spelling, "intruder")],
                &[(&spelling, ""), ("authorization", &token)],
            ];
            for fields in forms {
                let answer = connection.send(&request("/api/x", fields));
                assert_eq!(answer.status, 200, "{spelling}: {answer:?}");
                assert!(!answer.body.contains("intruder"), "{spelling}: {}", answer.body);
                let values = answer.echoed(name);
                assert_eq!(values.len(), 1, "{spelling}: {values:?}");
                assert!(name == "x-request-id" || values == plain.echoed(name), "{spelling}: {values:?}");
                assert!(
                    spelling.eq_ignore_ascii_case(name) || answer.echoed(&spelling).is_empty(),
                    "{spelling}: an alias went through"
                );
            }
        }
    }
}

#[test]
fn nominating_a_header_of_the_edge_refuses_the_request_or_changes_nothing() {
    let edge = Edge::start();
    let token = bearer(&good_token());
    let mut tried = 0;
    for name in OWN {
        for spelling in spellings(name) {
            for value in [
                spelling.clone(),
                format!("close, {spelling}"),
                format!("{spelling}, keep-alive"),
                format!("x,\t{spelling} ,y"),
            ] {
                let answer = edge.send(&request("/api/x", &[("authorization", &token), ("connection", &value)]));
                assert!(answer.status == 400 || answer.echoed(name).len() == 1, "{value}: {answer:?}");
                let two = [("authorization", token.as_str()), ("connection", "keep-alive"), ("connection", &value)];
                let answer = edge.send(&request("/api/x", &two));
                assert!(answer.status == 400 || answer.echoed(name).len() == 1, "{value}: {answer:?}");
                tried += 2;
            }
        }
    }
    assert_eq!(tried, OWN.len() * 8 * 4 * 2);
    for value in ["authorization", "host", "content-length", "transfer-encoding", "cookie", "accept"] {
        let answer = edge.send(&request("/api/x", &[("connection", value)]));
        assert!(matches!(answer.status, 400 | 401), "{value}: {answer:?}");
    }
}

/// Names by which one proxy or another is told that a request was something else, or has been checked already.
const MISLEADING: &[&str] = &[
    "x-forwarded-uri",
    "x-forwarded-prefix",
    "x-forwarded-path",
    "x-forwarded-method",
    "x-forwarded-server",
    "x-forwarded-port",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-access-token",
    "x-original-url",
    "x-original-uri",
    "x-original-method",
    "x-original-host",
    "x-original-forwarded-for",
    "x-rewrite-url",
    "x-rewrite-uri",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-http-path-override",
    "x-override-url",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-originating-ip",
    "x-host",
    "x-http-host-override",
    "x-backend-host",
    "x-proxy-url",
    "x-proxy-host",
    "x-proxy-user",
    "x-wap-profile",
    "x-middleware-subrequest",
    "x-middleware-prefetch",
    "x-middleware-next",
    "x-middleware-rewrite",
    "x-nextjs-data",
    "x-invoke-path",
    "x-invoke-status",
    "x-accel-redirect",
    "x-accel-internal",
    "x-sendfile",
    "x-lighttpd-send-file",
    "x-internal",
    "x-internal-request",
    "x-is-internal",
    "x-from-gateway",
    "x-gateway-auth",
    "x-authenticated",
    "x-authenticated-user",
    "x-auth-request-user",
    "x-auth-request-email",
    "x-auth-request-redirect",
    "x-auth-request-access-token",
    "x-auth-user",
    "x-auth-username",
    "x-authorization",
    "x-auth-token",
    "x-access-token",
    "x-id-token",
    "x-jwt-assertion",
    "x-jwt-payload",
    "x-userinfo",
    "x-consumer-id",
    "x-consumer-username",
    "x-credential-identifier",
    "x-anonymous-consumer",
    "x-credential-username",
    "x-envoy-original-path",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-dst-host",
    "x-envoy-decorator-operation",
    "x-amzn-oidc-data",
    "x-amzn-oidc-identity",
    "x-amzn-oidc-accesstoken",
    "x-amz-security-token",
    "x-goog-authenticated-user-email",
    "x-goog-iap-jwt-assertion",
    "x-ms-client-principal",
    "x-ms-client-principal-id",
    "x-ms-token-aad-access-token",
    "cf-connecting-ip",
    "cf-access-jwt-assertion",
    "true-client-ip",
    "fastly-client-ip",
    "client-ip",
    "x-azure-clientip",
    "x-appengine-user-email",
    "x-vercel-proxy-signature",
    "forwarded",
    "via",
    "from",
    "x-arr-clientcert",
    "ssl-client-cert",
    "ssl-client-verify",
    "x-ssl-client-verify",
    "x-ssl-client-dn",
    "x-client-cert",
    "x-client-verified",
    "x-forwarded-client-cert",
    "x-subject-token",
    "x-skip-auth",
    "x-bypass",
    "x-debug",
    "x-admin",
    "x-role",
    "x-roles",
    "x-permissions",
    "x-scope",
    "x-tenant",
    "x-cache-bypass",
    "x-waf-bypass",
    "x-tollgate",
    "x-tollgate-skip",
    "x-tollgate-user",
    "proxy-authorization",
    "x-custom-ip-authorization",
    "x-original-remote-addr",
    "x-forwarded-for-original",
    "x-envoy-peer-metadata",
    "x-b3-flags",
    "traceparent",
];
const CLAIMS: [&str; 4] =
    ["1", "/public/x", "true, 127.0.0.1, http://localhost/public/x", "middleware:middleware:src/middleware"];

fn misleading() -> impl Iterator<Item = (&'static str, &'static str)> {
    MISLEADING.iter().flat_map(|name| CLAIMS.iter().map(move |value| (*name, *value)))
}

/// Name, target, credentials, and the status at which it stops.
type Phase<'p> = (&'p str, &'p str, Option<(&'p str, &'p str)>, u16);

#[test]
fn no_header_moves_a_decision() {
    assert!(misleading().count() >= 500, "{}", misleading().count());
    let [tls, _] = free_addresses();
    let edge = Edge::start_prepared(
        |folder| {
            std::fs::write(
                folder.join("never.cedar"),
                "permit (principal, action, resource) when { principal.sub == \"nobody\" };",
            )
            .unwrap()
        },
        &format!(
            "https = \"{tls}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\", client_ca = \"cert.pem\", client_auth = \"request\" }}"
        ),
        "",
        "[[policy]]\nname = \"never\"\nfile = \"never.cedar\"\n\
         [[route]]\nmatch = { path = \"/api/write/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"], scopes_all = [\"orders/write\"] }\n\
         [[route]]\nmatch = { path = \"/posts/*\", methods = [\"POST\"] }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\n\
         [[route]]\nmatch = { path = \"/api/told/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\nrevocation = { required = true }\n\
         [[route]]\nmatch = { path = \"/api/never/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"], cedar = \"never\" }\n\
         [[route]]\nmatch = { path = \"/api/proven/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"], dpop = { required = true } }\n\
         [[route]]\nmatch = { path = \"/api/shown/*\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\nclient_certificate = { required = true }\n\
         [[route]]\nmatch = { host = \"other.test\" }\nupstream = \"echo\"\ntoken = { issuers = [\"corp\"] }\n",
    );
    let token = bearer(&good_token());
    let with = ("authorization", token.as_str());
    // Each stops at another phase, or passes all of them.
    let phases: [Phase<'_>; 11] = [
        ("canonical form", "/public/../api/x", None, 400),
        ("route", "/nowhere", Some(with), 404),
        ("method", "/posts/x", Some(with), 405),
        ("client certificate", "/api/shown/x", Some(with), 403),
        ("no token", "/api/x", None, 401),
        ("bad token", "/api/x", Some(("authorization", "Bearer x.y.z")), 401),
        ("rule", "/api/write/x", Some(with), 403),
        ("news of revocations", "/api/told/x", Some(with), 503),
        ("policy", "/api/never/x", Some(with), 403),
        ("proof", "/api/proven/x", Some(with), 401),
        ("forwarded", "/public/x", None, 200),
    ];
    for (phase, target, credentials, _) in phases {
        let base: Vec<(&str, &str)> = credentials.into_iter().collect();
        let expected = edge.send(&request(target, &base)).status;
        let mut connection = edge.connect();
        for (name, value) in misleading() {
            let fields: Vec<_> = [(name, value)].into_iter().chain(base.iter().copied()).collect();
            let answer = send(&edge, &mut connection, &request(target, &fields));
            assert_eq!(answer.status, expected, "{phase}: {name}: {value}");
            if expected == 200 {
                assert_eq!(answer.echoed_line(), format!("GET {target} HTTP/1.1"), "{name}: {value}");
            }
        }
    }
    for (phase, target, credentials, status) in phases {
        let base: Vec<(&str, &str)> = credentials.into_iter().collect();
        let found = edge.send(&request(target, &base)).status;
        assert_eq!(found, status, "{phase}");
    }
}

/// They would tell an origin of another client, another request, or a user whom nobody has checked.
#[test]
fn what_other_proxies_say_of_a_client_never_arrives_from_one() {
    let edge = Edge::start();
    let token = bearer(&good_token());
    for target in ["/public/x", "/api/x"] {
        let plain = edge.send(&request(target, &[("authorization", &token)]));
        let mut connection = edge.connect();
        for name in [
            "X-Forwarded-Ssl",
            "X-Forwarded-Scheme",
            "X-Forwarded-User",
            "X-Forwarded-Email",
            "X-Forwarded-Groups",
            "X-Forwarded-Client-Cert",
            "X-Forwarded-Port",
            "X_Forwarded_Anything.New",
            "X-Forwarded-For",
            "Forwarded",
            "Client-IP",
            "True-Client-IP",
            "CF-Connecting-IP",
            "X-Cluster-Client-Ip",
            "X-Original-Method",
            "SSL-Client-Cert",
            "X-SSL-Client-Verify",
            "X-SSL-Client-DN",
        ] {
            let answer = connection.send(&request(target, &[("authorization", &token), (name, "intruder")]));
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            assert!(!answer.body.contains("intruder"), "{name}: {}", answer.body);
            assert_eq!(answer.echoed(name), plain.echoed(name), "{name}");
        }
    }
}

#[test]
fn no_query_moves_a_decision() {
    let edge = Edge::start();
    let mut connection = edge.connect();
    for name in [
        "access_token",
        "token",
        "jwt",
        "auth",
        "debug",
        "admin",
        "internal",
        "bypass",
        "_method",
        "url",
        "path",
        "x-user-id",
        "__proto__",
    ] {
        for value in ["1", "/public/x", &good_token(), "%00", "..%2fpublic", "%0d%0aauthorization:%20x"] {
            let target = format!("/api/x?{name}={value}&{name}=2;{name}=3");
            assert_eq!(send(&edge, &mut connection, &request(&target, &[])).status, 401, "{target}");
        }
    }
}

/// A second value is another value, not a better one (CVE-2026-26308): all of a ruled header are judged.
#[test]
fn of_several_values_none_is_chosen() {
    let edge = Edge::start();
    let (good, bad) = (bearer(&good_token()), bearer("x.y.z"));
    let joined = [
        format!("{good}, {bad}"),
        format!("{bad}, {good}"),
        format!("{good},{good}"),
        format!("Basic Og==, {good}"),
        format!("{good};{bad}"),
    ];
    for value in &joined {
        assert_eq!(edge.send(&request("/api/x", &[("authorization", value)])).status, 401, "{value}");
    }
    for pair in [[&good, &bad], [&bad, &good], [&good, &good]] {
        for names in
            [["authorization", "authorization"], ["authorization", "Authorization"], ["AUTHORIZATION", "authorization"]]
        {
            let fields = [(names[0], pair[0].as_str()), (names[1], pair[1].as_str())];
            assert_eq!(edge.send(&request("/api/x", &fields)).status, 401, "{fields:?}");
        }
    }
    for hosts in ["Host: api.test\r\nHost: other.test", "Host: api.test, other.test", "Host: api.test\r\nHost:"] {
        let text = format!("GET /public/x HTTP/1.1\r\n{hosts}\r\n\r\n");
        assert_eq!(edge.send(text.as_bytes()).status, 400, "{hosts}");
    }
}

/// On the kept connection, or a new one where the edge closes after a refusal.
fn send(edge: &Edge, connection: &mut Connection, request: &[u8]) -> Answer {
    let answer = connection.try_send(request).unwrap_or_else(|| {
        *connection = edge.connect();
        connection.send(request)
    });
    if answer.header("connection").is_some_and(|value| value.contains("close")) {
        *connection = edge.connect();
    }
    answer
}
