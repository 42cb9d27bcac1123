//! Browser sign-in: the edge as a client of an OpenID provider (OpenID Connect Core §3.1: code flow, with PKCE), for web applications that know
//! nothing of it.
//!
//! Nothing is stored here: a sign-in on its way and a session lie sealed in the browser's own cookies, and what is remembered is remembered
//! for a minute or ten, to do things once. The token in a session goes through the same gates as any other, at every request; so whoever is signed
//! out at the issuer is signed out here. Questions to the provider are asked on the control runtime, within bounds.

mod assertion;
mod browser;
mod cookies;
mod desk;
mod flow;
mod page;
mod provider;
mod refresh;
mod seal;
mod session;
mod sign_out;
mod tokens;
mod transaction;
mod visit;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use common::clock::Clock;
use tokio::runtime::Handle;
use tokio::time::timeout;

pub use self::assertion::check_key;
pub use self::browser::{Again, Browser};
use self::desk::Desk;
use self::provider::{Metadata, ProviderError};
use self::refresh::{Joined, Refreshed};
use self::session::Session;
use self::tokens::{Asker, TokenError};
pub use self::transaction::is_local;
pub use self::visit::{Visit, is_navigation, origin};
use crate::observe::SignInMetrics;
use crate::reply::Reply;
use crate::routes::fits_host;
use crate::snapshot::picture::Picture;
use crate::snapshot::route::RouteTable;
use crate::snapshot::sign_in::SignIn;
use crate::snapshot::verdicts::TokenDigest;

/// How much longer than a question a request waits for its end.
const GRACE: Duration = Duration::from_millis(250);

/// Why a sign-in can't be used: its keys.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {error}")]
pub struct SignInError {
    name: String,
    error: String,
}

/// Which of the edge's own paths is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Callback,
    SignIn,
    SignOut,
    Keys,
}

impl Own {
    pub const fn says(self) -> &'static str {
        match self {
            Self::Callback => "where the provider sends browsers back to",
            Self::SignIn => "leads to the provider, and back to `return`",
            Self::SignOut => "ends the session",
            Self::Keys => "the keys of the identity header",
        }
    }
}

/// An answer of the edge, and what happened, for the log.
pub struct Answered {
    pub reply: Reply,
    pub code: &'static str,
}

/// The sign-in whose own path this is, and a route that it is for. `host` and `path` are canonical.
pub fn asked<'t>(table: &'t RouteTable, host: &str, path: &str) -> Option<(&'t Arc<SignIn>, Own, usize)> {
    table.sign_ins.iter().find_map(|at| {
        let paths = &at.sign_in.paths;
        let own = match path {
            path if path == paths.callback => Own::Callback,
            path if path == paths.sign_in => Own::SignIn,
            path if path == paths.sign_out => Own::SignOut,
            path if path == paths.keys && at.sign_in.identity.is_some() => Own::Keys,
            _ => return None,
        };
        let (_, route) = at.hosts.iter().find(|(pattern, _)| fits_host(pattern, host))?;
        Some((&at.sign_in, own, *route))
    })
}

/// All sign-ins of the configuration.
pub struct SignIns {
    runtime: Handle,
    clock: Arc<dyn Clock>,
    picture: Arc<Picture>,
    metrics: SignInMetrics,
    desks: ArcSwap<HashMap<Arc<str>, Arc<Desk>>>,
}

impl SignIns {
    pub fn new(runtime: Handle, clock: Arc<dyn Clock>, picture: Arc<Picture>, metrics: SignInMetrics) -> Self {
        Self { runtime, clock, picture, metrics, desks: ArcSwap::default() }
    }

    /// Follows a configuration, before its routes are taken into use. What has not changed keeps what it knows.
    pub fn configure<'s>(&self, sign_ins: impl Iterator<Item = &'s Arc<SignIn>>) -> Result<(), SignInError> {
        let old = self.desks.load_full();
        let mut desks = HashMap::new();
        for settings in sign_ins {
            let desk = match old.get(&settings.name).filter(|desk| desk.settings == *settings) {
                Some(desk) => Arc::clone(desk),
                None => Arc::new(Desk::new(Arc::clone(settings))?),
            };
            desks.insert(Arc::clone(&settings.name), desk);
        }
        self.desks.store(Arc::new(desks));
        Ok(())
    }

    /// The browser behind a request on a route with this sign-in; none while a reload takes it away.
    pub fn browser(&self, sign_in: &SignIn, visit: Visit<'_>) -> Option<Browser> {
        Some(Browser::of(self.desk(&sign_in.name)?, visit))
    }

    /// Refreshes the tokens of a session, or waits for who does.
    pub async fn refresh(self: &Arc<Self>, desk: &Arc<Desk>, session: &Session) -> Refreshed {
        let Some(refresh) = &session.refresh else { return Refreshed::Over };
        let token = TokenDigest::of(refresh.expose());
        let mut told = match desk.refreshes.join(token, self.clock.now()) {
            Joined::Done(refreshed) => return refreshed,
            Joined::Waiting(told) => told,
            Joined::First(tell, told) => {
                let open = Open { desk: Arc::clone(desk), token };
                let (this, session) = (Arc::clone(self), session.clone());
                self.runtime.spawn(async move {
                    let refreshed = this.do_refresh(&open.desk, &session).await;
                    open.desk.refreshes.end(token, refreshed.clone(), this.clock.now());
                    let _ = tell.send(Some(refreshed)); // no receiver: nobody waits any more
                });
                told
            }
        };
        let waited = timeout(patience(desk), told.wait_for(Option::is_some)).await;
        waited.ok().and_then(Result::ok).and_then(|told| told.clone()).unwrap_or(Refreshed::Failed)
    }

    async fn do_refresh(&self, desk: &Desk, session: &Session) -> Refreshed {
        let asked = async {
            let metadata = self.metadata(desk).await?;
            self.asker(desk, &metadata).by_refresh(session).await
        };
        let (refreshed, result) = match asked.await {
            Ok(session) => (Refreshed::Session(Arc::new(session)), "refreshed"),
            Err(TokenError::Grant) => (Refreshed::Over, "over"),
            Err(error) => {
                desk.complain(&error, self.clock.now());
                (Refreshed::Failed, "failed")
            }
        };
        self.metrics.refresh(&desk.settings.name, result);
        refreshed
    }

    fn desk(&self, name: &str) -> Option<Arc<Desk>> {
        self.desks.load().get(name).cloned()
    }

    /// On the control runtime alone.
    async fn metadata(&self, desk: &Desk) -> Result<Metadata, ProviderError> {
        let iss =
            self.iss(desk).ok_or_else(|| ProviderError::Metadata("nothing is known of the issuer yet".to_owned()))?;
        desk.provider.metadata(&desk.settings, &iss, self.clock.now()).await
    }

    fn iss(&self, desk: &Desk) -> Option<Arc<str>> {
        tokens::issuer(&self.picture, &desk.settings.issuer)?.iss().cloned()
    }

    fn asker<'a>(&'a self, desk: &'a Desk, metadata: &'a Metadata) -> Asker<'a> {
        Asker { desk, metadata, picture: &self.picture, clock: &*self.clock }
    }

    /// Does work there; it goes on when nobody waits any more.
    async fn on_control<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        timeout(limit, self.runtime.spawn(work)).await.ok()?.ok()
    }
}

/// Two questions at most are asked in a row, and keys waited for.
fn patience(desk: &Desk) -> Duration {
    desk.settings.provider.timeout * 2 + tokens::KEYS_WAIT + GRACE
}

/// A refresh on its way, until its end is known; also when its task dies.
struct Open {
    desk: Arc<Desk>,
    token: TokenDigest,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.desk.refreshes.forget(self.token);
    }
}
