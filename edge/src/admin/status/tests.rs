use super::*;

const EVIL: &str = "<script>alert('x')</script>\"><img src=x>&";

fn overview() -> Overview {
    Overview::fixture(EVIL)
}

#[test]
fn nothing_that_is_named_badly_becomes_markup() {
    let page = page(&overview()).body;
    for markup in ["<script", "<img", "alert('x')", "x>&"] {
        assert!(!page.contains(markup), "{markup}");
    }
    let escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&gt;&lt;img src=x&gt;&amp;";
    assert_eq!(page.matches(escaped).count(), 19, "each of them is there as text");
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let answer = page(&overview());
    let policy = answer.headers.iter().find(|(name, _)| *name == "content-security-policy").unwrap();
    assert!(policy.1.starts_with("default-src 'none'; style-src 'sha256-"), "{}", policy.1);
    let tags: Vec<&str> = answer.body.split('<').map(|tag| tag.split('>').next().unwrap()).collect();
    for loading in [" src=", " style=", " onclick=", " onload=", "javascript:", "http:", "https:"] {
        assert!(!tags.iter().any(|tag| tag.contains(loading)), "{loading}");
    }
    for element in ["script", "link", "img", "iframe", "form", "object", "base"] {
        assert!(!tags.iter().any(|tag| tag.split(' ').next() == Some(element)), "{element}");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn worries_stand_first() {
    let page = page(&overview()).body;
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("Not ready</h2>") < at("The last reload was refused"));
    assert!(at("The last reload was refused") < at("<h2 id=\"routes\">"));
    assert!(page.contains("<title>Not ready · Tollgate edge</title>"));
    assert!(page.contains("12\u{202f}345") && page.contains("expired"));
}

#[test]
fn machines_get_the_same_facts() {
    let facts: serde_json::Value = serde_json::from_str(&json(&overview()).body).unwrap();
    assert_eq!(facts["configuration"]["failure"]["error"], EVIL);
    assert_eq!(facts["routes"][0]["p99_millis"], 1.5);
    assert_eq!(facts["issuers"][0]["keys"][0]["alg"], "RS256");
}
