use super::{Transform, check};

/// AWS: "decodes a URL-encoded value". ModSecurity: urlDecode.
#[test]
fn percent_signs_and_pluses() {
    check(
        Transform::UrlDecode,
        &[
            ("", ""),
            ("plain", "plain"),
            ("a+b%20c", "a b c"),
            ("%3Cscript%3e", "<script>"),
            // once, not twice
            ("%253c", "%3c"),
            // what decodes nothing stays
            ("%", "%"),
            ("%%", "%%"),
            ("%0", "%0"),
            ("100%", "100%"),
            ("%gg%0g%g0", "%gg%0g%g0"),
            ("%%20", "% "),
            ("%0%20", "%0 "),
            ("%u003c", "%u003c"),
        ],
    );
    check(
        Transform::UrlDecode,
        &[("%00%ff%C0%af".as_bytes(), b"\x00\xff\xc0\xaf".as_slice()), (b"\xff%41\xfe", b"\xffA\xfe")],
    );
}

#[test]
fn every_byte_decodes() {
    for byte in 0..=255_u8 {
        for text in [format!("%{byte:02x}"), format!("%{byte:02X}")] {
            assert_eq!(Transform::UrlDecode.apply(text.as_bytes()).as_ref(), [byte]);
            assert_eq!(Transform::UrlDecodeUni.apply(text.as_bytes()).as_ref(), [byte]);
        }
    }
}

/// AWS: full-width ASCII is adjusted, of any other code the lower byte is used. ModSecurity: urlDecodeUni.
#[test]
fn microsofts_unicode() {
    check(
        Transform::UrlDecodeUni,
        &[
            ("", ""),
            ("%u003cscript%u003E", "<script>"),
            ("%U003c", "<"),
            ("%uff1cscript%uFF1E", "<script>"),
            ("%uff01%uff5e", "!~"),
            // the lower byte alone, outside the full-width range
            ("%u0141%u1141", "AA"),
            ("%2e%u002e+%uff0f", ".. /"),
            // too short or no digits
            ("%u", "%u"),
            ("%u00", "%u00"),
            ("%u000", "%u000"),
            ("%u000g%u0020", "%u000g "),
            ("%u%u0020", "%u "),
            ("%u00%u0020", "%u00 "),
            ("%%u0020", "% "),
            ("%g0%u0020", "%g0 "),
        ],
    );
    let edges = [
        ("%uff00", b"\x00".as_slice()),
        ("%uff5f", b"\x5f"),
        ("%uff7f", b"\x7f"),
        ("%uffff", b"\xff"),
        ("%u00e9", b"\xe9"),
    ];
    for (input, expected) in edges {
        assert_eq!(Transform::UrlDecodeUni.apply(input.as_bytes()).as_ref(), expected, "{input}");
    }
}
