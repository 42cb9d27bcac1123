use super::{Transform, check};

/// AWS: full-width `\uHHHH` is adjusted, else the lower byte used. ModSecurity: jsDecode.
#[test]
fn javascript() {
    check(
        Transform::JsDecode,
        &[
            ("", ""),
            ("plain", "plain"),
            (r"\u003cscript\u003E", "<script>"),
            (r"\uff1c\uFF01\uff5e", "<!~"),
            (r"\u0141", "A"),
            (r"\x3c\x3E", "<>"),
            (r"\74\0741\12", "<<1\n"),
            (r"\a\b\f\n\r\t\v", "\x07\x08\x0c\n\r\t\x0b"),
            (r#"\?\'\"\/\\"#, r#"?'"/\"#),
            (r"\141l\145rt", "alert"),
        ],
    );
    check(
        Transform::JsDecode,
        &[(r"\666".as_bytes(), b"66".as_slice()), (br"\377", b"\xff"), (br"\400", b" 0"), (br"\0123", b"\n3")],
    );
}

#[test]
fn javascript_escapes_that_are_none() {
    check(
        Transform::JsDecode,
        &[
            (r"\8\9\d", "89d"),
            (r"\x\xa\xag\xga", "xxaxagxga"),
            (r"\u\u0\u00a\u00ag", "uu0u00au00ag"),
            ("\\", "\\"),
            (r"\\\", "\\\\"),
            (r"\\0", r"\0"),
        ],
    );
}

/// ECMAScript 2015; ModSecurity leaves `u{61}`. Evasions use it.
#[test]
fn javascript_code_points_in_braces() {
    check(
        Transform::JsDecode,
        &[
            (r"\u{61}lert", "alert"),
            (r"\u{000000000000000061}", "a"),
            (r"\u{ff1c}", "<"),
            (r"\u{}", "u{}"),
            (r"\u{61", "u{61"),
            (r"\u{110000}", "u{110000}"),
            (r"\u{1000000000000000061}", "u{1000000000000000061}"),
            ("al\\\nert\\\r\n(1)", "alert(1)"),
        ],
    );
}

/// As other implementations read the newest guide: what may be a path of Windows keeps its backslashes.
#[test]
fn javascript_with_paths() {
    check(
        Transform::JsDecodeExt,
        &[
            (r"\u0061\x6c\145\u{72}t", "alert"),
            (r"C:\new\default\tmp", r"C:\new\default\tmp"),
            (r#"\\server\/share\'\""#, r#"\server/share'""#),
            (r"\\n", r"\n"),
            ("\\", "\\"),
        ],
    );
}

/// AWS: CSS 2 escapes, two bytes at most, `ja\vascript`. ModSecurity: cssDecode.
#[test]
fn css() {
    check(
        Transform::CssDecode,
        &[
            ("", ""),
            (r"ja\vascript", "javascript"),
            (r"\6a avascript", "javascript"),
            (r"\00006a\000061vascript", "javascript"),
            // one white space goes with the escape, the next stays
            (r"\41  b", "A b"),
            ("\\41\r\nb", "Ab"),
            ("\\41\tb", "Ab"),
            // the lower byte alone
            (r"\1234\12345\123456", "4EV"),
            (r"\1234567", "V7"),
            (r"\ff01\00ff5e\0FF1c", "!~<"),
            (r"\11ff01", "\x01"),
            // a line end behind a backslash goes with it
            ("a\\\nb\\\r\nc\\\x0cd", "abcd"),
            (r"\zoo\\", r"zoo\"),
            ("test\\", "test"),
        ],
    );
    check(
        Transform::CssDecode,
        &[(br"\ff00".as_slice(), b"\x00".as_slice()), (br"\e9x", b"\xe9x"), (b"\\\xff", b"\xff")],
    );
}

/// AWS: `\a \b \f \n \r \t \v \\ \? \' \" \xHH \0OOO`; "Encodings that aren't valid remain in the output".
#[test]
fn ansi_c() {
    check(
        Transform::EscapeSeqDecode,
        &[
            ("", ""),
            (r"\a\b\f\n\r\t\v", "\x07\x08\x0c\n\r\t\x0b"),
            (r#"\\\?\'\""#, r#"\?'""#),
            (r"\x3c\X3E", "<>"),
            (r"\12\123\0", "\nS\0"),
            // AWS's form with the zero in front
            (r"\0101\0074", "A<"),
            (r"\018", "\u{1}8"),
            (r"\\n", r"\n"),
            // not valid: remains
            (r"\8\9\d\x\xg0\x0\u0061", r"\8\9\d\x\xg0\x0\u0061"),
            ("\\", "\\"),
        ],
    );
    check(
        Transform::EscapeSeqDecode,
        &[(br"\xff\377".as_slice(), b"\xff\xff".as_slice()), (br"\666", b"\xb6"), (br"\0777", b"\x3f7")],
    );
}
