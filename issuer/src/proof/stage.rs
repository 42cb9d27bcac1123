//! A deployment in a state that can be had again and again: every scene begins with a fresh copy of its database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use cognito_model::{Auth, OperationInfo, Service};
use common::clock::UnixMillis;
use common::networks::Networks;
use common::secret::SecretString;
use common::sigv4::{self, Credentials, Scope, body_sha256};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::examples::Step;
use crate::access::{self, FULL_ACCESS, Gate, Wanted};
use crate::aws_json::Peer;
use crate::config::{From, Public};
use crate::engines;
use crate::limits::quotas;
use crate::migrations;
use crate::outbox::Wake;
use crate::publish::tests::Plain;
use crate::publish::{self, PublishConfig, Sealing};
use crate::router::{self, Terms};
use crate::store::fixture::copy_sqlite;
use crate::store::{Batch, Store, StoreConfig};
use crate::vouching::Verifier;
use crate::world::{START, World};

const HOST: &str = "login.test";
const NO_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// An admin key: id and secret.
pub(super) type Key = (String, String);

/// What all scenes share: files, an authority for attestations, a key.
pub(super) struct House {
    engine: Engine,
    folder: TempDir,
    files: AtomicU32,
    publishing: publish::Running,
    /// With every right.
    key: Key,
    /// With none.
    denied: Key,
}

/// Settings of a scene.
pub(super) struct Terrain {
    pub quotas: quotas::Settings,
    /// Whether requests that are not signed must come through an edge.
    pub only_edges: bool,
}

impl Default for Terrain {
    /// No quotas, and requests from anyone.
    fn default() -> Self {
        Self { quotas: quotas::Settings { enabled: false, ..quotas::Settings::default() }, only_edges: false }
    }
}

/// The state of a deployment.
#[derive(Clone)]
pub(super) struct Stage {
    house: Arc<House>,
    database: Database,
    at: UnixMillis,
    pub(super) kept: Map<String, Value>,
}

#[derive(Clone)]
enum Database {
    File(PathBuf),
    Server(String),
}

/// A running issuer over a copy of a [`Stage`].
pub(super) struct Scene {
    house: Arc<House>,
    pub(super) world: World,
    routes: TowerToHyperService<Router>,
    database: Database,
    requests: AtomicU32,
    pub(super) kept: Map<String, Value>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` where it is empty or no JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The name of the exception; empty at success.
    pub(super) fn exception(&self) -> String {
        self.json()["__type"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(600).collect()
    }
}

impl House {
    pub(super) async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::sqlite(folder.path().join("feed.db")), &migrations::all()).await.unwrap();
        let config = PublishConfig { listen: (Ipv4Addr::LOCALHOST, 0).into(), advertise: String::new() };
        let sealing: Arc<dyn Sealing> = Arc::new(Plain);
        let clock = Arc::new(common::clock::FakeClock::at(START));
        let publishing = publish::start(store, clock, config, sealing, Wake::default()).await.unwrap();
        Self { engine, folder, files: AtomicU32::new(0), publishing, key: <_>::default(), denied: <_>::default() }
    }

    /// An empty database with an admin key.
    pub(super) async fn stage(mut self) -> Stage {
        let database = match self.engine {
            Engine::Sqlite => Database::File(self.folder.path().join("first.db")),
            Engine::Postgres => Database::Server(engines::cluster().database().unwrap()),
        };
        let world = World::over(open(&database).await, START);
        self.key = new_key(&world, FULL_ACCESS).await;
        self.denied = new_key(&world, NO_ACCESS).await;
        let house = Arc::new(self);
        let database = house.copy(&database);
        Stage { house, database, at: START, kept: Map::new() }
    }

    fn copy(&self, of: &Database) -> Database {
        match of {
            Database::File(file) => {
                let to = self.new_file();
                copy_sqlite(file, &to).unwrap();
                Database::File(to)
            }
            Database::Server(settings) => Database::Server(engines::cluster().copy(settings).unwrap()),
        }
    }

    fn new_file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.files.fetch_add(1, Ordering::Relaxed)))
    }
}

async fn new_key(world: &World, policy: &str) -> Key {
    let name = "admin".into();
    let wanted = Wanted { name, policy: policy.into(), created_by: None, expires: None, single_use: false };
    let (key, row) = access::make(&world.services.deployment_key, wanted, START).unwrap();
    let mut batch = Batch::new();
    batch.add(access::insert(&row));
    world.services.store.commit(batch).await.unwrap();
    (key.access_key_id, key.secret_access_key.expose().to_owned())
}

async fn open(database: &Database) -> Store {
    let config = match database {
        Database::File(file) => StoreConfig::sqlite(file),
        Database::Server(settings) => StoreConfig::postgres(settings.clone()),
    };
    Store::open(&config, &migrations::all()).await.unwrap()
}

impl Stage {
    pub(super) async fn scene(&self) -> Scene {
        self.scene_on(&Terrain::default()).await
    }

    pub(super) async fn scene_on(&self, terrain: &Terrain) -> Scene {
        let house = self.house.clone();
        let database = match &self.database {
            // Nobody has the template open, so its file is all there is of it.
            Database::File(file) => {
                let to = house.new_file();
                std::fs::copy(file, &to).unwrap();
                Database::File(to)
            }
            server @ Database::Server(_) => house.copy(server),
        };
        let mut world = World::over(open(&database).await, self.at);
        world.pool = self.kept.get("pool").and_then(Value::as_str).unwrap_or_default().to_owned();
        let verifier = Verifier::new(house.publishing.handle(), START).unwrap();
        let from = if terrain.only_edges { From::Edges } else { From::Anyone };
        let traffic = Public { from, trusted_proxies: Networks::default() };
        let terms = Terms { quotas: &terrain.quotas, traffic, verifier, dev: None };
        let gate = Arc::new(Gate::default());
        let routes = TowerToHyperService::new(router::public(world.services.clone(), gate, terms));
        Scene { house, world, routes, database, requests: AtomicU32::new(0), kept: self.kept.clone() }
    }

    /// The state after these steps.
    pub(super) async fn after(&self, steps: &[Step]) -> Result<Self, String> {
        if steps.is_empty() {
            return Ok(self.clone());
        }
        let mut scene = self.scene().await;
        for step in steps {
            scene.play(step).await?;
        }
        let database = self.house.copy(&scene.database);
        Ok(Self { house: self.house.clone(), database, at: scene.world.now(), kept: scene.kept.clone() })
    }
}

impl Scene {
    /// Does one step, as often as it says. What it keeps is there for the next.
    async fn play(&mut self, step: &Step) -> Result<(), String> {
        if let Some(seconds) = step.wait {
            self.world.clock.advance(Duration::from_secs(seconds));
        }
        let times = step.times.unwrap_or(1);
        for nth in 0..times {
            self.count(step, nth);
            for first in &step.steps {
                Box::pin(self.play(first)).await?;
            }
            self.play_once(step).await?;
        }
        self.count(step, times);
        Ok(())
    }

    /// Steps in a step that is done several times know how often it was.
    fn count(&mut self, step: &Step, nth: u32) {
        if step.times.is_some() {
            self.kept.insert("nth".to_owned(), nth.to_string().into());
        }
    }

    async fn play_once(&mut self, step: &Step) -> Result<(), String> {
        let Some(operation) = &step.ask else { return Ok(()) };
        let request = self.filled(&Value::Object(step.with.clone())).await;
        let answer = self.ask(operation, request.to_string().into_bytes()).await?;
        if answer.status != 200 && !step.fails {
            return Err(format!("{operation} {request}: {}", answer.text()));
        }
        let json = answer.json();
        for (name, pointer) in &step.keep {
            let value = json.pointer(pointer).ok_or_else(|| format!("{operation}: no {pointer} in {json}"))?;
            self.kept.insert(name.clone(), value.clone());
        }
        // Messages and rows of one instant have no order.
        self.world.clock.advance(Duration::from_secs(1));
        Ok(())
    }

    /// Asks an operation as whoever may, through the routes of the public listener. An error is a panic's text.
    pub(super) async fn ask(&self, operation: &str, body: Vec<u8>) -> Result<Answer, String> {
        let known = Service::Idp.operations().iter().find(|known| known.name == operation);
        let known = known.ok_or_else(|| format!("no operation is called {operation}"))?;
        let is_signed = matches!(known.auth, Auth::SigV4);
        self.ask_as(known, is_signed.then(|| self.house.key.clone()), body).await
    }

    /// Asks as the holder of a key, or as nobody.
    pub(super) async fn ask_as(
        &self,
        operation: &OperationInfo,
        key: Option<Key>,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let headers = self.headers(operation, key, &body);
        self.send(&headers, body).await
    }

    /// The id of a key with another secret.
    pub(super) fn forged(&self) -> Key {
        (self.house.key.0.clone(), "not the secret".to_owned())
    }

    /// A key that may do nothing.
    pub(super) fn denied(&self) -> Key {
        self.house.denied.clone()
    }

    fn headers(&self, operation: &OperationInfo, key: Option<Key>, body: &[u8]) -> Vec<(&'static str, String)> {
        let target = format!("{}.{}", operation.service.target_prefix(), operation.name);
        let nth = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("host", HOST.to_owned()),
            ("x-amz-target", target),
            // Two equal requests of one second would have one signature.
            ("x-amz-nth", nth),
        ];
        if let Some((id, secret)) = key {
            let secret_access_key = SecretString::new(secret);
            let credentials = Credentials { access_key_id: id, secret_access_key, session_token: None };
            let fields: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let request = sigv4::Request { method: "POST", target: "/", headers: &fields };
            let scope = Scope { region: &self.world.services.deployment.region, service: "cognito-idp" };
            let made = sigv4::sign(&request, &body_sha256(body), &credentials, scope, self.world.now());
            headers.extend([("x-amz-date", made.x_amz_date), ("authorization", made.authorization)]);
        }
        headers
    }

    pub(super) async fn send(&self, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Answer, String> {
        let mut request = Request::builder().method("POST").uri("/");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let peer = Peer(SocketAddr::from(([10, 0, 0, 9], 4711)));
        let request = request.extension(peer).body(Body::from(body)).unwrap();
        let answer = std::panic::AssertUnwindSafe(self.routes.call(request)).catch_unwind().await;
        let answer = answer.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
        })?;
        let (head, body) = answer.unwrap().into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Where the database lies, for what takes it away.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.database {
            Database::File(file) => Some(file),
            Database::Server(_) => None,
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        match &self.database {
            Database::File(file) => {
                for suffix in ["", "-wal", "-shm", ".lock"] {
                    let mut name = file.as_os_str().to_owned();
                    name.push(suffix);
                    let _absent = std::fs::remove_file(name);
                }
            }
            Database::Server(settings) => {
                let _kept = engines::cluster().forget(settings);
            }
        }
    }
}
