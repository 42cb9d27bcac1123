//! DPoP at the token endpoint over both engines (SECURITY.md I24, RFC 9449).

use std::time::Duration;

use axum::http::Request;
use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::{Alg, Thumbprint, base64url_encode};
use common::secret::SecretString;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::dpop;
use super::fixture::{Signer, change, with, without};
use super::suite::{Answer, Endpoints, claims, machine};
use crate::domains::Site;
use crate::engines::on_both_engines;
use crate::store::{Batch, Migration, Statement, Store};
use crate::world::{World, text};

on_both_engines!(
    a_token_is_bound_to_the_key_of_the_proof,
    a_proof_that_fails_a_check_is_refused,
    what_a_proof_may_vary_in_is_accepted,
    a_clock_that_is_wrong_is_helped_by_a_nonce,
    a_proof_is_good_once_at_all_issuers,
    a_refresh_token_of_a_public_client_needs_its_key,
    a_confidential_client_may_change_its_key,
    a_client_that_is_always_bound_must_prove,
    a_proof_for_a_resource_is_of_its_token,
);

const TOKEN: &str = "https://login.example.com/oauth2/token";
const PASSWORD: &str = "Correct-Horse-1";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn header(key: &Signer) -> Value {
    json!({ "typ": "dpop+jwt", "alg": key.alg().name(), "jwk": key.jwk() })
}

fn good(id: &str, now: UnixMillis) -> Value {
    json!({ "jti": id, "htm": "POST", "htu": TOKEN, "iat": now.seconds() })
}

/// A client with a secret, and a key for proofs.
struct Scene {
    world: World,
    endpoints: Endpoints,
    id: String,
    secret: String,
    key: Signer,
}

impl Scene {
    async fn new(store: Store) -> Self {
        let world = World::new(store).await;
        let (id, secret) = machine(&world).await;
        let endpoints = Endpoints::of(&world, &world.pool);
        Self { world, endpoints, id, secret, key: Signer::new(Alg::ES256) }
    }

    fn good(&self, id: &str) -> Value {
        good(id, self.world.now())
    }

    fn proof(&self, claims: &Value) -> String {
        self.key.sign(&header(&self.key), &claims.to_string())
    }

    async fn ask(&self, proofs: &[&str]) -> Answer {
        self.ask_at(&self.endpoints, proofs).await
    }

    async fn ask_at(&self, endpoints: &Endpoints, proofs: &[&str]) -> Answer {
        let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", self.id, self.secret);
        let proofs = proofs.iter().map(|proof| ("dpop", *proof));
        endpoints.send("/oauth2/token", &[FORM].into_iter().chain(proofs).collect::<Vec<_>>(), form).await
    }
}

fn bearer(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.body["token_type"]))
}

async fn a_token_is_bound_to_the_key_of_the_proof(store: Store) {
    let scene = Scene::new(store).await;
    let unbound = scene.ask(&[]).await;
    assert_eq!(bearer(&unbound), (200, "Bearer".into()));
    assert!(claims(&unbound.body["access_token"]).get("cnf").is_none());
    for alg in dpop::ALGS {
        let key = Signer::new(alg);
        let proof = key.sign(&header(&key), &scene.good(alg.name()).to_string());
        let answer = scene.ask(&[&proof]).await;
        assert_eq!(bearer(&answer), (200, "DPoP".into()), "{alg}: {}", answer.body);
        let said = claims(&answer.body["access_token"]);
        assert_eq!(said["cnf"], json!({ "jkt": key.thumbprint() }), "{alg}");
        // RFC 9449 §6.2.
        let form = format!("token={}", text(&answer.body["access_token"]));
        let seen = scene.endpoints.post("/oauth2/introspect", Some((&scene.id, &scene.secret)), &form).await.body;
        assert_eq!((&seen["active"], &seen["token_type"], &seen["cnf"]), (&json!(true), &json!("DPoP"), &said["cnf"]));
    }
}

async fn a_proof_that_fails_a_check_is_refused(store: Store) {
    let scene = Scene::new(store).await;
    let (good, head) = (scene.good("j"), header(&scene.key));
    let whole = scene.proof(&good);
    let (input, _) = whole.rsplit_once('.').unwrap();
    let rsa = Signer::new(Alg::RS256);
    let other = Signer::new(Alg::ES256);
    let mut proofs = vec![
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{input}."),
        input.to_owned(),
        format!("{whole}.{whole}"),
        format!("{whole}, {whole}"),
        format!("{input}.{}", base64url_encode([0; 64])),
        rsa.sign(&header(&rsa), &good.to_string()),
    ];
    let headers = [
        without(head.clone(), "typ"),
        with(head.clone(), "typ", json!("JWT")),
        without(head.clone(), "alg"),
        with(head.clone(), "alg", json!("none")),
        with(head.clone(), "alg", json!("HS256")),
        with(head.clone(), "alg", json!("RS256")),
        without(head.clone(), "jwk"),
        with(head.clone(), "jwk", other.jwk()),
        with(head.clone(), "jwk", with(scene.key.jwk(), "d", json!("AA"))),
        with(head.clone(), "jwk", json!({ "kty": "oct", "k": "c2VjcmV0" })),
    ];
    proofs.extend(headers.iter().map(|header| scene.key.sign(header, &good.to_string())));
    let changed = [
        without(good.clone(), "jti"),
        without(good.clone(), "htm"),
        without(good.clone(), "htu"),
        without(good.clone(), "iat"),
        with(good.clone(), "jti", json!("")),
        with(good.clone(), "jti", json!("j".repeat(257))),
        with(good.clone(), "htm", json!("GET")),
        with(good.clone(), "htm", json!("post")),
        with(good.clone(), "htu", json!("https://login.example.com/oauth2/revoke")),
        with(good.clone(), "htu", json!("https://login.example.com/")),
        with(good.clone(), "htu", json!("https://login.example.com")),
        with(good.clone(), "htu", json!("http://login.example.com/oauth2/token")),
        with(good.clone(), "htu", json!("https://login.example.com:8443/oauth2/token")),
        with(good.clone(), "htu", json!("https://attacker.test/oauth2/token")),
        with(good.clone(), "htu", json!(format!("http://issuer.test/{}", scene.world.pool))),
        with(good.clone(), "htu", json!("/oauth2/token")),
    ];
    proofs.extend(changed.iter().map(|claims| scene.proof(claims)));
    for proof in &proofs {
        let answer = scene.ask(&[proof]).await;
        assert_eq!(answer.error(), (400, "invalid_dpop_proof".into()), "{proof}");
    }
    let both = scene.ask(&[&whole, &scene.proof(&scene.good("k"))]).await;
    assert_eq!(both.error(), (400, "invalid_dpop_proof".into()), "two fields");
    // The host of a request chooses the pool and nothing else.
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", scene.id, scene.secret);
    let elsewhere = scene.proof(&with(good.clone(), "htu", json!("https://attacker.test/oauth2/token")));
    let fields = [FORM, ("host", "attacker.test"), ("x-forwarded-host", "attacker.test"), ("dpop", &elsewhere)];
    let answer = scene.endpoints.send("/oauth2/token", &fields, form).await;
    assert_eq!(answer.error(), (400, "invalid_dpop_proof".into()));
    assert_eq!(bearer(&scene.ask(&[&whole]).await), (200, "DPoP".into()), "nothing of that used it up");
}

async fn what_a_proof_may_vary_in_is_accepted(store: Store) {
    let scene = Scene::new(store).await;
    let now = scene.world.now().seconds();
    let with = |name: &str, value: Value| with(scene.good(&format!("{name}{value}")), name, value);
    for claims in [
        with("iat", json!(now - 10)),
        with("iat", json!(now + 10)),
        with("iat", json!(now - 60)),
        with("iat", json!(now + 60)),
        with("htu", json!("https://login.example.com/oauth2/token?a=b")),
        with("htu", json!("https://login.example.com/oauth2/token#top")),
        with("htu", json!("HTTPS://LOGIN.Example.com:443/oauth2/token")),
        with("nbf", json!(now)),
        with("exp", json!(now + 60)),
        with("more", json!({ "a": 1 })),
        with("ath", json!("of no token")),
    ] {
        let answer = scene.ask(&[&scene.proof(&claims)]).await;
        assert_eq!(bearer(&answer), (200, "DPoP".into()), "{claims}: {}", answer.body);
    }
}

async fn a_clock_that_is_wrong_is_helped_by_a_nonce(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let now = scene.world.now().seconds();
    let at = |id: &str, iat: u64| with(scene.good(id), "iat", json!(iat));
    let mut nonces = Vec::new();
    for (id, iat) in [("a", now - 3_600), ("b", now + 3_600), ("c", now - 61), ("d", now + 61), ("e", 0)] {
        let answer = scene.ask(&[&scene.proof(&at(id, iat))]).await;
        assert_eq!(answer.error(), (400, "use_dpop_nonce".into()), "{iat}");
        nonces.push(answer.headers["dpop-nonce"].to_str().unwrap().to_owned());
    }
    let nonced = |id: &str, nonce: &str| with(at(id, now - 3_600), "nonce", json!(nonce));
    let first = scene.proof(&nonced("f", &nonces[0]));
    assert_eq!(bearer(&scene.ask(&[&first]).await), (200, "DPoP".into()));
    assert_eq!(scene.ask(&[&first]).await.error(), (400, "invalid_dpop_proof".into()), "once");
    let elsewhere = World::over(store, scene.world.now());
    let other = Endpoints::of(&elsewhere, &scene.world.pool);
    let same = scene.ask_at(&other, &[&scene.proof(&nonced("g", &nonces[0]))]).await;
    assert_eq!(bearer(&same), (200, "DPoP".into()), "every issuer knows the nonces of all");
    for nonce in ["", "made up", &nonces[0][1..]] {
        let answer = scene.ask(&[&scene.proof(&nonced("h", nonce))]).await;
        assert_eq!(answer.error(), (400, "use_dpop_nonce".into()), "{nonce:?}");
        assert!(answer.headers.contains_key("dpop-nonce"));
    }
    scene.world.clock.advance(Duration::from_secs(540));
    let answer = scene.ask(&[&scene.proof(&nonced("i", &nonces[0]))]).await;
    assert_eq!(answer.error(), (400, "use_dpop_nonce".into()), "an old one");
}

async fn a_proof_is_good_once_at_all_issuers(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let proof = scene.proof(&scene.good("j"));
    let other = World::over(store, scene.world.now());
    let elsewhere = Endpoints::of(&other, &scene.world.pool);
    let both = [&scene.endpoints, &elsewhere];
    let tries = (0..16).map(async |number| scene.ask_at(both[number % 2], &[&proof]).await);
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.error() == (400, "invalid_dpop_proof".into())));
    let restarted =
        Endpoints::of(&World::over(scene.world.services.store.clone(), scene.world.now()), &scene.world.pool);
    assert_eq!(scene.ask_at(&restarted, &[&proof]).await.error(), (400, "invalid_dpop_proof".into()));
    let key = Signer::new(Alg::ES256);
    let same_id = key.sign(&header(&key), &scene.good("j").to_string());
    assert_eq!(scene.ask(&[&same_id]).await.status, 200, "ids are a key's own");
}

/// A session whose tokens are bound to this key, and its refresh token.
async fn bound_session(scene: &Scene, jkt: &str) -> String {
    scene.world.user("jane", PASSWORD).await;
    let tokens = scene.world.sign_in("jane", PASSWORD).await.unwrap();
    let mut batch = Batch::new();
    batch.add(Statement::new("UPDATE sessions SET details = $1").bind(json!({ "v": 2, "jkt": jkt }).to_string()));
    scene.world.services.store.commit(batch).await.unwrap();
    text(&tokens["RefreshToken"])
}

async fn a_refresh_token_of_a_public_client_needs_its_key(store: Store) {
    let scene = Scene::new(store).await;
    let refresh = bound_session(&scene, &scene.key.thumbprint()).await;
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={refresh}", scene.world.client);
    let ask = async |key: Option<&Signer>, id: &str| {
        let proof = key.map(|key| key.sign(&header(key), &scene.good(id).to_string()));
        let fields: Vec<_> = [FORM].into_iter().chain(proof.as_deref().map(|proof| ("dpop", proof))).collect();
        scene.endpoints.send("/oauth2/token", &fields, form.clone()).await
    };
    let answer = ask(Some(&scene.key), "a").await;
    assert_eq!(bearer(&answer), (200, "DPoP".into()), "{}", answer.body);
    assert_eq!(claims(&answer.body["access_token"])["cnf"], json!({ "jkt": scene.key.thumbprint() }));
    assert_eq!(ask(Some(&Signer::new(Alg::ES256)), "b").await.error(), (400, "invalid_grant".into()), "another key");
    assert_eq!(ask(None, "").await.error(), (400, "invalid_grant".into()), "no proof");
    // Cognito's API knows no proofs.
    let by_api = json!({ "ClientId": scene.world.client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": refresh } });
    assert!(scene.world.ask("InitiateAuth", by_api).await.is_err());
    let opened = scene.world.ask("GetUser", json!({ "AccessToken": answer.body["access_token"] })).await;
    assert!(opened.is_err(), "a bound token opens nothing without its key");
    assert_eq!(ask(Some(&scene.key), "c").await.status, 200, "the session lives");

    // A session that is not bound gives a bound token to who asks for one, and stays as it was.
    let plain = text(&scene.world.sign_in("jane", PASSWORD).await.unwrap()["RefreshToken"]);
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={plain}", scene.world.client);
    let proof = scene.proof(&scene.good("d"));
    let bound = scene.endpoints.send("/oauth2/token", &[FORM, ("dpop", &proof)], form.clone()).await;
    assert_eq!(bearer(&bound), (200, "DPoP".into()));
    assert_eq!(claims(&bound.body["access_token"])["cnf"], json!({ "jkt": scene.key.thumbprint() }));
    let unbound = scene.endpoints.send("/oauth2/token", &[FORM], form).await;
    assert_eq!(bearer(&unbound), (200, "Bearer".into()));
    assert!(claims(&unbound.body["access_token"]).get("cnf").is_none());
}

async fn a_confidential_client_may_change_its_key(store: Store) {
    let scene = Scene::new(store.clone()).await;
    let refresh = bound_session(&scene, &scene.key.thumbprint()).await;
    let mut batch = Batch::new();
    batch.add(Statement::new("UPDATE sessions SET client = $1").bind(scene.id.as_str()));
    store.commit(batch).await.unwrap();
    let form = format!(
        "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={refresh}",
        scene.id, scene.secret
    );
    let key = Signer::new(Alg::EdDSA);
    let proof = key.sign(&header(&key), &scene.good("a").to_string());
    let answer = scene.endpoints.send("/oauth2/token", &[FORM, ("dpop", &proof)], form.clone()).await;
    assert_eq!(bearer(&answer), (200, "DPoP".into()), "{}", answer.body);
    assert_eq!(claims(&answer.body["access_token"])["cnf"], json!({ "jkt": key.thumbprint() }));
    let without = scene.endpoints.send("/oauth2/token", &[FORM], form).await;
    assert_eq!(without.error(), (400, "invalid_grant".into()), "what is bound stays bound");
}

async fn a_client_that_is_always_bound_must_prove(store: Store) {
    let scene = Scene::new(store).await;
    change(&scene.world, &scene.id, |settings| settings.oauth.dpop_bound = true).await;
    assert_eq!(scene.ask(&[]).await.error(), (400, "invalid_dpop_proof".into()));
    assert_eq!(bearer(&scene.ask(&[&scene.proof(&scene.good("j"))]).await), (200, "DPoP".into()));
}

/// RFC 9449 §7: what userInfo asks.
async fn a_proof_for_a_resource_is_of_its_token(store: Store) {
    let scene = Scene::new(store).await;
    let call = scene.world.command("UserInfo_GET");
    let site =
        Site { pool: PoolId::parse(scene.world.pool.as_str()).unwrap(), base: "https://login.example.com".into() };
    let token = SecretString::new("a.b.c");
    let ask = async |claims: Option<&Value>| {
        let mut request = Request::get("/oauth2/userInfo");
        if let Some(claims) = claims {
            request = request.header("dpop", scene.proof(claims));
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        dpop::of_resource(&call, &site, &head, &token).await.map_err(|error| error.code.name())
    };
    let ath = base64url_encode(Thumbprint::of(b"a.b.c").as_bytes());
    let good = |id: &str| json!({ "jti": id, "htm": "GET", "htu": "https://login.example.com/oauth2/userInfo", "iat": call.now.seconds(), "ath": ath });
    assert_eq!(ask(None).await, Ok(None));
    assert_eq!(ask(Some(&good("a"))).await.unwrap().unwrap().to_string(), scene.key.thumbprint());
    for bad in [
        good("a"),
        without(good("b"), "ath"),
        with(good("b"), "ath", json!(base64url_encode([0; 32]))),
        with(good("b"), "htm", json!("POST")),
        with(good("b"), "htu", json!(TOKEN)),
    ] {
        assert_eq!(ask(Some(&bad)).await, Err("invalid_dpop_proof"), "{bad}");
    }
    assert_eq!(ask(Some(&with(good("b"), "iat", json!(0)))).await, Err("use_dpop_nonce"));
}
