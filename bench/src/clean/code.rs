//! Source code in the comments of a ticket system, in snippets, in tickets about queries. A class of its own, as not everybody lets it pass.

use serde_json::json;

use super::code_samples::{sample, trace};
use super::draft::{Client, Draft};
use super::random::Random;
use super::{prose, words};

pub fn request(random: &mut Random) -> Draft {
    let code = if random.percent(75) { sample(random) } else { trace(random) };
    let text = format!("{}\n\n```\n{code}\n```\n{}", prose::sentence(random), prose::sentence(random));
    match random.below(7) {
        0 | 1 => Draft::post(format!("/repos/example/web/issues/{}/comments", random.digits(3)))
            .by(Client::Script)
            .json(&json!({ "body": text })),
        2 => Draft::post("/api/v4/snippets").by(Client::Program).json(&json!({
            "title": prose::sentence(random),
            "files": [{ "file_path": random.pick(&["a.sql", "run.sh", "index.php", "App.jsx"]), "content": code }],
            "visibility": "private",
        })),
        3 => {
            Draft::post(format!("/rest/api/3/issue/WEB-{}/comment", random.digits(4))).by(Client::Script).json(&json!({
                "body": {
                    "type": "doc",
                    "version": 1,
                    "content": [
                        {
                            "type": "codeBlock",
                            "attrs": { "language": "sql" },
                            "content": [{ "type": "text", "text": code }],
                        },
                        { "type": "paragraph", "content": [{ "type": "text", "text": prose::sentence(random) }] },
                    ],
                },
            }))
        }
        4 => Draft::post("/tickets/4711/reply").by(Client::Page).form(&[
            ("_token", &random.alphanumeric(40)),
            ("message", &text.replace('\n', "\r\n")),
            ("status", "open"),
            ("tags[]", random.pick(&words::TAGS)),
        ]),
        5 => Draft::post("/questions/ask/submit").by(Client::Page).form(&[
            ("title", prose::sentence(random)),
            ("post-text", &text.replace('\n', "\r\n")),
            ("tagnames", "sql bash php"),
        ]),
        _ => Draft::post("/api/chat.postMessage")
            .by(Client::Program)
            .json(&json!({ "channel": "C012", "text": format!("```{code}```"), "mrkdwn": true })),
    }
}
