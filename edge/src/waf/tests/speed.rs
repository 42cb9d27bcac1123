//! What keeps evaluation cheap must not change what is found.

use common::waf::model::{JsonPaths, Position, Scope, Sensitivity};
use proptest::prelude::*;

use super::*;
use crate::waf::injection;
use crate::waf::test::Asked;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    /// What has a quote or a parenthesis is always shown to the detector.
    #[test]
    fn the_detector_says_what_is_sql(value in "[a-z0-9_. =-]{0,12}['(][a-z0-9_.' ()=-]{0,12}") {
        let shown = libinjectionrs::detect_sqli(value.as_bytes()).is_injection();
        prop_assert_eq!(injection::is_sql(value.as_bytes(), Sensitivity::Low), shown, "{}", value);
    }

    #[test]
    fn scripts_need_a_byte_of_markup(value in "[a-zA-Z0-9_.,;()/*+!?@#$%^{}|~\\[\\]\\\\ \\-]{0,40}") {
        prop_assert!(!libinjectionrs::detect_xss(value.as_bytes()).is_injection(), "{}", value);
    }

    /// Bodies of any bytes are read to some end, and what is read of good JSON is what is in it.
    #[test]
    fn json_of_any_bytes_is_read(body in proptest::collection::vec(any::<u8>(), 0..200), good in "[ -~]{0,20}") {
        fn all(body: &[u8]) -> crate::waf::json::Read<'_> {
            crate::waf::json::values(body, &JsonPaths::All, Scope::All)
        }
        let _ = all(&body);
        let text = json!({ "k": [good, 1] }).to_string();
        let read = all(text.as_bytes());
        prop_assert!(read.complete);
        prop_assert_eq!(read.values, [b"k".to_vec(), good.into_bytes(), b"1".to_vec()]);
        for end in 0..text.len() {
            prop_assert!(!all(&text.as_bytes()[..end]).complete);
        }
    }

    /// Many questions on one form are filtered together; each alone says the same.
    #[test]
    fn filters_change_no_answer(value in "[a-cA-C/.&= ]{0,30}", searches in proptest::collection::vec("[a-cA-C]{1,3}", 1..8)) {
        let field = json!({"QueryString": {}});
        let statements: Vec<Value> = searches.iter().flat_map(|search| {
            [bytes(&field, "CONTAINS", search), bytes(&field, "CONTAINS_WORD", search), regex(&field, &format!("(?i){search}[a-b]+")), regex(&field, &format!("^{search}|{search}$"))]
        }).collect();
        let rules: Vec<Value> = statements.iter().enumerate().map(|(number, statement)| rule(&format!("r{number}"), number as u32, statement, &json!({"Count": {}}))).collect();
        let sent = Sent { query: Some(value.clone()), ..Sent::get("/") };
        let (_, progress) = Counters::new().said(&acl(&rules), &sent);
        let together: Vec<usize> = progress.matched.iter().map(|one| one.step).collect();
        let alone: Vec<usize> = (0..statements.len()).filter(|number| {
            let asked = match number % 4 {
                0 => Asked::Bytes(Position::Contains, searches[number / 4].clone().into_bytes()),
                1 => Asked::Bytes(Position::ContainsWord, searches[number / 4].clone().into_bytes()),
                2 => Asked::Patterns(vec![format!("(?i){}[a-b]+", searches[number / 4])]),
                _ => Asked::Patterns(vec![format!("^{0}|{0}$", searches[number / 4])]),
            };
            asked.compile().unwrap().passes(value.as_bytes())
        }).collect();
        prop_assert_eq!(together, alone);
    }
}

#[test]
fn what_could_extend_a_statement_is_shown_to_the_detector_and_what_could_not_is_not() {
    for value in [
        "1 or 1",
        "1 OR 1=1",
        "1 union select 2",
        "1||1",
        "1 and 1",
        "x' --",
        "1;",
        "1/**/",
        "1 like 1",
        "1 is not null",
        "1 rlike 1",
        "1or 1=1",
    ] {
        let shown = libinjectionrs::detect_sqli(value.as_bytes()).is_injection();
        assert_eq!(injection::is_sql(value.as_bytes(), Sensitivity::Low), shown, "{value}");
    }
    for value in [
        "status=open",
        "2026-11-30T08:00:00Z",
        "a@@b",
        "orders",
        "brand-new",
        "0x1=2",
        "-created_at",
        "a.b@example.com",
        "1,2,3",
        "~/x",
    ] {
        assert!(!injection::is_sql(value.as_bytes(), Sensitivity::High), "{value}");
    }
}

#[test]
fn hostile_inputs_take_no_time_that_grows_faster_than_they_do() {
    // A pattern that takes exponential time by backtracking; were it matched so, this would never end.
    let field = json!({"Body": {}});
    let sent = Sent::post("a".repeat(1 << 20));
    for pattern in ["(a+)+$b", "(a|aa)+b", "(.*a){20}b", "(?i)(a*)*b"] {
        assert!(!matches(&regex(&field, pattern), &sent), "{pattern}");
    }
}
