//! What pages and apps report home: analytics, errors, performance, content-security-policy reports.

use serde_json::{Value, json};

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{code_samples, prose, words};

pub fn request(random: &mut Random) -> Draft {
    match random.below(8) {
        0 => {
            let query = pairs(
                &[
                    ("v", "2"),
                    ("tid", "G-ABC123DEF4"),
                    ("cid", &format!("{}.{}", random.digits(9), random.epoch())),
                    ("dl", "https://shop.example.com/c/men's-shoes?size=42&color=red"),
                    ("dt", &format!("{} | Shop & more", random.pick(&words::PRODUCTS))),
                    ("en", "page_view"),
                    ("ep.search_term", prose::sentence(random)),
                    ("_et", &random.digits(4)),
                    ("sr", "1920x1080"),
                    ("ul", "en-us"),
                ]
            );
            Draft::get(format!("/g/collect?{query}")).by(Client::Script).host("stats.example.com")
        }
        1 => Draft::post("/api/event").by(Client::Script).host("stats.example.com").text(
            "text/plain",
            json!({
                "n": "pageview",
                "u": "https://www.example.com/blog/select-from-where/?a=1",
                "d": "example.com",
                "r": "https://www.google.com/",
            }).to_string(),
        ),
        2 => Draft::post("/v1/batch").by(Client::Script).json(
            &json!({
                "batch": (0..random.within(1, 5)).map(|_| track(random)).collect::<Vec<_>>(),
                "sentAt": random.moment(),
                "writeKey": random.alphanumeric(32),
            })
        ),
        3 => error(random),
        4 => Draft::post("/csp-report").by(Client::Page).text(
            "application/csp-report",
            json!({
                "csp-report": {
                    "document-uri": "https://app.example.com/orders?id=5",
                    "violated-directive": "script-src-elem",
                    "effective-directive": "script-src-elem",
                    "original-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.example.com; report-uri /csp-report",
                    "blocked-uri": random.pick(&["inline", "eval", "https://evil.example/x.js", "data"]),
                    "script-sample": "console.log('hi')",
                    "status-code": 200,
                    "line-number": 12,
                },
            }).to_string(),
        ),
        5 => Draft::post("/reports").by(Client::Page).text(
            "application/reports+json",
            json!([
                {
                    "type": "deprecation",
                    "age": 420,
                    "url": "https://app.example.com/",
                    "user_agent": "Mozilla/5.0",
                    "body": {
                        "id": "UnloadHandler",
                        "message": "Unload event listeners are deprecated and will be removed.",
                        "sourceFile": "https://app.example.com/static/js/main.4f2a.js",
                        "lineNumber": 2,
                        "columnNumber": 51234,
                    },
                },
            ]).to_string(),
        ),
        6 => Draft::get(
            format!(
                "/pixel.gif?e=pv&url={}&refr={}&page={}&tv=js-3.24.2&p=web&stm={}&cx={}",
                component("https://www.example.com/?gclid=Cj0KCQ&utm_term=best%20deals"),
                component("https://www.bing.com/search?q=o'reilly+books"),
                component(prose::sentence(random)),
                random.digits(13),
                component(&random.base64(120)),
            )
        ).by(Client::Script).host("stats.example.com"),
        _ => Draft::post("/rum").by(Client::Script).text(
            "text/plain;charset=UTF-8",
            json!({
                "metrics": [{
                    "name": "LCP",
                    "value": random.price(),
                    "id": format!("v3-{}", random.digits(13)),
                    "element": "div#main>section.hero>img:nth-child(2)",
                    "url": "https://cdn.example.com/a b.png",
                }],
                "resources": [{ "n": "https://cdn.example.com/app.js?v=1.2.3", "d": random.below(900) }],
            }).to_string(),
        ),
    }
}

fn track(random: &mut Random) -> Value {
    json!({
        "type": "track",
        "event": random.pick(
            &["Product Viewed", "Search: Select", "Order -> Completed", "Clicked \"Save\"", "exec_report_opened"]
        ),
        "messageId": random.uuid(),
        "timestamp": random.moment(),
        "userId": random.ulid(),
        "properties": {
            "title": random.pick(&words::PRODUCTS),
            "query": prose::sentence(random),
            "value": random.price(),
            "path": "/c/shoes/../sale",
            "selector": "#app > div:nth-child(2) a[href='/x']",
        },
        "context": {
            "page": { "title": prose::sentence(random), "search": "?utm_source=a&utm_campaign=50%25_off" },
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)",
        },
    })
}

/// As Sentry's clients send: an envelope of lines.
fn error(random: &mut Random) -> Draft {
    let trace = code_samples::trace(random);
    let event = json!({
        "event_id": random.hex(32),
        "level": "error",
        "platform": "javascript",
        "exception": {
            "values": [{
                "type": "TypeError",
                "value": "Cannot read properties of undefined (reading 'map')",
                "stacktrace": {
                    "frames": [{
                        "filename": "https://app.example.com/static/js/main.js",
                        "function": "onClick",
                        "lineno": 1,
                        "colno": random.below(90_000),
                        "context_line": "if(a&&b){return c.map(function(e){return e.id})}",
                    }]
                },
            }]
        },
        "breadcrumbs": [
            { "category": "ui.click", "message": "button#save[type=\"submit\"]" },
            { "category": "fetch", "data": { "url": "/api/orders?where=1", "status_code": 500 } },
            { "category": "console", "message": trace },
        ],
        "tags": { "release": "web@2.14.0" },
    });
    let body = format!(
        "{}\n{{\"type\":\"event\"}}\n{event}\n",
        json!({
            "event_id": random.hex(32),
            "sent_at": random.moment(),
            "sdk": { "name": "sentry.javascript.react", "version": "8.38.0" },
        })
    );
    Draft::post(format!(
        "/api/45071/envelope/?sentry_version=7&sentry_key={}&sentry_client=sentry.javascript.react%2F8.38.0",
        random.hex(32)
    ))
    .by(Client::Script)
    .host("errors.example.com")
    .text("text/plain;charset=UTF-8", body)
}
