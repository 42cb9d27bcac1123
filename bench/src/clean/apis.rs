//! Other services of every day: chat, calendars, maps, mobile synchronisation, metrics, models, containers.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{languages, payments, prose, words};

pub fn request(random: &mut Random) -> Draft {
    let draft = match random.below(13) {
        0 => Draft::post("/v1/chat/completions").json(
            &json!({
                "model": "large-1",
                "temperature": 0.2,
                "messages": [
                    {
                        "role": "system",
                        "content": "You are a helpful assistant. Don't execute code; answer in JSON: {\"answer\": \"...\"}",
                    },
                    { "role": "user", "content": prose::document(random) },
                    { "role": "user", "content": languages::sentence(random) },
                ],
                "stop": ["\n\n", "###"],
            })
        ),
        1 => Draft::new("PUT", format!("/_matrix/client/v3/rooms/%21{}%3Aexample.com/send/m.room.message/{}", random.alphanumeric(18), random.digits(13))).json(
            &json!({
                "msgtype": "m.text",
                "body": prose::text(random),
                "format": "org.matrix.custom.html",
                "formatted_body": format!("<em>{}</em>", prose::sentence(random)),
            })
        ),
        2 => Draft::new("PUT", format!("/calendars/anna/{}.ics", random.uuid())).text(
            "text/calendar; charset=utf-8",
            format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:{}\r\nDTSTART;TZID=Europe/Berlin:20260314T101530\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231T000000Z\r\nSUMMARY:{}\r\nLOCATION:{}\r\nATTENDEE;CN=\"{}\":mailto:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                random.uuid(),
                prose::sentence(random),
                random.pick(&words::CITIES),
                prose::full_name(random),
                prose::email(random),
            ),
        ),
        3 => Draft::get(
            format!(
                "/maps/api/geocode/json?address={}&components=country:IE|postal_code:{}&key={}",
                component(&format!("{}, {}", random.pick(&words::STREETS), random.pick(&words::CITIES))),
                random.digits(5),
                random.alphanumeric(39),
            ).replace('|', "%7C")
        ),
        4 => Draft::get(
            format!(
                "/route/v1/driving/{}.{},-{}.{};13.4050,52.5200?overview=full&steps=true",
                random.below(90),
                random.digits(5),
                random.below(90),
                random.digits(5),
            )
        ),
        5 => Draft::post("/sync").json(
            &json!({
                "changes": {
                    "tasks": {
                        "created": [],
                        "updated": [{
                            "id": random.alphanumeric(16),
                            "title": prose::sentence(random),
                            "done": false,
                            "notes": prose::document(random),
                        }],
                        "deleted": [random.alphanumeric(16)],
                    }
                },
                "last_pulled_at": random.epoch(),
            })
        ),
        6 => Draft::post("/api/v2/write?org=example&bucket=metrics&precision=s").text(
            "text/plain; charset=utf-8",
            format!(
                "cpu,host=web\\ 1,region=eu usage_user={},usage_system=1i,note=\"it's ok\" {}\nmem,host=db used={}i {}\n",
                random.price(),
                random.epoch(),
                random.digits(8),
                random.epoch(),
            ),
        ),
        7 => Draft::post("/v1/traces").json(
            &json!({
                "resourceSpans": [{
                    "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "orders" } }] },
                    "scopeSpans": [{
                        "spans": [{
                            "traceId": random.hex(32),
                            "spanId": random.hex(16),
                            "name": "SELECT orders",
                            "kind": 3,
                            "attributes": [
                                {
                                    "key": "db.statement",
                                    "value": {
                                        "stringValue": "SELECT id, total FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT 20"
                                    },
                                },
                                { "key": "http.url", "value": { "stringValue": "http://10.0.0.5:8080/orders?id=1" } },
                            ],
                        }],
                    }],
                }],
            })
        ),
        8 => Draft::new("PATCH", "/apis/apps/v1/namespaces/default/deployments/web?fieldManager=kubectl-client-side-apply").text(
            "application/strategic-merge-patch+json",
            json!({
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [{
                                "name": "web",
                                "image": "registry.example.com/web:1.2.3",
                                "command": ["/bin/sh", "-c", "exec node server.js"],
                                "env": [{
                                    "name": "DATABASE_URL",
                                    "value": "postgres://app:$(DB_PASSWORD)@db:5432/app",
                                }],
                                "livenessProbe": { "exec": { "command": ["cat", "/tmp/healthy"] } },
                            }]
                        }
                    }
                },
            }).to_string(),
        ),
        9 => Draft::get(format!("/v2/library/nginx/manifests/{}", random.pick(&["latest", "1.27-alpine", "sha256:4f2a"]))).field(
            "Accept",
            "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json",
        ),
        10 => Draft::get(
            format!(
                "/weather?{}",
                pairs(
                    &[
                        ("q", random.pick(&words::CITIES)),
                        ("units", "metric"),
                        ("lang", "de"),
                        ("appid", &random.hex(32)),
                    ]
                ),
            )
        ),
        11 => Draft::post("/notifications").json(
            &json!({
                "to": format!("ExponentPushToken[{}]", random.alphanumeric(22)),
                "title": languages::sentence(random),
                "body": prose::sentence(random),
                "data": { "deeplink": "myapp://orders/1?from=push&x=%20" },
            })
        ),
        _ => payments::call(random),
    };
    draft.by(Client::Program)
}
