//! What services send to each other.

use serde_json::json;

use super::draft::{Client, Draft};
use super::random::Random;
use super::{payments, prose, words};

pub fn request(random: &mut Random) -> Draft {
    let draft = match random.below(7) {
        0 | 1 => {
            let event = random.pick(&["push", "issues", "pull_request", "issue_comment"]);
            let body = json!({
                "action": random.pick(
                    &["opened", "closed", "created", "deleted"]
                ), "ref": "refs/heads/fix/select-from-null", "before": random.hex(40), "after": random.hex(40),
                "repository": {
                    "id": random.digits(8),
                    "full_name": "example/web",
                    "html_url": "https://github.com/example/web",
                    "archive_url": "https://api.github.com/repos/example/web/{archive_format}{/ref}",
                    "private": true,
                },
                "head_commit": {
                    "id": random.hex(40),
                    "message": format!(
                        "{} (#{})\n\nCo-authored-by: {} <{}>",
                        prose::sentence(random),
                        random.digits(3),
                        prose::full_name(random),
                        prose::email(random),
                    ),
                    "modified": ["src/db/select.sql", "scripts/run.sh", "../x"],
                },
                "issue": {
                    "number": random.below(900),
                    "title": prose::sentence(random),
                    "body": prose::document(random),
                    "labels": [{ "name": random.pick(&words::TAGS), "color": random.hex(6) }],
                },
                "sender": { "login": "anna-obrien", "type": "User" },
            });
            Draft::post("/webhooks/github").field("User-Agent", "GitHub-Hookshot/4f2a6c1").field("X-GitHub-Event", event).field("X-GitHub-Delivery", random.uuid()).field(
                "X-Hub-Signature-256",
                format!("sha256={}", random.hex(64)),
            ).json(&body)
        }
        2 | 3 => payments::event(random),
        4 => Draft::post("/webhooks/twilio").field("User-Agent", "TwilioProxy/1.1").field("X-Twilio-Signature", random.base64(20)).form(
            &[
                ("SmsMessageSid", &format!("SM{}", random.hex(32))),
                ("From", "+15551234567"),
                ("To", "+15557654321"),
                ("Body", prose::sentence(random)),
                ("NumMedia", "0"),
            ]
        ),
        5 => {
            let payload = json!({
                "type": "block_actions",
                "user": { "id": "U012", "username": "anna" },
                "actions": [{ "action_id": "select_union", "value": prose::sentence(random), "block_id": "b=1" }],
                "message": { "text": format!("<@U012> said: {} <https://example.com|link>", prose::sentence(random)) },
                "response_url": "https://hooks.slack.com/actions/T01/1/x",
            }).to_string();
            Draft::post("/webhooks/slack").field(
                "User-Agent",
                "Slackbot 1.0 (+https://api.slack.com/robots)",
            ).field("X-Slack-Signature", format!("v0={}", random.hex(64))).field(
                "X-Slack-Request-Timestamp",
                random.epoch().to_string(),
            ).form(&[("payload", &payload)])
        }
        _ => Draft::post("/webhooks/mail").field("User-Agent", "mail-hook/1.0").json(
            &json!({
                "from": format!("\"{}\" <{}>", prose::full_name(random), prose::email(random)),
                "subject": prose::sentence(random),
                "text": prose::text(random),
                "headers": {
                    "Message-ID": format!("<{}@mail.example.com>", random.uuid()),
                    "Received": "from mx (mx [203.0.113.7]) by in (Postfix) with ESMTPS id 4F2A; Tue,  3 Mar 2026 10:15:30 +0000 (UTC)",
                    "DKIM-Signature": format!(
                        "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1; h=from:subject; bh={}; b={}",
                        random.base64(32),
                        random.base64(128),
                    ),
                },
            })
        ),
    };
    draft.by(Client::Program).host("hooks.example.com")
}
