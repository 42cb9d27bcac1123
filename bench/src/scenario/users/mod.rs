//! What users cost an issuer: one that asks who it is, one that is made, one that is looked up, and pages of them, with few in the pool
//! and with many, on either engine.

mod calls;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::calls::{Body, Calls};
use super::error::BenchError;
use crate::cluster::Cluster;
use crate::load::{Api, Database, Plan, Signer, Target, fill, username};
use crate::measure::{Machine, process_tree_clock};
use crate::peers::Alone;

/// Users of the small pool.
pub const FEW: u64 = 1_000;
const REGION: &str = "us-east-1";
const PASSWORD: &str = "Passw0rd!bench";

/// What is measured, and its sizes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program and leading arguments; it is this one as a rule.
    pub program: Vec<OsString>,
    /// Users of the large pool.
    pub users: u64,
    /// How long each load lasts.
    pub span: Duration,
    /// Callers at a time.
    pub connections: usize,
}

impl Options {
    /// A million users: some minutes for each engine.
    pub fn new(program: Vec<OsString>) -> Self {
        Self { program, users: 1_000_000, span: Duration::from_secs(10), connections: 32 }
    }

    /// Within three minutes.
    #[must_use]
    pub fn quick(self) -> Self {
        Self { users: 100_000, span: Duration::from_secs(3), ..self }
    }
}

/// One load.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Cost {
    /// Processor time of the issuer a request; with an embedded database that is in it.
    pub cpu_us: f64,
    /// That of PostgreSQL's server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_cpu_us: Option<f64>,
    /// Requests a second, as it went on this machine beside the generator.
    pub per_second: f64,
    /// Requests a second that one processor has time for, by `cpu_us`.
    pub per_core: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub failed: u64,
}

/// One engine.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// With [`FEW`] users.
    pub few: BTreeMap<&'static str, Cost>,
    pub many: BTreeMap<&'static str, Cost>,
    /// How long the users took to be written.
    pub filled: Duration,
}

/// All of a run.
#[derive(Debug)]
pub struct Findings {
    pub machine: Machine,
    pub users: u64,
    /// By name; why it was not measured.
    pub engines: Vec<(&'static str, Result<Engine, String>)>,
    pub elapsed: Duration,
}

/// Measures both engines; `told` hears what is being done.
pub fn run(options: &Options, told: &mut dyn FnMut(&str)) -> Result<Findings, BenchError> {
    let begun = Instant::now();
    let machine = Machine::read();
    let folder = tempfile::tempdir();
    let folder = folder.map_err(|source| BenchError::File { action: "make", path: std::env::temp_dir(), source })?;
    let sqlite = run_sqlite(options, &folder.path().join("sqlite"), told);
    let postgres = run_postgres(options, &folder.path().join("postgres"), told);
    let engines = vec![
        ("sqlite", sqlite.map_err(|error| error.to_string())),
        ("postgres", postgres.map_err(|error| error.to_string())),
    ];
    Ok(Findings { machine, users: options.users, engines, elapsed: begun.elapsed() })
}

fn run_sqlite(options: &Options, folder: &Path, told: &mut dyn FnMut(&str)) -> Result<Engine, BenchError> {
    let file = folder.join("tollgate.db");
    let issuer = Alone::start(&options.program, folder, &format!("sqlite = {file:?}"));
    let issuer = issuer.map_err(BenchError::StackStart)?;
    Bench::new(options, "sqlite", issuer, Database::Sqlite(file), None)?.run(told)
}

fn run_postgres(options: &Options, folder: &Path, told: &mut dyn FnMut(&str)) -> Result<Engine, BenchError> {
    let cluster = Cluster::start().map_err(|error| BenchError::Limit(error.into()))?;
    let settings = cluster.settings("postgres");
    let url = folder.with_extension("url");
    let write = std::fs::write(&url, &settings);
    write.map_err(|source| BenchError::File { action: "write", path: url.clone(), source })?;
    let issuer = Alone::start(&options.program, folder, &format!("postgres_url_file = {url:?}"));
    let issuer = issuer.map_err(BenchError::StackStart)?;
    Bench::new(options, "postgres", issuer, Database::Postgres(settings), Some(cluster.pid()))?.run(told)
}

/// One engine under measurement.
struct Bench<'a> {
    options: &'a Options,
    name: &'static str,
    issuer: Alone,
    database: Database,
    /// Of PostgreSQL's server.
    server: Option<u32>,
    signer: Signer,
    pool: String,
    access_token: String,
}

impl<'a> Bench<'a> {
    fn new(
        options: &'a Options,
        name: &'static str,
        issuer: Alone,
        database: Database,
        server: Option<u32>,
    ) -> Result<Self, BenchError> {
        let credentials = common::sigv4::Credentials {
            access_key_id: issuer.access_key_id.clone(),
            secret_access_key: issuer.secret_access_key.clone(),
            session_token: None,
        };
        let signer = Signer { credentials, region: REGION.to_owned() };
        let mut api = Api::new(&issuer.url, signer.clone())?;
        let pool = api.signed(
            "CreateUserPool",
            &json!({
                "PoolName": "bench", "Schema": [{ "Name": "ref", "AttributeDataType": "String" }],
                "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
            }),
        )?;
        let pool = text(&pool, "/UserPool/Id");
        let client = api.signed(
            "CreateUserPoolClient",
            &json!({ "UserPoolId": pool, "ClientName": "bench", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] }),
        )?;
        let client = text(&client, "/UserPoolClient/ClientId");
        let email =
            json!([{ "Name": "email", "Value": "caller@x.example" }, { "Name": "email_verified", "Value": "true" }]);
        let caller =
            json!({ "UserPoolId": pool, "Username": "caller", "MessageAction": "SUPPRESS", "UserAttributes": email });
        api.signed("AdminCreateUser", &caller)?;
        let password = json!({ "UserPoolId": pool, "Username": "caller", "Password": PASSWORD, "Permanent": true });
        api.signed("AdminSetUserPassword", &password)?;
        let parameters = json!({ "USERNAME": "caller", "PASSWORD": PASSWORD });
        let tokens = api.public(
            "InitiateAuth",
            &json!({ "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }),
        )?;
        let access_token = text(&tokens, "/AuthenticationResult/AccessToken");
        Ok(Self { options, name, issuer, database, server, signer, pool, access_token })
    }

    /// Either number of users is measured on an issuer that has just started: what it holds of former requests costs it something, too.
    fn run(mut self, told: &mut dyn FnMut(&str)) -> Result<Engine, BenchError> {
        let mut engine = Engine::default();
        self.fill(0, FEW, told)?;
        self.issuer.restart().map_err(BenchError::StackStart)?;
        engine.few = self.reads(FEW, told)?;
        let begun = Instant::now();
        self.fill(FEW, self.options.users.saturating_sub(FEW), told)?;
        engine.filled = begun.elapsed();
        self.issuer.restart().map_err(BenchError::StackStart)?;
        engine.many = self.reads(self.options.users, told)?;
        // Last, since it makes more of them.
        engine.many.insert("admin_create_user", self.create(told)?);
        Ok(engine)
    }

    fn fill(&self, first: u64, count: u64, told: &mut dyn FnMut(&str)) -> Result<(), BenchError> {
        let name = self.name;
        let mut tell = |done: u64| {
            if done.is_multiple_of(50_000) || done == count {
                told(&format!("{name}: {} users written", first + done));
            }
        };
        fill(&self.database, &self.pool, first, count, &mut tell).map_err(BenchError::Fill)
    }

    fn reads(&self, users: u64, told: &mut dyn FnMut(&str)) -> Result<BTreeMap<&'static str, Cost>, BenchError> {
        let mut found = BTreeMap::new();
        let pool = self.pool.clone();
        // Numbers that jump over the whole pool.
        let any = move |number: u64| number.wrapping_mul(2_654_435_761) % users;
        let token = self.access_token.clone();
        found.insert(
            "get_user",
            self.load("GetUser", false, Box::new(move |_| json!({ "AccessToken": token }).to_string()), told)?,
        );
        let of = pool.clone();
        let one = move |number| json!({ "UserPoolId": of, "Username": username(any(number)) }).to_string();
        found.insert("admin_get_user", self.load("AdminGetUser", true, Box::new(one), told)?);
        let of = pool.clone();
        let filter = move |number| {
            let filter = format!("email ^= \"load{}\"", any(number));
            json!({ "UserPoolId": of, "Filter": filter, "Limit": 1 }).to_string()
        };
        found.insert("list_users_filtered", self.load("ListUsers", true, Box::new(filter), told)?);
        let of = pool.clone();
        let custom = move |number| {
            let filter = format!("custom:ref = \"r{}\" and status = \"Enabled\"", any(number));
            json!({ "UserPoolId": of, "Filter": filter }).to_string()
        };
        found.insert("list_users_custom", self.load("ListUsers", true, Box::new(custom), told)?);
        let page = move |_| json!({ "UserPoolId": pool, "Limit": 60 }).to_string();
        found.insert("list_users_page", self.load("ListUsers", true, Box::new(page), told)?);
        Ok(found)
    }

    fn create(&self, told: &mut dyn FnMut(&str)) -> Result<Cost, BenchError> {
        let pool = self.pool.clone();
        let body = move |number: u64| {
            let email = format!("new{number}@x.example");
            json!({
                "UserPoolId": pool, "Username": format!("new-{number:08}"), "MessageAction": "SUPPRESS",
                "UserAttributes": [{ "Name": "email", "Value": email }, { "Name": "email_verified", "Value": "true" }],
            })
            .to_string()
        };
        self.load("AdminCreateUser", true, Box::new(body), told)
    }

    fn load(
        &self,
        operation: &'static str,
        signed: bool,
        body: Body,
        told: &mut dyn FnMut(&str),
    ) -> Result<Cost, BenchError> {
        told(&format!("{}: {operation}", self.name));
        let host = self.issuer.url.trim_start_matches("http://").to_owned();
        let address = host.parse().map_err(|_| BenchError::Options("the issuer's address is none"))?;
        let calls = Calls::new(operation, &host, signed.then(|| self.signer.clone()), body);
        let mut plan = Plan::new(Target::plain(address, host), calls);
        plan.connections = self.options.connections;
        plan.duration = Some(self.options.span);
        plan.limit = self.options.span + Duration::from_secs(10);
        let clock = |pid: u32| process_tree_clock(pid).map_err(|source| BenchError::Accounting { pid, source });
        let before = (clock(self.issuer.pid())?, self.server.map(clock).transpose()?);
        let outcome = plan.run()?;
        let after = (clock(self.issuer.pid())?, self.server.map(clock).transpose()?);
        let succeeded = outcome.succeeded.max(1) as f64;
        let each = |ns: u64| ns as f64 / 1_000.0 / succeeded;
        let cpu_us = each(after.0.since(&before.0).total_ns);
        let database = after.1.zip(before.1).map(|(after, before)| each(after.since(&before).total_ns));
        let ms = |quantile: f64| outcome.latency.quantile_us(quantile).unwrap_or(0) as f64 / 1_000.0;
        Ok(Cost {
            cpu_us,
            database_cpu_us: database,
            per_second: outcome.per_second(),
            per_core: 1_000_000.0 / cpu_us.max(0.001),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            failed: outcome.failed(),
        })
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
