use super::{Transform, check};

/// AWS: "decodes a Base64-encoded string". ModSecurity: base64Decode stops where the text stops being base64.
#[test]
fn base64() {
    check(
        Transform::Base64Decode,
        &[
            ("", ""),
            ("VGVzdENhc2U=", "TestCase"),
            ("VGVzdENhc2UxMg==", "TestCase12"),
            // cut short, without padding
            ("VGVzdENhc2U", "TestCase"),
            ("VGVzdENhc2UxM", "TestCase1"),
            ("V", ""),
            // ends at the first byte outside the alphabet
            ("VGVzdENhc2U=\0VGVzdENhc2U=", "TestCase"),
            ("VGVz dENh", "Tes"),
            ("=VGVz", ""),
        ],
    );
    // both alphabets
    check(Transform::Base64Decode, &[(b"_-8/+w".as_slice(), b"\xff\xef\x3f\xfb".as_slice()), (b"AAAA\xff", b"\0\0\0")]);
}

/// AWS: "a forgiving implementation that ignores characters that aren't valid". ModSecurity: base64DecodeExt.
#[test]
fn base64_forgiving() {
    check(
        Transform::Base64DecodeExt,
        &[
            ("", ""),
            ("P.HNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "<script>alert(1)</script>"),
            ("VGVz\r\ndENh c2U=", "TestCase"),
            ("eyJwIjoieHh-IiwiYWxnIjoibm9uZSJ9", r#"{"p":"xx~","alg":"none"}"#),
            // padding inside is one more byte to ignore
            ("YWJj====ZGVm", "abcdef"),
            ("!!!", ""),
        ],
    );
}

/// AWS: "decodes a string of hexadecimal characters into a binary".
#[test]
fn hexadecimal() {
    check(
        Transform::HexDecode,
        &[
            ("", ""),
            ("5465737443617365", "TestCase"),
            ("3C3e", "<>"),
            // what belongs to no pair stays
            ("616", "a6"),
            ("61 6c", "a l"),
            ("61z62", "azb"),
            ("xyz", "xyz"),
        ],
    );
    check(Transform::HexDecode, &[(b"00ff", b"\x00\xff")]);
}

/// AWS: "(0x414243) is decoded to (ABC)". ModSecurity: sqlHexDecode, anywhere in the value.
#[test]
fn hexadecimal_of_sql() {
    check(
        Transform::SqlHexDecode,
        &[
            ("", ""),
            ("0x414243", "ABC"),
            ("0X414243", "ABC"),
            ("(0x414243)", "(ABC)"),
            ("00x414243", "0ABC"),
            ("0xz0x414243", "0xzABC"),
            ("0x4142430x434241", "ABCCBA"),
            ("0x4142430x0x434241", "ABC0xCBA"),
            ("0x414", "A4"),
            ("0x", "0x"),
            ("0x4", "0x4"),
            ("x41 10 exit", "x41 10 exit"),
            ("union select 0x61646d696e", "union select admin"),
        ],
    );
    check(Transform::SqlHexDecode, &[(b"0x00ff", b"\x00\xff")]);
}

/// AWS: "converts all UTF-8 character sequences to Unicode". ModSecurity: utf8toUnicode writes `%uHHHH`.
#[test]
fn unicode() {
    check(
        Transform::Utf8ToUnicode,
        &[
            ("", ""),
            ("ascii\0", "ascii\0"),
            ("\u{410}\u{411}", "%u0410%u0411"),
            ("aéb", "a%u00e9b"),
            ("\u{25a0}", "%u25a0"),
            ("\u{ff1c}script\u{ff1e}", "%uff1cscript%uff1e"),
            ("\u{1f600}\u{10ffff}", "%u1f600%u10ffff"),
        ],
    );
    check(
        Transform::Utf8ToUnicode,
        &[
            // overlong: the character that is hidden
            (b"..\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf".as_slice(), b"..%u002f%u002f%u002f".as_slice()),
            (b"\xed\xa0\x80", b"%ud800"),
            // no UTF-8: stays
            (b"\x80\xbf\xff", b"\x80\xbf\xff"),
            (b"\xc3", b"\xc3"),
            (b"\xe2\x82", b"\xe2\x82"),
            (b"\xc3\xc3\xa9", b"\xc3%u00e9"),
            (b"\xf4\x90\x80\x80\xf5\x80\x80\x80", b"\xf4\x90\x80\x80\xf5\x80\x80\x80"),
        ],
    );
}

/// Full-width letters and overlong slashes, through the pair of transformations that rule sets use.
#[test]
fn unicode_feeds_url_decode_uni() {
    let both = |input: &[u8]| Transform::UrlDecodeUni.apply(&Transform::Utf8ToUnicode.apply(input)).into_owned();
    assert_eq!(both("\u{ff1c}script\u{ff1e}".as_bytes()), b"<script>");
    assert_eq!(both(b"..\xc0\xafetc"), b"../etc");
}

/// RFC 1321 appendix A.5; AWS: "The computed hash is in a raw binary form".
#[test]
fn md5_in_raw_bytes() {
    check(
        Transform::Md5,
        &[
            (b"".as_slice(), b"\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e".as_slice()),
            (b"abc", b"\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72"),
        ],
    );
}

/// FIPS 180-4, the example "abc".
#[test]
fn sha256_in_raw_bytes() {
    let expected = b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
    check(Transform::Sha256, &[(b"abc".as_slice(), expected.as_slice())]);
}
