use proptest::prelude::*;
use serde_json::json;

use super::*;

fn claims() -> Object {
    let claims = json!({
        "level": 3, "half": 2.5, "big": 9_007_199_254_740_993_u64, "minus": -1, "text": "3", "escaped": "a\"b",
        "flag": true, "nothing": null, "tenant": "acme", "list": ["a", "b", 3, true], "empty": [],
        "https://example.com/roles": ["ops"], "cognito:groups": ["staff"], "realm_access.roles": ["flat"],
        "realm_access": {"roles": ["admin"], "a/b": {"~": 1}}, "/odd": "x", "": "y",
    });
    Object::parse(claims.to_string()).unwrap()
}

fn met(path: &str, condition: Condition) -> bool {
    ClaimRule { path: ClaimPath::parse(path).unwrap(), condition }.is_met(&claims())
}

fn texts(texts: &[&str]) -> Values {
    Values::texts(texts.iter().map(|text| (*text).into())).unwrap()
}

fn numbers(numbers: &[f64]) -> Values {
    Values::numbers(numbers.iter().map(|number| Number::from_f64(*number).unwrap())).unwrap()
}

fn flags(flags: &[bool]) -> Values {
    Values::flags(flags.iter().copied()).unwrap()
}

#[test]
fn every_comparison_holds_where_it_should() {
    use Condition as C;
    for (path, condition) in [
        ("level", C::OneOf(numbers(&[3.0]))),
        ("level", C::NoneOf(numbers(&[4.0]))),
        ("level", C::AtLeast(3.into())),
        ("level", C::Above(2.into())),
        ("level", C::AtMost(3.into())),
        ("level", C::Below(4.into())),
        ("half", C::Above(2.into())),
        ("half", C::Below(3.into())),
        ("minus", C::Below(0.into())),
        ("big", C::OneOf(Values::numbers([9_007_199_254_740_993.into()]).unwrap())),
        ("big", C::NoneOf(Values::numbers([9_007_199_254_740_992.into()]).unwrap())),
        ("flag", C::OneOf(flags(&[true]))),
        ("flag", C::NoneOf(flags(&[false]))),
        ("tenant", C::OneOf(texts(&["b", "acme"]))),
        ("tenant", C::NoneOf(texts(&["b"]))),
        ("tenant", C::Prefix("ac".into())),
        ("tenant", C::Suffix("me".into())),
        ("escaped", C::OneOf(texts(&["a\"b"]))),
        ("escaped", C::Prefix("a\"".into())),
        ("list", C::HoldsAll(texts(&["a", "b"]))),
        ("list", C::HoldsAny(texts(&["z", "b"]))),
        ("list", C::HoldsAll(numbers(&[3.0]))),
        ("list", C::HoldsAny(flags(&[true]))),
        ("list", C::Present),
        ("flag", C::Present),
        ("nothing", C::Absent),
        ("missing", C::Absent),
        ("/realm_access/missing/deeper", C::Absent),
        ("https://example.com/roles", C::HoldsAll(texts(&["ops"]))),
        ("cognito:groups", C::HoldsAll(texts(&["staff"]))),
        ("realm_access.roles", C::HoldsAll(texts(&["flat"]))),
        ("/realm_access/roles", C::HoldsAll(texts(&["admin"]))),
        ("/realm_access/roles/0", C::OneOf(texts(&["admin"]))),
        ("/realm_access/a~1b/~0", C::OneOf(numbers(&[1.0]))),
        ("/~1odd", C::OneOf(texts(&["x"]))),
        ("/", C::OneOf(texts(&["y"]))),
    ] {
        assert!(met(path, condition.clone()), "{path} {condition}");
    }
}

/// What is missing or of another type meets nothing, in whichever direction it is compared.
#[test]
fn another_type_and_nothing_at_all_meet_no_comparison() {
    use Condition as C;
    let about_texts = [C::OneOf(texts(&["3"])), C::NoneOf(texts(&["x"])), C::Prefix("3".into()), C::Suffix("3".into())];
    let about_numbers = [
        C::OneOf(numbers(&[3.0])),
        C::NoneOf(numbers(&[9.0])),
        C::AtLeast(0.into()),
        C::Above(0.into()),
        C::AtMost(9.into()),
        C::Below(9.into()),
    ];
    let about_flags = [C::OneOf(flags(&[true])), C::NoneOf(flags(&[false]))];
    let about_lists = [C::HoldsAll(texts(&["a"])), C::HoldsAny(texts(&["a"]))];
    let all = || about_texts.iter().chain(&about_numbers).chain(&about_flags).chain(&about_lists);
    for path in ["missing", "nothing", "realm_access", "/realm_access", "/level/0", "/realm_access/nothing", "empty"] {
        for condition in all() {
            assert!(!met(path, condition.clone()), "{path} {condition}");
        }
    }
    for (path, of_its_type) in
        [("text", &about_texts[..]), ("level", &about_numbers), ("flag", &about_flags), ("list", &about_lists)]
    {
        for condition in all() {
            let same_type = of_its_type.iter().any(|own| own == condition);
            assert!(!met(path, condition.clone()) || same_type, "{path} {condition}");
        }
    }
    assert!(!met("nothing", C::Present));
    assert!(!met("missing", C::Present));
    assert!(!met("level", C::Absent));
    assert!(!met("list", C::HoldsAll(texts(&["a", "z"]))));
    assert!(!met("list", C::HoldsAny(texts(&["z", "3"]))), "\"3\" is not the number 3");
}

#[test]
fn paths_have_one_reading() {
    for bad in ["", "/~", "/a~2b", "/a/b/c/d/e/f/g/h/i/j"] {
        assert!(ClaimPath::parse(bad).is_err(), "{bad}");
    }
    for missing in ["/list/00", "/list/-", "/list/4", "/list/+1", "/list/"] {
        assert!(met(missing, Condition::Absent), "{missing}");
    }
}

proptest! {
    /// The quick comparison on the text and the one on the value it stands for say the same.
    #[test]
    fn both_ways_to_compare_agree(text in "[ab3\"é\\\\]{0,3}", number in -5i64..5, half in any::<bool>(), pick in 0usize..5, at in 0usize..10) {
        let value = match pick {
            0 => json!(text),
            1 if half => json!(number as f64 + 0.5),
            1 => json!(number),
            2 => json!(half),
            3 => json!(null),
            _ => json!([text]),
        };
        let raw = value.to_string();
        use Condition as C;
        let conditions = [
            C::OneOf(texts(&["a", "3"])), C::NoneOf(texts(&["a"])), C::OneOf(numbers(&[3.0, 0.5])), C::NoneOf(numbers(&[1.0])),
            C::AtLeast(2.into()), C::Below(1.into()), C::Prefix("a".into()), C::Present, C::Absent, C::OneOf(flags(&[true])),
        ];
        if let Some(met) = conditions[at].is_met_by_raw(&raw) {
            prop_assert_eq!(met, conditions[at].is_met_by(Some(&value)), "{} {}", conditions[at].clone(), raw);
        }
    }

    #[test]
    fn numbers_compare_by_what_they_are(a in any::<i64>(), b in any::<i64>()) {
        prop_assert_eq!(Number::from(a).partial_cmp(&b.into()), Some(a.cmp(&b)));
        prop_assert_eq!(Number::parse(&a.to_string()), Some(a.into()));
    }
}
