//! The table of path encodings (SECURITY.md T22) and the properties of the normal form.

use proptest::prelude::*;

use crate::canonical::{Ambiguity, CanonicalPath};

/// Accepted: as received, as forwarded, as judged.
const ACCEPTED: &[(&str, &str, &str)] = &[
    ("/", "/", "/"),
    ("/a", "/a", "/a"),
    ("/a/", "/a/", "/a/"),
    ("/a/b/c", "/a/b/c", "/a/b/c"),
    ("/A", "/A", "/A"),
    ("/a.b", "/a.b", "/a.b"),
    ("/.well-known/jwks.json", "/.well-known/jwks.json", "/.well-known/jwks.json"),
    ("/...", "/...", "/..."),
    ("/..a", "/..a", "/..a"),
    ("/a..", "/a..", "/a.."),
    ("/.a/b.", "/.a/b.", "/.a/b."),
    ("/%2ea", "/.a", "/.a"),
    ("/%2e%2E%2e", "/...", "/..."),
    ("/a%2Eb", "/a.b", "/a.b"),
    ("/%61dmin", "/admin", "/admin"),
    ("/%61%64%6d%69%6e", "/admin", "/admin"),
    ("/%41%5A%30%39", "/AZ09", "/AZ09"),
    ("/%2d%2D%5f%5F%7e%7E", "/--__~~", "/--__~~"),
    ("/~user", "/~user", "/~user"),
    ("/a-b_c~d", "/a-b_c~d", "/a-b_c~d"),
    ("/a!b$c&d'e(f)g*h+i,j=k:l@m", "/a!b$c&d'e(f)g*h+i,j=k:l@m", "/a!b$c&d'e(f)g*h+i,j=k:l@m"),
    ("/%21%24%26%27", "/%21%24%26%27", "/!$&'"),
    ("/%28%29%2a%2b", "/%28%29%2A%2B", "/()*+"),
    ("/%2c%3d%3a%40", "/%2C%3D%3A%40", "/,=:@"),
    ("/a%20b", "/a%20b", "/a b"),
    ("/a+b", "/a+b", "/a+b"),
    ("/a%2bb", "/a%2Bb", "/a+b"),
    ("/%22%3c%3e", "/%22%3C%3E", "/\"<>"),
    ("/%23", "/%23", "/#"),
    ("/%3f", "/%3F", "/?"),
    ("/a%3Fb=c", "/a%3Fb=c", "/a?b=c"),
    ("/%25", "/%25", "/%"),
    ("/100%25", "/100%25", "/100%"),
    ("/%25%20", "/%25%20", "/% "),
    ("/%25g0", "/%25g0", "/%g0"),
    ("/%252", "/%252", "/%2"),
    ("/%25/2f", "/%25/2f", "/%/2f"),
    ("/[a]", "/%5Ba%5D", "/[a]"),
    ("/%5ba%5d", "/%5Ba%5D", "/[a]"),
    ("/{id}", "/%7Bid%7D", "/{id}"),
    ("/%7bid%7d", "/%7Bid%7D", "/{id}"),
    ("/a|b", "/a%7Cb", "/a|b"),
    ("/a^b", "/a%5Eb", "/a^b"),
    ("/`", "/%60", "/`"),
    ("/%c3%a4", "/%C3%A4", "/ä"),
    ("/%C3%A4/x", "/%C3%A4/x", "/ä/x"),
    ("/%e2%82%ac", "/%E2%82%AC", "/€"),
    ("/%F0%9F%98%80", "/%F0%9F%98%80", "/😀"),
    ("/caf%c3%a9/menu", "/caf%C3%A9/menu", "/café/menu"),
    ("/%ef%bc%8f", "/%EF%BC%8F", "/／"),
    ("/a:b/c@d", "/a:b/c@d", "/a:b/c@d"),
    ("/http:/x", "/http:/x", "/http:/x"),
    ("/a=b&c=d", "/a=b&c=d", "/a=b&c=d"),
    ("/a,b", "/a,b", "/a,b"),
    ("/*", "/*", "/*"),
    ("/(a)", "/(a)", "/(a)"),
    ("/$batch", "/$batch", "/$batch"),
    ("/v1/users/us-east-1:0b6e5b4e", "/v1/users/us-east-1:0b6e5b4e", "/v1/users/us-east-1:0b6e5b4e"),
];

/// Refused, by reason.
const REFUSED: &[(Ambiguity, &[&str])] = &[
    (
        Ambiguity::DotSegment,
        &[
            "/.",
            "/..",
            "/./",
            "/../",
            "/a/.",
            "/a/..",
            "/a/./b",
            "/a/../b",
            "/../admin",
            "/public/../admin",
            "/%2e",
            "/%2E",
            "/%2e%2e",
            "/%2E%2e",
            "/.%2e",
            "/%2e.",
            "/a/%2e",
            "/a/%2e/",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a/%2E./b",
            "/public/%2e%2e/admin",
            "/a/b/../../admin",
            "/a/b/%2e%2e/%2e%2e/admin",
            "/admin/.",
            "/admin/%2e",
            "/..?",
        ],
    ),
    (
        Ambiguity::EmptySegment,
        &[
            "//",
            "//a",
            "///",
            "/a//",
            "/a//b",
            "/a///b",
            "//a/b",
            "/admin//",
            "//admin",
            "/public//admin",
            "/a/b//",
            "//evil.example/admin",
            "/a//.b",
            "///a",
        ],
    ),
    (
        Ambiguity::EncodedSlash,
        &[
            "/%2f",
            "/%2F",
            "/a%2fb",
            "/a%2Fb",
            "/admin%2f",
            "/admin%2F..",
            "/%2fadmin",
            "/%2Fadmin",
            "/..%2f",
            "/..%2Fadmin",
            "/public%2f..%2fadmin",
            "/public/..%2fadmin",
            "/public%2F%2e%2e%2Fadmin",
            "/.%2fadmin",
            "/a/%2f/b",
            "/a%2f%2fb",
        ],
    ),
    (
        Ambiguity::Backslash,
        &[
            "/\\",
            "/a\\b",
            "/\\admin",
            "\u{2f}..\\admin",
            "/public\\..\\admin",
            "/admin\\",
            "/\\\\host",
            "/a/\\b",
            "/.\\a",
        ],
    ),
    (
        Ambiguity::EncodedBackslash,
        &["/%5c", "/%5C", "/a%5cb", "/..%5cadmin", "/..%5Cadmin", "/public%5c..%5cadmin", "/%5c%5chost", "/admin%5c"],
    ),
    (Ambiguity::EncodedNul, &["/%00", "/admin%00", "/admin%00.png", "/%00admin", "/a/%00/b", "/admin/%00", "/a%00%2e"]),
    (
        Ambiguity::PathParameter,
        &[
            "/;",
            "/a;",
            "/;a",
            "/a;b",
            "/a;b=c",
            "/admin;",
            "/admin;/",
            "/admin;x/y",
            "/;/admin",
            "/..;/",
            "/..;/admin",
            "/public/..;/admin",
            "/public/..;x=y/admin",
            "/.;/admin",
            "/a;jsessionid=1",
            "/%3b",
            "/%3B",
            "/admin%3b",
            "/..%3b/admin",
            "/a%3Bb=c",
            "/;%2e%2e/",
            "/a;/../b",
        ],
    ),
    (
        Ambiguity::DoubleEscape,
        &[
            "/%252e",
            "/%252e%252e",
            "/%252e%252e/admin",
            "/%252f",
            "/a%252fb",
            "/a%252Fb",
            "/%255c",
            "/%2500",
            "/%253b",
            "/%2561dmin",
            "/%25252e",
            "/%2525",
            "/%25%32%65",
            "/%25%32e",
            "/%252%65",
            "/%2541",
            "/public/%252e%252e%252fadmin",
            "/%25ff",
            "/%25%66%66",
            "/a%2525",
            "/%25%41%42",
        ],
    ),
    (
        Ambiguity::BadEscape,
        &[
            "/%", "/%2", "/%g", "/%gg", "/%2g", "/%g2", "/a%", "/a%2", "/%%", "/%%20", "/%%2e", "/% 20", "/%u002e",
            "/%u2215", "/%-1", "/%+1", "/%0x", "/a/%zz/b", "/%2/", "/100%/x", "/%2%65",
        ],
    ),
    (
        Ambiguity::ControlInTarget,
        &[
            "/\0",
            "/a\0",
            "/\t",
            "/\n",
            "/\r",
            "/a\r\nX: y",
            "/\x0b",
            "/\x1b",
            "/\x7f",
            "/%01",
            "/%09",
            "/%0a",
            "/%0A",
            "/%0d",
            "/%0d%0aSet-Cookie:x",
            "/%1f",
            "/%7f",
            "/admin%0a",
            "/admin%09",
            "/%c2%85",
            "/%C2%80",
            "/%c2%9f",
        ],
    ),
    (
        Ambiguity::NotUtf8,
        &[
            "/%ff",
            "/%80",
            "/%c0%af",
            "/%c0%ae",
            "/%C0%AE%C0%AE/admin",
            "/..%c0%af",
            "/%c1%9c",
            "/%e0%80%af",
            "/%e0%80%ae",
            "/%f0%80%80%af",
            "/%f8%80%80%80%af",
            "/%c3",
            "/%c3%28",
            "/%ed%a0%80",
            "/%f4%90%80%80",
            "/a%e2%82",
            "/%a4",
            "/%bf",
        ],
    ),
    (
        Ambiguity::NonAsciiTarget,
        &["/ä", "/／admin", "/..／", "/\u{2025}", "/\u{ff0e}\u{ff0e}/", "/é", "/\u{a0}", "/\u{202e}"],
    ),
    (Ambiguity::InvalidTargetCharacter, &["/ ", "/a b", "/\"", "/<", "/>", "/<script>", "/admin ", "/a?b"]),
    (Ambiguity::FragmentInTarget, &["/#", "/a#b", "/admin#/", "/#/../"]),
    (Ambiguity::InvalidTarget, &["", "a", "a/b", ".", "..", "%2f", "%2fadmin", "\\admin", "*", "~", "./a"]),
];

#[test]
fn the_table() {
    for (raw, forwarded, judged) in ACCEPTED {
        let path = CanonicalPath::parse(raw.as_bytes()).unwrap_or_else(|e| panic!("{raw}: {e}"));
        assert_eq!((path.as_str(), path.decoded().as_ref()), (*forwarded, *judged), "{raw}");
        assert_eq!(
            is_borrowed(&path, raw.as_bytes()),
            raw == forwarded,
            "{raw}: borrowed exactly when it was canonical"
        );
    }
    let mut seen = ACCEPTED.len();
    for (reason, raws) in REFUSED {
        for raw in *raws {
            let got = CanonicalPath::parse(raw.as_bytes()).map(|p| p.as_str().to_owned());
            let overlap = raw.contains('?') && *reason == Ambiguity::DotSegment;
            assert!(got == Err(*reason) || (overlap && got.is_err()), "{raw:?}: {got:?}, not {reason:?}");
            seen += 1;
        }
    }
    assert!(seen >= 250, "the table has only {seen} rows");
}

fn is_borrowed(path: &CanonicalPath<'_>, raw: &[u8]) -> bool {
    std::ptr::eq(path.as_str().as_ptr(), raw.as_ptr())
}

#[test]
fn raw_bytes_that_are_not_text_are_refused() {
    for raw in [b"/\xff".as_slice(), b"/\xc0\xaf", b"/a\x80"] {
        assert_eq!(CanonicalPath::parse(raw), Err(Ambiguity::NonAsciiTarget));
    }
}

/// Bytes that look like a path, so that many cases are accepted.
fn pathlike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9._~-]{1,4}",
        3 => "[!$&'()*+,=:@|^{}\\[\\]`]",
        6 => "%[0-9a-fA-F]{2}",
        1 => "%2[eEfF]|%5[cC]|%25|%c3%a4|%E2%82%AC",
        1 => "[;\\\\ \"<>%#?]",
        6 => Just("/".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn normalising_is_idempotent(raw in pathlike()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            let again = CanonicalPath::parse(path.as_str().as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&path));
            prop_assert!(is_borrowed(&again.unwrap(), path.as_str().as_bytes()));
        }
    }

    #[test]
    fn any_bytes_are_judged_without_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert!(path.as_str().starts_with('/') && path.as_str().is_ascii());
        }
    }

    /// Whatever single character or escape is put anywhere, the verdict is a refusal or the same text decoded once.
    #[test]
    fn every_byte_in_every_form(byte in any::<u8>(), place in 0usize..3) {
        for unit in [vec![byte], format!("%{byte:02x}").into_bytes(), format!("%{byte:02X}").into_bytes()] {
            let raw = [b"/ab".as_slice(), b"/a/", b"/"][place].iter().copied().chain(unit).chain(*b"c").collect::<Vec<_>>();
            if let Ok(path) = CanonicalPath::parse(&raw) {
                let prefix = ["/ab", "/a/", "/"][place];
                prop_assert_eq!(path.decoded().into_owned(), format!("{prefix}{}c", char::from(byte)));
            }
        }
    }
}
