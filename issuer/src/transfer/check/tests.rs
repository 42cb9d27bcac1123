use cognito_model::idp::types::{AliasAttributeType, UsernameAttributeType};
use common::ids::{PoolId, Sub};

use super::*;
use crate::pools::model::Settings;

fn pool(settings: Settings) -> Pool {
    Pool {
        id: PoolId::parse("eu_a").unwrap(),
        name: "p".into(),
        iss: "i".into(),
        settings,
        created: UnixMillis(0),
        modified: UnixMillis(0),
    }
}

fn user(number: u32, name: &str, attributes: &[(&str, &str)]) -> UserLine {
    UserLine {
        sub: Sub::parse(format!("{number:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f")).unwrap(),
        username: name.into(),
        login: None,
        status: "CONFIRMED".into(),
        enabled: true,
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        unclaimed: Vec::new(),
        groups: std::collections::BTreeMap::new(),
        password: None,
        mfa: None,
        software_token: None,
        passkeys: Vec::new(),
        devices: Vec::new(),
        created_at: UnixMillis(1),
        modified_at: UnixMillis(1),
    }
}

fn told(together: &mut Together<'_>, line: UserLine) -> String {
    together.check(Line::User(Box::new(line))).err().unwrap_or_default()
}

#[test]
fn a_clients_oauth_settings_are_known_whole_or_refused() {
    let pool = pool(Settings::default());
    let told = |oauth: serde_json::Value, secrets: Vec<&str>| {
        let line = serde_json::json!({
            "client": "web", "name": "web", "settings": { "oauth": oauth }, "created_at": 1, "modified_at": 1,
            "secrets": secrets.iter().map(|value| serde_json::json!({ "value": value, "created_at": 1 })).collect::<Vec<_>>(),
        });
        client(&pool, &serde_json::from_value(line).unwrap()).map(|settings| settings.oauth)
    };
    let good = serde_json::json!({ "profile": "openid", "pkce": "required", "dpop_bound": true });
    assert_eq!(serde_json::to_value(told(good.clone(), vec![]).unwrap()).unwrap()["dpop_bound"], true);
    let newer = serde_json::json!({ "profile": "openid", "par_forbidden": true });
    assert_eq!(told(newer, vec![]).unwrap_err(), "settings that are none of this program's");
    let contradictory = serde_json::json!({ "auth_methods": ["none"] });
    assert!(told(contradictory.clone(), vec![]).is_ok());
    assert!(told(contradictory, vec!["secret"]).unwrap_err().starts_with("auth_methods: none is for public clients"));
    let plain = serde_json::json!({ "back_channel": { "uri": "http://app.example/" } });
    assert!(told(plain, vec![]).is_err());
}

#[test]
fn names_that_two_users_want_are_found_in_the_pools_own_form() {
    let pool = pool(Settings { alias_attributes: vec![AliasAttributeType::Email], ..Settings::default() });
    let mut together = Together::new(&pool, true);
    let proven = |address| [("email", address), ("email_verified", "true")];
    let taken = "another user of the export signs in by the same name, address or passkey";
    assert_eq!(told(&mut together, user(1, "ann", &proven("a@b.c"))), "");
    assert_eq!(told(&mut together, user(2, "Ann", &[])), "", "the pool minds case");
    assert_eq!(told(&mut together, user(3, "ann", &[])), taken);
    assert_eq!(told(&mut together, user(4, "bob", &proven("a@b.c"))), taken);
    let unclaimed = UserLine { unclaimed: vec!["email".into()], ..user(5, "cid", &proven("a@b.c")) };
    assert_eq!(told(&mut together, unclaimed), "");
    assert_eq!(
        told(&mut together, user(6, "dan", &[("email", "a@b.c")])),
        "",
        "an address that nobody proved is no name"
    );
    assert_eq!(told(&mut together, user(7, "00000001-6b3d-4b0e-9f0e-1a2b3c4d5e6f", &[])), taken, "a sub is a name");
    assert!(told(&mut together, user(8, "e@x.y", &[])).starts_with("Username cannot be of email format"));
    assert_eq!(
        told(&mut together, user(9, "f", &[("custom:x", "1")])),
        "Attributes did not conform to the schema: custom:x: Attribute does not exist in the schema."
    );
    let late = UserLine { modified_at: UnixMillis(u64::MAX), ..user(11, "late", &[]) };
    assert_eq!(told(&mut Together::new(&pool, true), late), format!("{} is no instant in milliseconds", u64::MAX));
    let odd = UserLine { groups: [("g\0".to_owned(), UnixMillis(1))].into(), ..user(12, "odd", &[]) };
    assert!(told(&mut Together::new(&pool, true), odd).starts_with("the group's name is no name"));
    let grouped = UserLine { groups: [("g".to_owned(), UnixMillis(1))].into(), ..user(10, "g", &[]) };
    assert_eq!(told(&mut together, grouped), "in the group \"g\", which there is not");
}

#[test]
fn no_links_are_told_of_that_did_not_come() {
    let linked = user(1, "ann", &[("identities", "[]"), ("name", "Ann")]);
    let kept = person(&pool(Settings::default()), linked, true).unwrap().user.attributes;
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["name"]);
}

#[test]
fn where_addresses_are_user_names_a_user_has_one_and_its_sub_for_a_name() {
    let settings = Settings { username_attributes: vec![UsernameAttributeType::Email], ..Settings::default() };
    let pool = pool(settings);
    let line = |login: Option<&str>| UserLine {
        login: login.map(str::to_owned),
        ..user(1, "00000001-6b3d-4b0e-9f0e-1a2b3c4d5e6f", &[("email", "A@b.c")])
    };
    let person = person(&pool, line(Some("a@b.c")), true).unwrap();
    assert_eq!(person.names, [Wanted { key: "a@b.c".into(), kind: login_names::USERNAME }]);
    assert!(super::person(&pool, line(None), true).is_err());
    let named = UserLine { username: "ann".into(), ..line(Some("a@b.c")) };
    assert!(super::person(&pool, named, true).is_err());
    assert!(super::person(&pool, line(Some("ann")), true).is_err());
}

#[test]
fn names_from_before_a_change_of_how_people_sign_in_are_kept() {
    let sub = "00000001-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
    let of_email = pool(Settings { username_attributes: vec![UsernameAttributeType::Email], ..Settings::default() });
    let by_alias = pool(Settings { alias_attributes: vec![AliasAttributeType::Email], ..Settings::default() });
    let by_name = pool(Settings::default());
    for (pool, username, own) in [
        (&of_email, "ann", "ann"),
        (&of_email, "ann@b.c", "ann@b.c"),
        (&of_email, sub, "+491511234567"),
        (&by_alias, sub, "a@b.c"),
        (&by_alias, "ann@b.c", "ann@b.c"),
        (&by_name, sub, "a@b.c"),
        (&by_name, "ann@b.c", "ann@b.c"),
    ] {
        let line = UserLine { login: login_of(pool, username, sub, own), ..user(1, username, &[]) };
        let person = person(pool, line, true).unwrap();
        assert_eq!(person.names, [Wanted { key: own.into(), kind: login_names::USERNAME }], "{username}");
    }
    // From a pool where such a name is one like any other.
    for pool in [&of_email, &by_alias] {
        let line = UserLine { login: login_of(&by_name, "ann@b.c", sub, "ann@b.c"), ..user(1, "ann@b.c", &[]) };
        assert!(super::person(pool, line, true).is_err());
    }
}

#[test]
fn verifiers_stay_where_the_pool_has_the_same_name() {
    let made = Verifier::create(crate::passwords::srp::Identity { realm: "a", name: "ann" }, b"x").unwrap();
    let hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObGzz9mR5JkxJo";
    let srp = SrpLine { salt: made.salt_hex(), verifier: STANDARD.encode(made.value()) };
    let password = PasswordLine { hash: hash.into(), srp: Some(srp), former: Vec::new(), temporary_until: None };
    let line = || UserLine { password: Some(password.clone()), ..user(1, "ann", &[]) };
    let pool = pool(Settings::default());
    let kept = person(&pool, line(), true).unwrap();
    assert_eq!(kept.verifier.unwrap().to_bytes().expose(), made.to_bytes().expose());
    let left = person(&pool, line(), false).unwrap();
    assert!(left.verifier.is_none() && left.hash.as_deref() == Some(hash));
    for (salt, verifier) in [
        ("zz", STANDARD.encode(made.value())),
        ("", STANDARD.encode(made.value())),
        ("1é", "AA".into()),
        ("10", "AA==".into()),
    ] {
        let odd = PasswordLine { srp: Some(SrpLine { salt: salt.into(), verifier }), ..password.clone() };
        assert!(person(&pool, UserLine { password: Some(odd), ..line() }, true).is_err(), "{salt}");
    }
}
