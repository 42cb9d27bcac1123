//! Makes an export, frame by frame, while the pool is in use. The issuer keeps nothing of it: where it goes on is sealed for this issuer and lies in
//! the file of whoever takes it.
//!
//! Users are read in the order of `sub`. Each is as of one moment; who is made meanwhile is in it where its place was not passed yet.

use std::collections::BTreeMap;

use cognito_model::Fault;
use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::frame::{self, Beginning, FORMAT, Head, sha256};
use super::lines::{CONTENTS, ClientLine, Counts, EndLine, GroupLine, Line, PoolLine, SecretLine};
use super::rows;
use super::sealed::Recipient;
use super::{from_hex, hex};
use crate::clients::{self, Client};
use crate::entropy;
use crate::envelope::PoolKey;
use crate::pools::Pool;
use crate::pools::model::SignIn;
use crate::services::Services;
use crate::users::groups;

/// Users of a frame.
const PAGE: u64 = 250;
/// Groups or clients of a frame.
const SMALL_PAGE: u64 = 500;
/// Bytes after which a frame takes no more lines.
const FULL: usize = 1024 * 1024;

/// What is asked for.
pub struct Asked {
    pub recipient: Recipient,
    /// App clients, with their secrets.
    pub clients: bool,
}

/// Where an export is.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    id: String,
    recipient: String,
    /// Digest of the beginning.
    beginning: String,
    chain: String,
    /// Of the lines so far.
    lines: String,
    number: u32,
    stage: Stage,
    after: String,
    clients: bool,
    /// When it began. Groups that were made later are not in it.
    started: UnixMillis,
    counts: Counts,
    /// Digest of the schema and the way to sign in as the first line tells them.
    schema: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Groups,
    Clients,
    Users,
}

/// How many there are now.
pub async fn counts(services: &Services, pool: &Pool) -> Result<Counts, Fault> {
    let row = services.store.one(rows::counts(&pool.id)).await?;
    let row = row.ok_or_else(|| Fault::internal("no counts"))?;
    Ok(Counts { groups: row.u64(0)?, clients: row.u64(1)?, users: row.u64(2)? })
}

/// Rows do not yet say the same as the settings while a schema is being changed.
fn refuse_changing(pool: &Pool) -> Result<(), Fault> {
    match pool.settings.changing {
        None => Ok(()),
        Some(_) => Err(Fault::invalid_parameter(
            "The pool's schema is being changed: `tollgate admin schema resume` ends that, then export.",
        )),
    }
}

/// What users' lines must fit.
fn schema_digest(pool: &Pool) -> Result<String, Fault> {
    let schema = (&pool.settings.custom_attributes, SignIn::of(&pool.settings));
    Ok(hex(&sha256(&serde_json::to_vec(&schema).map_err(Fault::internal)?)))
}

const OTHER_SCHEMA: &str =
    "The pool's schema, or how people sign in, has changed since the export was begun: begin anew.";
const BEGUN_WITH: &str = "The export was begun with app clients: go on with --clients, or begin anew.";
const BEGUN_WITHOUT: &str = "The export was begun without app clients: go on without --clients, or begin anew.";

/// The beginning of a file, and its first frame.
pub async fn begin(services: &Services, pool: &Pool, asked: &Asked, now: UnixMillis) -> Result<Vec<u8>, Fault> {
    refuse_changing(pool)?;
    let beginning = Beginning {
        format: FORMAT.to_owned(),
        id: hex(&entropy::bytes::<16>().map_err(Fault::internal)?),
        pool: pool.id.clone(),
        recipient: asked.recipient.to_string(),
        created_at: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let encoded = beginning.encode();
    let chain = hex(&entropy::bytes::<32>().map_err(Fault::internal)?);
    let contents = CONTENTS.into_iter();
    let line = Line::Pool(Box::new(PoolLine {
        pool: pool.id.clone(),
        name: pool.name.clone(),
        contents: contents.filter(|what| asked.clients || *what != "clients").map(str::to_owned).collect(),
        settings: serde_json::to_value(&pool.settings).map_err(Fault::internal)?,
        chain: chain.clone(),
        created_at: pool.created,
    }));
    let state = State {
        id: beginning.id,
        recipient: beginning.recipient,
        beginning: hex(&sha256(&encoded)),
        chain,
        lines: hex(&[0; 32]),
        number: 0,
        stage: Stage::Groups,
        after: String::new(),
        clients: asked.clients,
        started: now,
        counts: Counts::default(),
        schema: schema_digest(pool)?,
    };
    let frame = seal(services, pool, state, line.encode(), 1).await?;
    Ok([encoded, frame].concat())
}

/// The frame after the one that told to go on so.
///
/// # Errors
/// `InvalidParameterException` where that is of another pool, or was altered, or is of an export with app clients and `clients` says without, or the
/// other way round; and where the first line tells another schema than the pool has.
pub async fn go_on(services: &Services, pool: &Pool, resume: &[u8], clients: Option<bool>) -> Result<Vec<u8>, Fault> {
    refuse_changing(pool)?;
    let key = services.pool_keys.key(&pool.id).await?;
    let odd = || Fault::invalid_parameter("resume: none that this issuer gave for this pool");
    let opened = key.open(rows::resume_cell(&[]), resume).map_err(|_| odd())?;
    let mut state: State = serde_json::from_slice(opened.expose()).map_err(|_| odd())?;
    if clients.is_some_and(|clients| clients != state.clients) {
        return Err(Fault::invalid_parameter(if state.clients { BEGUN_WITH } else { BEGUN_WITHOUT }));
    }
    if state.schema != schema_digest(pool)? {
        return Err(Fault::invalid_parameter(OTHER_SCHEMA));
    }
    state.number = state.number.checked_add(1).ok_or_else(odd)?;
    loop {
        let mut page = match state.stage {
            Stage::Groups => group_lines(services, pool, &state).await?,
            Stage::Clients => client_lines(services, pool, &state.after).await?,
            Stage::Users => user_lines(services, pool, &key, &state).await?,
        };
        let count = match state.stage {
            Stage::Groups => &mut state.counts.groups,
            Stage::Clients => &mut state.counts.clients,
            Stage::Users => &mut state.counts.users,
        };
        if let Some(last) = page.pop_last() {
            *count += u64::from(last.lines);
            state.after = last.after;
            return seal(services, pool, state, page.text, last.lines).await;
        }
        state.after.clear();
        state.stage = match state.stage {
            Stage::Groups if state.clients => Stage::Clients,
            Stage::Groups | Stage::Clients => Stage::Users,
            Stage::Users => return end(&state),
        };
    }
}

/// Lines of one kind, and where they end.
#[derive(Default)]
struct Page {
    text: Vec<u8>,
    last: Option<Last>,
}

struct Last {
    lines: u32,
    after: String,
}

impl Page {
    /// Whether there is room for more.
    fn push(&mut self, line: &Line, after: &str) -> bool {
        self.text.extend_from_slice(&line.encode());
        let lines = self.last.as_ref().map_or(0, |last| last.lines) + 1;
        self.last = Some(Last { lines, after: after.to_owned() });
        self.text.len() < FULL
    }

    /// The page goes on behind something that is not in it.
    fn pass(&mut self, after: &str) {
        let lines = self.last.as_ref().map_or(0, |last| last.lines);
        self.last = Some(Last { lines, after: after.to_owned() });
    }

    fn pop_last(&mut self) -> Option<Last> {
        self.last.take()
    }
}

async fn seal(services: &Services, pool: &Pool, mut state: State, text: Vec<u8>, lines: u32) -> Result<Vec<u8>, Fault> {
    state.lines = hex(&frame::next_digest(&from_hex(&state.lines).ok_or_else(odd_state)?, &text));
    let key = services.pool_keys.key(&pool.id).await?;
    let resume = serde_json::to_vec(&state).map_err(Fault::internal)?;
    let resume = key.seal(rows::resume_cell(&[]), &resume).map_err(Fault::internal)?;
    sealed(&state, Head { last: false, number: state.number, lines }, &resume, &text)
}

fn end(state: &State) -> Result<Vec<u8>, Fault> {
    let line = Line::End(EndLine { counts: state.counts, digest: state.lines.clone() });
    sealed(state, Head { last: true, number: state.number, lines: 1 }, &[], &line.encode())
}

fn sealed(state: &State, head: Head, resume: &[u8], text: &[u8]) -> Result<Vec<u8>, Fault> {
    let to = Recipient::parse(&state.recipient).map_err(Fault::internal)?;
    let beginning = from_hex(&state.beginning).ok_or_else(odd_state)?;
    let chain = from_hex(&state.chain).ok_or_else(odd_state)?;
    let chain = (head.number > 0).then_some(chain.as_slice());
    frame::seal(&to, &beginning, head, resume, chain, text).map_err(Fault::internal)
}

fn odd_state() -> Fault {
    Fault::internal("where the export goes on is damaged")
}

async fn group_lines(services: &Services, pool: &Pool, state: &State) -> Result<Page, Fault> {
    let mut page = Page::default();
    for row in services.store.read(groups::page(&pool.id, &state.after, SMALL_PAGE)).await? {
        let group = groups::group(&row)?;
        if group.created > state.started {
            page.pass(&group.name);
            continue;
        }
        let line = Line::Group(GroupLine {
            name: group.name.clone(),
            description: group.description,
            role_arn: group.role_arn,
            precedence: group.precedence,
            created_at: group.created,
            modified_at: group.modified,
        });
        if !page.push(&line, &group.name) {
            break;
        }
    }
    Ok(page)
}

async fn client_lines(services: &Services, pool: &Pool, after: &str) -> Result<Page, Fault> {
    let mut page = Page::default();
    for row in services.store.read(clients::rows::page(&pool.id, after, SMALL_PAGE)).await? {
        let client = clients::rows::client(&row)?;
        if !page.push(&client_line(services, &client).await?, client.id.as_str()) {
            break;
        }
    }
    Ok(page)
}

async fn client_line(services: &Services, client: &Client) -> Result<Line, Fault> {
    let mut secrets = Vec::new();
    for secret in &client.secrets {
        let value = clients::open_secret(services, client, secret).await?;
        secrets.push(SecretLine { value: value.expose().to_owned(), created_at: secret.created });
    }
    Ok(Line::Client(Box::new(ClientLine {
        client: client.id.clone(),
        name: client.name.clone(),
        settings: serde_json::to_value(&client.settings).map_err(Fault::internal)?,
        secrets,
        created_at: client.created,
        modified_at: client.modified,
    })))
}

async fn user_lines(services: &Services, pool: &Pool, key: &PoolKey, state: &State) -> Result<Page, Fault> {
    let subs = services.store.read(rows::next_subs(&pool.id, &state.after, PAGE)).await?;
    let Some(last) = subs.last() else { return Ok(Page::default()) };
    let last = last.text(0)?;
    let mut people: BTreeMap<String, Draft> = BTreeMap::new();
    for row in services.store.read(rows::people(&pool.id, &state.after, last, state.started)).await? {
        people.entry(row.text(1)?.to_owned()).or_default().add(key, &row)?;
    }
    let mut page = Page::default();
    for (sub, draft) in people {
        // Who was deleted between the two reads has left nothing, and what hangs on nobody is no user.
        let Some(line) = draft.line(pool, key, &sub)? else { continue };
        if !page.push(&Line::User(Box::new(line)), &sub) {
            return Ok(page);
        }
    }
    // Also where all of them were deleted meanwhile: the export goes on behind them.
    page.pass(last);
    Ok(page)
}
