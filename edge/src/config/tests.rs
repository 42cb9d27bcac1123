use super::*;
use crate::observe::LogLevel;
use crate::observe::trace::Accept;

const GOOD: &str = r#"
[listen]
http = "127.0.0.1:8800"
[feed]
issuer = "127.0.0.1:8701"
state_dir = "state"
[[upstream]]
name = "orders"
servers = ["10.0.0.5:9000"]
[[route]]
match = { host = "api.example.com", path = "/orders/*", methods = ["GET"] }
upstream = "orders"
token = { issuers = ["pool:us-east-1_AbCdEf123"], use = "access", scopes_all = ["orders/read"] }
headers = { add = { "x-user-id" = "{sub}" } }
revocation = { max_staleness = "5m", stale = "deny" }
"#;

fn load_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edge.toml");
    std::fs::write(&file, text).unwrap();
    let environment: Vec<_> = environment.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    load(&file, &environment, &Metrics::default())
        .map_err(|error| error.to_string().rsplit_once("edge.toml: ").unwrap().1.to_owned())
}

#[test]
fn a_good_file_loads() {
    let config = load_text(GOOD, &[]).unwrap();
    assert_eq!(config.issuers[0].name, "pool:us-east-1_AbCdEf123");
    let route = &config.routes.routes[0];
    assert_eq!(&*route.name, "orders api.example.com/orders/*");
    assert!(route.revocation.required, "a pool's revocations are demanded unless the route says otherwise");
    assert!(config.routes.heads.identity.is_alias(b"X_User_Id"));
    assert!(config.routes.heads.identity.is_alias(b"x_forwarded_for"));
}

#[test]
fn every_mistake_is_one_line_that_says_where() {
    let cases = [
        ("http = \"127.0.0.1:8800\"", "htpp = \"127.0.0.1:8800\"", "listen.htpp: unknown key; did you mean `http`?"),
        ("http = \"127.0.0.1:8800\"", "", "listen.http: is missing: there must be `http` or `https`"),
        (
            "[listen]\n",
            "[listen]\nheader_timeot = \"5s\"\n",
            "listen.header_timeot: unknown key; did you mean `header_timeout`?",
        ),
        ("[listen]\n", "[listen]\nheader_timeout = \"0s\"\n", "listen.header_timeout: must be more than nothing"),
        (
            "[listen]\n",
            "[listen]\nkeepalive_timeout = \"1500ms\"\n",
            "listen.keepalive_timeout: must be whole seconds, at least one",
        ),
        (
            "[listen]\n",
            "[listen]\nkeepalive_timeout = \"0s\"\n",
            "listen.keepalive_timeout: must be whole seconds, at least one",
        ),
        ("[listen]\n", "[listne]\n", "listne: unknown key; did you mean `listen`?"),
        ("127.0.0.1:8800", "localhost", "listen.http: \"localhost\" is no address such as \"127.0.0.1:8800\""),
        ("upstream = \"orders\"", "upstream = \"order\"", "route[0].upstream: no upstream is called \"order\""),
        ("\"access\"", "\"acces\"", "route[0].token.use: \"acces\" is neither \"access\" nor \"id\""),
        ("pool:us", "corp:us", "route[0].token.issuers: no issuer is called \"corp:us-east-1_AbCdEf123\""),
        ("\"5m\"", "\"5 minutes\"", "route[0].revocation.max_staleness: \"5 minutes\" is no duration such as \"10s\""),
        ("{sub}", "{sub", "route[0].headers.add.x-user-id: has a `{` without `}`"),
        ("x-user-id", "host", "route: \"host\" can't be set as an identity header"),
        ("/orders/*", "/orders*", "route[0].match.path: a `*` may only stand after a slash, at the end"),
        ("upstream = \"orders\"", "upstream = \"orders\"\nacl = \"x\"", "route[0].acl: no web ACL is called \"x\""),
        ("10.0.0.5:9000", "10.0.0.5", "upstream[0].servers: \"10.0.0.5\" is no address"),
        (
            "upstream = \"orders\"",
            "upstream = \"orders\"\nattest = true\nmax_body = \"17MiB\"",
            "route[0].max_body: must be at most 16MiB with `attest`, since bodies are read whole",
        ),
        (
            "[feed]\nissuer = \"127.0.0.1:8701\"\nstate_dir = \"state\"\n",
            "",
            "route[0].token.issuers: no issuer is called \"pool:us-east-1_AbCdEf123\"",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(GOOD.contains(from), "{from}");
        let error = load_text(&GOOD.replacen(from, to, 1), &[]).unwrap_err();
        assert_eq!(error, expected);
    }
}

#[test]
fn the_environment_sets_scalars() {
    let config = load_text(GOOD, &[("TOLLGATE_LISTEN__HTTP", "127.0.0.1:1"), ("TOLLGATE_LOG__ACCESS", "off")]).unwrap();
    assert_eq!(config.listen.places.http.unwrap().port(), 1);
    assert_eq!(config.log.rules.level, LogLevel::Off);
    let error = load_text(GOOD, &[("TOLLGATE_LISTEN__HTPP", "127.0.0.1:1")]).unwrap_err();
    assert_eq!(error, "listen.htpp: unknown key; did you mean `http`?");
}

const JWKS: &str = "jwks = { url = \"https://i/jwks\" }";

fn with_issuer(lines: &str) -> String {
    format!("{GOOD}[[issuer]]\nname = \"corp\"\niss = \"https://i\"\n{lines}\n")
}

#[test]
fn issuers_of_others_load() {
    let profiles = ["cognito", "rfc9068", "keycloak", "auth0", "entra", "okta"];
    for profile in profiles {
        let config = load_text(&with_issuer(&format!("profile = \"{profile}\"\n{JWKS}")), &[]).unwrap();
        assert_eq!(config.issuers[0].profile().unwrap().as_str(), profile);
    }
    let more = "profile = \"entra\"\nalgorithms = [\"PS256\", \"EdDSA\"]\ngroups = [\"groups\"]\nleeway = \"30s\"\nallow_http = true\n\
        jwks = { discovery = true, refresh = \"5m\", max_stale = \"1h\", cool_down = \"10s\", timeout = \"1s\" }";
    let config = load_text(&with_issuer(more), &[]).unwrap();
    let source = &config.issuers[0].keys.as_ref().unwrap().source;
    assert_eq!((source.reading.rsa_alg.name(), source.reading.algorithms.len()), ("PS256", 2));
    assert_eq!(source.place.to_string(), "where https://i/.well-known/openid-configuration says");
    assert_eq!(config.state_dir.as_ref().unwrap().file_name().unwrap(), "state", "the feed's, where there is no other");
    let asked = "introspection = { url = \"https://i/introspect\", client_id = \"edge\", client_secret_env = \"SECRET\", auth = \"post\" }";
    let config =
        load_text(&format!("[cache]\nstate_dir = \"kept\"\n{}", with_issuer(asked)), &[("SECRET", "s")]).unwrap();
    let settings = config.issuers[0].introspection.as_ref().unwrap();
    assert_eq!((settings.endpoint.client_secret.expose(), &*settings.terms.iss), ("s", "https://i"));
    assert!(!format!("{config:?}").contains("client_secret: \"s\""), "a secret is not shown");
    assert_eq!(config.state_dir.unwrap().file_name().unwrap(), "kept");
}

#[test]
fn mistakes_about_issuers_of_others_are_told() {
    const ASKED: &str = "introspection = { url = \"https://i/x\", client_id = \"e\", client_secret_env = \"SECRET\" }";
    let oidc = format!("profile = \"auth0\"\n{JWKS}");
    let (jwks, asked) = (oidc.as_str(), ASKED);
    let cases = [
        (
            jwks,
            "auth0",
            "oidc",
            "issuer[0].profile: \"oidc\" is none of \"cognito\", \"rfc9068\", \"keycloak\", \"auth0\", \"entra\", \"okta\", \"openid\"",
        ),
        (jwks, JWKS, "", "issuer[0].jwks: is missing"),
        (
            jwks,
            JWKS,
            "jwks = {}",
            "issuer[0].jwks.url: must be the only one of `url`, `file` and `discovery = true`, and one must be there",
        ),
        (
            jwks,
            " }",
            ", discovery = true }",
            "issuer[0].jwks.url: must be the only one of `url`, `file` and `discovery = true`, and one must be there",
        ),
        (
            jwks,
            "https://i/jwks",
            "http://i/jwks",
            "issuer[0].jwks.url: \"http://i/jwks\" must be https: plain http goes to this machine only, unless `allow_http` says otherwise",
        ),
        (
            jwks,
            "https://i/jwks",
            "jwks",
            "issuer[0].jwks.url: \"jwks\" is no URL such as \"https://login.example.com/keys\"",
        ),
        (
            jwks,
            "https://i/jwks",
            "https://u:p@i/",
            "issuer[0].jwks.url: \"https://u:p@i/\" must have neither user, password nor fragment",
        ),
        (
            jwks,
            " }",
            ", refresh = \"10s\", cool_down = \"11s\" }",
            "issuer[0].jwks.refresh: must be between `cool_down` and 7d",
        ),
        (jwks, " }", ", cool_down = \"0s\" }", "issuer[0].jwks.cool_down: must be between 1s and 1h"),
        (jwks, " }", ", max_stale = \"1m\" }", "issuer[0].jwks.max_stale: must be between `refresh` and 30d"),
        (jwks, " }", ", timeout = \"1m\" }", "issuer[0].jwks.timeout: must be between 100ms and 30s"),
        (jwks, " }", ", max_stail = \"1d\" }", "issuer[0].jwks.max_stail: unknown key; did you mean `max_stale`?"),
        (
            jwks,
            "profile",
            "algorithms = [\"HS256\"]\nprofile",
            "issuer[0].algorithms: \"HS256\" is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
        ),
        (jwks, "profile", "algorithms = []\nprofile", "issuer[0].algorithms: needs at least one algorithm"),
        (jwks, "profile", "rsa_alg = \"ES256\"\nprofile", "issuer[0].rsa_alg: \"ES256\" is no algorithm of RSA keys"),
        (
            jwks,
            "profile",
            "algorithms = [\"ES256\"]\nrsa_alg = \"RS256\"\nprofile",
            "issuer[0].rsa_alg: \"RS256\" is not among `algorithms`",
        ),
        (jwks, "profile", "groups = [\"\"]\nprofile", "issuer[0].groups: must be at most 16 names of claims"),
        (jwks, "profile", "iss2 = \"x\"\nprofile", "issuer[0].iss2: unknown key; did you mean `iss`?"),
        (
            jwks,
            JWKS,
            "jwks = { url = \"https://i/x\" }\nintrospection = {}",
            "issuer[0].introspection: cannot stand beside `jwks`: make two issuers, and name both in the route",
        ),
        (
            asked,
            "introspection",
            "profile = \"auth0\"\nintrospection",
            "issuer[0].profile: goes with `jwks`: the issuer checks the token, and its answers have one reading",
        ),
        (asked, "url", "uri", "issuer[0].introspection.uri: unknown key; did you mean `url`?"),
        (
            asked,
            "https",
            "http",
            "issuer[0].introspection.url: \"http://i/x\" must be https: plain http goes to this machine only, unless `allow_http` says otherwise",
        ),
        (
            asked,
            "SECRET",
            "NOTHING",
            "issuer[0].introspection.client_secret_env: there is no NOTHING in the environment",
        ),
        (asked, "SECRET", "EMPTY", "issuer[0].introspection.client_secret_env: holds no secret"),
        (
            asked,
            ", client_secret_env = \"SECRET\"",
            "",
            "issuer[0].introspection.client_secret_file: is missing: there must be `client_secret_file` or `client_secret_env`, and not both",
        ),
        (
            asked,
            " }",
            ", client_secret = \"x\" }",
            "issuer[0].introspection.client_secret: unknown key; did you mean `client_secret_env`?",
        ),
        (
            asked,
            " }",
            ", auth = \"none\" }",
            "issuer[0].introspection.auth: \"none\" is neither \"basic\" nor \"post\"",
        ),
        (asked, " }", ", timeout = \"1m\" }", "issuer[0].introspection.timeout: must be between 100ms and 30s"),
        (asked, " }", ", concurrency = 0 }", "issuer[0].introspection.concurrency: must be between 1 and 1024"),
        (
            asked,
            " }",
            ", cache_bytes = \"1KiB\" }",
            "issuer[0].introspection.cache_bytes: must be between 64KiB and 4GiB",
        ),
    ];
    for (lines, from, to, expected) in cases {
        assert!(lines.contains(from), "{from}");
        let text = with_issuer(&lines.replacen(from, to, 1));
        assert_eq!(load_text(&text, &[("SECRET", "s"), ("EMPTY", "")]).unwrap_err(), expected, "{to}");
    }
    let id = GOOD.replace("use = \"access\"", "use = \"id\"").replace("\"pool:us-east-1_AbCdEf123\"", "\"corp\"");
    let text = with_issuer(&oidc).replace(GOOD, &id);
    let expected =
        "route[0].token.use: \"id\" is not for the issuer \"corp\", of whose tokens access tokens alone are read";
    assert_eq!(load_text(&text, &[]).unwrap_err(), expected);
}

#[test]
fn what_the_edge_tells_is_read() {
    let more = "[log]\naccess = \"all\"\nsample = \"1%\"\nfile = \"access.log\"\n\
                [trace]\nendpoint = \"http://127.0.0.1:4318/v1/traces\"\nratio = 0.5\naccept = true\n";
    let config = load_text(&format!("{GOOD}{more}"), &[("TOLLGATE_TRACE__RATIO", "25%")]).unwrap();
    assert_eq!(
        (config.log.rules.sample, config.log.file.unwrap().file_name().unwrap().to_str()),
        (0.01, Some("access.log"))
    );
    let trace = config.trace.unwrap();
    assert_eq!((trace.ratio, trace.accept, trace.service.as_str()), (0.25, Accept::Everybody, "tollgate-edge"));
    for (more, expected) in [
        ("[log]\nsample = 2", "log.sample: must be a share such as \"1%\" or 0.01"),
        ("[trace]\nratio = 1", "trace.endpoint: is missing"),
        (
            "[trace]\nendpoint = \"http://c\"",
            "trace.endpoint: \"http://c\" must be https: plain http goes to this machine only, unless `allow_http` says otherwise",
        ),
        (
            "[trace]\nendpoint = \"https://c\"\naccept = \"trusted\"",
            "trace.accept: \"trusted\" needs `listen.trusted_proxies`",
        ),
        ("[trace]\nendpoint = \"https://c\"\naccept = \"all\"", "trace.accept: must be true, false or \"trusted\""),
        ("[trace]\nendpiont = \"https://c\"", "trace.endpiont: unknown key; did you mean `endpoint`?"),
    ] {
        assert_eq!(load_text(&format!("{GOOD}{more}"), &[]).unwrap_err(), expected);
    }
}

/// The good file with a route of the issuer `corp` by a key set of one key, and these further lines of it.
fn with_corp(lines: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let key = include_bytes!("../../../common/vectors/keys/rsa-2048-a.pk8");
    let key = common::jose::SigningKey::from_pkcs8(common::jose::Alg::RS256, key).unwrap();
    let jwks = common::jose::Jwks::new(vec![key.public_jwk().clone()]).unwrap().to_json();
    std::fs::write(folder.path().join("jwks.json"), jwks).unwrap();
    for (name, mode) in [("secret", 0o640), ("open", 0o644)] {
        let file = folder.path().join(name);
        std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let text = format!(
        "{GOOD}[[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"rfc9068\"\njwks = {{ file = \"jwks.json\" }}\n{lines}"
    );
    let file = folder.path().join("edge.toml");
    std::fs::write(&file, text).unwrap();
    load(&file, &[], &Metrics::default()).map_err(|error| {
        error.to_string().replace(&format!("{}/", folder.path().display()), "").replacen("edge.toml: ", "", 1)
    })
}

fn corp_route(token: &str, more: &str) -> String {
    format!(
        "[[route]]\nmatch = {{ path = \"/corp/*\" }}\nupstream = \"orders\"\ntoken = {{ issuers = [\"corp\"]{token} }}\n{more}\n"
    )
}

#[test]
fn proofs_have_settings_with_safe_defaults() {
    let token = |lines: &str| {
        let config = with_corp(lines).unwrap();
        let route = config.routes.routes.iter().find(|route| &*route.name == "orders /corp/*").unwrap();
        (route.token.clone().unwrap().proof, config.replay_bytes)
    };
    let (plain, bytes) = token(&corp_route("", ""));
    assert_eq!((plain, bytes), (Default::default(), 16 << 20));
    let dpop = "[dpop]\nreplay_memory = \"1MiB\"\nnonce_key_file = \"secret\"\nnonce_period = \"1m\"\npublic_url = \"https://a.test\"\n";
    let route = corp_route(", dpop = { required = true, nonce = true, algs = [\"Ed25519\"] }", "");
    let (rule, bytes) = token(&format!("{dpop}{route}"));
    assert_eq!(bytes, 1 << 20);
    assert!(rule.offered && rule.required && !rule.certificate_bound && !rule.forward);
    assert_eq!(rule.alg_names(), ["Ed25519", "EdDSA"]);
    assert_eq!(rule.public_url.unwrap().origin(), "https://a.test");
    let key = common::dpop::NonceKey::new(b"0123456789abcdef0123456789abcdef", std::time::Duration::from_secs(60));
    assert_eq!(rule.nonces.as_deref(), Some(&key), "so that several edges take each other's");
    let (other, _) = token(&corp_route(", dpop = { nonce = true }", ""));
    assert_ne!(other.nonces.as_deref(), Some(&key));
}

#[test]
fn mistakes_about_proofs_and_resources_say_where() {
    let resource = |members: &str| corp_route("", &format!("resource = {{ {members} }}"));
    let url = "url = \"https://a.test/x\"";
    let cases = [
        ("[dpop]\nreplay_memory = \"1KiB\"\n".to_owned(), "dpop.replay_memory: must be at least \"64KiB\""),
        ("[dpop]\nnonce_period = \"1s\"\n".to_owned(), "dpop.nonce_period: must be between \"10s\" and \"1h\""),
        (
            "[dpop]\nnonce_key_file = \"open\"\n".to_owned(),
            "dpop.nonce_key_file: open: others may read or write it: chmod 640, or stricter",
        ),
        (
            "[dpop]\npublic_url = \"a.test\"\n".to_owned(),
            "dpop.public_url: \"a.test\" is no URL such as \"https://api.example.com\"",
        ),
        (
            "[dpop]\nwindow = \"5s\"\n".to_owned(),
            "dpop.window: unknown key; known here: replay_memory, nonce_period, nonce_key_file, public_url",
        ),
        (
            corp_route(", dpop = { window = \"1h\" }", ""),
            "route[1].token.dpop.window: must be between \"1s\" and \"10m\"",
        ),
        (corp_route(", dpop = { algs = [] }", ""), "route[1].token.dpop.algs: needs at least one algorithm"),
        (
            corp_route(", dpop = { algs = [\"HS256\"] }", ""),
            "route[1].token.dpop.algs: \"HS256\" is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA",
        ),
        (
            corp_route(", dpop = { require = true }", ""),
            "route[1].token.dpop.require: unknown key; did you mean `required`?",
        ),
        (
            corp_route(", certificate_bound = true", ""),
            "route[1].token.certificate_bound: needs `client_ca` in [listen] tls: no client is asked for a certificate",
        ),
        (resource(""), "route[1].resource.url: is missing"),
        (
            resource("url = \"https://a.test/x?y\""),
            "route[1].resource.url: \"https://a.test/x?y\" is no URL such as \"https://api.example.com/orders\", without query and fragment",
        ),
        (
            resource(&format!("{url}, authorization_servers = [\"corp\"]")),
            "route[1].resource.authorization_servers: \"corp\" is no URL of an issuer",
        ),
        (
            resource(&format!("{url}, bearer_methods_supported = [\"body\"]")),
            "route[1].resource.bearer_methods_supported: must be [\"header\"]: tokens are taken from nowhere else",
        ),
        (
            resource(&format!("{url}, dpop_bound_access_tokens_required = true")),
            "route[1].resource.dpop_bound_access_tokens_required: differs from the route's `token.dpop.required`",
        ),
        (
            format!("[[route]]\nmatch = {{}}\nupstream = \"orders\"\nresource = {{ {url} }}\n"),
            "route[1].resource: needs `token`: an open route is no protected resource",
        ),
        (
            format!("{}{}", resource(url), corp_route(", scopes_all = [\"s\"]", &format!("resource = {{ {url} }}"))),
            "route: two routes describe \"https://a.test/x\" differently: their `resource` and `token` must agree",
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(with_corp(&lines).unwrap_err(), expected);
    }
    let twice = format!("{}{}", resource(url), resource(url));
    assert_eq!(with_corp(&twice).unwrap().routes.resources.len(), 1, "two parts of one resource");
}

#[test]
fn attesting_needs_an_identity() {
    let route = "[[route]]\nmatch = { path = \"/idp\" }\nupstream = \"orders\"\nattest = true\n";
    let config = load_text(&format!("{GOOD}{route}"), &[]).unwrap();
    let attested = config.routes.routes.iter().filter(|route| route.attest);
    assert_eq!(attested.map(|route| route.flow.max_body).collect::<Vec<_>>(), [Some(1 << 20)]);
    let without = GOOD.replacen("[feed]\nissuer = \"127.0.0.1:8701\"\nstate_dir = \"state\"\n", "", 1);
    let without = without.replacen("token = { issuers", "# token = { issuers", 1);
    let error = load_text(&format!("{without}{route}"), &[]).unwrap_err();
    assert_eq!(error, "route[1].attest: needs a `[feed]`: the edge signs with the key that it has joined with");
}

const SIGN_IN: &str = "[[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"keycloak\"\njwks = { discovery = true }\n\
    [[sign_in]]\nname = \"web\"\nissuer = \"corp\"\nclient_id = \"web\"\n\
    [[route]]\nmatch = { host = \"app.example.com\" }\nupstream = \"orders\"\ntoken = { issuers = [\"corp\"] }\nsign_in = \"web\"\n";

#[test]
fn sign_ins_load() {
    let config = load_text(&format!("{GOOD}{SIGN_IN}"), &[]).unwrap();
    let [at] = config.routes.sign_ins.as_slice() else { panic!("{:?}", config.routes.sign_ins) };
    assert_eq!((at.sign_in.client.scope.as_str(), at.sign_in.cookie.as_str()), ("openid", "__Host-tg-session"));
    assert_eq!(at.sign_in.paths.all()[0], "/.tollgate/callback");
    let pool = SIGN_IN
        .replace("\"corp\"\nclient_id", "\"pool:us-east-1_AbCdEf123\"\nclient_id")
        .replace("token = { issuers = [\"corp\"] }", "token = { issuers = [\"pool:us-east-1_AbCdEf123\"] }");
    assert_eq!(load_text(&format!("{GOOD}{pool}"), &[]).unwrap().routes.sign_ins.len(), 1);
    let more = "client_id = \"web\"\nidentity = { header = \"x-who\" }\nidle = \"30m\"\nsession = \"8h\"\nsign_out = \"cognito\"\npost_sign_out = \"/bye\"";
    let config = load_text(&format!("{GOOD}{}", SIGN_IN.replace("client_id = \"web\"", more)), &[]).unwrap();
    assert!(config.routes.heads.identity.is_alias(b"X_Who"), "nobody else may say it");
}

#[test]
fn mistakes_about_sign_ins_are_told() {
    let two = "sign_in = \"web\"\n[[sign_in]]\nname = \"b\"\nissuer = \"corp\"\nclient_id = \"b\"\n\
        [[route]]\nmatch = { host = \"*.example.com\" }\nupstream = \"orders\"\ntoken = { issuers = [\"corp\"] }\nsign_in = \"b\"";
    let cases = [
        ("sign_in = \"web\"", "sign_in = \"wbe\"", "route[1].sign_in: no sign-in is called \"wbe\""),
        ("token = { issuers = [\"corp\"] }\n", "", "route[1].sign_in: needs `token`: an open route needs no session"),
        (
            "host = \"app.example.com\"",
            "path = \"/x\"",
            "route[1].sign_in: needs `match.host`: people are sent back to a host that the route names",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\ntoken = \"id\"",
            "route[1].sign_in: needs `token.use = \"id\"`, as sessions of \"web\" have it",
        ),
        (
            "issuers = [\"corp\"]",
            "issuers = [\"pool:us-east-1_AbCdEf123\"]",
            "route[1].sign_in: needs \"corp\" among `token.issuers`: sessions have its tokens",
        ),
        (
            "issuers = [\"corp\"]",
            "issuers = [\"corp\"], dpop = { required = true }",
            "route[1].sign_in: can't stand where tokens must be bound: those of sessions are not",
        ),
        (
            "sign_in = \"web\"",
            "sign_in = \"web\"\nattest = true",
            "route[1].sign_in: does not go with `attest`: the issuer's own pages sign people in",
        ),
        (
            "sign_in = \"web\"",
            two,
            "sign_in: \"web\" and \"b\" serve one host: give them paths and cookies of their own",
        ),
        ("issuer = \"corp\"", "issuer = \"cropp\"", "sign_in[0].issuer: no issuer is called \"cropp\""),
        ("client_id = \"web\"", "", "sign_in[0].client_id: is missing"),
        ("client_id", "clientid", "sign_in[0].clientid: unknown key; did you mean `client_id`?"),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\nscopes = [\"email\"]",
            "sign_in[0].scopes: must have \"openid\": who signs in is known by the ID token",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\nauthorization = { state = \"x\" }",
            "sign_in[0].authorization.state: is the edge's to say",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\ncallback_path = \"/.tollgate/sign-out\"",
            "sign_in[0].callback_path: must be another path than those beside it",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\ncallback_path = \"//x\"",
            "sign_in[0].callback_path: \"//x\" is no path such as \"/.tollgate/callback\"",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\ncookie = \"a;b\"",
            "sign_in[0].cookie: must be 1 to 32 letters, digits, `-` and `_`",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\npost_sign_out = \"//evil\"",
            "sign_in[0].post_sign_out: \"//evil\" is no path of this host, and is no URL such as \"https://login.example.com/keys\"",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\nsign_out = \"cognito\"",
            "sign_in[0].sign_out: \"cognito\" needs `post_sign_out`, one of the client's sign-out URLs",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\ntoken_endpoint = \"http://i/t\"",
            "sign_in[0].token_endpoint: \"http://i/t\" must be https: plain http goes to this machine only, unless `allow_http` says otherwise",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\nidentity = { header = \"a b\" }",
            "sign_in[0].identity.header: \"a b\" is no name of a header",
        ),
        (
            "client_id = \"web\"",
            "client_id = \"web\"\nidentity = { header = \"connection\" }",
            "route: \"connection\" can't be set as an identity header",
        ),
        (
            "profile = \"keycloak\"",
            "profile = \"openid\"",
            "route[1].token.use: \"id\" must be said for the issuer \"corp\", of whose tokens ID tokens alone are read",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(SIGN_IN.contains(from), "{from}");
        let error = load_text(&format!("{GOOD}{}", SIGN_IN.replacen(from, to, 1)), &[]).unwrap_err();
        assert_eq!(error, expected);
    }
}
