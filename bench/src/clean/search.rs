//! What people type into search boxes, in queries of pages and of APIs.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{languages, prose, words};

const TYPED: [&str; 60] = [
    "o'reilly sql cookbook",
    "best union of hotel and flight deals",
    "select sector spdr fund",
    "drop leaf table",
    "cat food 5kg",
    "how to install node.js on ubuntu",
    "what is 1=1 in sql",
    "c++ or c#",
    "men's shoes size 10-11",
    "\"exact phrase\" -exclude",
    "price:>100 AND brand:nike",
    "pizza near me",
    "5' 11\" in cm",
    "rock & roll",
    "50% off",
    "romeo + juliet",
    "AC/DC back in black",
    "who's who",
    "d'artagnan",
    "l'oréal paris",
    "where to eat in new york",
    "order by phone",
    "like new iphone",
    "is null a number",
    "having fun",
    "table for 2 or 3 tonight",
    "group by tour packages",
    "delete account",
    "update firmware tp-link",
    "insert coin sound",
    "create table centerpiece",
    "alter ego",
    "exec chair",
    "sleep apnea",
    "benchmark gpu 2025",
    "echo dot",
    "curl iron",
    "ping pong table",
    "bash meaning",
    "script font free",
    "document cookie policy",
    "eval of students",
    "javascript: void 0 meaning",
    "onload meaning",
    "alert siren",
    "<3 emoji copy paste",
    "a->b c++ meaning",
    "x > y",
    "if (a && b)",
    "etc passwd meaning",
    "windows system32 what is it",
    "/etc/hosts edit mac",
    "cmd.exe not found",
    "php include path",
    "http vs https",
    "ftp://example.com/pub",
    "127.0.0.1 refused to connect",
    "error 0x80070057",
    "$19.99 shoes",
    "#hashtag @user",
];

pub fn request(random: &mut Random) -> Draft {
    let words = typed(random);
    match random.below(6) {
        0 => Draft::get(format!("/search?q={}&hl=en", component(&words))).by(Client::Page).host("www.example.com"),
        1 => Draft::get(format!("/search?{}", pairs(&[("query", &words), ("page", "1"), ("sort", "relevance")])))
            .by(Client::Page)
            .host("www.example.com"),
        2 => Draft::get(format!(
            "/suggest?term={}&limit=10&callback=jQuery{}_{}",
            component(&words),
            random.digits(20),
            random.digits(13),
        ))
        .by(Client::Script),
        3 => Draft::post("/api/search").by(Client::Script).json(&json!({
            "query": words,
            "filters": { "brand": [random.pick(&words::COMPANIES)], "inStock": true },
            "page": { "size": 20, "from": 0 },
            "sort": [{ "price": "asc" }],
        })),
        4 => Draft::post(
            "/1/indexes/*/queries?x-algolia-agent=Algolia%20for%20JavaScript%20(4.24.0)%3B%20Browser%20(lite)",
        )
        .by(Client::Script)
        .text(
            "application/x-www-form-urlencoded",
            json!({
                "requests": [{
                    "indexName": "products",
                    "params": pairs(
                        &[
                            ("query", &words),
                            ("hitsPerPage", "20"),
                            ("facetFilters", "[[\"brand:H&M\"]]"),
                            ("highlightPreTag", "__ais-highlight__"),
                        ]
                    ),
                }],
            })
            .to_string(),
        ),
        _ => Draft::get(format!("/s/{}/?ref=sr_nr&qid={}", component(&words.replace([' ', '/'], "-")), random.epoch()))
            .by(Client::Page)
            .host("shop.example.com"),
    }
}

fn typed(random: &mut Random) -> String {
    match random.below(6) {
        0 => prose::sentence(random).to_owned(),
        1 => languages::sentence(random).to_owned(),
        2 => random.pick(&words::PRODUCTS).to_owned(),
        _ => random.pick(&TYPED).to_owned(),
    }
}
