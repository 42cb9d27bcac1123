use common::settings::parse;

use super::*;

const ROUTE: OfRoute<'_> = OfRoute { name: "orders /orders/*", methods: &[], has_token: true, has_feed: true };

fn read_on(text: &str, route: OfRoute<'_>) -> Result<Option<Box<RouteLimits>>, String> {
    let mut root = parse(&format!("limits = [{text}]"), [], &[]).unwrap();
    limits(root.sections("limits").unwrap(), route, |_| LimitMeter::default()).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Option<Box<RouteLimits>>, String> {
    read_on(text, ROUTE)
}

#[test]
fn a_limit_as_in_the_handbook() {
    let all = read(
        r#"{ name = "per-user", key = ["claim:sub"], rate = "100/1m" },
           { name = "logins", key = ["address", "path"], ipv6_prefix = 56, rate = "5/1s", methods = ["POST"], status = 503, when_missing = "refuse" },
           { name = "all", key = ["route"], rate = "1000/1h", dry_run = true }"#,
    );
    let all = all.unwrap().unwrap();
    let [user, logins, dry] = &*all.limits else { panic!("{all:?}") };
    assert_eq!((user.quota.rate(), user.quota.window().as_secs(), user.status.as_u16()), (100, 60, 429));
    assert_eq!((user.stage, user.missing, user.dry_run), (Stage::Identity, Missing::Skip, false));
    assert_eq!((logins.stage, logins.missing, logins.status.as_u16()), (Stage::Request, Missing::Refuse, 503));
    assert_eq!(&*logins.key, [Part::Address { v4: 32, v6: 56 }, Part::Path]);
    assert!(logins.is_for("POST") && !logins.is_for("GET") && user.is_for("GET") && dry.dry_run);
    assert_eq!(all.policy.as_ref().unwrap(), "\"per-user\";q=100;w=60, \"logins\";q=5;w=1");
    assert!(read("").unwrap().is_none());
}

#[test]
fn every_part_of_a_key() {
    let key = r#"["address", "claim:cognito:groups", "claim:/org/id", "client_id", "header:X-Api-Key", "path", "host", "method"]"#;
    let all = read(&format!("{{ name = \"a\", key = {key}, rate = \"1/24h\" }}")).unwrap().unwrap();
    let told: Vec<String> = all.limits[0].key.iter().map(ToString::to_string).collect();
    let expected = [
        "address/32/64",
        "claim:cognito:groups",
        "claim:/org/id",
        "client_id",
        "header:x-api-key",
        "path",
        "host",
        "method",
    ];
    assert_eq!(told, expected);
}

#[test]
fn every_mistake_says_where() {
    let rate = |rate: &str| format!("{{ name = \"a\", key = [\"route\"], rate = \"{rate}\" }}");
    let key = |key: &str| format!("{{ name = \"a\", key = {key}, rate = \"1/1s\" }}");
    let with = |more: &str| format!("{{ name = \"a\", key = [\"route\"], rate = \"1/1s\", {more} }}");
    let name = |name: &str| format!("{{ name = \"{name}\", key = [\"route\"], rate = \"1/1s\" }}");
    let cases = [
        (rate("100"), "limits[0].rate: \"100\" is no rate such as \"100/1m\""),
        (rate("1.5/1s"), "limits[0].rate: \"1.5/1s\" is no rate such as \"100/1m\""),
        (rate("+1/1s"), "limits[0].rate: \"+1/1s\" is no rate such as \"100/1m\""),
        (rate("1/m"), "limits[0].rate: \"1/m\" is no rate such as \"100/1m\""),
        (rate("0/1s"), "limits[0].rate: \"0/1s\" must admit between 1 and 1000000000 requests"),
        (rate("1/500ms"), "limits[0].rate: \"1/500ms\" must have a window of whole seconds between \"1s\" and \"24h\""),
        (rate("1/2d"), "limits[0].rate: \"1/2d\" must have a window of whole seconds between \"1s\" and \"24h\""),
        (key("[]"), "limits[0].key: must have 1 to 8 parts; one limit for all requests is [\"route\"]"),
        (
            key("[\"ip\"]"),
            "limits[0].key: \"ip\" is no part of a key: `address`, `claim:NAME`, `client_id`, `header:NAME`, `path`, `host`, \
             `method` or `route`",
        ),
        (key("[\"claim:\"]"), "limits[0].key: \"claim:\" names no claim"),
        (key("[\"header:a b\"]"), "limits[0].key: \"header:a b\" names no header"),
        (key("[\"header:Host\"]"), "limits[0].key: \"header:Host\" is the host: write \"host\""),
        (key("[\"path\", \"path\"]"), "limits[0].key: has \"path\" twice"),
        (with("ipv6_prefix = 48"), "limits[0].ipv6_prefix: needs `address` in `key`"),
        (with("status = 200"), "limits[0].status: must be between 400 and 599"),
        (with("when_missing = \"no\""), "limits[0].when_missing: \"no\" is neither \"skip\" nor \"refuse\""),
        (with("methods = [\"get\"]"), "limits[0].methods: \"get\" is no method in upper case"),
        (
            with("burst = 3"),
            "limits[0].burst: unknown key; known here: name, rate, key, ipv4_prefix, ipv6_prefix, methods, status, when_missing, dry_run, shared",
        ),
        (name(""), "limits[0].name: must have 1 to 64 letters, digits, `-`, `_` or `.`"),
        (name("a\\\"b"), "limits[0].name: must have 1 to 64 letters, digits, `-`, `_` or `.`"),
        (format!("{}, {}", name("a"), name("a")), "limits[1].name: there are two limits called \"a\" on this route"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&text).unwrap_err(), expected, "{text}");
    }
    let many: Vec<String> = (0..33).map(|number| name(&number.to_string())).collect();
    assert!(read(&many.join(",")).unwrap_err().ends_with("is one too many: a route has at most 32 limits"));
    let open = OfRoute { has_token: false, ..ROUTE };
    for part in ["claim:sub", "client_id"] {
        let error = read_on(&key(&format!("[\"address\", \"{part}\"]")), open).unwrap_err();
        assert_eq!(error, "limits[0].key: counts by what a token says, which needs `token` on the route");
    }
}

#[test]
fn a_limit_is_another_one_when_route_name_key_or_rate_is() {
    let id = |text: &str, route| read_on(text, route).unwrap().unwrap().limits[0].quota.id;
    let same = r#"{ name = "a", key = ["address"], rate = "1/60s" }"#;
    let get = [Method::GET];
    let first = id(same, ROUTE);
    assert_eq!(first, id(r#"{ name = "a", key = ["address"], rate = "1/1m", status = 400, dry_run = true }"#, ROUTE));
    for other in [
        r#"{ name = "b", key = ["address"], rate = "1/60s" }"#,
        r#"{ name = "a", key = ["address", "path"], rate = "1/60s" }"#,
        r#"{ name = "a", key = ["address"], ipv6_prefix = 56, rate = "1/60s" }"#,
        r#"{ name = "a", key = ["address"], rate = "2/60s" }"#,
        r#"{ name = "a", key = ["address"], rate = "1/61s" }"#,
    ] {
        assert_ne!(first, id(other, ROUTE), "{other}");
    }
    assert_ne!(first, id(same, OfRoute { name: "other", ..ROUTE }));
    assert_ne!(first, id(same, OfRoute { methods: &get, ..ROUTE }));
}

fn read_settings(text: &str) -> Result<Settings, String> {
    let mut root = parse(text, [], &[]).unwrap();
    settings(root.section("limits").unwrap()).map_err(|error| error.to_string())
}

#[test]
fn memory_has_bounds() {
    let memory = |text: &str| read_settings(text).map(|settings| settings.memory);
    assert_eq!((memory(""), memory("[limits]\nmemory = \"8MiB\"")), (Ok(60 << 20), Ok(8 << 20)));
    assert_eq!(
        memory("[limits]\nmemory = \"1KiB\"").unwrap_err(),
        "limits.memory: must be between \"4MiB\" and \"4GiB\""
    );
    assert_eq!(memory("[limits]\nmemry = \"8MiB\"").unwrap_err(), "limits.memry: unknown key; did you mean `memory`?");
}

#[test]
fn limits_are_shared_where_the_settings_say_so_and_with_whom() {
    let shared = |text, route| {
        let read = read_on(text, route)?;
        Ok::<_, String>(read.unwrap().limits.iter().map(|limit| limit.shared).collect::<Vec<_>>())
    };
    let both = r#"{ name = "a", key = ["address"], rate = "1/1m" }, { name = "b", key = ["route"], rate = "9/1s", shared = true }"#;
    assert_eq!(shared(both, ROUTE), Ok(vec![false, true]));
    let error = shared(both, OfRoute { has_feed: false, ..ROUTE }).unwrap_err();
    assert!(error.ends_with("shared: needs `[feed]`: edges hear of each other by their issuer"), "{error}");
    let scope = |text: &str| read_settings(text).map(|settings| settings.scope.0.as_str().to_owned());
    assert_eq!((scope(""), scope("[limits]\nshared_with = \"all\"")), (Ok("global".into()), Ok("global".into())));
    assert_eq!(scope("[limits]\nshared_with = \"pool:eu-1_A\""), Ok("eu-1_A".into()));
    for wrong in ["eu-1_A", "pool:", "pool:global", ""] {
        let error = scope(&format!("[limits]\nshared_with = \"{wrong}\"")).unwrap_err();
        assert!(error.contains("is neither \"all\" nor a pool"), "{error}");
    }
}
