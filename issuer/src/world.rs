//! For tests only: the issuer's operations over one store, without sockets and signatures, at a time that the test sets.

use std::sync::{Arc, OnceLock};

use cognito_model::{Auth, Fault, Service};
use common::clock::{Clock, FakeClock, UnixMillis};
use common::secret::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::audit::Recorder;
use crate::aws_json::{AdminCaller, Call, Caller, Origin, Registered};
use crate::config::Deployment;
use crate::envelope::{PoolKeys, RootKey};
use crate::keys::KeyRing;
use crate::limits::Lockout;
use crate::messages::{self, Courier, Message};
use crate::metrics::Metrics;
use crate::outbound::{self, Outbound};
use crate::outbox::Wake;
use crate::passwords::{Compromised, Passwords, PoolSettings};
use crate::router::Operations;
use crate::sampled::Sampled;
use crate::services::Services;
use crate::store::{Query, Store};
use crate::tokens;

pub(crate) const START: UnixMillis = UnixMillis(1_790_000_000_000);

/// A deployment with one pool, whose `AutoVerifiedAttributes` is `email`, and two clients.
pub(crate) struct World {
    pub(crate) services: Arc<Services>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) pool: String,
    /// Hides who exists.
    pub(crate) client: String,
    /// `PreventUserExistenceErrors` is `LEGACY`.
    pub(crate) legacy: String,
    operations: Operations,
    _run: watch::Sender<bool>,
}

impl World {
    pub(crate) async fn new(store: Store) -> Self {
        Self::with_pool(store, json!({})).await
    }

    /// With more settings for CreateUserPool.
    pub(crate) async fn with_pool(store: Store, settings: Value) -> Self {
        let mut world = Self::over(store, START);
        world.found(settings).await;
        world
    }

    /// Over what the store already holds, at a time that its rows know nothing of yet.
    pub(crate) fn over(store: Store, now: UnixMillis) -> Self {
        common::jose::provider::install();
        let (run, running) = watch::channel(false);
        let clock = Arc::new(FakeClock::at(now));
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let deployment_key = root.deployment_key().unwrap();
        let pool_keys = Arc::new(PoolKeys::new(root, store.clone()));
        let metrics = Arc::new(Metrics::default());
        let courier = Courier::idle(metrics.clone());
        let services = Arc::new(Services {
            keys: KeyRing::new(store.clone(), pool_keys.clone()),
            passwords: passwords(),
            compromised: Compromised::default(),
            lockout: Lockout::new(store.clone(), clock.clone()),
            outbound: outbound(clock.clone()),
            clock: clock.clone(),
            deployment: Deployment {
                public_url: "http://issuer.test".into(),
                region: "eu-test-1".into(),
                account_id: "000000000000".into(),
                domains: Default::default(),
            },
            deployment_key,
            pool_keys,
            audit: Recorder::start(store.clone(), running).0,
            metrics,
            courier,
            sampled: Sampled::default(),
            feed: Wake::default(),
            store,
        });
        Self {
            services,
            clock,
            pool: String::new(),
            client: String::new(),
            legacy: String::new(),
            operations: Operations::collect(),
            _run: run,
        }
    }

    async fn found(&mut self, settings: Value) {
        let mut request = json!({ "PoolName": "test", "AutoVerifiedAttributes": ["email"] });
        request.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.pool = text(&self.ask("CreateUserPool", request).await.unwrap()["UserPool"]["Id"]);
        let client = async |existence: &str| {
            let request = json!({
                "UserPoolId": self.pool, "ClientName": existence, "PreventUserExistenceErrors": existence,
                "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            });
            text(&self.ask("CreateUserPoolClient", request).await.unwrap()["UserPoolClient"]["ClientId"])
        };
        (self.client, self.legacy) = (client("ENABLED").await, client("LEGACY").await);
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Runs an operation as the router would, for whoever it is meant for.
    pub(crate) async fn ask(&self, operation: &'static str, input: Value) -> Result<Value, Fault> {
        self.ask_at(self.now(), operation, input).await
    }

    /// The same for a request that arrived at another instant than now.
    pub(crate) async fn ask_at(
        &self,
        arrived: UnixMillis,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, Fault> {
        let registered = self.operations.named(operation).unwrap();
        self.run(registered, arrived, input).await
    }

    /// Runs an operation of AWS WAF as an administrator.
    pub(crate) async fn ask_waf(&self, operation: &'static str, input: Value) -> Result<Value, Fault> {
        self.run(self.operations.of(Service::Waf, operation).unwrap(), self.now(), input).await
    }

    async fn run(&self, registered: &Registered, arrived: UnixMillis, input: Value) -> Result<Value, Fault> {
        let caller = match (registered.auth, input["AccessToken"].as_str()) {
            (Auth::AccessToken | Auth::None, Some(token)) => {
                Caller::User(tokens::authenticate(&self.services, &SecretString::new(token), self.now()).await?)
            }
            (Auth::None | Auth::AccessToken | Auth::SigV4OrClient, _) => Caller::Anonymous,
            (Auth::SigV4, _) => {
                Caller::Admin(AdminCaller { access_key_id: "test".into(), single_use: false, region: None })
            }
        };
        let call = self.call_of(registered.name, arrived, caller);
        let answer = registered.run(call, serde_json::to_vec(&input).unwrap()).await?;
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
    }

    fn call_of(&self, name: &'static str, arrived: UnixMillis, caller: Caller) -> Call {
        let origin = Origin {
            request_id: Uuid::now_v7().to_string(),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            user_agent: None,
        };
        Call::new(self.services.clone(), name, arrived, origin, caller)
    }

    /// What a command of the admin listener gets.
    pub(crate) fn command(&self, name: &'static str) -> Call {
        let caller = Caller::Admin(AdminCaller { access_key_id: "test".into(), single_use: false, region: None });
        self.call_of(name, self.now(), caller)
    }

    /// A confirmed user with a verified e-mail address; the name is also the address's local part.
    pub(crate) async fn user(&self, name: &str, password: &str) {
        let attributes = json!([
            { "Name": "email", "Value": format!("{name}@example.com") },
            { "Name": "email_verified", "Value": "true" },
        ]);
        let person = json!({ "UserPoolId": self.pool, "Username": name });
        let with = |more: Value| {
            let mut request = person.clone();
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        let create = with(json!({ "UserAttributes": attributes, "MessageAction": "SUPPRESS" }));
        self.ask("AdminCreateUser", create).await.unwrap();
        let permanent = with(json!({ "Password": password, "Permanent": true }));
        self.ask("AdminSetUserPassword", permanent).await.unwrap();
    }

    /// `AuthenticationResult`, by the client that hides who exists.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Result<Value, Fault> {
        let parameters = json!({ "USERNAME": name, "PASSWORD": password });
        let request =
            json!({ "ClientId": self.client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        Ok(self.ask("InitiateAuth", request).await?["AuthenticationResult"].clone())
    }

    /// What waits for delivery to an address, oldest first.
    pub(crate) async fn messages_to(&self, address: &str) -> Vec<Message> {
        let query = Query::new("SELECT id, sealed FROM messages ORDER BY created_at, id");
        let pool = common::ids::PoolId::parse(self.pool.as_str()).unwrap();
        let key = self.services.pool_keys.key(&pool).await.unwrap();
        let rows = self.services.store.read(query).await.unwrap();
        let opened = rows.iter().map(|row| {
            let cell = [row.text(0).unwrap()];
            let text = key.open(messages::rows::cell(&cell), row.bytes(1).unwrap()).unwrap();
            serde_json::from_slice::<Message>(text.expose()).unwrap()
        });
        opened.filter(|message| message.to == address).collect()
    }

    /// The code that was sent last to `<name>@example.com`. Messages of one instant have no order, so tests move the clock between them.
    pub(crate) async fn code(&self, name: &str) -> String {
        self.messages_to(&format!("{name}@example.com")).await.pop().unwrap().code
    }

    /// The one number of a query.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        self.services.store.one(Query::new(sql)).await.unwrap().unwrap().int(0).unwrap()
    }
}

/// It may ask servers of the tests, which are on this machine.
fn outbound(clock: Arc<FakeClock>) -> Outbound {
    Outbound::new(&outbound::Config { allow_private: true, ca_file: None }, clock).unwrap()
}

/// One pool for all worlds of the process: to start one costs a hash.
fn passwords() -> Passwords {
    static POOL: OnceLock<Passwords> = OnceLock::new();
    POOL.get_or_init(|| Passwords::start(PoolSettings { threads: 2, queue: 1_000 }).unwrap()).clone()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// `exception: message` of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    let fault = outcome.unwrap_err();
    format!("{}: {}", fault.exception.name(), fault.message)
}

/// A request and more members of it.
pub(crate) fn with(base: &Value, more: Value) -> Value {
    let mut request = base.clone();
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}
