//! REST: identifiers, pages, sorting, versions, prices, conditional requests.

use serde_json::json;

use super::draft::{Client, Draft, component};
use super::random::Random;
use super::words;

pub fn request(random: &mut Random) -> Draft {
    let collection = random.pick(&words::PATHS);
    let id = id(random);
    let field = random.pick(&words::FIELDS);
    let draft = match random.below(14) {
        0 => Draft::get(format!("/v1/{collection}/{id}")),
        1 => Draft::get(format!("/v1/{collection}?page={}&per_page=50&sort=-created_at", random.within(1, 90))),
        2 => Draft::get(format!(
            "/v1/{collection}?limit=20&starting_after={id}&expand[]=data.customer&expand[]=data.lines"
        )),
        3 => Draft::get(format!(
            "/api/{collection}?sort={field}:desc,id:asc&fields={},{}&include=owner",
            random.pick(&words::FIELDS),
            random.pick(&words::FIELDS),
        )),
        4 => Draft::get(format!(
            "/api/{collection}?{field}[gte]={}&{field}[lt]={}&order_by={field}%20desc",
            random.price(),
            random.price(),
        )),
        5 => Draft::new("DELETE", format!("/v1/{collection}/{id}")),
        6 => Draft::new("PATCH", format!("/v1/{collection}/{id}"))
            .field("If-Match", format!("W/\"{}\"", random.hex(16)))
            .text(
                "application/json-patch+json",
                json!([
                    { "op": "replace", "path": format!("/{field}"), "value": random.price() },
                    { "op": "remove", "path": "/draft" },
                ])
                .to_string(),
            ),
        7 => Draft::new("PATCH", format!("/v1/{collection}/{id}"))
            .text("application/merge-patch+json", json!({ field: random.price(), "note": null }).to_string()),
        8 => Draft::new("PUT", format!("/v1/{collection}/{id}/tags/{}", component(random.pick(&words::TAGS)))).json(
            &json!({
                "version": format!(
                    "{}.{}.{}-rc.1+build.{}",
                    random.below(9),
                    random.below(20),
                    random.below(99),
                    random.hex(4),
                ),
            }),
        ),
        9 => Draft::get(format!(
            "/v2/{collection}/{id}/events?since={}&until={}&cursor={}",
            component(&random.moment()),
            component(&random.moment()),
            component(&random.base64(30)),
        )),
        10 => Draft::new("HEAD", format!("/v1/{collection}/{id}"))
            .field("If-None-Match", format!("\"{}\"", random.hex(32))),
        11 => Draft::new("OPTIONS", format!("/v1/{collection}"))
            .field("Origin", "https://app.example.com")
            .field("Access-Control-Request-Method", "DELETE")
            .field("Access-Control-Request-Headers", "authorization,content-type,x-amz-target"),
        12 => Draft::get(format!(
            "/v1/{collection}/{id}/export.csv?columns={}&from={}&to={}&tz=%2B02:00",
            component("id,name,\"unit price\""),
            random.date(),
            random.date(),
        ))
        .field("Range", "bytes=0-1048575"),
        _ => {
            Draft::post(format!("/v1/{collection}/{id}:cancel")).field("Idempotency-Key", random.uuid()).json(&json!({
                "reason": random.pick(&["duplicate", "customer's wish", "fraud?", "out of stock -- sorry"]),
                "refund": { "amount": random.price(), "currency": "EUR" },
            }))
        }
    };
    draft.by(if random.percent(60) { Client::Program } else { Client::Script })
}

fn id(random: &mut Random) -> String {
    match random.below(7) {
        0 => random.uuid(),
        1 => random.ulid(),
        2 => random.digits(9),
        3 => format!("ord_{}", random.alphanumeric(24)),
        4 => format!("{}:{}", random.hex(8), random.digits(3)),
        5 => format!("acct-{}~{}", random.digits(4), random.hex(4)),
        _ => random.base64url(16),
    }
}
