use super::*;

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
        ("[listen]\n", "[listne]\n", "listne: unknown key; did you mean `listen`?"),
        ("127.0.0.1:8800", "localhost", "listen.http: \"localhost\" is no address such as \"127.0.0.1:8800\""),
        ("upstream = \"orders\"", "upstream = \"order\"", "route[0].upstream: no upstream is called \"order\""),
        ("\"access\"", "\"acces\"", "route[0].token.use: \"acces\" is neither \"access\" nor \"id\""),
        ("pool:us", "corp:us", "route[0].token.issuers: no issuer is called \"corp:us-east-1_AbCdEf123\""),
        ("\"5m\"", "\"5 minutes\"", "route[0].revocation.max_staleness: \"5 minutes\" is no duration such as \"10s\""),
        ("{sub}", "{sub", "route[0].headers.add.x-user-id: has a `{` without `}`"),
        ("x-user-id", "host", "route: \"host\" can't be set as an identity header"),
        ("/orders/*", "/orders*", "route[0].match.path: a `*` may only stand after a slash, at the end"),
        ("upstream = \"orders\"", "upstream = \"orders\"\nacl = \"x\"", "route[0].acl: is not supported yet"),
        ("10.0.0.5:9000", "10.0.0.5", "upstream[0].servers: \"10.0.0.5\" is no address"),
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
    assert_eq!(config.log, LogLevel::Off);
    let error = load_text(GOOD, &[("TOLLGATE_LISTEN__HTPP", "127.0.0.1:1")]).unwrap_err();
    assert_eq!(error, "listen.htpp: unknown key; did you mean `http`?");
}

#[test]
fn jwks_by_url_is_refused_clearly() {
    let issuer = "[[issuer]]\nname = \"corp\"\niss = \"https://i\"\nprofile = \"rfc9068\"\njwks = { url = \"https://i/jwks\" }\n";
    let error = load_text(&format!("{GOOD}{issuer}"), &[]).unwrap_err();
    assert_eq!(error, "issuer[0].jwks.url: is not supported yet: use `file`");
}
