//! What becomes of honest clients.

use super::*;

#[test]
fn a_browser_solves_a_challenge_and_its_token_counts() {
    let challenges = challenges(easy());
    let answer = challenges.answer(CHALLENGE, client(NOW), "GET", "/orders?id=1", &browser());
    assert_eq!((answer.status.as_u16(), answer.header("x-amzn-waf-action")), (202, Some("challenge")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let answer = challenges.send(&puzzle, &solved(&puzzle), client(at(1)));
    let token = answer.token();
    let cookie = answer.header("set-cookie").unwrap();
    assert_eq!(cookie, format!("aws-waf-token={token}; Path=/; Max-Age=345600; SameSite=Lax; Secure"));
    assert!(token.len() < 160, "{}", token.len());
    let sent = headers(&[(http::header::COOKIE, &format!("a=b; aws-waf-token={token}; c=d"))]);
    let Standing::Good(token) = challenges.standing(&sent, HOST, &[], at(2)) else { panic!() };
    assert_eq!(token.challenge, Some(Solved { at: at(1).seconds(), difficulty: 8 }));
    assert_eq!((token.captcha, &*token.domain), (None, HOST));
    assert_eq!(challenges.standing(&HeaderMap::new(), HOST, &[], NOW), Standing::Missing);
}

#[test]
fn a_captcha_takes_its_time_and_keeps_the_session() {
    let challenges = challenges(easy());
    let answer = challenges.answer(CAPTCHA, client(NOW), "GET", "/", &browser());
    assert_eq!((answer.status.as_u16(), answer.header("x-amzn-waf-action")), (405, Some("captcha")));
    let first = challenges.page_puzzle(CHALLENGE, client(NOW));
    let first = challenges.send(&first, &solved(&first), client(NOW)).token();
    let puzzle = challenges.page_puzzle(CAPTCHA, client(at(1)));
    let body = json!({"puzzle": puzzle, "solution": solved(&puzzle)}).to_string();
    let sent = headers(&[(http::HeaderName::from_static(HEADER), &first)]);
    let early = challenges.post(&body, client(at(2)), &sent);
    assert_eq!((early.status.as_u16(), early.code, early.header("retry-after")), (429, "early", Some("1")));
    let token = challenges.post(&body, client(at(3)), &sent).token();
    let session = |token: &str| match challenges.seen(token, HOST, &[], at(4)) {
        Standing::Good(token) => token,
        other => panic!("{other:?}"),
    };
    assert_eq!(session(&first).session, session(&token).session);
    let solved = |seconds, difficulty| Some(Solved { at: at(seconds).seconds(), difficulty });
    assert_eq!((session(&token).captcha, session(&token).issued), (solved(3, 10), at(3).seconds()));
    assert_eq!(session(&token).challenge, solved(0, 8), "what was solved before stays");
}

#[test]
fn programs_get_aws_form_and_find_the_puzzle() {
    let challenges = challenges(easy());
    for (method, accept) in [("POST", "text/html"), ("GET", "application/json"), ("GET", "*/*"), ("HEAD", "text/html")]
    {
        for (demand, status, action) in [(CHALLENGE, 202, "challenge"), (CAPTCHA, 405, "captcha")] {
            let answer =
                challenges.answer(demand, client(NOW), method, "/orders/a%20b?x=<y>", &headers(&[(ACCEPT, accept)]));
            assert_eq!((answer.status.as_u16(), answer.header("x-amzn-waf-action")), (status, Some(action)));
            assert_eq!((answer.body.len(), answer.header("content-type")), (0, None));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let place = answer.header("x-tollgate-puzzle").unwrap();
            let (path, query) = place.split_once('?').unwrap();
            assert!(query.ends_with("&for=%2Forders%2Fa%2520b"), "{query}");
            let puzzle = challenges.get(path, query, client(NOW)).value();
            assert_eq!(puzzle["action"], action);
            let bits = u8::try_from(puzzle["bits"].as_u64().unwrap()).unwrap();
            let text = puzzle["puzzle"].as_str().unwrap();
            let solution = solve(text, bits);
            assert_eq!(puzzle["verify"], VERIFY);
            let later = NOW.plus(Duration::from_millis(puzzle["not_before_ms"].as_u64().unwrap()));
            let token = challenges.send(text, &solution, client(later)).token();
            assert!(matches!(challenges.seen(&token, HOST, &[], later), Standing::Good(_)));
        }
    }
}

#[test]
fn who_has_no_scripts_waits() {
    let challenges = challenges(easy());
    let puzzle = challenges.page_puzzle(CAPTCHA, client(NOW));
    let form = format!("puzzle={puzzle}&to=%2Forders%3Fid%3D1");
    let early = challenges.post(&form, client(at(4)), &HeaderMap::new());
    assert_eq!((early.status.as_u16(), early.header("retry-after")), (429, Some("6")));
    assert!(early.text().contains("Please wait 6 seconds, then press Continue."), "{}", early.text());
    assert!(early.text().contains(&puzzle), "the same answer can be sent again");
    let answer = challenges.post(&form, client(at(10)), &HeaderMap::new());
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/orders?id=1")));
    let cookie = answer.header("set-cookie").unwrap();
    let sent = headers(&[(http::header::COOKIE, cookie.split(';').next().unwrap())]);
    let Standing::Good(token) = challenges.standing(&sent, HOST, &[], at(11)) else { panic!() };
    assert_eq!(token.captcha, Some(Solved { at: at(10).seconds(), difficulty: 10 }));
}

#[test]
fn a_token_domain_has_one_token_for_all_its_hosts() {
    let challenges = challenges(easy());
    let domains = ["shop.example.com".to_owned(), "example.com".to_owned(), "example.org".to_owned()];
    let demand = Demand { token_domains: &domains, ..CHALLENGE };
    let at_host = Client { host: "a.shop.example.com", ..client(NOW) };
    let puzzle = challenges.page_puzzle(demand, at_host);
    let answer = challenges.send(&puzzle, &solved(&puzzle), at_host);
    assert!(answer.header("set-cookie").unwrap().contains("; Domain=example.com;"), "the widest: {answer:?}");
    let token = answer.token();
    let good =
        |host: &str, domains: &[String]| matches!(challenges.seen(&token, host, domains, NOW), Standing::Good(_));
    assert!(good("www.example.com", &domains) && good("example.com", &[]) && good("example.org", &domains));
    assert!(good("anything.example", &domains[1..2]), "the list says whose tokens count, as at AWS");
    assert!(!good("www.example.com", &[]) && !good("www.example.com", &domains[2..]));
    assert!(!good("www.example.com", &["ample.com".to_owned()]) && !good("notexample.com", &["com.".to_owned()]));
}

#[test]
fn edges_with_the_same_keys_accept_each_others_tokens_and_puzzles() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings { keys: KeySource::State(folder.path().join("challenge.key")), ..easy() };
    let (one, two) = (challenges(settings()), challenges(settings()));
    let puzzle = one.page_puzzle(CHALLENGE, client(NOW));
    let token = two.send(&puzzle, &solved(&puzzle), client(NOW)).token();
    assert!(matches!(one.seen(&token, HOST, &[], NOW), Standing::Good(_)));
    assert_eq!(challenges(easy()).seen(&token, HOST, &[], NOW), Standing::Invalid, "another deployment");
    // A key that comes before the old one: nobody is asked again.
    let key = std::fs::read_to_string(folder.path().join("challenge.key")).unwrap();
    std::fs::write(folder.path().join("challenge.key"), format!("{}\n{key}", "n".repeat(32))).unwrap();
    one.configure(settings()).unwrap();
    assert!(matches!(one.seen(&token, HOST, &[], NOW), Standing::Good(_)));
    let puzzle = two.page_puzzle(CHALLENGE, client(NOW));
    assert_eq!(one.send(&puzzle, &solved(&puzzle), client(NOW)).code, "solved", "also by the tag of its network");
}

#[test]
fn a_reload_without_a_key_file_keeps_the_tokens() {
    let challenges = challenges(easy());
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let token = challenges.send(&puzzle, &solved(&puzzle), client(NOW)).token();
    challenges.configure(easy()).unwrap();
    assert!(matches!(challenges.seen(&token, HOST, &[], NOW), Standing::Good(_)));
    assert_eq!(challenges.send(&puzzle, &solved(&puzzle), client(NOW)).code, "used", "and what was used");
}

#[test]
fn the_best_of_several_tokens_counts() {
    let challenges = challenges(easy());
    let token = |now| {
        let puzzle = challenges.page_puzzle(CHALLENGE, client(now));
        challenges.send(&puzzle, &solved(&puzzle), client(now)).token()
    };
    let (old, new) = (token(NOW), token(at(100)));
    let standing = |cookie: &str| challenges.standing(&headers(&[(http::header::COOKIE, cookie)]), HOST, &[], at(101));
    for order in [
        format!("aws-waf-token={old}; aws-waf-token=junk; aws-waf-token={new}"),
        format!("aws-waf-token={new};aws-waf-token={old}; aws-waf-token="),
    ] {
        assert!(matches!(standing(&order), Standing::Good(token) if token.issued == at(100).seconds()), "{order}");
    }
    let flood = "aws-waf-token=x; ".repeat(100);
    assert_eq!(standing(&format!("{flood}aws-waf-token={new}")), Standing::Invalid, "only some are looked at");
    assert_eq!(standing("xaws-waf-token=a; aws-waf-tokens=b; aws-waf-token"), Standing::Missing);
}
