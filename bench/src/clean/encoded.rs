//! Encodings that honest clients choose: percent-encoded and plus signs, encoded twice in links of links, fragments of other formats, odd but valid forms.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{languages, prose, words};

pub fn request(random: &mut Random) -> Draft {
    match random.below(10) {
        0 => {
            let inner = format!(
                "https://shop.example.com/search?{}",
                pairs(&[("q", random.pick(&words::PRODUCTS)), ("next", "/cart?a=1&b=2")]),
            );
            let outer = format!("https://login.example.com/?continue={}", component(&inner));
            Draft::get(format!("/redirect?url={}", component(&outer))).by(Client::Page)
        }
        1 => Draft::get(format!(
            "/share?text={}&url={}",
            component(prose::sentence(random)),
            component("https://www.example.com/?a=b%20c"),
        ))
        .by(Client::Page),
        2 => Draft::get(format!(
            "/state?s={}",
            component(
                &json!({
                    "filters": { "brand": ["H&M", "Levi's"], "price": ">10" },
                    "view": "grid|list",
                    "sort": "-price",
                })
                .to_string()
            ),
        ))
        .by(Client::Script),
        3 => Draft::get(format!("/items/{}", component(random.pick(&words::PRODUCTS)).replace("%2F", "-")))
            .by(Client::Script),
        4 => Draft::get(format!(
            "/calc?expr={}",
            component(random.pick(&[
                "1+1=2",
                "(3*4)/2",
                "2^10",
                "50% of 80",
                "sqrt(2)",
                "a<b",
                "5!=120",
                "x=y&&z",
                "-b+-sqrt(b^2-4*a*c)",
                "SUM(A1:A9)/COUNT(A1:A9)",
            ])),
        ))
        .by(Client::Script),
        5 => Draft::get(format!(
            "/mail/compose?{}",
            pairs(&[
                ("to", &format!("\"{}\" <{}>", prose::full_name(random), prose::email(random))),
                ("subject", &format!("Re: {}", prose::sentence(random))),
                ("body", &prose::text(random)),
            ]),
        ))
        .by(Client::Page),
        6 => Draft::post("/import").by(Client::Page).form(&[
            ("csv", "id;name;note\r\n1;O'Brien;\"said \"\"hi\"\"\"\r\n2;=SUM(A1:A2);+49 30 123\r\n"),
            ("delimiter", ";"),
            ("quote", "\""),
            ("escape", "\\"),
            ("charset", "utf-8"),
        ]),
        7 => Draft::post("/slack/command").by(Client::Program).form(&[
            ("token", &random.alphanumeric(24)),
            ("team_domain", "example"),
            ("command", random.pick(&["/deploy", "/who", "/cat", "/select", "/giphy"])),
            ("text", prose::sentence(random)),
            (
                "response_url",
                &format!("https://hooks.slack.com/commands/T01/{}/{}", random.digits(13), random.alphanumeric(24)),
            ),
            ("user_name", "anna.o'brien"),
        ]),
        8 => Draft::get(format!("/search?q={}&x=%F0%9F%8E%89&y=%C3%A4%20%2B", component(languages::sentence(random))))
            .by(Client::Page),
        _ => Draft::get(format!(
            "/t?a={}&b=&c&d=1;e=2&f[]=x&f[]=y&g[h][i]={}&_={}",
            component(prose::sentence(random)),
            component(random.pick(&words::TAGS)),
            random.digits(13),
        ))
        .by(Client::Script),
    }
}
