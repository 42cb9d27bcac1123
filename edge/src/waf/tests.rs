//! Whole web ACLs over whole requests.

mod actions;
mod fields;
mod groups;
mod origins;
mod rates;
mod speed;
mod statements;
mod tokens;

use std::net::IpAddr;
use std::time::Duration;

use common::waf::SearchStrings;
use common::waf::read::{self, Dialect};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::program::Match;
use super::request::{Solved, Standing};
use super::*;
use crate::rates::{Digester, Moment, Table};

const TEXT: Dialect = Dialect { search_strings: SearchStrings::Text };

/// A request that tests change.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    more: bool,
    unread: bool,
    client: Option<IpAddr>,
    clearance: Clearance,
}

impl Sent {
    fn get(target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target.to_owned(), None),
        };
        Self {
            method: "GET",
            path,
            query,
            headers: HeaderMap::new(),
            body: None,
            more: false,
            unread: false,
            client: Some("192.0.2.1".parse().unwrap()),
            clearance: Clearance::default(),
        }
    }

    fn post(body: impl AsRef<[u8]>) -> Self {
        Self { method: "POST", body: Some(body.as_ref().to_vec()), ..Self::get("/") }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    fn from(self, client: &str) -> Self {
        Self { client: Some(client.parse().unwrap()), ..self }
    }

    fn view(&self) -> Request<'_> {
        Request {
            method: self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            body: match &self.body {
                _ if self.unread => Body::Unread,
                None => Body::None,
                Some(bytes) => Body::Read { bytes, more: self.more },
            },
            client: self.client,
            ja3: None,
            ja4: None,
            token: None,
            clearance: self.clearance,
        }
    }
}

/// Where rates are counted, and what time it is.
struct Counters {
    table: Table,
    digester: Digester,
    watch: crate::takeover::Watch,
    now: Duration,
}

impl Counters {
    fn new() -> Self {
        Self {
            table: Table::bounded(1 << 20, [7; 16]),
            digester: Digester::new([9; 16]),
            watch: crate::takeover::Watch::new(&[9; 32]),
            now: Duration::from_secs(1_000),
        }
    }

    fn counting(&self) -> Counting<'_> {
        Counting {
            table: &self.table,
            digester: &self.digester,
            watch: &self.watch,
            now: Moment::after(self.now),
            only_looks: false,
        }
    }

    fn said(&self, acl: &Acl, sent: &Sent) -> (Said, Progress) {
        let mut progress = Progress::default();
        let said = acl.evaluate(sent.view(), &mut progress, &Nowhere, self.counting());
        (said, progress)
    }
}

fn visibility() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: u32, statement: &Value, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility()})
}

fn blocks(statement: &Value) -> Value {
    rule("r", 0, statement, &json!({"Block": {}}))
}

fn acl_of(rules: &[Value]) -> Value {
    json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules})
}

fn compiled(acl: &Value, library: &Library) -> Acl {
    let read = read::web_acl(acl, TEXT).unwrap_or_else(|invalid| panic!("{invalid}: {acl}"));
    compile(&read, library).unwrap()
}

fn acl(rules: &[Value]) -> Acl {
    compiled(&acl_of(rules), &Library::default())
}

/// A statement on a field with the transformations of these names.
fn on(kind: &str, field: &Value, chain: &[&str], more: &Value) -> Value {
    let chain: Vec<Value> = if chain.is_empty() { &["NONE"] } else { chain }
        .iter()
        .enumerate()
        .map(|(priority, name)| json!({"Priority": priority, "Type": name}))
        .collect();
    let mut inner = json!({"FieldToMatch": field, "TextTransformations": chain});
    for (key, value) in more.as_object().expect("an object") {
        inner[key] = value.clone();
    }
    json!({ kind: inner })
}

fn bytes(field: &Value, position: &str, search: &str) -> Value {
    on("ByteMatchStatement", field, &[], &json!({"SearchString": search, "PositionalConstraint": position}))
}

fn regex(field: &Value, pattern: &str) -> Value {
    on("RegexMatchStatement", field, &[], &json!({ "RegexString": pattern }))
}

/// Whether a single rule that blocks what matches blocks it.
fn matches(statement: &Value, sent: &Sent) -> bool {
    let (said, _) = Counters::new().said(&acl(&[blocks(statement)]), sent);
    matches!(said, Said::Done(Verdict { ending: Ending::Block(_), .. }))
}
