//! The public listener's door: who is let in by the word of an edge, and from where a request is said to come.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use common::attest::{AttestError, Attestation, ClientTls, HEADER, Octets, digests_of_fields};
use common::ids::PoolId;
use common::jose::Thumbprint;
use common::sigv4::{self, Credentials, Scope, body_sha256};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::*;
use crate::access::{self, FULL_ACCESS, Wanted};
use crate::aws_json::Peer;
use crate::config::From;
use crate::engines;
use crate::oauth::fixture::change;
use crate::publish::tests::Plain;
use crate::publish::{self, Pools, PublishConfig, Sealing};
use crate::store::{Batch, Query};
use crate::vouching::Refusal;
use crate::vouching::tests::{Speaker, shifted};
use crate::world::World;

const PASSWORD: &str = "Right-password-1";
const HOST: &str = "login.test";
const EDGES: From = From::Edges;

struct Door {
    world: World,
    publishing: publish::Running,
    routes: TowerToHyperService<Router>,
    edge: Speaker,
    _folder: tempfile::TempDir,
}

/// A request; `said` is made of what it is.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Door {
    async fn new(from: From, proxies: &str) -> Self {
        Self::with_quotas(from, proxies, quotas::Settings { enabled: false, ..quotas::Settings::default() }).await
    }

    async fn with_quotas(from: From, proxies: &str, quotas: quotas::Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(engines::sqlite(&folder, &crate::migrations::all()).await).await;
        world.user("ada", PASSWORD).await;
        let services = world.services.clone();
        let config = PublishConfig { listen: (Ipv4Addr::LOCALHOST, 0).into(), advertise: String::new() };
        let sealing: Arc<dyn Sealing> = Arc::new(Plain);
        let publishing =
            publish::start(services.store.clone(), services.clock.clone(), config, sealing, services.feed.clone());
        let publishing = publishing.await.unwrap();
        let mut section = common::settings::parse(&format!("p = {proxies}"), [], &[]).unwrap();
        let trusted_proxies = common::networks::Networks::read(&mut section, "p").unwrap();
        let terms = Terms {
            quotas: &quotas,
            traffic: config::Public { from, trusted_proxies },
            verifier: Verifier::new(publishing.handle(), world.now()).unwrap(),
            dev: None,
        };
        let routes = TowerToHyperService::new(public(services, Arc::new(Gate::default()), terms));
        let edge = Speaker::of(&publishing.handle(), "fra-1", Pools::All, world.now()).await;
        Self { world, publishing, routes, edge, _folder: folder }
    }

    fn sign_in(&self) -> Ask {
        let parameters = json!({ "USERNAME": "ada", "PASSWORD": PASSWORD });
        self.operation(
            "InitiateAuth",
            json!({ "ClientId": self.world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }),
        )
    }

    fn operation(&self, name: &str, body: Value) -> Ask {
        let target = format!("AWSCognitoIdentityProviderService.{name}");
        let headers = vec![("content-type", "application/x-amz-json-1.1".to_owned()), ("x-amz-target", target)];
        Ask { method: "POST", path: "/".to_owned(), headers, body: body.to_string().into_bytes() }
    }

    /// RFC 8414 §3.1: the pool stands behind the well-known part.
    fn well_known(&self, name: &str) -> Ask {
        Ask { path: format!("/.well-known/{name}/{}", self.world.pool), ..self.document() }
    }

    fn document(&self) -> Ask {
        let path = format!("/{}/.well-known/jwks.json", self.world.pool);
        Ask { method: "GET", path, headers: Vec::new(), body: Vec::new() }
    }

    /// The edge's word for this request.
    fn claims(&self, ask: &Ask, id: u8) -> Attestation<'static> {
        let fields = digests_of_fields(|name| {
            ask.headers.iter().filter(move |(field, _)| *field == name).map(|(_, value)| value.as_bytes())
        });
        let (method, target, body) = (ask.method, ask.path.as_str(), ask.body.as_slice());
        let request = crate::vouching::Request { method, host: HOST, target, fields, body };
        self.edge.claims(request, id, self.world.now())
    }

    fn attested(&self, ask: Ask, id: u8) -> Ask {
        let said = self.edge.say(&self.claims(&ask, id));
        ask.with(HEADER, said)
    }

    async fn signed(&self, ask: Ask) -> Ask {
        self.signed_for("cognito-idp", FULL_ACCESS, ask).await
    }

    /// An operation of web ACLs.
    fn waf(&self, name: &str, body: Value) -> Ask {
        let mut ask = self.operation(name, body);
        ask.headers[1].1 = format!("AWSWAF_20190729.{name}");
        ask
    }

    async fn signed_for(&self, service: &'static str, policy: &str, ask: Ask) -> Ask {
        let services = &self.world.services;
        let wanted =
            Wanted { name: "admin".into(), policy: policy.into(), created_by: None, expires: None, single_use: false };
        let (key, row) = access::make(&services.deployment_key, wanted, self.world.now()).unwrap();
        let mut batch = Batch::new();
        batch.add(access::insert(&row));
        services.store.commit(batch).await.unwrap();
        let credentials = Credentials {
            access_key_id: key.access_key_id,
            secret_access_key: key.secret_access_key,
            session_token: None,
        };
        let mut headers: Vec<(&str, &[u8])> = vec![("host", HOST.as_bytes())];
        headers.extend(ask.headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let request = sigv4::Request { method: ask.method, target: &ask.path, headers: &headers };
        let scope = Scope { region: &services.deployment.region, service };
        let made = sigv4::sign(&request, &body_sha256(&ask.body), &credentials, scope, self.world.now());
        ask.with("x-amz-date", made.x_amz_date).with("authorization", made.authorization)
    }

    async fn send(&self, ask: &Ask) -> Response {
        let mut request = Request::builder().method(ask.method).uri(&ask.path).header("host", HOST);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let peer = Peer(SocketAddr::from(([10, 0, 0, 9], 4711)));
        let request = request.extension(peer).body(Body::from(ask.body.clone())).unwrap();
        self.routes.call(request).await.unwrap()
    }

    /// `200`, or status and text of the refusal.
    async fn outcome(&self, ask: &Ask) -> String {
        let answer = self.send(ask).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if status == 200 {
            return "200".to_owned();
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        format!(
            "{status} {}: {}",
            body["__type"].as_str().unwrap_or_default(),
            body["message"].as_str().unwrap_or_default()
        )
    }

    /// From where the last sign-in is recorded to have come.
    async fn source(&self) -> String {
        let query =
            Query::new("SELECT source FROM audit WHERE operation = 'InitiateAuth' ORDER BY request_id DESC LIMIT 1");
        self.world.services.store.one(query).await.unwrap().unwrap().text(0).unwrap().to_owned()
    }

    fn counted(&self, result: &str) -> bool {
        let line = format!("tollgate_issuer_attestations_total{{result=\"{result}\"}}");
        self.world.services.metrics.text().contains(&line)
    }
}

impl Ask {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

fn does_not_count(refusal: Refusal) -> String {
    format!("400 ForbiddenException: The edge's attestation does not count: {refusal}.")
}

fn absent(status: u16) -> String {
    format!("{status} ForbiddenException: {}", Refusal::Absent)
}

#[tokio::test]
async fn the_client_is_whom_an_edge_names_and_else_the_peer() {
    let door = Door::new(From::Anyone, "[]").await;
    assert_eq!(door.outcome(&door.sign_in()).await, "200");
    assert_eq!(door.source().await, "10.0.0.9");
    let forwarded = door.sign_in().with("x-forwarded-for", "192.0.2.1");
    assert_eq!(door.outcome(&forwarded).await, "200");
    assert_eq!(door.source().await, "10.0.0.9", "nobody is trusted");
    assert_eq!(door.outcome(&door.attested(forwarded, 1)).await, "200");
    assert_eq!(door.source().await, "192.0.2.77");
    assert!(door.counted("ok"));
}

#[tokio::test]
async fn trusted_proxies_name_the_client() {
    let door = Door::new(From::Anyone, r#"["10.0.0.0/8"]"#).await;
    let forwarded =
        door.sign_in().with("x-forwarded-for", "198.51.100.1, 192.0.2.1").with("x-forwarded-for", "10.0.0.7");
    assert_eq!(door.outcome(&forwarded).await, "200");
    assert_eq!(door.source().await, "192.0.2.1");
    assert_eq!(door.outcome(&door.attested(forwarded, 1)).await, "200");
    assert_eq!(door.source().await, "192.0.2.77", "an edge knows better");
    let others = Door::new(From::Anyone, r#"["172.16.0.0/12"]"#).await;
    assert_eq!(others.outcome(&others.sign_in().with("x-forwarded-for", "192.0.2.1")).await, "200");
    assert_eq!(others.source().await, "10.0.0.9");
}

#[tokio::test]
async fn an_attestation_that_does_not_hold_is_refused_whoever_may_call() {
    for from in [From::Anyone, EDGES] {
        let door = Door::new(from, "[]").await;
        let ask = door.sign_in();
        let say = |claims: &Attestation<'_>| ask.clone().with(HEADER, door.edge.say(claims));
        let good = door.claims(&ask, 1);
        let wrong = |error| does_not_count(Refusal::Attestation(error));
        let cases = [
            (Attestation { body: Octets([0; 32]), ..good.clone() }, AttestError::Body),
            (Attestation { method: "GET".into(), ..good.clone() }, AttestError::Method),
            (Attestation { target: "/x".into(), ..good.clone() }, AttestError::Target),
            (Attestation { host: "other.test".into(), ..good.clone() }, AttestError::Host),
            (shifted(&good, good.issued_at - 31), AttestError::TooOld),
        ];
        for (claims, error) in cases {
            assert_eq!(door.outcome(&say(&claims)).await, wrong(error));
            assert!(door.counted(error.metric()));
        }
        let changed = Ask { body: door.operation("InitiateAuth", json!({})).body, ..say(&good) };
        assert_eq!(door.outcome(&changed).await, wrong(AttestError::Body));
        let headers = say(&good).headers.into_iter().filter(|(name, _)| *name != "x-amz-target").collect();
        let crossed = Ask { headers, ..ask.clone() }.with("x-amz-target", "AWSCognitoIdentityProviderService.SignUp");
        assert_eq!(door.outcome(&crossed).await, wrong(AttestError::Fields), "another operation");
        let another = say(&good).with("x-amz-target", "AWSCognitoIdentityProviderService.SignUp");
        assert_eq!(door.outcome(&another).await, wrong(AttestError::Fields), "two operations");
        let twice = say(&good).with(HEADER, door.edge.say(&good));
        assert_eq!(door.outcome(&twice).await, does_not_count(Refusal::Several));
        assert_eq!(door.outcome(&say(&good)).await, "200", "none of these was taken");
        assert_eq!(door.outcome(&say(&good)).await, does_not_count(Refusal::Replayed));
        let answer = door.outcome(&ask.clone().with(HEADER, "garbage")).await;
        assert!(answer.starts_with("400 ForbiddenException: The edge's attestation does not count: no compact JWS"));
        let signed = door.signed(door.operation("ListUserPools", json!({ "MaxResults": 1 }))).await;
        let answer = door.outcome(&signed.with(HEADER, "garbage")).await;
        assert!(answer.starts_with("400 ForbiddenException"), "a signature does not make up for it: {answer}");
        door.publishing.handle().revoke_edge(&door.edge.name).await.unwrap();
        let revoked = door.outcome(&door.attested(ask.clone(), 9)).await;
        assert_eq!(revoked, does_not_count(Refusal::Edge(publish::Stranger::Revoked)));
    }
}

#[tokio::test]
async fn under_edges_only_vouched_and_signed_calls_pass() {
    let door = Door::new(EDGES, r#"["10.0.0.0/8"]"#).await;
    let list = door.operation("ListUserPools", json!({ "MaxResults": 1 }));
    let preflight = Ask { method: "OPTIONS", path: "/".into(), headers: Vec::new(), body: Vec::new() };
    assert_eq!(door.outcome(&door.sign_in()).await, absent(400));
    assert_eq!(door.outcome(&door.sign_in().with("x-forwarded-for", "192.0.2.1")).await, absent(400));
    assert_eq!(door.outcome(&door.operation("GetUser", json!({ "AccessToken": "x" }))).await, absent(400));
    assert_eq!(door.outcome(&list).await, absent(400));
    assert_eq!(door.outcome(&door.document()).await, absent(403));
    assert_eq!(door.outcome(&preflight).await, absent(400));
    let pretended = door.sign_in().with("authorization", "AWS4-HMAC-SHA256 Credential=x");
    assert_eq!(door.outcome(&pretended).await, absent(400), "an operation that nobody checks the signature of");
    let elsewhere = Ask { path: "/x".into(), ..door.signed(list.clone()).await };
    assert_eq!(door.outcome(&elsewhere).await, absent(403));
    let forged = list.clone().with("authorization", "AWS4-HMAC-SHA256 Credential=x");
    assert!(door.outcome(&forged).await.starts_with("400 IncompleteSignatureException"));

    assert_eq!(door.outcome(&door.signed(list.clone()).await).await, "200");
    assert_eq!(
        door.outcome(&door.attested(door.signed(list.clone()).await, 1)).await,
        "200",
        "signed, through an edge"
    );
    assert_eq!(door.outcome(&door.attested(door.sign_in(), 2)).await, "200");
    assert_eq!(door.outcome(&door.attested(door.document(), 3)).await, "200");
    assert_eq!(door.send(&door.attested(preflight, 4)).await.status(), 204);
    assert!(door.outcome(&door.attested(list, 5)).await.starts_with("400 MissingAuthenticationTokenException"));
    assert!(door.counted("absent"));
}

#[tokio::test]
async fn an_edge_vouches_for_the_pools_of_its_enrolment() {
    let mut door = Door::new(From::Anyone, "[]").await;
    let tokens = door.world.sign_in("ada", PASSWORD).await.unwrap();
    let get_user = door.operation("GetUser", json!({ "AccessToken": tokens["AccessToken"] }));
    let describe = door.operation("DescribeUserPool", json!({ "UserPoolId": door.world.pool }));
    let pool = PoolId::parse(door.world.pool.as_str()).unwrap();
    for (pools, serves) in [(vec![PoolId::parse("eu-test-1_Other").unwrap()], false), (vec![pool], true)] {
        door.edge = Speaker::of(&door.publishing.handle(), "fra-1", Pools::Named(pools), door.world.now()).await;
        let asks = [
            door.sign_in(),
            door.document(),
            get_user.clone(),
            door.signed(describe.clone()).await,
            door.well_known("openid-configuration"),
            door.well_known("oauth-authorization-server"),
        ];
        for (nth, ask) in asks.into_iter().enumerate() {
            let id = u8::try_from(nth).unwrap() + 10 * u8::from(serves);
            let expected = if serves { "200".to_owned() } else { does_not_count(Refusal::Pool) };
            let got = door.outcome(&door.attested(ask, id)).await;
            assert_eq!(got.replacen("403", "400", 1), expected, "{nth}");
        }
        let list = door.signed(door.operation("ListUserPools", json!({ "MaxResults": 1 }))).await;
        assert_eq!(door.outcome(&door.attested(list, 100 + u8::from(serves))).await, "200", "about no pool");
    }
}

#[tokio::test]
async fn web_acls_ask_for_their_own_service_and_for_everything_that_a_request_names() {
    let door = Door::new(From::Anyone, "[]").await;
    let visible = json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m" });
    let acl = |name: &str| {
        door.waf(
            "CreateWebACL",
            json!({ "Name": name, "Scope": "REGIONAL", "DefaultAction": { "Allow": {} }, "VisibilityConfig": visible }),
        )
    };
    let asked = async |service, policy: &str, ask: &Ask| {
        let said = door.outcome(&door.signed_for(service, policy, ask.clone()).await).await;
        said.split([' ', ':']).next().unwrap_or_default().to_owned()
    };
    let of = |ask: &Ask| String::from_utf8(ask.body.clone()).unwrap();
    assert!(!asked("cognito-idp", FULL_ACCESS, &acl("a")).await.starts_with("200"), "signed for another service");
    assert_eq!(asked("wafv2", FULL_ACCESS, &acl("a")).await, "200");
    let allow = |action: &str, resources: &[&str]| {
        json!({ "Statement": { "Effect": "Allow", "Action": action, "Resource": resources } }).to_string()
    };
    let named = "arn:aws:wafv2:eu-test-1:000000000000:regional/webacl/team-*";
    let policy = allow("wafv2:CreateWebACL", &[named]);
    assert_eq!(asked("wafv2", &policy, &acl("team-b")).await, "200");
    for other in [acl("other"), door.waf("ListWebACLs", json!({ "Scope": "REGIONAL" }))] {
        let said = door.outcome(&door.signed_for("wafv2", &policy, other.clone()).await).await;
        assert!(said.contains("AccessDenied") || said.contains("not authorized"), "{said} {}", of(&other));
    }
    // An association is allowed on both sides, or not at all.
    let id = door.world.ask_waf("ListWebACLs", json!({ "Scope": "REGIONAL" })).await.unwrap();
    let arn = id["WebACLs"].as_array().unwrap().iter().find(|acl| acl["Name"] == "team-b").unwrap()["ARN"].clone();
    let pool = format!("arn:aws:cognito-idp:eu-test-1:000000000000:userpool/{}", door.world.pool);
    let associate = door.waf("AssociateWebACL", json!({ "WebACLArn": arn, "ResourceArn": pool }));
    for (resources, allowed) in [(vec![named], false), (vec![pool.as_str()], false), (vec![named, &pool], true)] {
        let said =
            door.outcome(&door.signed_for("wafv2", &allow("wafv2:*", &resources), associate.clone()).await).await;
        assert_eq!(said == "200", allowed, "{resources:?}: {said}");
    }
}

impl Door {
    /// Puts a web ACL before the pool, or takes it away.
    async fn associate(&self, acl: bool) {
        let visible = json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m" });
        let pool = format!("arn:aws:cognito-idp:eu-test-1:000000000000:userpool/{}", self.world.pool);
        if !acl {
            self.world.ask_waf("DisassociateWebACL", json!({ "ResourceArn": pool })).await.unwrap();
            return;
        }
        let made = self.world.ask_waf(
            "CreateWebACL",
            json!({ "Name": "a", "Scope": "REGIONAL", "DefaultAction": { "Allow": {} }, "VisibilityConfig": visible }),
        );
        let arn = made.await.unwrap()["Summary"]["ARN"].clone();
        self.world.ask_waf("AssociateWebACL", json!({ "WebACLArn": arn, "ResourceArn": pool })).await.unwrap();
    }

    /// With the edge's word that it has asked this pool's web ACL.
    async fn asked(&self, ask: &Ask, web_acl: Option<&str>, id: u8) -> String {
        let web_acl = web_acl.map(|pool| PoolId::parse(pool).unwrap());
        let said = self.edge.say(&Attestation { web_acl, ..self.claims(ask, id) });
        self.outcome(&ask.clone().with(HEADER, said)).await
    }
}

#[tokio::test]
async fn an_edge_that_vouches_hears_what_came_of_a_sign_in_and_nobody_else() {
    let door = Door::new(From::Anyone, "[]").await;
    let word = async |ask: Ask| {
        let answer = door.send(&ask).await;
        answer.headers().get(common::attest::SIGN_IN).map(|said| said.to_str().unwrap().to_owned())
    };
    let right = word(door.attested(door.sign_in(), 1)).await;
    let parameters = json!({ "USERNAME": "ada", "PASSWORD": "Wrong-1-password" });
    let wrong = door.operation(
        "InitiateAuth",
        json!({ "ClientId": door.world.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }),
    );
    let refused = word(door.attested(wrong, 2)).await;
    assert!(right.is_some() && refused.is_some() && right != refused, "{right:?} {refused:?}");
    assert_eq!(word(door.sign_in()).await, None);
    assert_eq!(word(door.attested(door.document(), 3)).await, None);
}

#[tokio::test]
async fn no_public_request_passes_without_its_pools_web_acl() {
    let door = Door::new(EDGES, "[]").await;
    let ours = door.world.pool.to_string();
    let tokens = door.world.sign_in("ada", PASSWORD).await.unwrap();
    let get_user = door.operation("GetUser", json!({ "AccessToken": tokens["AccessToken"] }));
    let public = [door.sign_in(), get_user, door.document(), door.well_known("oauth-authorization-server")];
    let behind = "503 InternalErrorException";
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    // Nothing stands there.
    for ask in &public {
        for word in [None, Some(ours.as_str()), Some("eu-test-1_Other")] {
            assert_eq!(door.asked(ask, word, next()).await, "200");
        }
    }
    door.associate(true).await;
    // Edges may not know of it yet.
    for ask in &public {
        assert_eq!(door.asked(ask, None, next()).await, "200");
        assert_eq!(door.asked(ask, Some(&ours), next()).await, "200");
    }
    door.world.clock.advance(std::time::Duration::from_secs(5));
    door.world.clock.advance(std::time::Duration::from_millis(1));
    for ask in &public {
        assert_eq!(door.asked(ask, Some(&ours), next()).await, "200");
        let refused = door.asked(ask, None, next()).await;
        assert!(refused.starts_with(behind), "{refused}");
        let refused = door.asked(ask, Some("eu-test-1_Other"), next()).await;
        assert_eq!(refused.replacen("403", "400", 1), does_not_count(Refusal::OtherWebAcl));
    }
    assert!(door.counted("no_web_acl") && door.counted("wrong_web_acl"));
    // Signed operations have none before them, nor has what is about no pool.
    let signed = door.signed(door.operation("DescribeUserPool", json!({ "UserPoolId": ours }))).await;
    assert_eq!(door.asked(&signed, None, next()).await, "200");
    // By a Session alone, too: which pool it is of it says itself, and one that says something else is none.
    let by_session =
        door.operation("VerifySoftwareToken", json!({ "Session": format!("t.{ours}"), "UserCode": "123456" }));
    let answer = door.asked(&by_session, None, next()).await;
    assert!(answer.starts_with(behind) || answer.contains("UnknownOperation"), "{answer}");
    door.associate(false).await;
    for ask in &public {
        assert_eq!(door.asked(ask, None, next()).await, "200", "at once");
    }
}

#[tokio::test]
async fn tags_are_asked_for_by_the_arn_of_the_pool_before_anything_of_it_is_told() {
    let door = Door::new(From::Anyone, "[]").await;
    let arn = |pool: &str| format!("arn:aws:cognito-idp:eu-test-1:000000000000:userpool/{pool}");
    let mine = arn(&door.world.pool);
    let policy = json!({ "Statement": { "Effect": "Allow", "Action": "cognito-idp:*Resource", "Resource": mine } });
    let policy = policy.to_string();
    let asks = |arn: &str| {
        [
            door.operation("TagResource", json!({ "ResourceArn": arn, "Tags": { "team": "a" } })),
            door.operation("ListTagsForResource", json!({ "ResourceArn": arn })),
            door.operation("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["team"] })),
        ]
    };
    for ask in asks(&mine) {
        assert_eq!(door.outcome(&door.signed_for("cognito-idp", &policy, ask).await).await, "200");
    }
    for other in [arn("eu-test-1_None"), "arn:aws:s3:eu-test-1:000000000000:bucket".to_owned()] {
        for ask in asks(&other) {
            let said = door.outcome(&door.signed_for("cognito-idp", &policy, ask).await).await;
            assert!(said.starts_with("400 AccessDeniedException: "), "{said}");
        }
    }
}

#[tokio::test]
async fn only_what_has_images_in_it_may_be_larger() {
    let door = Door::new(From::Anyone, "[]").await;
    let sized = |name: &str, bytes: usize| door.operation(name, json!({ "ClientId": "a".repeat(bytes) }));
    let mebibyte = 1024 * 1024;
    for (name, bytes, status) in [
        ("CreateManagedLoginBranding", 2 * mebibyte - 100, "400"),
        ("CreateManagedLoginBranding", 2 * mebibyte, "413"),
        ("CreateTerms", mebibyte, "413"),
    ] {
        let said = door.outcome(&sized(name, bytes)).await;
        assert!(said.starts_with(status), "{name} {bytes}: {said}");
    }
}

impl Door {
    fn page(&self, method: &'static str, path: &str) -> Ask {
        Ask { method, path: path.to_owned(), headers: vec![("accept", "text/html".to_owned())], body: Vec::new() }
    }

    /// Makes the host that every request here has the pool's domain.
    async fn give_domain(&self) {
        let config = json!({ "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a1b2c3d4" });
        let ask = json!({ "UserPoolId": self.world.pool, "Domain": HOST, "CustomDomainConfig": config });
        self.world.ask("CreateUserPoolDomain", ask).await.unwrap();
    }
}

#[tokio::test]
async fn pages_answer_on_a_domain_and_nowhere_else() {
    let door = Door::new(From::Anyone, "[]").await;
    let asks = [("GET", "/error", 400), ("GET", "/nothing", 404), ("POST", "/error", 405)];
    for (method, path, _) in asks {
        assert_eq!(door.send(&door.page(method, path)).await.status(), 404, "no domain");
    }
    let plain = Ask { headers: Vec::new(), ..door.page("GET", "/nothing") };
    assert_eq!(door.send(&plain).await.headers()["access-control-allow-origin"], "*", "as ever");
    door.give_domain().await;
    for (method, path, status) in asks {
        let answer = door.send(&door.page(method, path)).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let answer = door.send(&door.page("GET", path)).await;
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["issuer"], format!("http://issuer.test/{}", door.world.pool), "{path}");
    }
    assert_eq!(door.outcome(&door.sign_in()).await, "200", "the API is there, too");
}

#[tokio::test]
async fn the_metadata_is_where_either_specification_looks_for_it() {
    let door = Door::new(From::Anyone, "[]").await;
    door.give_domain().await;
    let read = async |ask: Ask| {
        let answer = door.send(&ask).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["access-control-allow-origin"]),
            (200, &"*".parse().unwrap())
        );
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let path = format!("/{}/.well-known/openid-configuration", door.world.pool);
    let appended = read(Ask { path, ..door.document() }).await;
    assert!(appended["token_endpoint"].is_string());
    for name in ["openid-configuration", "oauth-authorization-server"] {
        assert_eq!(read(door.well_known(name)).await, appended, "{name}");
    }
    let nobody = Ask { path: "/.well-known/openid-configuration/eu-test-1_Nobody".into(), ..door.document() };
    assert_eq!(door.send(&nobody).await.status(), 404);
}

#[tokio::test]
async fn a_page_is_about_the_pool_that_the_host_names() {
    let mut door = Door::new(EDGES, "[]").await;
    door.give_domain().await;
    let (page, ours) = (door.page("GET", "/.well-known/openid-configuration"), door.world.pool.to_string());
    assert_eq!(door.outcome(&page).await, absent(403));
    assert_eq!(door.outcome(&door.attested(page.clone(), 1)).await, "200");
    door.associate(true).await;
    door.world.clock.advance(std::time::Duration::from_secs(10));
    assert!(door.asked(&page, None, 2).await.starts_with("503 "));
    assert_eq!(door.asked(&page, Some(&ours), 3).await, "200");
    let other = Pools::Named(vec![PoolId::parse("eu-test-1_Other").unwrap()]);
    door.edge = Speaker::of(&door.publishing.handle(), "fra-1", other, door.world.now()).await;
    assert_eq!(door.asked(&page, Some(&ours), 4).await, does_not_count(Refusal::Pool).replacen("400", "403", 1));
}

#[tokio::test]
async fn a_visit_that_acts_is_taken_once() {
    let door = Door::new(From::Anyone, "[]").await;
    for (method, path, once) in [
        ("GET", "/oauth2/authorize?a=b", true),
        ("HEAD", "/oauth2/authorize", true),
        ("GET", "/logout", true),
        ("GET", "/login", false),
    ] {
        let said = door.attested(door.page(method, path), path.len() as u8 ^ method.len() as u8);
        assert_eq!(door.send(&said).await.status(), 404, "{path}");
        assert_eq!(door.send(&said).await.status() == 403, once, "{method} {path}");
    }
}

#[tokio::test]
async fn a_guess_at_a_clients_secret_counts_and_leaves_users_their_share() {
    let rates = [(quotas::Category::ClientAuthentication, 1), (quotas::Category::UserToken, 1)].into();
    let door = Door::with_quotas(From::Anyone, "[]", quotas::Settings { enabled: true, rates }).await;
    door.give_domain().await;
    let post = |path: &str, body: String| Ask {
        method: "POST",
        path: path.to_owned(),
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    };
    let token = |form: &str| post("/oauth2/token", format!("client_id={}&{form}", door.world.client));
    let guess = token("grant_type=client_credentials&client_secret=guess");
    assert_eq!(door.send(&guess).await.status(), 400, "it was looked at");
    let refused = door.send(&guess).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    let refresh = token("grant_type=refresh_token&refresh_token=x");
    assert_eq!(door.send(&refresh).await.status(), 400, "another share");
    assert_eq!(door.send(&refresh).await.status(), 429);
    let revoke = post("/oauth2/revoke", format!("client_id={}&token=x", door.world.client));
    assert_eq!(door.send(&revoke).await.status(), 429, "the same share");
}

/// RFC 9440: whoever else says it is not heard.
#[tokio::test]
async fn a_clients_certificate_is_what_an_edge_or_a_trusted_proxy_says() {
    let digest = *Thumbprint::of(b"abc").as_bytes();
    for (proxies, by_peer) in [("[\"10.0.0.0/8\"]", 200), ("[]", 400)] {
        let door = Door::new(From::Anyone, proxies).await;
        door.give_domain().await;
        let refresh = door.world.sign_in("ada", PASSWORD).await.unwrap()["RefreshToken"].as_str().unwrap().to_owned();
        change(&door.world, &door.world.client, |settings| settings.oauth.certificate_bound = true).await;
        let form = format!("grant_type=refresh_token&client_id={}&refresh_token={refresh}", door.world.client);
        let ask = Ask {
            method: "POST",
            path: "/oauth2/token".to_owned(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: form.into_bytes(),
        };
        let told = ask.clone().with("client-cert", ":YWJj:");
        let status = async |ask: &Ask| door.send(ask).await.status().as_u16();
        assert_eq!(status(&ask).await, 400, "none was shown");
        assert_eq!(status(&told).await, by_peer, "{proxies}");
        assert_eq!(status(&door.attested(told.clone(), 1)).await, 400, "an edge that saw none");
        let tls = ClientTls {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_128_GCM_SHA256".into(),
            certificate: Some(Octets(digest)),
            ..ClientTls::default()
        };
        let claims = Attestation { tls: Some(tls), ..door.claims(&told, 2) };
        assert_eq!(status(&told.with(HEADER, door.edge.say(&claims))).await, 200, "an edge that saw it");
    }
}
