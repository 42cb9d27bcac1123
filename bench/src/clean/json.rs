//! JSON bodies of an API: nested, with Unicode, numbers of all sizes, and texts of people.

use serde_json::{Value, json};

use super::draft::{Client, Draft};
use super::random::Random;
use super::{languages, prose, words};

pub fn request(random: &mut Random) -> Draft {
    let (target, body) = match random.below(8) {
        0 => ("/v1/orders", order(random)),
        1 => ("/v1/comments", comment(random)),
        2 => ("/api/products/bulk", products(random)),
        3 => ("/api/documents", document(random)),
        4 => ("/v2/settings", settings(random)),
        5 => ("/v1/events", event(random)),
        6 => ("/api/v3/measurements", numbers(random)),
        _ => ("/v1/profiles", profile(random)),
    };
    let method = random.pick(&["POST", "POST", "POST", "POST", "POST", "PUT", "PATCH"]);
    let draft = Draft::new(method, target).by(Client::Script);
    match random.below(4) {
        0 => draft.text("application/json; charset=utf-8", format!("{body:#}")),
        1 => draft.text("application/json", ascii(&body.to_string())),
        _ => draft.json(&body),
    }
}

fn order(random: &mut Random) -> Value {
    let lines: Vec<Value> = (0..random.within(1, 5))
        .map(|_| {
            json!({
                "sku": random.alphanumeric(8),
                "title": random.pick(&words::PRODUCTS),
                "quantity": random.within(1, 20),
                "price": { "amount": random.price(), "currency": random.pick(&["EUR", "USD", "JPY"]) },
                "options": { "gift": random.percent(20), "note": prose::sentence(random) },
            })
        })
        .collect();
    json!({
        "customer": {
            "id": random.uuid(),
            "name": prose::full_name(random),
            "email": prose::email(random),
            "vat": null,
        },
        "lines": lines,
        "shipping": {
            "street": random.pick(&words::STREETS),
            "city": random.pick(&words::CITIES),
            "instructions": prose::text(random),
        },
        "coupon": random.pick(&["", "SPRING-25%", "FREE&EASY", "10OFF", "B1G1='free'"]),
        "placed_at": random.moment(),
    })
}

fn comment(random: &mut Random) -> Value {
    json!({
        "thread": random.ulid(),
        "parent": if random.percent(50) { Value::from(random.within(1, 90_000)) } else { Value::Null },
        "body": prose::document(random),
        "format": "markdown",
        "mentions": [random.pick(&words::FIRST), random.pick(&words::FIRST)],
        "tags": (0..random.below(4)).map(|_| random.pick(&words::TAGS)).collect::<Vec<_>>(),
    })
}

fn products(random: &mut Random) -> Value {
    let one = |random: &mut Random| {
        json!({
            "op": random.pick(&["insert", "update", "delete", "upsert", "replace"]),
            "table": random.pick(&words::PATHS),
            "title": random.pick(&words::PRODUCTS),
            "dimensions": format!("{}\" x {}\" x {}'", random.within(1, 90), random.within(1, 90), random.within(1, 9)),
            "vendor": random.pick(&words::COMPANIES),
            "ean": random.digits(13),
            "weight_kg": random.price().parse::<f64>().unwrap_or(1.0),
        })
    };
    Value::Array((0..random.within(1, 6)).map(|_| one(random)).collect())
}

fn document(random: &mut Random) -> Value {
    let block = |random: &mut Random| {
        json!({
            "type": random.pick(&["paragraph", "heading", "quote", "list-item"]),
            "attrs": { "level": random.within(1, 6), "align": null },
            "content": [{
                "type": "text",
                "text": prose::sentence(random),
                "marks": [{
                    "type": random.pick(&["strong", "em", "link"]),
                    "attrs": { "href": format!("https://www.example.com/?q={}&x=1#a", random.hex(4)) },
                }],
            }],
        })
    };
    json!({
        "title": prose::sentence(random),
        "doc": { "type": "doc", "content": (0..random.within(1, 5)).map(|_| block(random)).collect::<Vec<_>>() },
        "markdown": prose::document(random),
        "language": random.pick(&["en", "de-DE", "zh-Hans", "pt-BR"]),
    })
}

fn settings(random: &mut Random) -> Value {
    json!({
        "theme": { "primary": format!("#{}", random.hex(6)), "font": "'Open Sans', Arial, sans-serif", "css": null },
        "notifications": {
            "email": random.percent(50),
            "push": { "quiet_hours": ["22:00", "07:00"], "days": "mon-fri" },
        },
        "pattern": random.pick(
            &["^[A-Z]{2}-\\d{4}$", "(?i)invoice.*\\.pdf", "*.example.com", "/orders/*", "%Y-%m-%d", "\\w+@\\w+\\.com"]
        ),
        "cron": random.pick(&["0 */2 * * *", "*/5 * * * 1-5", "@daily"]),
        "format": random.pick(
            &["{first} {last} <{email}>", "${amount} {currency}", "%s of %d", "{{name}} & {{other}}", "#{id}: $title"]
        ),
        "webhook": format!("https://hooks.example.com/services/T0{}/B1?token={}", random.hex(6), random.base64url(18)),
        "timezone": random.pick(&["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/UTC", "Asia/Kolkata"]),
    })
}

fn event(random: &mut Random) -> Value {
    json!({
        "specversion": "1.0", "id": random.uuid(), "type": random.pick(
            &["com.example.order.created", "user.deleted", "table.dropped", "job.exec.failed"]
        ),
        "source": "/services/orders", "time": random.moment(),
        "data": {
            "before": null,
            "after": { "status": random.pick(&["open", "closed", "on hold"]), "reason": prose::sentence(random) },
            "actor": prose::email(random),
            "ip": format!("203.0.113.{}", random.below(255)),
            "diff": [{ "op": "replace", "path": "/lines/0/quantity", "value": random.within(1, 9) }],
        },
    })
}

fn numbers(random: &mut Random) -> Value {
    let series: Vec<Value> = (0..random.within(2, 12))
        .map(|_| json!([random.epoch(), -(random.below(90) as f64) / 7.0, random.below(1 << 50)]))
        .collect();
    json!({
        "unit": random.pick(&["°C", "m/s²", "µg/m³", "%", "$/kWh"]),
        "series": series,
        "min": -1e-7,
        "max": 6.02e23,
        "big": 9_007_199_254_740_993_u64,
        "hex": format!("0x{}", random.hex(8)),
        "expression": random.pick(
            &[
                "a + b / (c - 1)",
                "x >= 10 && x <= 20",
                "sum(rate(http_requests_total[5m])) by (job)",
                "avg(price) / count(*)",
                "A1:B7;C3",
            ]
        ),
    })
}

fn profile(random: &mut Random) -> Value {
    json!({
        "display_name": prose::full_name(random), "about": languages::text(random), "motto": prose::sentence(random), "website": format!(
            "http://{}.example.com/~home/?ref=profile&id=1",
            random.hex(5),
        ),
        "social": { "mastodon": "@anna@example.social", "github": "https://github.com/anna-o'brien" },
        "skills": (0..random.within(1, 5)).map(|_| random.pick(&words::TAGS)).collect::<Vec<_>>(),
        "born": random.date(), "height": "5' 7\"", "emoji": "👩🏽‍💻🇮🇪",
    })
}

/// With every character beyond ASCII as `\uXXXX`, as Python's and PHP's encoders write.
fn ascii(json: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii() {
            return c.to_string();
        }
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    json.chars().map(escape).collect()
}
