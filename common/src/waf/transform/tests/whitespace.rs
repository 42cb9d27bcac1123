use super::{Transform, check};

/// AWS: `\f \t \n \r \v` and decimal 160 become a space, many spaces one. ModSecurity: compressWhitespace.
#[test]
fn white_space_is_compressed() {
    check(
        Transform::CompressWhiteSpace,
        &[
            ("", ""),
            ("one two three", "one two three"),
            ("  one  \t   two  ", " one two "),
            ("a\tb\x0bc\nd\re\x0cf", "a b c d e f"),
            ("a\r\nb\0 c", "a b\0 c"),
        ],
    );
    check(
        Transform::CompressWhiteSpace,
        &[(b"a\xa0b \xa0\xa0c".as_slice(), b"a b c".as_slice()), (b"\xa0", b" "), (b"\xff \x80", b"\xff \x80")],
    );
}

/// Code point 160 in UTF-8 counts (overlong forms too); the byte 160 inside another character does not.
#[test]
fn no_break_space_in_utf8() {
    check(
        Transform::CompressWhiteSpace,
        &[
            ("union\u{a0}select", "union select"),
            ("a\u{a0}\u{a0} b", "a b"),
            ("voilà à la carte", "voilà à la carte"),
            ("à\u{a0}à", "à à"),
        ],
    );
    check(Transform::RemoveWhitespace, &[("à \u{a0}b", "àb")]);
    check(
        Transform::RemoveWhitespace,
        &[
            (b"a\xe0\x82\xa0b".as_slice(), b"ab".as_slice()),
            (b"\xa0\xc3\xa0\xa0", b"\xc3\xa0"),
            (b"\xc2x\xa0", b"\xc2x"),
        ],
    );
}

/// ModSecurity: removeWhitespace.
#[test]
fn white_space_goes() {
    check(Transform::RemoveWhitespace, &[("", ""), ("abc", "abc"), (" a b\t\n\x0b\x0c\rc ", "abc"), ("   ", "")]);
}

/// ModSecurity: trim, trimLeft, trimRight. Always a part of the input, never a copy.
#[test]
fn ends_are_trimmed() {
    let vectors = [
        ("", "", "", ""),
        ("abc", "abc", "abc", "abc"),
        (" \t\n\x0b\x0c\ra b \r", "a b", "a b \r", " \t\n\x0b\x0c\ra b"),
        ("   ", "", "", ""),
        ("\u{a0}a\u{a0}", "\u{a0}a\u{a0}", "\u{a0}a\u{a0}", "\u{a0}a\u{a0}"),
    ];
    for (input, both, left, right) in vectors {
        for (transform, expected) in
            [(Transform::Trim, both), (Transform::TrimLeft, left), (Transform::TrimRight, right)]
        {
            let output = transform.apply(input.as_bytes());
            assert_eq!(output.as_ref(), expected.as_bytes(), "{} of {input:?}", transform.name());
            assert!(matches!(output, std::borrow::Cow::Borrowed(_)));
        }
    }
}

/// AWS: A to Z and a to z; no other letters.
#[test]
fn letter_case() {
    check(Transform::Lowercase, &[("", ""), ("abc-é", "abc-é"), ("AbZ@[É", "abz@[É")]);
    check(Transform::Uppercase, &[("", ""), ("ABC-É", "ABC-É"), ("aBz`{é", "ABZ`{é")]);
    check(Transform::Lowercase, &[(b"\xc1A\xff".as_slice(), b"\xc1a\xff".as_slice())]);
}

/// AWS: "removes all NULL bytes", "replaces NULL bytes in the input with space characters".
#[test]
fn zero_bytes() {
    check(Transform::RemoveNulls, &[("", ""), ("abc", "abc"), ("\0a\0\0b\0", "ab"), ("\0", "")]);
    check(Transform::ReplaceNulls, &[("", ""), ("abc", "abc"), ("\0a\0\0b\0", " a  b "), ("\0", " ")]);
}

#[test]
fn none_changes_nothing() {
    check(Transform::None, &[("", ""), (" A%41\0 ", " A%41\0 ")]);
}
