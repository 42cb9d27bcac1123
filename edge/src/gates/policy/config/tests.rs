use common::settings::parse;

use super::*;
use crate::snapshot::authorization::{Claims, ContextAttribute};

/// Compiles these policies for a route called `r`, with more lines of `[[policy]]` and of the route's `token`.
fn compile(
    policies: &str,
    policy: &str,
    token: &str,
    methods: &[&str],
    files: &[(&str, &str)],
) -> Result<Authorization, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.cedar"), policies).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!("[[policy]]\nname = \"p\"\nfile = \"p.cedar\"\n{policy}\n[token]\n{token}");
    let mut root = parse(&text, [], &[]).unwrap();
    let shown = |error: SettingError| error.to_string().replace(&format!("{}/", folder.path().display()), "");
    let mut library = library(root.sections("policy").unwrap(), folder.path()).map_err(shown)?;
    let asked = asked(&mut root.section("token").unwrap().unwrap()).map_err(shown)?.expect("it names policies");
    let methods: Vec<Method> = methods.iter().map(|method| method.parse().unwrap()).collect();
    library.compile(&asked, "r", &methods, PolicyMeter::default()).map_err(shown)
}

fn compiled(policies: &str) -> Authorization {
    compile(policies, "", "cedar = \"p\"", &[], &[]).unwrap()
}

fn names(slice: &Slice) -> Vec<String> {
    let mut names: Vec<String> = slice.policies.policies().map(|policy| policy.id().to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_slice_has_the_policies_that_can_apply_and_no_other() {
    let policies = r#"
        @id("any") permit (principal, action, resource);
        @id("get") permit (principal, action == Action::"GET", resource);
        @id("write") permit (principal, action in [Action::"POST", Action::"PUT"], resource == Route::"r");
        @id("else") permit (principal, action, resource == Route::"other");
        @id("shop") permit (principal, action, resource is Shop);
        @id("route") forbid (principal is User, action, resource is Route);
        @id("robot") forbid (principal is Robot, action, resource);
        @id("robot1") forbid (principal == Robot::"1", action, resource);
    "#;
    let authorization = compiled(policies);
    assert_eq!(names(authorization.slice("GET")), ["p/any", "p/get", "p/route"]);
    assert_eq!(names(authorization.slice("POST")), ["p/any", "p/route", "p/write"]);
    assert_eq!(names(authorization.slice("DELETE")), ["p/any", "p/route"]);
    assert_eq!(
        names(authorization.slice("REPORT")),
        ["p/any", "p/get", "p/route", "p/write"],
        "Cedar looks at these itself"
    );
    let named = compile(policies, "", "cedar = \"p\"\naction = \"PUT\"\nresource = \"other\"", &[], &[]).unwrap();
    assert_eq!(names(named.slice("GET")), ["p/any", "p/else", "p/route"]);
    let numbers = ["GET", "HEAD", "POST", "OTHER"].map(|method| authorization.slice(method).number);
    assert_eq!(numbers.iter().collect::<std::collections::HashSet<_>>().len(), 4, "{numbers:?}");
}

#[test]
fn groups_of_actions_and_resources_are_followed_and_what_is_reached_is_kept() {
    let entities = r#"[
        {"uid": {"type": "Route", "id": "r"}, "attrs": {"owner": {"__entity": {"type": "Team", "id": "a"}}}, "parents": [{"type": "Area", "id": "shop"}]},
        {"uid": {"type": "Area", "id": "shop"}, "attrs": {}, "parents": [{"type": "Area", "id": "all"}]},
        {"uid": {"type": "Area", "id": "all"}, "attrs": {}, "parents": []},
        {"uid": {"type": "Team", "id": "a"}, "attrs": {"rank": 3}, "parents": []},
        {"uid": {"type": "Team", "id": "b"}, "attrs": {"rank": 4}, "parents": []},
        {"uid": {"type": "Action", "id": "GET"}, "attrs": {}, "parents": [{"type": "Action", "id": "read"}]}
    ]"#;
    let policies = r#"
        @id("area") permit (principal, action in Action::"read", resource in Area::"all") when { resource.owner.rank > 2 };
        @id("elsewhere") permit (principal, action, resource in Area::"other");
    "#;
    let files = [("e.json", entities)];
    let authorization =
        compile(policies, "entities = \"e.json\"", "cedar = [\"p\"]", &["GET", "POST"], &files).unwrap();
    assert_eq!(names(authorization.slice("GET")), ["p/area"]);
    assert_eq!(names(authorization.slice("POST")), [""; 0]);
    let mut kept: Vec<String> =
        authorization.slice("GET").entities.iter().map(|entity| entity.uid().to_string()).collect();
    kept.sort();
    assert_eq!(kept, ["Action::\"GET\"", "Area::\"all\"", "Area::\"shop\"", "Route::\"r\"", "Team::\"a\""]);
}

/// A verdict that a request went into must not be kept with the token: so what policies read is found however it is written.
#[test]
fn what_policies_read_is_found() {
    use ContextAttribute as C;
    let all = C::ALL.as_slice();
    for (condition, context, claims) in [
        ("true", &[] as &[C], Some(&[] as &[&str])),
        ("principal.scopes.contains(\"x\")", &[], Some(&[])),
        ("context.path == \"/\"", &[C::Path], Some(&[])),
        ("context[\"path\"] like \"/a*\"", &[C::Path], Some(&[])),
        ("context has path", &[C::Path], Some(&[])),
        ("{a: context.now}.a == context.now", &[C::Now], Some(&[])),
        ("if context.host == \"a\" then true else context.client_ip.isLoopback()", &[C::Host, C::ClientIp], Some(&[])),
        ("[context.method].contains(\"GET\") || !(context.scheme == \"http\")", &[C::Method, C::Scheme], Some(&[])),
        ("context == {}", all, Some(&[])),
        ("{\"Var\": context}.Var == {}", all, Some(&[])),
        ("(if true then context else context).path == \"/\"", all, Some(&[])),
        ("principal.claims.tenant == \"a\"", &[], Some(&["tenant"])),
        ("principal.claims[\"https://a/b\"] == \"a\"", &[], Some(&["https://a/b"])),
        ("principal.claims has org.id && principal.claims.org.id == 1", &[], Some(&["org"])),
        ("principal has claims.org", &[], Some(&["org"])),
        ("principal.claims == {a: 1}", &[], None),
        ("(if true then principal else principal).claims.x == 1", &[], Some(&["x"])),
        ("resource.owner.claims.y == 1", &[], Some(&["y"])),
    ] {
        for effect in ["permit", "forbid"] {
            let other = "permit (principal, action, resource);";
            let policies = format!("{other} {effect} (principal, action, resource) when {{ {condition} }};");
            let authorization = compiled(&policies);
            let slice = authorization.slice("GET");
            assert_eq!(slice.reads.context, context.iter().copied().collect(), "{condition}");
            let expected =
                claims.map_or(Claims::All, |names| Claims::Some(names.iter().map(|n| n.to_string()).collect()));
            assert_eq!(slice.reads.claims, expected, "{condition}");
            assert_eq!(slice.is_about_the_token(), context.is_empty(), "{condition}");
            assert!(!authorization.slice("OTHER").is_about_the_token());
        }
    }
}

const SCHEMA: &str = "entity Group; entity User in [Group] { sub: String, claims: { tenant?: String } }; entity Route;
    action GET appliesTo { principal: User, resource: Route, context: { path: String } };";

#[test]
fn every_mistake_says_where() {
    let permit = "permit (principal, action, resource);";
    let cases: [(&str, &str, &str, &str); 19] = [
        (
            "permit (principal,\naction resource);",
            "",
            "",
            "policy[0].file: p.cedar: line 2: unexpected token `resource`",
        ),
        (
            "permit (principal, action, resource) when { foo() };",
            "",
            "",
            "policy[0].file: p.cedar: line 1: `foo` is not a valid function",
        ),
        (
            "@id(\"a\") permit (principal, action, resource); @id(\"a\") permit (principal, action, resource);",
            "",
            "",
            "policy[0].file: p.cedar: two policies are called \"a\"",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            "",
            "",
            "policy[0].file: p.cedar: policy policy0 has a slot: only whole policies are supported",
        ),
        ("", "", "", "token.cedar: no policy permits anything on Route::\"r\""),
        ("forbid (principal, action, resource);", "", "", "token.cedar: no policy permits anything on Route::\"r\""),
        (
            "permit (principal, action, resource == Route::\"x\");",
            "",
            "",
            "token.cedar: no policy permits anything on Route::\"r\"",
        ),
        (
            "@id(\"x\") permit (principal, action, resource) when { context.pth == \"/\" };",
            "",
            "",
            "policy[0].file: p.cedar: policy p/x reads context.pth, which does not exist; there are method, scheme, host, path, client_ip, now",
        ),
        (
            "permit (principal, action, resource) when { principal.email == \"/\" };",
            "",
            "",
            "policy[0].file: p.cedar: policy p/policy0 reads principal.email, which does not exist; there are iss, sub, client_id",
        ),
        (
            "@id(\"x\") permit (principal, action, resource) when { principal.claims.tenant == \"a\" };",
            "schema = \"s.cedarschema\"",
            "",
            "policy[0].file: p.cedar: for policy `p/x`, unable to guarantee safety of access to optional attribute `claims.tenant`",
        ),
        (
            "permit (principal, action == Action::\"PUT\", resource);",
            "schema = \"s.cedarschema\"",
            "",
            "policy[0].file: p.cedar: for policy `p/policy0`, unrecognized action `Action::\"PUT\"`",
        ),
        (
            permit,
            "schema = \"bad.cedarschema\"",
            "",
            "policy[0].schema: bad.cedarschema: line 2: error parsing schema: unexpected token `oops`",
        ),
        (
            permit,
            "entities = \"users.json\"",
            "",
            "policy[0].entities: users.json: has User::\"ada\": users come from tokens alone",
        ),
        (
            permit,
            "entities = \"nowhere.json\"",
            "",
            "policy[0].entities: nowhere.json: No such file or directory (os error 2)",
        ),
        (
            permit,
            "entities = \"bad.cedarschema\"",
            "",
            "policy[0].entities: bad.cedarschema: error during entity deserialization",
        ),
        (permit, "namespace = \"a b\"", "", "policy[0].namespace: \"a b\" is no namespace such as \"Shop\""),
        (permit, "fiel = \"x\"", "", "policy[0].fiel: unknown key; did you mean `file`?"),
        (permit, "", "action = 'x::\"'", "token.action: `x::\"` is no name of an entity"),
        (permit, "", "resource = 3", "token.resource: must be a string"),
    ];
    let files = [
        ("s.cedarschema", SCHEMA),
        ("bad.cedarschema", "entity A;\noops"),
        ("users.json", r#"[{"uid": {"type": "User", "id": "ada"}, "attrs": {}, "parents": []}]"#),
    ];
    for (policies, policy, token, expected) in cases {
        let error = compile(policies, policy, &format!("cedar = \"p\"\n{token}"), &[], &files).unwrap_err();
        assert!(error.starts_with(expected), "{error}\n{expected}");
        assert_eq!(error.lines().count(), 1);
    }
    for (token, expected) in [
        ("cedar = \"q\"", "token.cedar: no policy is called \"q\""),
        ("cedar = []", "token.cedar: must be the name of a [[policy]], or a list of names"),
        ("cedar = 3", "token.cedar: must be the name of a [[policy]], or a list of names"),
        ("action = \"read\"", "token.action: says nothing without `cedar`"),
    ] {
        assert_eq!(compile(permit, "", token, &[], &[]).unwrap_err(), expected);
    }
}

#[test]
fn a_schema_admits_what_fits_it_and_brings_its_actions() {
    let good = "permit (principal, action == Action::\"GET\", resource) when { principal.claims has tenant && principal.claims.tenant == \"a\" };";
    let files = [("s.cedarschema", SCHEMA)];
    let authorization = compile(good, "schema = \"s.cedarschema\"", "cedar = \"p\"", &[], &files).unwrap();
    assert_eq!(names(authorization.slice("GET")), ["p/policy0"]);
}

#[test]
fn a_namespace_is_put_before_every_type() {
    let policies =
        "permit (principal in Shop::Group::\"g\", action == Shop::Action::\"GET\", resource == Shop::Route::\"r\");";
    let authorization = compile(policies, "namespace = \"Shop\"", "cedar = \"p\"", &[], &[]).unwrap();
    assert_eq!(names(authorization.slice("GET")), ["p/policy0"]);
    assert_eq!(authorization.user.to_string(), "Shop::User");
    let whole = "cedar = \"p\"\naction = 'Shop::Action::\"GET\"'\nresource = 'Shop::Route::\"r\"'";
    let authorization = compile(policies, "namespace = \"Shop\"", whole, &[], &[]).unwrap();
    assert_eq!(names(authorization.slice("POST")), ["p/policy0"]);
}
