use super::{Transform, check};

/// AWS: quot, nbsp (decimal 160), lt, gt, hexadecimal and decimal. ModSecurity: amp, and all of them without a semicolon.
#[test]
fn references_become_characters() {
    check(
        Transform::HtmlEntityDecode,
        &[
            ("".as_bytes(), b"".as_slice()),
            (b"a & b", b"a & b"),
            (b"&quot;&amp;&lt;&gt;&nbsp;", b"\"&<>\xa0"),
            (b"&quot&amp&lt&gt&nbsp", b"\"&<>\xa0"),
            (b"&LT;&Quot;", b"<\""),
            (b"&#x3c;&#X3C;&#60;", b"<<<"),
            (b"&#x3cscript&#x3e", b"<script>"),
            (b"&#x0;&#0;&#x20;&#32", b"\x00\x00  "),
            (b"&#160;&#xa0;", b"\xa0\xa0"),
            // once, not twice
            (b"&amp;lt;", b"&lt;"),
        ],
    );
}

/// Browsers take any number of leading zeros; evasions use it.
#[test]
fn long_numbers() {
    check(
        Transform::HtmlEntityDecode,
        &[
            ("&#0000000000000000000000000000000000060;", "<"),
            ("&#x00000000000000000000000000000000003c", "<"),
            // no number wraps around to another character: 0x1_0000_003c is none
            ("&#x10000003c;", "\u{FFFD}"),
            ("&#99999999999999999999;", "\u{FFFD}"),
            ("&#xd800;", "\u{FFFD}"),
            ("&#x110000;", "\u{FFFD}"),
            ("&#x10ffff;", "\u{10FFFF}"),
        ],
    );
}

/// AWS: "with the corresponding characters": in UTF-8, where ModSecurity keeps the lower byte and makes "<" of U+013C.
#[test]
fn characters_beyond_ascii() {
    check(
        Transform::HtmlEntityDecode,
        &[("&#233;&#xE9", "éé"), ("&#316;", "ļ"), ("&#x20ac;", "€"), ("&#128512;", "😀")],
    );
}

#[test]
fn names_that_need_their_semicolon() {
    check(
        Transform::HtmlEntityDecode,
        &[
            ("javascript&colon;alert&lpar;1&rpar;", "javascript:alert(1)"),
            ("java&Tab;scr&NewLine;ipt", "java\tscr\nipt"),
            ("&DiacriticalGrave;&VerticalLine;&lbrace;&rcub;&bsol;&sol;&apos;", "`|{}\\/'"),
            ("?a=1&num=2&semi=3&period", "?a=1&num=2&semi=3&period"),
        ],
    );
    check(Transform::HtmlEntityDecode, &[(b"&NonBreakingSpace;", b"\xa0")]);
}

/// ModSecurity: htmlEntityDecode leaves all this.
#[test]
fn what_is_no_reference_stays() {
    check(
        Transform::HtmlEntityDecode,
        &[
            ("&", "&"),
            ("&;", "&;"),
            ("&#", "&#"),
            ("&#;", "&#;"),
            ("&#x", "&#x"),
            ("&#xg;&#Xg;&#xg0;", "&#xg;&#Xg;&#xg0;"),
            ("&#a;&#a2;", "&#a;&#a2;"),
            ("&foo;&foo", "&foo;&foo"),
            ("&&lt;", "&<"),
            // the name ends where letters and digits do, as in an attribute of HTML
            ("&ltfoo&gtin=1&amplitude;", "&ltfoo&gtin=1&amplitude;"),
            ("&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"),
        ],
    );
    check(Transform::HtmlEntityDecode, &[("&#X2g;", "\u{2}g;"), ("&#3a", "\u{3}a"), ("&#10a;", "\na;")]);
}
