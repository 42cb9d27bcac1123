//! What OpenID's conformance modules ask of a provider, each by its name (docs/CONFORMANCE.md has the table).
//!
//! Every module is run twice: against the issuer as it is, which must pass, and with somebody in the middle who breaks its rule, which must fail:
//! a check that nothing can fail checks nothing.

mod basic;
mod checks;
mod logout;
mod profiles;

use std::pin::Pin;

use serde_json::{Value, json};

use super::fixture::{Browser, CALLBACK, PASSWORD, Reply, Tamper, app, request, set_oauth};
use crate::clients::oauth::{LogoutUri, Profile};
use crate::engines::sqlite;
use crate::world::{World, text};

/// Where a client is sent after a sign-out.
pub(super) const LEFT: &str = "https://app.example.com/out";

/// The provider under test, with one registered client and one user.
pub(super) struct Op {
    pub world: World,
    pub browser: Browser,
    pub client: String,
    _folder: tempfile::TempDir,
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A module: its name, its checks, and how its rule is broken.
pub(super) struct Module {
    pub name: &'static str,
    pub run: fn(Op) -> Running,
    pub broken: fn() -> Tamper,
}

/// Lists modules: `name => |path, reply| what breaks it`.
macro_rules! modules {
    ($($name:ident => |$path:ident, $reply:ident| $broken:expr),* $(,)?) => {
        pub(super) const MODULES: &[super::Module] = &[$(super::Module {
            name: stringify!($name),
            run: |op| Box::pin($name(op)),
            broken: || Box::new(|$path, $reply| $broken),
        }),*];
        mod whole_and_broken {
            $(#[tokio::test]
            async fn $name() {
                super::super::prove(stringify!($name)).await;
            })*
        }
    };
}
pub(super) use modules;

fn all() -> impl Iterator<Item = &'static Module> {
    [basic::MODULES, logout::MODULES, profiles::MODULES].into_iter().flatten()
}

async fn prove(name: &str) {
    let module = all().find(|module| module.name == name).unwrap();
    (module.run)(Op::new().await).await;
    let op = Op::new().await;
    *op.browser.tamper.lock().unwrap() = Some((module.broken)());
    let outcome = tokio::spawn((module.run)(op)).await;
    assert!(outcome.is_err_and(|error| error.is_panic()), "{name} passes though its rule is broken");
}

/// The table of the document names every module, and no other.
#[test]
fn the_document_names_every_module() {
    let document = include_str!("../../../../docs/CONFORMANCE.md");
    for module in all() {
        assert!(document.contains(&format!("`{}`", module.name)), "{} is not in docs/CONFORMANCE.md", module.name);
    }
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    for name in rows.filter_map(|row| row.split('`').next()) {
        assert!(all().any(|module| module.name == name), "docs/CONFORMANCE.md names {name}, which is no module here");
    }
}

impl Op {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(sqlite(&folder, &crate::migrations::all()).await).await;
        world.user("jane", PASSWORD).await;
        let client = app(&world, json!({})).await;
        set_oauth(&world, &client, |oauth| {
            oauth.profile = Profile::Openid;
            oauth.front_channel =
                Some(LogoutUri { uri: "https://app.example.com/gone".into(), session_required: true });
        })
        .await;
        let browser = Browser::of(&world);
        Self { world, browser, client, _folder: folder }
    }

    pub fn iss(&self) -> String {
        format!("http://issuer.test/{}", self.world.pool)
    }

    /// A request as relying parties make it, with these parameters in the place of others.
    pub fn query(&self, more: &str) -> String {
        request(&self.client, more)
    }

    /// Signs in by the page.
    pub async fn sign_in(&self, more: &str) -> Reply {
        let back = self.browser.sign_in(&self.query(more), "jane").await;
        assert!(back.location().starts_with(CALLBACK), "{} {}", back.status, back.body);
        back
    }

    /// Asks without a page.
    pub async fn ask(&self, more: &str) -> Reply {
        self.browser.get(&format!("/oauth2/authorize?{}", self.query(more))).await
    }

    pub async fn tokens(&self, back: &Reply) -> Value {
        let code = back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()));
        let reply = self.browser.redeem(&self.client, &code).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// The ID token of a sign-in or of a silent one.
    pub async fn id(&self, back: &Reply) -> Value {
        let tokens = self.tokens(back).await;
        checks::id_token(self, &tokens["id_token"], Some("n0nce")).await
    }

    /// `end_session_endpoint` with these parameters.
    pub async fn sign_out(&self, pairs: &[(&str, &str)]) -> Reply {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.browser.get(&format!("/logout?{query}")).await
    }

    /// Whether a silent sign-in works.
    pub async fn is_in(&self) -> bool {
        self.ask("prompt=none").await.parameter("code").is_some()
    }
}

/// Replaces a text in an answer's location and body.
pub(super) fn replaced(reply: &mut Reply, from: &str, to: &str) {
    reply.body = reply.body.replace(from, to);
    if let Some(location) = reply.headers.get("location").map(|value| value.to_str().unwrap().replace(from, to)) {
        reply.headers.insert("location", location.parse().unwrap());
    }
}

/// Sends the browser somewhere.
pub(super) fn sent_to(reply: &mut Reply, location: &str) {
    reply.status = 302;
    reply.headers.insert("location", location.parse().unwrap());
}

/// Makes an answer of JSON another.
pub(super) fn edited(reply: &mut Reply, edit: impl FnOnce(&mut Value)) {
    let mut body = reply.json();
    if body.is_object() {
        edit(&mut body);
        reply.body = body.to_string();
    }
}

/// A member of an answer as text.
pub(super) fn member(value: &Value, name: &str) -> String {
    text(&value[name])
}
