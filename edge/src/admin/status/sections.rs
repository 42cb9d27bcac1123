//! The sections of the page, one table each. What there is none of is left out.

use std::time::Duration;

use super::html::{Cell, Html};
use super::units;
use crate::admin::overview::issuers::FEED;
use crate::admin::overview::{IssuerLine, Overview, RouteLine};
use crate::snapshot::upstream::condition::Health;

/// A certificate that ends sooner is shown as bad news.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

pub fn routes(html: &mut Html, overview: &Overview) {
    let columns = ["Route", "Methods", "To", "Asks for", "#Requests", "#Refused", "#5xx", "#p50", "#p99"];
    html.section("routes", "Routes");
    html.table("In the order in which they are tried", &columns, overview.routes.iter().map(route)).raw("</section>");
}

fn route(line: &RouteLine) -> Vec<Cell> {
    let host = if line.host == "any" { "" } else { &line.host };
    let methods = if line.methods.is_empty() { Cell::text("any") } else { Cell::text(line.methods.join(", ")) };
    let asks = if line.asks.is_empty() { Cell::text("nothing") } else { Cell::Lines(line.asks.clone()) };
    vec![
        Cell::code(format!("{host}{}", line.path)),
        methods,
        Cell::text(&line.upstream),
        asks,
        Cell::text(units::count(line.requests)),
        Cell::text(units::count(line.refused)),
        Cell::worry(line.failed),
        line.p50_millis.map_or(Cell::None, |millis| Cell::Text(units::millis(millis))),
        line.p99_millis.map_or(Cell::None, |millis| Cell::Text(units::millis(millis))),
    ]
}

pub fn refusals(html: &mut Html, overview: &Overview) {
    if overview.refusals.is_empty() {
        return;
    }
    let rows = overview.refusals.iter().map(|line| {
        let (status, count) = (line.status.to_string(), units::count(line.count));
        vec![Cell::code(line.reason), Cell::text(line.description), Cell::Text(status), Cell::Text(count)]
    });
    html.section("refusals", "Refusals");
    html.table("The most frequent first", &["Reason", "What clients read", "#Status", "#Count"], rows)
        .raw("</section>");
}

pub fn issuers(html: &mut Html, overview: &Overview) {
    if overview.issuers.is_empty() {
        return;
    }
    let columns =
        ["Issuer", "Keys from", "#Keys", "#Their age", "#Tokens held", "#Hits", "#Verified", "#Revocations", "#News"];
    html.section("issuers", "Token issuers");
    html.table("Who may vouch for a request", &columns, overview.issuers.iter().map(issuer)).raw("</section>");
}

fn issuer(line: &IssuerLine) -> Vec<Cell> {
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let count = |number: usize| Cell::Text(units::count(wide(number)));
    vec![
        Cell::Lines(std::iter::once(&line.name).chain(&line.iss).cloned().collect()),
        Cell::text(&line.source),
        keys_of(line),
        line.keys_age_seconds.map_or(Cell::None, |age| fresh(line.keys_good, age)),
        Cell::Text(held(wide(line.known_tokens), wide(line.known_bytes))),
        Cell::Text(units::count(line.hits)),
        Cell::Text(units::count(line.misses)),
        count(line.revocations),
        match line.news_age_seconds {
            Some(age) => Cell::Text(units::span(Duration::from_secs(age))),
            None if line.source == FEED => Cell::Bad("none yet".to_owned()),
            None => Cell::None,
        },
    ]
}

fn held(tokens: u64, bytes: u64) -> String {
    if tokens == 0 { units::count(0) } else { format!("{} ({})", units::count(tokens), units::bytes(bytes)) }
}

fn keys_of(line: &IssuerLine) -> Cell {
    match u64::try_from(line.keys.len()).unwrap_or(u64::MAX) {
        0 if line.source.starts_with("asked at") => Cell::None,
        0 => Cell::Bad("none yet".to_owned()),
        count => Cell::Text(units::count(count)),
    }
}

fn fresh(good: bool, age_seconds: u64) -> Cell {
    let age = units::span(Duration::from_secs(age_seconds));
    if good { Cell::Text(age) } else { Cell::Bad(format!("{age}, too old")) }
}

pub fn keys(html: &mut Html, overview: &Overview) {
    let rows: Vec<_> = overview
        .issuers
        .iter()
        .flat_map(|issuer| issuer.keys.iter().map(move |key| (issuer, key)))
        .map(|(issuer, key)| {
            vec![Cell::code(&key.kid), Cell::text(&issuer.name), Cell::text(key.alg), Cell::text(key.signs)]
        })
        .collect();
    if !rows.is_empty() {
        html.section("keys", "Keys");
        html.table("Public keys that verify tokens", &["Key", "Issuer", "Algorithm", "Signs"], rows).raw("</section>");
    }
}

pub fn feed(html: &mut Html, overview: &Overview) {
    let Some(feed) = &overview.feed else { return };
    html.section("feed", "Feed").raw("<p>The issuer is ");
    html.raw(if feed.connected { "<span class=\"good\">connected</span>" } else { "<span class=\"bad\">away</span>" });
    html.raw(if feed.complete { "; all its feeds are here" } else { "; not all its feeds are here yet" });
    html.raw("; alarms since the start: ").text(&units::count(feed.alarms)).raw(".</p>");
    let rows = feed.feeds.iter().map(|line| {
        vec![
            Cell::code(&line.name),
            Cell::Text(units::count(line.sequence)),
            Cell::worry(line.lag),
            Cell::Text(units::span(Duration::from_secs_f64(line.age_seconds))),
            Cell::Text(units::moment(line.epoch_began)),
        ]
    });
    let columns = ["Feed", "#Position", "#Behind", "#Age", "Lineage since"];
    html.table("How much this edge knows, and how fresh it is", &columns, rows).raw("</section>");
}

pub fn upstreams(html: &mut Html, overview: &Overview) {
    let columns = ["Server", "Upstream", "Name", "Health", "#In flight"];
    let rows = overview.upstreams.iter().flat_map(|upstream| {
        let none = upstream.servers.is_empty().then(|| {
            let none = Cell::Bad("no name has an address".to_owned());
            vec![Cell::None, Cell::text(&upstream.name), Cell::None, none, Cell::None]
        });
        let servers = upstream.servers.iter().map(|server| {
            let health = server.health.to_owned();
            let health = if health == Health::Healthy.as_str() { Cell::Good(health) } else { Cell::Bad(health) };
            let in_flight = Cell::Text(units::count(u64::try_from(server.in_flight).unwrap_or(u64::MAX)));
            vec![Cell::code(&server.address), Cell::text(&upstream.name), Cell::text(&server.host), health, in_flight]
        });
        none.into_iter().chain(servers)
    });
    html.section("upstreams", "Upstreams");
    html.table("Where requests go. A server that nobody checks counts as healthy", &columns, rows).raw("</section>");
}

pub fn certificates(html: &mut Html, overview: &Overview) {
    if overview.certificates.is_empty() {
        return;
    }
    let rows = overview.certificates.iter().map(|certificate| {
        let left = certificate.expires.since(overview.now);
        let left_text = units::span(left);
        vec![
            if certificate.names.is_empty() { Cell::None } else { Cell::text(certificate.names.join(", ")) },
            Cell::Text(units::moment(certificate.expires)),
            match left {
                _ if certificate.expires <= overview.now => Cell::Bad("expired".to_owned()),
                left if left < SOON => Cell::Bad(left_text),
                _ => Cell::Good(left_text),
            },
        ]
    });
    html.section("certificates", "Certificates");
    html.table("What the TLS listener shows", &["Names", "Ends", "#Left"], rows).raw("</section>");
}

pub fn databases(html: &mut Html, overview: &Overview) {
    if overview.databases.is_empty() {
        return;
    }
    let rows = overview.databases.iter().map(|database| {
        let age = overview.now.since(database.built);
        vec![Cell::code(database.name), Cell::text(&database.kind), Cell::Text(units::span(age))]
    });
    html.section("databases", "Databases of addresses");
    html.table("Where rules know countries and networks from", &["Setting", "What it is", "#Age"], rows)
        .raw("</section>");
}

pub fn process(html: &mut Html, overview: &Overview) {
    let process = &overview.process;
    let mut rows = Vec::new();
    let mut row = |name: &'static str, value: Option<String>| {
        rows.extend(value.map(|value| vec![Cell::text(name), Cell::Text(value)]));
    };
    row("Started", Some(units::moment(overview.started)));
    row("Processor time", process.cpu_seconds.map(|seconds| format!("{seconds:.1}\u{a0}s")));
    row("Resident memory", process.resident_bytes.map(units::bytes));
    let files = process.open_files.zip(process.most_files);
    row("Open files", files.map(|(open, most)| format!("{} of {}", units::count(open), units::count(most))));
    row("Threads", process.threads.map(units::count));
    row("Bodies received", Some(units::bytes(overview.traffic.received_bytes)));
    row("Bodies sent", Some(units::bytes(overview.traffic.sent_bytes)));
    html.section("process", "Process").table("This process", &["What", "#Value"], rows).raw("</section>");
}
