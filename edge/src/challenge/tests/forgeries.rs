//! What becomes of the others.

use proptest::prelude::*;

use super::*;
use crate::challenge::puzzle::{is_solved, seed};
use crate::challenge::token::LONGEST;

fn other(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_changed_token_counts() {
    let challenges = challenges(easy());
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let token = challenges.send(&puzzle, &solved(&puzzle), client(NOW)).token();
    for at in 0..token.len() {
        assert_eq!(challenges.seen(&other(&token, at), HOST, &[], NOW), Standing::Invalid, "{at}");
        assert_eq!(challenges.seen(&token[..at], HOST, &[], NOW), Standing::Invalid, "{at}");
    }
    for bad in [format!("{token}A"), format!("{token}="), format!(" {token}"), puzzle, "A".repeat(LONGEST + 1)] {
        assert_eq!(challenges.seen(&bad, HOST, &[], NOW), Standing::Invalid, "{bad}");
    }
    assert_eq!(challenges.seen(&token, "www.example.net", &[], NOW), Standing::DomainMismatch);
    assert_eq!(
        challenges.seen(&token, HOST, &[], NOW.minus(Duration::from_secs(61))),
        Standing::Invalid,
        "of the future"
    );
    assert!(matches!(challenges.seen(&token, HOST, &[], NOW.minus(Duration::from_secs(60))), Standing::Good(_)));
}

#[test]
fn a_solution_is_for_one_puzzle_one_host_one_network_one_time() {
    let challenges = challenges(easy());
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let solution = solved(&puzzle);
    let code = |puzzle: &str, solution: &Solution, client| {
        let answer = challenges.send(puzzle, solution, client);
        assert_eq!(answer.header("set-cookie").is_some(), answer.code == "solved");
        assert_eq!((answer.code == "solved"), answer.status == 200);
        answer.code
    };
    let another = challenges.page_puzzle(CHALLENGE, client(NOW));
    assert_eq!(code(&another, &solution, client(NOW)), "unsolved", "each puzzle has its own");
    let mut wrong = solution;
    while is_solved(&seed(&puzzle), 4, &wrong) {
        wrong[15] = wrong[15].wrapping_add(1);
    }
    assert_eq!(code(&puzzle, &wrong, client(NOW)), "unsolved");
    assert_eq!(code(&puzzle, &solution, Client { host: "example.com", ..client(NOW) }), "other_host");
    let at_address = |address: &str| Client { address: Some(address.parse().unwrap()), ..client(NOW) };
    for address in ["192.0.3.7", "2001:db8::1", "::c000:207"] {
        assert_eq!(code(&puzzle, &solution, at_address(address)), "other_network", "{address}");
    }
    assert_eq!(code(&puzzle, &solution, Client { address: None, ..client(NOW) }), "other_network");
    assert_eq!(code(&puzzle, &solution, client(at(601))), "expired");
    assert_eq!(code(&puzzle, &solution, client(NOW.minus(Duration::from_secs(61)))), "expired", "from the future");
    for at in 0..puzzle.len() {
        assert_eq!(code(&other(&puzzle, at), &solution, client(NOW)), "not_ours", "{at}");
    }
    assert_eq!(code(&puzzle, &solution, at_address("192.0.2.255")), "solved", "the network is the same");
    assert_eq!(code(&puzzle, &solution, client(NOW)), "used");
    assert_eq!(code(&puzzle, &solution, client(at(600))), "used", "as long as it lives");
}

#[test]
fn an_ipv6_network_is_a_64() {
    let challenges = challenges(easy());
    let at_address = |address: &str| Client { address: Some(address.parse().unwrap()), ..client(NOW) };
    let puzzle = challenges.page_puzzle(CHALLENGE, at_address("2001:db8:1:2::1"));
    let solution = solved(&puzzle);
    assert_eq!(challenges.send(&puzzle, &solution, at_address("2001:db8:1:3::1")).code, "other_network");
    assert_eq!(challenges.send(&puzzle, &solution, at_address("2001:db8:1:2:ffff::9")).code, "solved");
}

#[test]
fn less_work_opens_nothing_that_wants_more() {
    let challenges = challenges(easy());
    let difficulty_of = |query: &str| {
        let puzzle = challenges.get(PUZZLE, query, client(NOW)).value();
        puzzle["bits"].as_u64().unwrap() + u64::from(SHARED_BITS)
    };
    assert_eq!(difficulty_of("for=/orders&difficulty=8&action=captcha"), 10, "nobody bargains");
    assert_eq!(difficulty_of("for=/orders&difficulty=12"), 12);
    // What was solved for an easier rule says so in the token.
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let token = challenges.send(&puzzle, &solved(&puzzle), client(NOW)).token();
    let Standing::Good(token) = challenges.seen(&token, HOST, &[], NOW) else { panic!() };
    assert_eq!(token.challenge.unwrap().difficulty, 8);
    // A challenge is no captcha.
    assert_eq!(token.captcha, None);
}

#[test]
fn without_scripts_one_network_passes_so_often_and_no_more() {
    let challenges = challenges(easy());
    let pass = |client: Client<'_>| {
        let puzzle = challenges.page_puzzle(CHALLENGE, client);
        let later = Client { now: client.now.plus(Duration::from_secs(10)), ..client };
        challenges.post(&format!("puzzle={puzzle}&to=/"), later, &HeaderMap::new())
    };
    let codes: Vec<_> = (0..5).map(|_| pass(client(NOW)).code).collect();
    assert_eq!(codes, ["solved", "solved", "solved", "too_many", "too_many"]);
    let paced = pass(client(NOW));
    assert_eq!((paced.status.as_u16(), paced.header("retry-after")), (429, Some("590")));
    assert_eq!(pass(Client { address: Some([192, 0, 3, 7].into()), ..client(NOW) }).code, "solved");
    assert_eq!(pass(client(at(600))).code, "solved");
    // One form counts once, however often it is sent.
    let puzzle = challenges.page_puzzle(CHALLENGE, client(at(1200)));
    let form = format!("puzzle={puzzle}&to=/");
    let codes = [0, 1].map(|_| challenges.post(&form, client(at(1210)), &HeaderMap::new()).code);
    assert_eq!(codes, ["solved", "used"]);
}

#[test]
fn where_scripts_are_needed_nobody_waits() {
    let challenges = challenges(Settings { unscripted: None, ..easy() });
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let answer = challenges.post(&format!("puzzle={puzzle}&to=/"), client(at(60)), &HeaderMap::new());
    assert_eq!((answer.status.as_u16(), answer.code), (403, "needs_scripts"));
    assert!(answer.header("set-cookie").is_none());
}

#[test]
fn a_flood_of_solutions_stays_within_its_memory_and_forgets_none() {
    let challenges = challenges(Settings { memory: 64 << 10, ..easy() });
    let mut taken = Vec::new();
    for _ in 0..4_000 {
        let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
        let solution = solve(&puzzle, 4);
        match challenges.send(&puzzle, &solution, client(NOW)).code {
            "solved" => taken.push((puzzle, solution)),
            code => assert_eq!(code, "full"),
        }
    }
    assert_eq!(taken.len(), challenges.spent.capacity());
    assert!(taken.iter().all(|(puzzle, solution)| challenges.send(puzzle, solution, client(at(1))).code == "used"));
}

#[test]
fn bodies_that_are_none_are_refused() {
    let challenges = challenges(easy());
    let puzzle = challenges.page_puzzle(CHALLENGE, client(NOW));
    let numbers = |count: usize| serde_json::to_string(&vec![1; count]).unwrap();
    for body in [
        "{".to_owned(),
        "{}".to_owned(),
        format!("{{\"puzzle\":\"{puzzle}\"}}"),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":{}}}", numbers(15)),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":{}}}", numbers(17)),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":{},\"more\":1}}", numbers(16)),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":[{}-1]}}", "1,".repeat(15)),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":[{}4294967296]}}", "1,".repeat(15)),
        format!("{{\"puzzle\":\"{puzzle}\",\"solution\":[{}1.5]}}", "1,".repeat(15)),
        format!("{{\"puzzle\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{{\"puzzle\":\"{}\"}}", "A".repeat(MAX_BODY)),
    ] {
        let answer = challenges.post(&body, client(NOW), &HeaderMap::new());
        assert_eq!((answer.status.as_u16(), answer.code), (400, "malformed"), "{}", &body[..40.min(body.len())]);
    }
    for form in ["x=1", "puzzle=", "puzzle=%ff&to=/", "puzzle[]=a"] {
        let answer = challenges.post(form, client(NOW), &HeaderMap::new());
        assert_eq!((answer.status.as_u16(), answer.code), (403, "not_ours"), "{form}");
    }
    let kinds = ["text/plain", "multipart/form-data", "application/jsonx", ""];
    for kind in kinds {
        let all = headers(&[(CONTENT_TYPE, kind)]);
        let call = Call { method: "POST", path: VERIFY, query: None, headers: &all, body: b"{}", client: client(NOW) };
        assert_eq!(challenges.handle(call, |_| None).code, "malformed", "{kind}");
    }
}

#[test]
fn the_reserved_paths_are_these() {
    let challenges = challenges(easy());
    for (method, path, status) in [
        ("GET", PUZZLE, 400),
        ("POST", PUZZLE, 405),
        ("GET", VERIFY, 405),
        ("GET", "/.tollgate", 404),
        ("GET", "/.tollgate/challenge/", 404),
        ("GET", "/.tollgate/other", 404),
    ] {
        let none = HeaderMap::new();
        let call = Call { method, path, query: Some("x=1"), headers: &none, body: b"", client: client(NOW) };
        assert_eq!(challenges.handle(call, |_| Some(Vec::new())).status.as_u16(), status, "{method} {path}");
    }
    assert_eq!(challenges.get(PUZZLE, "for=/open", client(NOW)).status, 404, "no web ACL is there");
    for query in ["action=x", "difficulty=7", "difficulty=25", "difficulty=x", "for=orders", "for=", "other=1"] {
        assert_eq!(challenges.get(PUZZLE, query, client(NOW)).code, "malformed", "{query}");
    }
    for (path, reserved) in
        [("/.tollgate", true), ("/.tollgate/x", true), ("/.tollgatex", false), ("/a/.tollgate", false)]
    {
        assert_eq!(is_reserved(path), reserved, "{path}");
    }
}

proptest! {
    #[test]
    fn no_text_is_a_token_or_a_puzzle(text in "\\PC{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let challenges = challenges(easy());
        let encoded = common::jose::base64url_encode(&bytes);
        for text in [&text, &encoded] {
            prop_assert!(Token::open(text, &challenges.own, NOW).is_none());
            prop_assert!(Puzzle::open(text, &challenges.own).is_none());
        }
    }

    #[test]
    fn what_is_sealed_opens_as_it_was(
        session: [u8; 16], domain in "[a-z0-9.]{1,253}", issued in 0..NOW.seconds(), solved in 1..NOW.seconds(), difficulty: u8, captcha: bool,
    ) {
        let keys = Keys::random().unwrap();
        let challenge = (difficulty % 2 == 0).then_some(Solved { at: solved, difficulty });
        let token = Token { session, domain, issued, challenge, captcha: captcha.then_some(Solved { at: solved, difficulty: 9 }) };
        let text = token.seal(&keys);
        prop_assert!(text.len() <= LONGEST);
        prop_assert_eq!(Token::open(&text, &keys, NOW), Some(token));
    }

    #[test]
    fn a_sealed_puzzle_opens_as_it_was(host in "[a-z0-9.]{1,253}", domain in "[a-z0-9.]{0,253}", difficulty: u8, network: [u8; 8]) {
        let keys = Keys::random().unwrap();
        let domain = (!domain.is_empty()).then_some(&*domain);
        let puzzle = Puzzle::make(NOW, Action::Captcha, difficulty, (&host, domain), network).unwrap();
        let sealed = puzzle.clone().seal(&keys);
        prop_assert!(sealed.text.len() <= crate::challenge::puzzle::LONGEST);
        prop_assert_eq!(Puzzle::open(&sealed.text, &keys), Some(puzzle));
    }
}
