//! HTML and CSS that editors of a site write into its fields: no scripts, no handlers of events. A class of its own, as not everybody lets it pass.

use serde_json::json;

use super::draft::{Client, Draft};
use super::prose;
use super::random::Random;

const SNIPPETS: [&str; 24] = [
    "<p>Welcome to our <strong>new</strong> site!</p>",
    "<h2 id=\"prices\">Prices</h2>\n<ul><li>Small: 10€</li><li>Large: 20€</li></ul>",
    "<a href=\"https://www.example.com/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener\">Read more</a>",
    "<img src=\"/uploads/2026/03/a-b.jpg\" alt=\"It's us\" width=\"300\" height=\"200\" loading=\"lazy\">",
    "<table class=\"table\"><thead><tr><th>Name</th><th>Price</th></tr></thead><tbody><tr><td>O'Brien</td><td>10</td></tr></tbody></table>",
    "<blockquote><p>\"To be or not to be\"</p><cite>Hamlet</cite></blockquote>",
    "<div class=\"row\"><div class=\"col-md-6\" style=\"color: #333; font-size: 14px\">Left</div></div>",
    "<p style=\"text-align:center\"><em>Centered &amp; italic</em></p>",
    "<figure class=\"wp-block-image size-large\"><img src=\"https://cdn.example.com/a.png\" alt=\"\" class=\"wp-image-17\"/><figcaption>A caption</figcaption></figure>",
    "<!-- wp:paragraph -->\n<p>Hello world</p>\n<!-- /wp:paragraph -->",
    "<br><hr/><br />",
    "<ol start=\"3\"><li>three</li><li>four</li></ol>",
    "<video controls poster=\"/a.jpg\"><source src=\"/a.mp4\" type=\"video/mp4\"></video>",
    "<span class=\"badge bg-primary\">new</span>&nbsp;<small>since 2025</small>",
    "<p>Use <code>SELECT</code> and <kbd>Ctrl</kbd>+<kbd>C</kbd></p>",
    "<button class=\"btn\" type=\"button\">Buy now</button>",
    "<dl><dt>Term</dt><dd>Definition; see <a href=\"#x\">below</a></dd></dl>",
    "<section aria-label=\"News\"><h3>What's new?</h3></section>",
    ".hero { background: url('/img/hero.jpg') no-repeat center/cover; color: rgba(0,0,0,.8) }\n@media (max-width: 600px) { .hero > h1 { font-size: 1.2rem } }",
    "body { margin: 0 } a:hover::after { content: \"→\" } /* comment */",
    ":root { --main: #f00; } .a, .b > .c + .d ~ .e { width: calc(100% - 2 * var(--gap)) !important }",
    "<p>Order by <del>Friday</del> <ins>Monday</ins></p>",
    "<address>12 O'Connell St<br>Cork</address>",
    "<iframe src=\"https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ\" width=\"560\" height=\"315\" allowfullscreen></iframe>",
];

pub fn request(random: &mut Random) -> Draft {
    let html = random.some(&SNIPPETS, 1, 4, "\n");
    let title = prose::sentence(random);
    match random.below(5) {
        0 => Draft::post("/wp-json/wp/v2/posts/17?_locale=user")
            .by(Client::Script)
            .field("X-WP-Nonce", random.hex(10))
            .json(&json!({ "id": 17, "title": title, "content": html, "status": "draft", "excerpt": "" })),
        1 => Draft::post("/admin/pages/5/edit").by(Client::Page).form(&[
            ("_token", &random.alphanumeric(40)),
            ("title", title),
            ("body", &html),
            ("slug", "about-us"),
            ("save", "Save & close"),
        ]),
        2 => Draft::new("PUT", "/api/templates/welcome").by(Client::Script).json(&json!({
            "subject": "Hello {{name}}",
            "html": format!("<html><head><style>{}</style></head><body>{html}</body></html>", "p { color: #333 }"),
            "text": title,
        })),
        3 => Draft::post("/api/blocks").by(Client::Script).json(&json!({
            "type": "html",
            "props": { "html": html, "css": random.pick(&SNIPPETS), "className": "hero a--b" },
        })),
        _ => Draft::post("/cms/graphql").by(Client::Script).json(&json!({
            "query": "mutation Save($html: String!) { savePage(id: 5, html: $html) { id } }",
            "variables": { "html": html, "title": title },
        })),
    }
}
