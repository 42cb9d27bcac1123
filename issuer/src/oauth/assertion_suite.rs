//! `private_key_jwt` over both engines: by real signatures, and by everything that looks like one (SECURITY.md I25, T04, T05, T66).

use std::time::Duration;

use common::ids::PoolId;
use common::jose::{Alg, base64url_encode};
use futures_util::future::join_all;
use ring::hmac;
use serde_json::{Value, json};

use super::fixture::{Signer, change, keyed, with, without};
use super::suite::{Answer, Endpoints, claims, machine};
use super::{assertion, used};
use crate::clients::oauth::AuthMethod;
use crate::engines::on_both_engines;
use crate::store::{Batch, Migration, Query, Statement, Store};
use crate::world::{World, text};

on_both_engines!(
    a_client_proves_itself_by_its_key,
    an_assertion_is_for_this_issuer_and_this_time,
    no_algorithm_and_no_key_but_the_clients_count,
    what_is_no_signed_jwt_proves_nothing,
    a_client_uses_its_own_methods_alone,
    an_assertion_is_good_once_at_all_issuers,
    of_many_at_once_one_passes,
    ids_are_forgotten_when_they_can_not_come_again,
    what_was_made_before_a_restore_is_refused,
    who_must_prove_itself_must_everywhere,
    cognitos_api_is_no_way_round,
);

const PASSWORD: &str = "Correct-Horse-1";
const GRANT: &str = "grant_type=client_credentials";

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

/// A deployment with one client that has a key.
struct Scene {
    world: World,
    endpoints: Endpoints,
    client: String,
    key: Signer,
}

impl Scene {
    async fn new(store: Store) -> Self {
        let world = World::new(store).await;
        let key = Signer::new(Alg::ES256);
        let client = keyed(&world, &[&key]).await;
        let endpoints = Endpoints::of(&world, &world.pool);
        Self { world, endpoints, client, key }
    }

    fn issuer(&self) -> String {
        format!("http://issuer.test/{}", self.world.pool)
    }

    /// The claims of a good assertion.
    fn good(&self) -> Value {
        let now = self.world.now().seconds();
        json!({ "iss": self.client, "sub": self.client, "aud": self.issuer(), "jti": "j", "iat": now, "exp": now + 60 })
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": self.key.kid() })
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign(&self.header(), &claims.to_string())
    }

    async fn ask(&self, assertion: &str) -> Answer {
        ask(&self.endpoints, assertion, "").await
    }

    async fn refused(&self, assertion: &str, why: &str) {
        let answer = self.ask(assertion).await;
        assert_eq!(answer.error(), (400, "invalid_client".into()), "{why}");
    }
}

async fn ask(endpoints: &Endpoints, assertion: &str, more: &str) -> Answer {
    let form = format!("{GRANT}&client_assertion_type={}&client_assertion={assertion}{more}", assertion::TYPE);
    endpoints.post("/oauth2/token", None, &form).await
}

async fn a_client_proves_itself_by_its_key(store: Store) {
    let scene = Scene::new(store).await;
    let answer = scene.ask(&scene.sign(&scene.good())).await;
    assert_eq!((answer.status, text(&answer.body["token_type"])), (200, "Bearer".into()), "{}", answer.body);
    assert_eq!(claims(&answer.body["access_token"])["sub"], json!(scene.client));

    let mut number = 0;
    let mut good = || {
        number += 1;
        with(scene.good(), "jti", json!(format!("n{number}")))
    };
    let named = ask(&scene.endpoints, &scene.sign(&good()), &format!("&client_id={}", scene.client)).await;
    assert_eq!(named.status, 200, "{}", named.body);
    let other = ask(&scene.endpoints, &scene.sign(&good()), &format!("&client_id={}", scene.world.client)).await;
    assert_eq!(other.error(), (400, "invalid_request".into()), "client_id is another");
    for typ in ["JWT", "client-authentication+jwt"] {
        let typed = scene.key.sign(&with(scene.header(), "typ", json!(typ)), &good().to_string());
        assert_eq!(scene.ask(&typed).await.status, 200, "{typ}");
    }
    let unnamed = scene.key.sign(&json!({ "alg": "ES256" }), &good().to_string());
    assert_eq!(scene.ask(&unnamed).await.status, 200, "its only key need not be named");

    for alg in assertion::ALGS {
        let key = Signer::new(alg);
        change(&scene.world, &scene.client, |settings| {
            settings.oauth.jwks = Some(json!({ "keys": [scene.key.jwk(), key.jwk()] }));
        })
        .await;
        let header = json!({ "alg": alg.name(), "kid": key.kid() });
        let answer = scene.ask(&key.sign(&header, &good().to_string())).await;
        assert_eq!(answer.status, 200, "{alg}: {}", answer.body);
        let unnamed = key.sign(&json!({ "alg": alg.name() }), &good().to_string());
        scene.refused(&unnamed, "which of two keys it is must be said").await;
        assert_eq!(scene.ask(&scene.sign(&good())).await.status, 200, "the other key");
    }
}

/// T66, and what else an assertion says. What is refused uses no `jti` up.
async fn an_assertion_is_for_this_issuer_and_this_time(store: Store) {
    let scene = Scene::new(store).await;
    let (good, now, issuer) = (scene.good(), scene.world.now().seconds(), scene.issuer());
    let aud = |value: Value| with(good.clone(), "aud", value);
    let time = |name: &str, value: Value| with(good.clone(), name, value);
    let endpoint = "https://login.example.com/oauth2/token";
    let refused = [
        aud(json!(endpoint)),
        aud(json!("https://login.example.com")),
        aud(json!("https://login.example.com/oauth2/par")),
        aud(json!([issuer])),
        aud(json!([issuer, endpoint])),
        aud(json!([])),
        aud(json!(format!("{issuer}/"))),
        aud(json!(issuer.to_uppercase())),
        aud(json!("http://issuer.test/other_pool")),
        aud(json!(scene.client)),
        aud(json!("")),
        aud(json!(null)),
        aud(json!({ "aud": issuer })),
        without(good.clone(), "aud"),
        with(good.clone(), "iss", json!(scene.world.client)),
        with(good.clone(), "sub", json!(scene.world.client)),
        with(with(good.clone(), "iss", json!(scene.world.client)), "sub", json!(scene.world.client)),
        with(good.clone(), "sub", json!([scene.client])),
        without(good.clone(), "iss"),
        without(good.clone(), "sub"),
        time("exp", json!(now - 11)),
        time("exp", json!(now + 611)),
        time("exp", json!(now + 86_400)),
        time("exp", json!((now + 60).to_string())),
        time("exp", json!(-1)),
        time("exp", json!(null)),
        without(good.clone(), "exp"),
        time("nbf", json!(now + 60)),
        time("nbf", json!(now + 11)),
        time("nbf", json!("now")),
        time("iat", json!(now + 60)),
        time("iat", json!(now + 11)),
        time("iat", json!(null)),
        with(good.clone(), "jti", json!("")),
        with(good.clone(), "jti", json!(7)),
        with(good.clone(), "jti", json!("j".repeat(257))),
        without(good.clone(), "jti"),
        json!([]),
        json!("text"),
    ];
    for claims in refused {
        scene.refused(&scene.sign(&claims), &claims.to_string()).await;
    }
    let twice = good.to_string().replacen('{', &format!(r#"{{"aud":"{endpoint}","#), 1);
    scene.refused(&scene.key.sign(&scene.header(), &twice), "two audiences").await;

    let accepted = [
        good.clone(),
        time("nbf", json!(now + 8)),
        time("iat", json!(now + 8)),
        time("exp", json!(now + 600)),
        time("exp", json!(now - 8)),
        time("exp", json!(now as f64 + 0.5)),
        without(good.clone(), "iat"),
        with(good.clone(), "more", json!({ "a": [1] })),
        with(good.clone(), "jti", json!("j".repeat(256))),
    ];
    for (number, claims) in accepted.into_iter().enumerate() {
        let claims =
            if claims["jti"] == "j" && number > 0 { with(claims, "jti", json!(format!("j{number}"))) } else { claims };
        let answer = scene.ask(&scene.sign(&claims)).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.body);
    }
}

/// T04: the alg of an assertion chooses nothing.
async fn no_algorithm_and_no_key_but_the_clients_count(store: Store) {
    let scene = Scene::new(store).await;
    let payload = scene.good().to_string();
    let public = scene.key.jwk();
    let point = common::jose::base64url_decode(public["x"].as_str().unwrap()).unwrap();
    for name in ["HS256", "HS384", "HS512"] {
        let header = json!({ "alg": name, "kid": scene.key.kid() });
        for secret in [public.to_string().into_bytes(), point.clone(), Vec::new(), scene.client.clone().into_bytes()] {
            let input = format!("{}.{}", base64url_encode(header.to_string()), base64url_encode(&payload));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
            scene.refused(&format!("{input}.{}", base64url_encode(tag)), name).await;
        }
    }
    let names =
        ["none", "None", "NONE", "nOnE", "", "RS256", "PS256", "ES384", "EdDSA", "es256", "ES256 ", "ES256K", "ES512"];
    for name in names {
        let header = with(scene.header(), "alg", json!(name));
        scene.refused(&scene.key.sign(&header, &payload), name).await;
    }
    for alg in assertion::ALGS {
        let other = Signer::new(alg);
        let mut headers = vec![
            json!({ "alg": alg.name() }),
            json!({ "alg": alg.name(), "kid": other.kid() }),
            json!({ "alg": alg.name(), "kid": scene.key.kid() }),
            json!({ "alg": alg.name(), "kid": scene.key.kid(), "jwk": other.jwk() }),
            json!({ "alg": alg.name(), "jwk": other.jwk(), "jku": "https://attacker.test/keys", "x5u": "https://attacker.test" }),
        ];
        headers.push(json!({ "alg": "ES256", "kid": scene.key.kid(), "jwk": other.jwk() }));
        for header in headers {
            scene.refused(&other.sign(&header, &payload), &format!("{header}")).await;
        }
    }
    // A client's key proves that client alone, and a key of the pool no client.
    let neighbour = Signer::new(Alg::ES256);
    let second = json!({ "UserPoolId": scene.world.pool, "ClientName": "second" });
    let second = text(&scene.world.ask("CreateUserPoolClient", second).await.unwrap()["UserPoolClient"]["ClientId"]);
    change(&scene.world, &second, |settings| {
        settings.oauth.auth_methods = vec![AuthMethod::PrivateKeyJwt];
        settings.oauth.jwks = Some(json!({ "keys": [neighbour.jwk()] }));
    })
    .await;
    let header = json!({ "alg": "ES256", "kid": neighbour.kid() });
    scene.refused(&neighbour.sign(&header, &payload), "another client's key").await;
    scene.world.user("jane", PASSWORD).await;
    let tokens = scene.world.sign_in("jane", PASSWORD).await.unwrap();
    for token in ["IdToken", "AccessToken"] {
        scene.refused(&text(&tokens[token]), token).await;
    }
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt", "jwt", ""] {
        scene.refused(&scene.key.sign(&with(scene.header(), "typ", json!(typ)), &payload), typ).await;
    }
    for header in [with(scene.header(), "crit", json!(["exp"])), with(scene.header(), "b64", json!(false))] {
        scene.refused(&scene.key.sign(&header, &payload), &header.to_string()).await;
    }
    assert_eq!(scene.ask(&scene.sign(&scene.good())).await.status, 200, "nothing of that used it up");
}

/// T05.
async fn what_is_no_signed_jwt_proves_nothing(store: Store) {
    let scene = Scene::new(store).await;
    let good = scene.sign(&scene.good());
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let unsigned = format!("{}.{payload}.", base64url_encode(r#"{"alg":"none"}"#));
    let jwe = base64url_encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}"#);
    let nested = |inner: &str| scene.key.sign(&with(scene.header(), "cty", json!("JWT")), inner);
    let cut = &signature[..signature.len() - 2];
    let bad = [
        unsigned.clone(),
        format!("{input}."),
        input.to_owned(),
        format!("{header}..{signature}"),
        format!("{input}.{cut}"),
        format!("{input}.{}", base64url_encode([0; 64])),
        format!("{good}.{signature}"),
        format!("{jwe}.{payload}.{payload}.{payload}.{signature}"),
        format!("{jwe}.....{unsigned}"),
        nested(&unsigned),
        nested(&good),
        nested(&format!("\"{good}\"")),
        format!("%7B%22payload%22%3A%22{payload}%22%2C%22signature%22%3A%22{signature}%22%7D"),
        scene.good().to_string().replace('"', "%22"),
        "a.b.c".to_owned(),
        "x".repeat(9_000),
    ];
    for text in bad {
        scene.refused(&text, &text).await;
    }
    assert_eq!(scene.ask(&good).await.status, 200);
}

async fn a_client_uses_its_own_methods_alone(store: Store) {
    let world = World::new(store).await;
    let (id, secret) = machine(&world).await;
    let key = Signer::new(Alg::EdDSA);
    let endpoints = Endpoints::of(&world, &world.pool);
    let outcome = async |way: &str, number: u32| {
        let now = world.now().seconds();
        let claims = json!({
            "iss": id, "sub": id, "aud": format!("http://issuer.test/{}", world.pool), "jti": format!("{number}"), "exp": now + 60,
        });
        let assertion = key.sign(&json!({ "alg": "EdDSA" }), &claims.to_string());
        let post = format!("{GRANT}&client_id={id}&client_secret={secret}");
        let answer = match way {
            "basic" => endpoints.post("/oauth2/token", Some((&id, &secret)), GRANT).await,
            "post" => endpoints.post("/oauth2/token", None, &post).await,
            "none" => endpoints.post("/oauth2/token", None, &format!("{GRANT}&client_id={id}")).await,
            _ => ask(&endpoints, &assertion, "").await,
        };
        answer.status == 200
    };
    let cases: [(&[AuthMethod], [bool; 4]); 6] = [
        (&[], [true, true, false, false]),
        (&[AuthMethod::PrivateKeyJwt], [false, false, false, true]),
        (&[AuthMethod::ClientSecretBasic], [true, false, false, false]),
        (&[AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt], [false, true, false, true]),
        (&[AuthMethod::TlsClientAuth], [false, false, false, false]),
        // It may show itself, but a token of its own is for who is proven.
        (&[AuthMethod::None], [false, false, false, false]),
    ];
    for (number, (methods, allowed)) in (0..).zip(cases) {
        change(&world, &id, |settings| {
            settings.oauth.auth_methods = methods.to_vec();
            settings.oauth.jwks = Some(json!({ "keys": [key.jwk()] }));
        })
        .await;
        for (way, allowed) in ["basic", "post", "none", "assertion"].into_iter().zip(allowed) {
            assert_eq!(outcome(way, number).await, allowed, "{methods:?} {way}");
        }
    }
    let none = ask(&endpoints, &key.sign(&json!({ "alg": "EdDSA" }), "{}"), "").await;
    assert_eq!(none.error(), (400, "invalid_client".into()), "of nobody");
    change(&world, &id, |settings| {
        settings.oauth.auth_methods = vec![AuthMethod::PrivateKeyJwt];
        settings.oauth.jwks = None;
    })
    .await;
    assert!(!outcome("assertion", 99).await, "a client without keys");
}

/// Also at an issuer of the same deployment, and after a restart.
async fn an_assertion_is_good_once_at_all_issuers(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let good = scene.sign(&scene.good());
    assert_eq!(scene.ask(&good).await.status, 200);
    scene.refused(&good, "again").await;
    // Another assertion with this `jti` is another use of it.
    scene
        .refused(&scene.sign(&with(scene.good(), "exp", json!(scene.world.now().seconds() + 90))), "its id again")
        .await;
    let other = World::over(store.clone(), scene.world.now());
    let elsewhere = Endpoints::of(&other, &scene.world.pool);
    assert_eq!(ask(&elsewhere, &good, "").await.error(), (400, "invalid_client".into()));
    assert_eq!(ask(&elsewhere, &scene.sign(&with(scene.good(), "jti", json!("k"))), "").await.status, 200);
    scene.refused(&scene.sign(&with(scene.good(), "jti", json!("k"))), "used elsewhere").await;

    // Ids are a client's own.
    let neighbour = Signer::new(Alg::ES256);
    change(&scene.world, &scene.world.client, |settings| {
        settings.oauth.auth_methods = vec![AuthMethod::PrivateKeyJwt];
        settings.oauth.jwks = Some(json!({ "keys": [neighbour.jwk()] }));
    })
    .await;
    let claims = with(with(scene.good(), "iss", json!(scene.world.client)), "sub", json!(scene.world.client));
    let same = neighbour.sign(&json!({ "alg": "ES256" }), &claims.to_string());
    let form = format!("token=unknown&client_assertion_type={}&client_assertion={same}", assertion::TYPE);
    assert_eq!(scene.endpoints.post("/oauth2/revoke", None, &form).await.status, 200);
    let stored = store.read(Query::new("SELECT * FROM oauth_used_ids")).await.unwrap();
    assert_eq!(stored.len(), 3);
    assert!(stored.iter().all(|row| row.bytes(1).unwrap().len() == 32), "digests");
}

async fn of_many_at_once_one_passes(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let other = World::over(store, scene.world.now());
    let elsewhere = Endpoints::of(&other, &scene.world.pool);
    let good = scene.sign(&scene.good());
    let tries = (0..16).map(|number| ask(if number % 2 == 0 { &scene.endpoints } else { &elsewhere }, &good, ""));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.error() == (400, "invalid_client".into())));
}

async fn commit(store: &Store, statement: Statement) {
    let mut batch = Batch::new();
    batch.add(statement);
    store.commit(batch).await.unwrap();
}

async fn ids_are_forgotten_when_they_can_not_come_again(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let good = scene.sign(&scene.good());
    assert_eq!(scene.ask(&good).await.status, 200);
    let last = scene.world.now().plus(Duration::from_secs(70));
    commit(&store, used::prune(last)).await;
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM oauth_used_ids").await, 1);
    commit(&store, used::prune(last.plus(Duration::from_millis(1)))).await;
    assert_eq!(scene.world.count("SELECT COUNT(*) FROM oauth_used_ids").await, 0);
    scene.world.clock.advance(Duration::from_secs(70));
    scene.refused(&good, "over").await;
}

async fn what_was_made_before_a_restore_is_refused(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let before = scene.sign(&scene.good());
    let undated = scene.sign(&without(with(scene.good(), "jti", json!("u")), "iat"));
    commit(&store, used::forget_all()).await;
    commit(&store, used::mark_restored(scene.world.now())).await;
    scene.world.clock.advance(Duration::from_secs(30));
    for (assertion, why) in [(&before, "made before"), (&undated, "who knows when it was made")] {
        scene.refused(assertion, why).await;
    }
    let after = scene.sign(&with(scene.good(), "jti", json!("a")));
    assert_eq!(scene.ask(&after).await.status, 200, "made after it");
    scene.refused(&after, "again").await;
    let pool = PoolId::parse(scene.world.pool.as_str()).unwrap();
    let at = scene.world.now();
    let late = used::Use { digest: [1; 32], from: at, until: at };
    assert!(used::take(&store, &pool, &late).await.unwrap());
}

/// I26.
async fn who_must_prove_itself_must_everywhere(store: Store) {
    let scene = Scene::new(store).await;
    let id = &scene.client;
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        let form = format!("{GRANT}&token=x&client_id={id}");
        let answer = scene.endpoints.post(path, None, &form).await;
        assert_eq!(answer.error(), (400, "invalid_client".into()), "{path}");
        let wrong = scene.endpoints.post(path, Some((id, "secret")), "token=x&grant_type=client_credentials").await;
        assert_eq!(wrong.error(), (401, "invalid_client".into()), "{path}");
        let assertion = scene.sign(&with(scene.good(), "jti", json!(path)));
        let proof = format!("client_assertion_type={}&client_assertion={assertion}", assertion::TYPE);
        let answer = scene.endpoints.post(path, None, &format!("{GRANT}&token=x&{proof}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    let other = scene.world.ask("CreateUserPool", json!({ "PoolName": "other" })).await.unwrap();
    let elsewhere = Endpoints::of(&scene.world, other["UserPool"]["Id"].as_str().unwrap());
    let answer = ask(&elsewhere, &scene.sign(&with(scene.good(), "jti", json!("e"))), "").await;
    assert_eq!(answer.error(), (400, "invalid_client".into()), "another pool's domain");
}

/// A client that must prove more than the API can see, or whose tokens are bound, has no tokens there: not by a sign-in, a refresh token or its secret.
async fn cognitos_api_is_no_way_round(store: Store) {
    let world = World::new(store).await;
    world.user("jane", PASSWORD).await;
    let (id, secret) = machine(&world).await;
    let refresh = text(&world.sign_in("jane", PASSWORD).await.unwrap()["RefreshToken"]);
    let outcomes = async || {
        let parameters = json!({ "REFRESH_TOKEN": refresh });
        let by_flow =
            json!({ "ClientId": world.client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
        let by_token = json!({ "ClientId": world.client, "RefreshToken": refresh });
        let by_secret = json!({ "ClientId": id, "Secret": secret });
        [
            world.sign_in("jane", PASSWORD).await.is_ok(),
            world.ask("InitiateAuth", by_flow).await.is_ok(),
            world.ask("GetTokensFromRefreshToken", by_token).await.is_ok(),
            world.ask("GetClientToken", by_secret).await.is_ok(),
        ]
    };
    let set = async |methods: &[AuthMethod], dpop: bool, certificate: bool| {
        for client in [&world.client, &id] {
            change(&world, client, |settings| {
                settings.oauth.auth_methods = methods.to_vec();
                (settings.oauth.dpop_bound, settings.oauth.certificate_bound) = (dpop, certificate);
            })
            .await;
        }
    };
    assert_eq!(outcomes().await, [true; 4]);
    for (methods, dpop, certificate) in [
        (&[AuthMethod::PrivateKeyJwt][..], false, false),
        (&[AuthMethod::TlsClientAuth][..], false, false),
        (&[][..], true, false),
        (&[][..], false, true),
    ] {
        set(methods, dpop, certificate).await;
        assert_eq!(outcomes().await, [false; 4], "{methods:?} {dpop} {certificate}");
    }
    set(&[AuthMethod::None, AuthMethod::ClientSecretPost, AuthMethod::PrivateKeyJwt], false, false).await;
    assert_eq!(outcomes().await, [true; 4]);
}
