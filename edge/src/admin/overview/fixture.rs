//! An overview in which everything has something, for tests of its forms.

use common::clock::UnixMillis;

use super::feed::ProgressLine;
use super::issuers::KeyLine;
use super::routes::ServerLine;
use super::*;

impl Overview {
    /// Everything that an operator, a token issuer or a file may name is called `text`.
    pub fn fixture(text: &str) -> Self {
        let now = UnixMillis(1_800_000_000_000);
        let text = || text.to_owned();
        Self {
            version: "0.1.0",
            commit: Some("abc1234"),
            now,
            started: now,
            ready: false,
            draining: false,
            reasons: vec![text()],
            warnings: vec![text() + "!"],
            configuration: ConfigurationLine {
                generation: 3,
                loaded_at: now,
                failure: Some(Failure { at: now, error: text() }),
                restart: vec!["listen.http"],
            },
            traffic: Traffic {
                connections: 1,
                in_flight: 2,
                requests: 12_345,
                refused: 4,
                failed: 5,
                received_bytes: 6,
                sent_bytes: 7,
            },
            routes: vec![route(text())],
            issuers: vec![issuer(text())],
            feed: Some(FeedLine {
                connected: true,
                complete: false,
                alarms: 1,
                feeds: vec![ProgressLine { name: text(), epoch_began: now, sequence: 7, lag: 1, age_seconds: 1.5 }],
            }),
            upstreams: vec![UpstreamLine {
                name: text(),
                required: false,
                servers: vec![ServerLine { address: text(), host: text(), health: "down", in_flight: 0 }],
            }],
            refusals: vec![],
            certificates: vec![Certificate { names: vec![text()], expires: now }],
            databases: vec![Summary { name: "country", kind: text(), built: now }],
            process: Process::now(),
        }
    }
}

fn route(text: String) -> RouteLine {
    RouteLine {
        name: text.clone(),
        host: text.clone(),
        path: "/a/*".to_owned(),
        methods: vec![text.clone()],
        upstream: text.clone(),
        asks: vec![text.clone(), text],
        requests: 0,
        refused: 0,
        failed: 0,
        p50_millis: None,
        p99_millis: Some(1.5),
        first_byte_p50_millis: None,
        first_byte_p99_millis: None,
        received_bytes: 0,
        sent_bytes: 0,
    }
}

fn issuer(text: String) -> IssuerLine {
    IssuerLine {
        name: text.clone(),
        iss: Some(text.clone()),
        profile: Some("cognito"),
        source: text.clone(),
        keys_age_seconds: Some(1),
        keys_good: false,
        keys: vec![KeyLine { kid: text, alg: "RS256", signs: "all tokens" }],
        known_tokens: 1,
        known_bytes: 2,
        hits: 3,
        misses: 4,
        revocations: 5,
        disabled_clients: 0,
        news_age_seconds: None,
    }
}
