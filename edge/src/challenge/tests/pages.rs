//! What is on the pages, and what can't be put there.

use super::*;

fn page(demand: Demand<'_>, target: &str) -> Answer {
    challenges(easy()).answer(demand, client(NOW), "GET", target, &browser())
}

#[test]
fn a_page_is_small_and_loads_nothing() {
    for demand in [CHALLENGE, CAPTCHA] {
        let answer = page(demand, "/");
        let text = answer.text();
        assert!(text.len() < 12 * 1024, "{}", text.len());
        let style_and_script = text.matches("<style>").count() + text.matches("<script>").count();
        assert_eq!((style_and_script, text.matches("<script").count()), (2, 1));
        for word in [
            "http:",
            "https:",
            "src=",
            "href=",
            "@import",
            "url(",
            " style=",
            " onclick",
            " onload",
            "javascript:",
            "{{",
        ] {
            assert!(!text.contains(word), "{word}");
        }
        assert!(text.contains("<html lang=\"en\">") && text.contains("role=\"status\"") && text.contains("<noscript>"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.header("content-length"), Some(&*text.len().to_string()));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn nothing_of_a_request_gets_out_of_its_place() {
    for target in
        ["/\"><script>alert(1)</script>", "/'onmouseover='alert(1)", "/?a=<img src=x>&b='\"", "/{{script}}{{puzzle}}"]
    {
        let answer = page(CHALLENGE, target);
        let text = answer.text();
        assert_eq!(text.matches("<script").count(), 1, "{target}");
        let value = text.split("name=\"to\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(!value.contains(['<', '>', '"', '\'']), "{value}");
        let plain = challenges(easy()).answer(CHALLENGE, client(NOW), "POST", target, &HeaderMap::new());
        assert!(plain.header("x-tollgate-puzzle").unwrap().bytes().all(|byte| !b"<>\"' \r\n".contains(&byte)));
    }
    // A form's own fields come back in the page that refuses it.
    let answer =
        challenges(easy()).post("puzzle=%22%3E%3Cscript%3E&to=/%22%3E%3Cscript%3E", client(NOW), &HeaderMap::new());
    assert_eq!(answer.status, 403);
    assert!(!answer.text().contains("<script"), "{}", answer.text());
}

#[test]
fn the_form_leads_back_to_this_host_only() {
    let challenges =
        challenges(Settings { unscripted: Some(Unscripted { wait: Duration::ZERO, limit: 100 }), ..easy() });
    let lead = |target: &str| {
        let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
        let target: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let answer = challenges.post(&format!("puzzle={puzzle}&to={target}"), client(NOW), &HeaderMap::new());
        assert_eq!(answer.status, 303);
        answer.header("location").unwrap().to_owned()
    };
    for target in ["/", "/orders?id=1&x=%2F", "/a//b", "/%0d%0aset-cookie:x"] {
        assert_eq!(lead(target), target);
    }
    let long = format!("/{}", "a".repeat(3_000));
    for target in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        "evil",
        " /",
        "/a b",
        "/a\r\nset-cookie: x=y",
        "/ä",
        "/\u{0}",
        "/.tollgate/challenge/verify",
        "/.tollgate?x",
        &*long,
    ] {
        assert_eq!(lead(target), "/", "{target:?}");
    }
}

#[test]
fn a_cookie_goes_by_the_connection() {
    let challenges = challenges(easy());
    let plain = Client { secure: false, ..client(NOW) };
    let puzzle = challenges.page_puzzle(CHALLENGE, plain);
    let answer = challenges.send(&puzzle, &solved(&puzzle), plain);
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"));
    assert!(!answer.header("set-cookie").unwrap().contains("Domain"));
}

#[test]
fn only_who_takes_html_by_name_gets_a_page() {
    for (accept, html) in [
        ("text/html", true),
        ("TEXT/HTML;q=0.9", true),
        ("application/json, text/html", true),
        ("*/*", false),
        ("text/*", false),
        ("text/htmlx", false),
        ("", false),
    ] {
        assert_eq!(answer::takes_html(&headers(&[(ACCEPT, accept)])), html, "{accept}");
    }
}

#[test]
fn failures_have_their_own_words() {
    let all = [
        Failure::Malformed,
        Failure::Forged,
        Failure::OtherHost,
        Failure::OtherNetwork,
        Failure::Expired,
        Failure::Early(Duration::from_millis(1)),
        Failure::Unsolved,
        Failure::Used,
        Failure::NeedsScripts,
        Failure::Paced(61),
        Failure::Full,
        Failure::Internal,
    ];
    let codes: std::collections::HashSet<_> = all.iter().map(|failure| failure.code()).collect();
    assert_eq!(codes.len(), all.len());
    for failure in all {
        let status = failure.status();
        assert!((400..600).contains(&status));
        assert_eq!(failure.retry_after().is_some(), matches!(status, 429 | 503), "{failure:?}");
        let page = page::refused(failure, "p", "/x");
        assert!(page.contains(failure.says()) && !page.contains("{{"));
    }
}
