use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use common::feed::{
    Change, ClientSettings, Epoch, FeedName, FeedState, Kept, KeyPurpose, KeyState, ManagedKind, PoolSettings,
    Position, PublicKey, RawChange, Revoked,
};
use common::ids::{ClientId, PoolId};
use common::jose::{Alg, SigningKey};
use serde_json::{Value, json};

use super::*;
use crate::challenge::{Solved, Token};
use crate::feed::fixture::leave_all_behind;

const CONFIG: &str = "[listen]\nhttp = \"127.0.0.1:1\"\n[feed]\nissuer = \"127.0.0.1:2\"\nstate_dir = \"s\"\n\
    [[upstream]]\nname = \"u\"\nservers = [\"127.0.0.1:3\"]\n\
    [[route]]\nmatch = { path = \"/open/*\", methods = [\"GET\"] }\nupstream = \"u\"\nheaders = { add = { x-edge = \"fra\" } }\nmax_body = \"1KiB\"\n\
    [[route]]\nmatch = { path = \"/idp\" }\nupstream = \"u\"\nattest = true\n\
    [[route]]\nmatch = { path = \"/api/*\" }\nupstream = \"u\"\ntoken = { issuers = [\"pool:us-east-1_A\"] }\n";
/// Two issuers of others, which are not asked here.
const OTHERS: &str = "[[issuer]]\nname = \"login\"\niss = \"https://i\"\nprofile = \"auth0\"\njwks = { url = \"https://i/keys?x=y\" }\n\
    [[issuer]]\nname = \"opaque\"\niss = \"https://o\"\n\
    introspection = { url = \"https://o/ask\", client_id = \"e\", client_secret_file = \"request\" }\n\
    [[route]]\nmatch = { path = \"/both/*\" }\nupstream = \"u\"\ntoken = { issuers = [\"login\", \"opaque\"] }\n\
    [[route]]\nmatch = { path = \"/limited/*\" }\nupstream = \"u\"\nlimits = [\
    { name = \"net\", key = [\"address\", \"path\", \"header:x-key\", \"header:cookie\"], rate = \"100/1m\" }, \
    { name = \"writes\", key = [\"host\", \"method\", \"route\"], rate = \"5/1h\", dry_run = true, methods = [\"POST\"] }]\n";
const AT: UnixMillis = UnixMillis(1_800_000_000_000);

fn told(folder: &Path, request: &str) -> Explanation {
    told_at(folder, request, AT)
}

fn told_at(folder: &Path, request: &str, at: UnixMillis) -> Explanation {
    let (config, file) = (folder.join("edge.toml"), folder.join("request"));
    std::fs::write(&config, format!("{CONFIG}{OTHERS}")).unwrap();
    std::fs::write(&file, request).unwrap();
    explain(&Explain { config, request: file, at: Some(at), client: None }).unwrap()
}

fn story(request: &str) -> String {
    told(tempfile::tempdir().unwrap().path(), request).text()
}

#[test]
fn the_way_of_a_request_is_told() {
    let told = story("GET /open/%7Ea?x HTTP/1.1\nHost: API.test\nX_Edge: 1\n\n");
    for line in [
        "at         2027-01-15T08:00:00Z",
        "canonical  GET api.test/open/~a?x",
        "stripped   headers that only the edge may say",
        "route      u /open/*",
        "token      asks nothing",
        "adds       x-edge: fra",
        "upstream   u",
        "  server   127.0.0.1:3 by HTTP/1.1",
        "max_body   1024 bytes",
        "verdict    forward",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
}

#[test]
fn browser_sign_in_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let routes = "[[issuer]]\nname = \"login\"\niss = \"https://i\"\nprofile = \"auth0\"\njwks = { url = \"https://i/keys\" }\n\
        [[sign_in]]\nname = \"web\"\nissuer = \"login\"\nclient_id = \"web\"\n\
        [[route]]\nmatch = { host = \"app.test\" }\nupstream = \"u\"\ntoken = { issuers = [\"login\"] }\nsign_in = \"web\"\n";
    let (config, file) = (folder.path().join("edge.toml"), folder.path().join("request"));
    std::fs::write(&config, format!("{CONFIG}{routes}")).unwrap();
    let told = |request: &str| {
        std::fs::write(&file, request).unwrap();
        explain(&Explain { config: config.clone(), request: file.clone(), at: Some(AT), client: None }).unwrap().text()
    };
    for (request, lines) in [
        (
            "GET / HTTP/1.1\nHost: app.test\nAccept: text/html\nCookie: __Host-tg-session=1.secret\n\n",
            &[
                "sign-in    web, at login",
                "  session  in the cookie __Host-tg-session, which is not opened here",
                "  without  302 to the provider: a page is asked for",
                "verdict    answered by the edge",
            ][..],
        ),
        (
            "POST / HTTP/1.1\nHost: app.test\nContent-Length: 0\n\n",
            &["  without  a refusal: no page is asked for", "verdict    401 missing_token"],
        ),
        (
            "GET / HTTP/1.1\nHost: app.test\nAuthorization: Bearer x\n\n",
            &["  session  not asked for: the request has `Authorization`"],
        ),
        (
            "GET /.tollgate/callback?code=secret HTTP/1.1\nHost: app.test\n\n",
            &["  path     where the provider sends browsers back to", "verdict    answered by the edge"],
        ),
    ] {
        let told = told(request);
        lines.iter().for_each(|line| assert!(told.lines().any(|told| told == *line), "{line}\n{told}"));
    }
    assert!(!folder.path().join("s").exists(), "nothing is made");
}

#[test]
fn limits_are_told_with_the_key_and_count_nothing() {
    let told = story("GET /limited/%61?b HTTP/1.1\nHost: API.test:80\nX-Key: k 1\nCookie: secret=1\n\n");
    for line in [
        "limit      net: 100 in 60 s; counts nothing here",
        "  key      address (missing), path /limited/a, header:x-key k 1, header:cookie (not shown)",
        "limit      writes: 5 in 3600 s, a dry run; counts nothing here",
        "  key      not for this method",
        "verdict    forward",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let told = story("POST /limited/a HTTP/1.1\nHost: api.test\nContent-Length: 0\n\n");
    assert!(told.contains("  key      host api.test, method POST, route\n"), "{told}");
}

#[test]
fn attesting_is_told() {
    let told = story("POST /idp HTTP/1.1\nHost: a");
    for line in
        ["attests    reads the whole body, and signs for the request", "max_body   1048576 bytes", "verdict    forward"]
    {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
}

#[test]
fn the_web_acl_of_the_calls_pool_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("s");
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let sqli = json!({"SqliMatchStatement": {"FieldToMatch": {"Body": {}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    let acl = json!({"WebACL": {"Name": "login", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [
        {"Name": "no-sql", "Priority": 0, "Statement": sqli, "Action": {"Block": {}}, "VisibilityConfig": visibility}]}});
    let pool = |id: &str, acl: &str| {
        let pool = PoolId::parse(id).unwrap();
        let client = ClientId::parse(id.replace("us-east-1_", "client")).unwrap();
        let changes = vec![
            Change::Client(ClientSettings { client_id: client, enabled: true, scopes: None }),
            Change::Managed { kind: ManagedKind::WebAcl, name: id.to_owned(), document: acl.as_bytes().to_vec() },
        ];
        (FeedName::Pool(pool), changes)
    };
    leave_all_behind(&state, &[pool("us-east-1_A", &acl.to_string()), pool("us-east-1_B", "{}")], AT);
    let call = |client: &str, name: &str| {
        let body = json!({"ClientId": client, "AuthParameters": {"USERNAME": name}}).to_string();
        let head = "POST / HTTP/1.1\nHost: a\nX-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth";
        let request = format!("{head}\nContent-Length: {}\n\n{body}", body.len());
        let route = "[[route]]\nmatch = { path = \"/\" }\nupstream = \"u\"\nattest = true\n";
        let (config, file) = (folder.path().join("edge.toml"), folder.path().join("request"));
        std::fs::write(&config, format!("{CONFIG}{route}")).unwrap();
        std::fs::write(&file, request).unwrap();
        explain(&Explain { config, request: file, at: Some(AT), client: None }).unwrap().text()
    };
    let blocked = call("clientA", "1' OR 1=1 -- ");
    for line in ["pool       us-east-1_A", "rule no-sql matches: BLOCK", "BLOCK by wafv2:login/no-sql", "acl_blocked"] {
        assert!(blocked.contains(line), "{line}\n{blocked}");
    }
    let passes = call("clientA", "ada");
    assert!(passes.contains("ALLOW by wafv2:login/(default)") && passes.contains("verdict    forward"), "{passes}");
    let unreadable = call("clientB", "ada");
    assert!(unreadable.contains("can't be used") && unreadable.contains("acl_unreadable"), "{unreadable}");
    let unknown = call("clientC", "1' OR 1=1 -- ");
    assert!(unknown.contains("pool       none is known") && unknown.contains("verdict    forward"), "{unknown}");
}

#[test]
fn every_statement_of_a_web_acl_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let contains = |field: Value, text: &str| {
        json!({"ByteMatchStatement": {"FieldToMatch": field, "SearchString": text, "PositionalConstraint": "CONTAINS",
            "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}})
    };
    let both = json!({"AndStatement": {"Statements": [contains(json!({"Body": {}}), "evil"), contains(json!({"UriPath": {}}), "/x")]}});
    let rate = json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}});
    let acl = json!({"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [
        {"Name": "often", "Priority": 0, "Statement": rate, "Action": {"Block": {}}, "VisibilityConfig": visibility},
        {"Name": "counts", "Priority": 1, "Statement": contains(json!({"Method": {}}), "post"), "Action": {"Block": {}}, "VisibilityConfig": visibility},
        {"Name": "evil", "Priority": 2, "Statement": both, "Action": {"Block": {}}, "VisibilityConfig": visibility}]});
    std::fs::write(folder.path().join("acl.json"), acl.to_string()).unwrap();
    std::fs::write(folder.path().join("request"), "POST /w/x HTTP/1.1\nHost: a\nContent-Length: 5\n\nEvil!").unwrap();
    let config = folder.path().join("edge.toml");
    let more = "[[acl]]\nname = \"w\"\nfile = \"acl.json\"\nsearch_strings = \"text\"\ndry_run = [\"counts\"]\n\
        [[route]]\nmatch = { path = \"/w/*\" }\nupstream = \"u\"\nacl = \"w\"\n";
    std::fs::write(&config, format!("{CONFIG}{more}")).unwrap();
    let asked =
        Explain { config, request: folder.path().join("request"), at: Some(AT), client: "192.0.2.1".parse().ok() };
    let told = explain(&asked).unwrap().text();
    for line in [
        "web ACL    w of 62 WCU: BLOCK by w/evil",
        "  rule     rule often does not match",
        "  rule       no: more than 100 requests in 300 s, as counted here",
        "  rule     rule counts matches: COUNT instead of BLOCK",
        "  rule     rule evil matches: BLOCK",
        "  rule       yes: all of",
        "  rule         yes: Body, LOWERCASE: contains \"evil\"",
        "  rule         yes: UriPath, LOWERCASE: contains \"/x\"",
        "verdict    403 acl_blocked",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
}

#[test]
fn an_attempt_is_told_and_nothing_that_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let group = json!({"VendorName": "AWS", "Name": "AWSManagedRulesATPRuleSet",
        "ManagedRuleGroupConfigs": [{"AWSManagedRulesATPRuleSet": {"LoginPath": "/w/in"}}]});
    let acl = json!({"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [
        {"Name": "g", "Priority": 0, "Statement": {"ManagedRuleGroupStatement": group}, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility}]});
    std::fs::write(folder.path().join("acl.json"), acl.to_string()).unwrap();
    std::fs::write(
        folder.path().join("request"),
        "POST /w/in HTTP/1.1\nHost: a\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 12\n\nusername=zoe",
    )
    .unwrap();
    let config = folder.path().join("edge.toml");
    let more = "[[acl]]\nname = \"w\"\nfile = \"acl.json\"\n\
        [[route]]\nmatch = { path = \"/w/*\" }\nupstream = \"u\"\nacl = \"w\"\n";
    std::fs::write(&config, format!("{CONFIG}{more}")).unwrap();
    let asked =
        Explain { config, request: folder.path().join("request"), at: Some(AT), client: "192.0.2.1".parse().ok() };
    let told = explain(&asked).unwrap().text();
    for line in [
        "web ACL    w of 50 WCU: BLOCK by w/g/SignalMissingCredential",
        "  rule       an attempt to sign in, with a name, without a password that can be seen",
        "  rule     rule g/VolumetricIpHigh does not match",
        "  label    awswaf:managed:aws:atp:signal:missing_credential",
        "  label    awswaf:managed:token:absent",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    assert!(!told.contains("zoe"), "{told}");
}

#[test]
fn what_a_client_has_solved_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let always = json!({"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "SearchString": "/", "PositionalConstraint": "STARTS_WITH",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    let rule = json!({"Name": "all", "Priority": 0, "Statement": always, "Action": {"Challenge": {}}, "VisibilityConfig": visibility});
    let acl = json!({"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": [rule]});
    std::fs::write(folder.path().join("acl.json"), acl.to_string()).unwrap();
    let key = folder.path().join("c.key");
    std::fs::write(&key, "k".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let token = Token {
        session: [7; 16],
        domain: "a".to_owned(),
        issued: AT.seconds() - 9,
        challenge: Some(Solved { at: AT.seconds() - 9, difficulty: 18 }),
        captcha: None,
    };
    let token = token.seal(&Keys::read(&key).unwrap());
    let config = folder.path().join("edge.toml");
    let more = "[challenge]\nkey_file = \"c.key\"\n[[acl]]\nname = \"w\"\nfile = \"acl.json\"\nsearch_strings = \"text\"\n\
        [[route]]\nmatch = { path = \"/w/*\" }\nupstream = \"u\"\nacl = \"w\"\n";
    std::fs::write(&config, format!("{CONFIG}{more}")).unwrap();
    let told = |path: &str, host: &str, cookie: &str| {
        let request = folder.path().join("request");
        std::fs::write(&request, format!("GET {path} HTTP/1.1\nHost: {host}\nCookie: aws-waf-token={cookie}\n\n"))
            .unwrap();
        explain(&Explain { config: config.clone(), request, at: Some(AT), client: None }).unwrap().text()
    };
    for (host, cookie, says, verdict) in [
        ("a", token.as_str(), "a challenge of difficulty 18 9 s ago", "forward"),
        ("a", "x", "nothing: TOKEN_INVALID", "202 challenge_required"),
        ("b", &token, "nothing: TOKEN_DOMAIN_MISMATCH", "202 challenge_required"),
    ] {
        let told = told("/w/x", host, cookie);
        for line in [format!("  has solved {says}"), format!("verdict    {verdict}")] {
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
    }
    let own = told("/.tollgate/challenge", "a", "");
    assert!(own.ends_with("verdict    answered by the edge\n"), "{own}");
}

#[test]
fn refusals_are_told() {
    for (request, verdict) in [
        ("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", "401 missing_token"),
        ("POST /open/x HTTP/1.1\nHost: a", "405 method_not_allowed"),
        ("GET /open/../api HTTP/1.1\nHost: a", "400 ambiguous_path"),
        ("GET /elsewhere HTTP/1.1\nHost: a", "404 no_route"),
    ] {
        let told = story(request);
        assert!(told.ends_with(&format!("verdict    {verdict}\n")), "{told}");
        assert!(told.contains("nothing is known of pools"), "{told}");
    }
}

#[test]
fn issuers_of_others_are_named_and_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = told(folder.path(), "GET /both/x HTTP/1.1\nHost: a\nAuthorization: Bearer opaque\n\n");
    let text = explanation.text();
    for line in [
        "issuer     login: keys from https://i/keys, which are not fetched here, and none are kept on disk",
        "issuer     opaque: is asked about its tokens at https://o/ask",
        "token      asks the issuer, which is not done here",
        "verdict    as the issuer answers",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    }
    assert_eq!(explanation.json()["verdict"], json!({"forward": null, "depends": "as the issuer answers"}));
    let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2kifQ.c2ln"; // of https://i
    let told = story(&format!("GET /both/x HTTP/1.1\nHost: a\nAuthorization: Bearer {jwt}\n\n"));
    assert!(told.ends_with("verdict    503 not_ready\n"), "{told}");
}

fn key() -> SigningKey {
    SigningKey::from_pkcs8(Alg::RS256, include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8")).unwrap()
}

fn asking(with: &[(&str, Value)]) -> String {
    let mut claims = json!({
        "iss": "https://i/p", "sub": "ada", "token_use": "access", "client_id": "web", "scope": "orders/read",
        "exp": AT.seconds() + 600, "iat": AT.seconds() - 10, "jti": "j-1", "origin_jti": "o-1",
    });
    for (name, value) in with {
        claims[*name] = value.clone();
    }
    let token = key().sign_compact(&key().header(), &claims).unwrap();
    format!("GET /api/x HTTP/1.1\nHost: a\nAuthorization: Bearer {token}\n\n")
}

/// A folder in which an edge has saved a pool that has one revoked session.
fn saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pool = PoolId::parse("us-east-1_A").unwrap();
    let public = |purpose| {
        let (kid, jwk) = (key().kid().to_owned(), key().public_jwk().to_json());
        Change::PublicKey(PublicKey { kid, jwk, alg: "RS256".into(), purpose, state: KeyState::Active })
    };
    let changes = [
        Change::Pool(PoolSettings {
            pool: pool.clone(),
            iss: "https://i/p".into(),
            enabled: true,
            max_token_life_s: 3_600,
        }),
        public(KeyPurpose::AccessToken),
        Change::Revoked(Revoked::Session { origin_jti: "o-dead".into() }),
    ];
    let raw = |change: &Change| -> RawChange { change.to_raw(AT).unwrap() };
    let records: Vec<_> = changes.iter().map(|change| raw(change).encode().unwrap().into()).collect();
    let state = FeedState::from_records(Position::start(Epoch::new(AT, [7; 10])), &records).unwrap();
    feed::save(
        &folder.path().join("s"),
        FeedName::Pool(pool),
        Kept { state, fresh_as_of: AT.minus(Duration::from_secs(4)) },
    );
    folder
}

#[test]
fn what_the_edge_has_saved_of_the_feed_decides() {
    let folder = saved();
    let story = told(folder.path(), &asking(&[])).text();
    for line in ["  sub      ada", "  client   web", "session    passes", "  news     4 s old", "verdict    forward"] {
        assert!(story.lines().any(|told| told == line), "{line}\n{story}");
    }
    assert!(story.contains("us-east-1_A at 0, complete 4 s before"), "{story}");
    let revoked = told(folder.path(), &asking(&[("origin_jti", json!("o-dead"))])).text();
    assert!(revoked.ends_with("verdict    401 session_revoked\n"), "{revoked}");
}

#[test]
fn another_moment_may_be_asked_about() {
    let folder = saved();
    let at =
        |seconds| told_at(folder.path(), &asking(&[]), AT.plus(Duration::from_secs(seconds))).json()["verdict"].clone();
    assert_eq!(at(0)["upstream"], "u");
    assert_eq!(at(400)["reason"], "revocation_stale");
    assert_eq!(at(700)["reason"], "expired");
}

#[test]
fn a_refused_token_is_told_by_its_claims_and_never_itself() {
    let folder = saved();
    let request = asking(&[("exp", json!(AT.seconds() - 60)), ("iss", json!("https://other"))]);
    let explanation = told(folder.path(), &request);
    let facts =
        explanation.json()["steps"].as_array().unwrap().iter().find(|step| step["step"] == "token").unwrap()["facts"]
            .clone();
    assert_eq!((&facts["says iss"], &facts["says scope"]), (&json!("https://other"), &json!("orders/read")));
    assert_eq!(facts["says exp"], "2027-01-15T07:59:00Z, 60 s ago");
    assert_eq!(facts["wants iss"], "https://i/p (pool:us-east-1_A)");
    assert_eq!(facts["knows kid"], key().kid());
    let signature = request.trim_end().rsplit('.').next().unwrap();
    assert!(!explanation.text().contains(signature) && !explanation.json().to_string().contains(signature));
}

#[test]
fn explaining_writes_nothing() {
    let folder = saved();
    let state = folder.path().join("s");
    let listing = || {
        let mut files: Vec<_> = std::fs::read_dir(&state).unwrap().map(|file| file.unwrap()).collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        files.iter().map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect::<Vec<_>>()
    };
    let before = listing();
    told(folder.path(), &asking(&[]));
    assert_eq!(listing(), before);
    let empty = tempfile::tempdir().unwrap();
    told(empty.path(), &asking(&[]));
    assert!(!empty.path().join("s").exists());
    std::fs::write(state.join("feed.state"), b"damaged").unwrap();
    let damaged = told(folder.path(), &asking(&[])).text();
    assert!(damaged.contains("is damaged") && damaged.ends_with("verdict    503 not_ready\n"), "{damaged}");
}

/// What `explain` says of a request to a route that asks a lot, with this token and these further fields.
fn demanding(request: &str, token: &serde_json::Value) -> String {
    use common::jose::Jwks;
    let key = include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8");
    let key = SigningKey::from_pkcs8(Alg::RS256, key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let jwks = Jwks::new(vec![key.public_jwk().clone()]).unwrap().to_json();
    let policies = "@id(\"staff\") permit (principal in Group::\"staff\", action, resource);
        @id(\"night\") forbid (principal, action, resource) when { context.path == \"/api/night\" };";
    let config = "[listen]\nhttp = \"127.0.0.1:1\"\n[[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"cognito\"\n\
        jwks = { file = \"jwks.json\" }\n[[upstream]]\nname = \"u\"\nservers = [\"127.0.0.1:3\"]\n\
        [[policy]]\nname = \"p\"\nfile = \"p.cedar\"\n\
        [[route]]\nmatch = { path = \"/api/*\" }\nupstream = \"u\"\ncors = { origins = [\"https://a.test\"] }\n\
        token = { issuers = [\"corp\"], scopes_all = [\"a\", \"b\"], claims = { level = { ge = 3 } }, cedar = \"p\" }\n";
    for (name, text) in [("edge.toml", config), ("p.cedar", policies), ("jwks.json", &jwks)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let config = load(&folder.path().join("edge.toml"), &[], &Metrics::default()).unwrap();
    let picture = Picture::new(config.verdict_bytes);
    picture.configure(config.routes, config.issuers);
    let token = key.sign_compact(&key.header(), token).unwrap();
    let raw = format!("{request}Authorization: Bearer {token}\r\n\r\n");
    explain_head(
        Story::default(),
        &picture.load(),
        (raw.as_bytes(), b""),
        &Connection::UNKNOWN,
        (UnixMillis::from_seconds(1_000), &challenges(&mut Story::default(), Settings::default()).unwrap()),
    )
    .unwrap()
    .text()
}

#[test]
fn each_condition_that_fails_is_told() {
    let claims = |scope: &str, level: i64, group: &str| {
        serde_json::json!({
            "iss": "https://i", "sub": "ada", "token_use": "access", "client_id": "web", "exp": 2_000, "iat": 1_000,
            "scope": scope, "level": level, "cognito:groups": [group],
        })
    };
    let get = "GET /api/x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\n";
    let night = "GET /api/night HTTP/1.1\r\nHost: a\r\n";
    let preflight =
        "OPTIONS /api/x HTTP/1.1\r\nHost: a\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\n";
    for (request, token, expected) in [
        (
            get,
            claims("a", 2, "staff"),
            &["token      refuses: insufficient_scope", "  lacks    scope \"b\"", "  lacks    claim \"level\" ge 3"]
                as &[&str],
        ),
        (
            get,
            claims("a b", 3, "guests"),
            &["policy     refuses: policy_denied", "  because  nothing permits", "verdict    403 policy_denied"],
        ),
        (night, claims("a b", 3, "staff"), &["  because  forbidden by p/night"]),
        (
            get,
            claims("a b", 3, "staff"),
            &["policy     passes", "answers    access-control-allow-origin: https://a.test", "verdict    forward"],
        ),
        (
            preflight,
            claims("", 0, ""),
            &["route      u /api/*", "answers    access-control-max-age: 600", "verdict    204 preflight"],
        ),
    ] {
        let told = demanding(request, &token);
        for line in expected {
            assert!(told.lines().any(|told| told == *line), "{line}\n{told}");
        }
    }
}

/// With keys from a file, and a route that is part of a resource.
#[test]
fn proofs_and_resources_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let key = include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8");
    let key = common::jose::SigningKey::from_pkcs8(common::jose::Alg::RS256, key).unwrap();
    let jwks = common::jose::Jwks::new(vec![key.public_jwk().clone()]).unwrap().to_json();
    std::fs::write(folder.path().join("jwks.json"), jwks).unwrap();
    let config = format!(
        "{CONFIG}resource = {{ url = \"https://api.test/api\" }}\n\
         [[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"cognito\"\njwks = {{ file = \"jwks.json\" }}\n\
         [[route]]\nmatch = {{ path = \"/corp\" }}\nupstream = \"u\"\ntoken = {{ issuers = [\"corp\"] }}\n"
    );
    std::fs::write(folder.path().join("edge.toml"), config).unwrap();
    let story = |request: &str| {
        std::fs::write(folder.path().join("request"), request).unwrap();
        let asked = Explain {
            config: folder.path().join("edge.toml"),
            request: folder.path().join("request"),
            at: Some(AT),
            client: None,
        };
        explain(&asked).unwrap().text()
    };
    let told = story("GET /.well-known/oauth-protected-resource/api HTTP/1.1\nHost: api.test");
    assert!(
        told.contains("resource   https://api.test/api\n") && told.contains("verdict    200 resource_metadata"),
        "{told}"
    );

    let (client, now) = (crate::gates::proof::prover::Prover::new(), AT);
    let claims = serde_json::json!({
        "iss": "https://i", "sub": "ada", "token_use": "access", "client_id": "web", "cnf": {"jkt": client.jkt()},
        "exp": now.seconds() + 600, "iat": now.seconds(),
    });
    let token = key.sign_compact(&key.header(), &claims).unwrap();
    let ask = |uri: &str| {
        let proof = client.proof("GET", uri, &token, now);
        story(&format!("GET /corp HTTP/1.1\nHost: api.test\nAuthorization: DPoP {token}\nDPoP: {proof}"))
    };
    let told = ask("http://api.test/corp");
    assert!(told.contains(&format!("  proof    good, by the key {}\n", client.jkt())), "{told}");
    assert!(told.ends_with("verdict    forward\n"), "{told}");
    let told = ask("https://api.test/corp");
    for line in ["token      refuses: invalid_proof", "  proof    proof_htu", "  wants htu http://api.test/corp"] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
}
