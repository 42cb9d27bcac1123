//! Changes: decided on one version of everything, committed as the next one, or decided anew.
//!
//! Edges are told in the same batch. A pool's web ACL and what it uses are records of its feed, one each, so a changed set of 10,000 addresses costs
//! its own size and no more; a record is half a MiB at most, which [`super::rules`] has seen to.

use std::collections::{BTreeMap, BTreeSet};

use cognito_model::Fault;
use common::feed::{Change, ManagedKind, Removable};
use common::ids::PoolId;

use super::error::WafError;
use super::graph::{Graph, Step, steps};
use super::model::Entity;
use super::rows::{self, GraphError};
use crate::aws_json::Call;
use crate::store::{Batch, CommitError, Statement};

/// How often a change is decided anew when others come in between.
pub const TRIES: usize = 8;
/// Bytes of a pool's web ACL with all that it uses, which each edge of the pool keeps.
pub const MAX_POOL_BYTES: u64 = 8 << 20;
/// Bytes that one change sends to the feeds of all pools.
const MAX_TOLD_BYTES: usize = 64 << 20;
/// Records that one change appends to feeds: each is two statements of its batch.
const MAX_TOLD: usize = 1_500;

/// What is to be done.
pub struct Plan<'g> {
    before: &'g Graph,
    /// What there is afterwards.
    pub after: Graph,
    /// What has another content afterwards, by id.
    pub written: BTreeMap<String, Entity>,
    /// Web ACLs of which only the logging changes, and to what.
    pub logging: BTreeMap<String, Option<String>>,
    statements: Vec<Statement>,
    subject: String,
}

/// Whether it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Others changed something meanwhile: read and decide anew.
    Again,
}

/// All that there is.
pub async fn graph(call: &Call) -> Result<Graph, Fault> {
    rows::graph(&call.services.store).await.map_err(|error| match error {
        GraphError::Store(error) => error.into(),
        GraphError::Row(error) => error.into(),
    })
}

/// The one with this id, with its content.
pub async fn entity(call: &Call, id: &str) -> Result<Entity, Fault> {
    let row = call.services.store.one(rows::by_id(id)).await?;
    let row = row.ok_or_else(|| WafError::Nonexistent("It does not exist.".to_owned()))?;
    Ok(rows::entity(&row)?)
}

impl<'g> Plan<'g> {
    /// `subject`: what it is about, for the audit record.
    pub fn on(before: &'g Graph, subject: String) -> Self {
        let after = before.clone();
        Self { before, after, written: BTreeMap::new(), logging: BTreeMap::new(), statements: Vec::new(), subject }
    }

    pub fn does(&mut self, statements: impl IntoIterator<Item = Statement>) {
        self.statements.extend(statements);
    }

    pub async fn commit(self, call: &Call) -> Result<Outcome, Fault> {
        let changes = self.changes(call).await?;
        let mut batch = Batch::new();
        batch.extend(rows::advance(self.before.version));
        batch.extend(self.statements);
        match call.commit_to_pools(&self.subject, batch, &changes).await {
            Ok(()) => Ok(Outcome::Done),
            Err(CommitError::Missed { .. }) => Ok(Outcome::Again),
            Err(error) => Err(error.into()),
        }
    }

    /// What the feeds of pools get.
    async fn changes(&self, call: &Call) -> Result<BTreeMap<PoolId, Vec<Change>>, Fault> {
        let touched: BTreeSet<String> = self.written.keys().chain(self.logging.keys()).cloned().collect();
        let told = steps(self.before, &self.after, &touched);
        self.bounded(&told)?;
        let mut texts = Texts { call, plan: self, known: BTreeMap::new() };
        let (mut changes, mut bytes) = (BTreeMap::new(), 0);
        for (pool, steps) in told {
            let mut of_pool = Vec::with_capacity(steps.len());
            for step in steps {
                let change = texts.change(&pool, step).await?;
                if let Change::Managed { document, .. } = &change {
                    bytes += document.len();
                }
                if bytes > MAX_TOLD_BYTES {
                    return Err(too_much().into());
                }
                of_pool.push(change);
            }
            changes.insert(pool, of_pool);
        }
        Ok(changes)
    }

    fn bounded(&self, told: &BTreeMap<PoolId, Vec<Step>>) -> Result<(), WafError> {
        if told.values().map(Vec::len).sum::<usize>() > MAX_TOLD {
            return Err(too_much());
        }
        let web_acls: BTreeSet<&String> = told.keys().filter_map(|pool| self.after.pools.get(pool)).collect();
        match web_acls.into_iter().map(|id| self.after.weight(id)).max() {
            Some(bytes) if bytes > MAX_POOL_BYTES => Err(WafError::Limit(format!(
                "A web ACL before a user pool and all that it refers to have {MAX_POOL_BYTES} bytes as JSON at most; these would have {bytes}."
            ))),
            _ => Ok(()),
        }
    }
}

fn too_much() -> WafError {
    WafError::Limit(
        "Too many user pools would have to be told of this at once. Use a set or a group of its own for some of their web ACLs."
            .to_owned(),
    )
}

/// Texts as edges get them, each made once.
struct Texts<'c, 'g> {
    call: &'c Call,
    plan: &'c Plan<'g>,
    known: BTreeMap<String, Vec<u8>>,
}

impl Texts<'_, '_> {
    async fn change(&mut self, pool: &PoolId, step: Step) -> Result<Change, Fault> {
        let web_acl = || (ManagedKind::WebAcl, pool.to_string());
        Ok(match step {
            Step::Part(id) => {
                let document = self.text(&id).await?;
                Change::Managed { kind: ManagedKind::WebAclPart, name: id, document }
            }
            Step::WebAcl(id) => {
                let ((kind, name), document) = (web_acl(), self.text(&id).await?);
                Change::Managed { kind, name, document }
            }
            Step::NoWebAcl => {
                let (kind, name) = web_acl();
                Change::Removed(Removable::Managed { kind, name })
            }
            Step::NoPart(id) => Change::Removed(Removable::Managed { kind: ManagedKind::WebAclPart, name: id }),
        })
    }

    async fn text(&mut self, id: &str) -> Result<Vec<u8>, Fault> {
        if let Some(text) = self.known.get(id) {
            return Ok(text.clone());
        }
        let read;
        let entity = match self.plan.written.get(id) {
            Some(entity) => entity,
            None => {
                read = entity(self.call, id).await?;
                &read
            }
        };
        let logging = match self.plan.logging.get(id) {
            Some(logging) => logging.clone(),
            None => logging(self.call, id).await?,
        };
        let logging = logging.map(|logging| format!(",\"LoggingConfiguration\":{logging}")).unwrap_or_default();
        let text = format!("{{\"{}\":{}{logging}}}", entity.kind.member(), entity.body).into_bytes();
        self.known.insert(id.to_owned(), text.clone());
        Ok(text)
    }
}

/// The logging configuration of a web ACL, as JSON.
pub async fn logging(call: &Call, web_acl: &str) -> Result<Option<String>, Fault> {
    let row = call.services.store.one(rows::logging_of(web_acl)).await?;
    Ok(row.map(|row| row.text(0).map(str::to_owned)).transpose()?)
}
