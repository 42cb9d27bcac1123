//! Pages and their parts: slugs, campaign parameters, long cookies, conditional and range requests.

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{prose, tokens, words};

const SLUGS: [&str; 18] = [
    "/",
    "/blog/how-to-select-a-union-representative",
    "/blog/drop-tables-and-other-furniture/",
    "/blog/2026/03/14/it-s-pi-day",
    "/docs/sql/select-from-where",
    "/docs/bash/echo-and-cat.html",
    "/products/o-neill-wetsuit_43.html",
    "/de/über-uns",
    "/a/b/c/d/e/f/",
    "/index.php/2026/03/hello-world/",
    "/wiki/Talk:C++_(disambiguation)",
    "/wiki/AC/DC",
    "/@anna/notes",
    "/~anna/public_html/",
    "/p/123-select-all;jsessionid=1A2B3C",
    "/shop/c/shoes,size-42",
    "/map/@52.5200,13.4050,12z",
    "/faq#what's-new",
];

pub fn request(random: &mut Random) -> Draft {
    let slug = random.pick(&SLUGS);
    let slug = super::draft::path(slug.split('#').next().unwrap_or("/"))
        .replace("%40", "@")
        .replace("%2C", ",")
        .replace("%3B", ";")
        .replace("%2B", "+")
        .replace("%28", "(")
        .replace("%29", ")")
        .replace("%3A", ":")
        .replace("%3D", "=");
    let www = "www.example.com";
    match random.below(9) {
        0 | 1 => Draft::get(slug).by(Client::Page).host(www),
        2 => {
            let query = pairs(&[
                ("utm_source", random.pick(&["google", "newsletter", "t.co"])),
                ("utm_medium", "cpc"),
                ("utm_campaign", random.pick(&["spring_sale_50%_off", "Select & Save", "a|b|c", "it's back"])),
                ("utm_content", random.pick(&words::TAGS)),
                ("gclid", &random.base64url(60)),
                ("fbclid", &random.base64url(50)),
            ]);
            Draft::get(format!("{slug}?{query}")).by(Client::Page).host(www)
        }
        3 => Draft::get(slug)
            .by(Client::Page)
            .host(www)
            .field("Cookie", format!("{}; {}", tokens::cookies(random), tokens::cookies(random))),
        4 => Draft::get(slug).by(Client::Page).host(www).field(
            "Referer",
            format!("https://www.google.com/search?q={}&client=firefox-b-d", component(prose::sentence(random))),
        ),
        5 => Draft::get(format!("/static/js/main.{}.chunk.js", random.hex(8)))
            .by(Client::Page)
            .host("cdn.example.com")
            .field("Sec-Fetch-Dest", "script")
            .field("Accept", "*/*"),
        6 => Draft::get(format!(
            "/_next/image?url={}&w=1920&q=75",
            component(random.pick(&[
                "/img/hero.jpg",
                "https://cdn.example.com/a.png?x=1&y=2",
                "/_next/static/media/logo.4f2a.png"
            ]))
        ))
        .by(Client::Page)
        .host(www),
        7 => Draft::get(format!(
            "/_next/data/{}/products/{}.json?slug={}",
            random.alphanumeric(21),
            random.hex(6),
            component(random.pick(&words::PRODUCTS))
        ))
        .by(Client::Script)
        .host(www)
        .field("If-None-Match", format!("W/\"{}\"", random.alphanumeric(10)))
        .field("X-Nextjs-Data", "1"),
        _ => Draft::get(format!("/video/{}.mp4?t={}", random.uuid(), random.digits(3)))
            .by(Client::Page)
            .host("media.example.com")
            .field("Range", format!("bytes={}-", random.digits(7)))
            .field("Accept-Encoding", "identity;q=1, *;q=0"),
    }
}
