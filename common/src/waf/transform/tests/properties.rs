use std::borrow::Cow;

use proptest::prelude::{ProptestConfig, any, prop};
use proptest::proptest;

use super::Transform;

/// Bytes that some transformation acts on, and a few it does not.
const SALT: &[u8] = b"%u+&#x;\\/*-.\"'^`,( \t\n\r\x0c\x0b\x00\xa0\xc2\xc3\xe0\x80\xff=AfF019{}lt_z";

/// No more than the input, three times the input, or the length of a hash.
fn bound(transform: Transform, length: usize) -> usize {
    match transform {
        Transform::Md5 => 16,
        Transform::Sha256 => 32,
        Transform::Utf8ToUnicode => 3 * length,
        Transform::Base64Decode | Transform::Base64DecodeExt => 3 * length / 4,
        _ => length,
    }
}

/// Those whose output holds nothing that they would act on again.
const SETTLED: [Transform; 16] = [
    Transform::None,
    Transform::CompressWhiteSpace,
    Transform::Lowercase,
    Transform::Uppercase,
    Transform::CmdLine,
    Transform::CmdLineWin,
    Transform::CmdLineUnix,
    Transform::NormalizePath,
    Transform::NormalizePathWin,
    Transform::RemoveNulls,
    Transform::ReplaceNulls,
    Transform::Utf8ToUnicode,
    Transform::Trim,
    Transform::TrimLeft,
    Transform::TrimRight,
    Transform::RemoveWhitespace,
];

fn hold(input: &[u8]) {
    for transform in Transform::ALL {
        let output = transform.apply(input);
        let what = format!("{} of \"{}\"", transform.name(), input.escape_ascii());
        assert!(output.len() <= bound(transform, input.len()), "{what} is {} bytes", output.len());
        let trims = matches!(transform, Transform::Trim | Transform::TrimLeft | Transform::TrimRight);
        match &output {
            Cow::Borrowed(same) if !trims => assert_eq!(*same, input, "{what}"),
            Cow::Borrowed(part) => {
                assert!(input.windows(part.len().max(1)).any(|window| window == *part) || part.is_empty(), "{what}")
            }
            Cow::Owned(other) => assert_ne!(other.as_slice(), input, "{what} is copied for nothing"),
        }
        if SETTLED.contains(&transform) {
            assert_eq!(
                transform.apply(&output).escape_ascii().to_string(),
                output.escape_ascii().to_string(),
                "{what}, again"
            );
        }
    }
}

#[test]
fn every_value_of_up_to_two_bytes() {
    hold(b"");
    for first in 0..=255 {
        hold(&[first]);
        for second in 0..=255 {
            hold(&[first, second]);
        }
    }
}

#[test]
fn every_value_of_three_telling_bytes() {
    for first in SALT {
        for second in SALT {
            for third in SALT {
                hold(&[*first, *second, *third]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes(input in prop::collection::vec(any::<u8>(), 0..200)) {
        hold(&input);
    }

    #[test]
    fn telling_bytes(input in prop::collection::vec(prop::sample::select(SALT), 0..60)) {
        hold(&input);
    }

    /// Encoded by the book, decoded to what it was.
    #[test]
    fn encodings_are_undone(input in prop::collection::vec(any::<u8>(), 0..60)) {
        let each = |form: fn(&u8) -> String| input.iter().map(form).collect::<String>().into_bytes();
        for (transform, encoded) in [
            (Transform::UrlDecode, each(|byte| format!("%{byte:02X}"))),
            (Transform::UrlDecodeUni, each(|byte| format!("%u00{byte:02x}"))),
            (Transform::HexDecode, each(|byte| format!("{byte:02x}"))),
            (Transform::JsDecode, each(|byte| format!("\\x{byte:02x}"))),
            (Transform::JsDecodeExt, each(|byte| format!("\\u{{{byte:x}}}"))),
            (Transform::CssDecode, each(|byte| format!("\\{byte:x} "))),
            (Transform::EscapeSeqDecode, each(|byte| format!("\\{byte:03o}"))),
        ] {
            assert_eq!(transform.apply(&encoded).as_ref(), input.as_slice(), "{}", transform.name());
        }
    }
}

/// What never closes, or is one long run: a scan that begins anew at each byte would need the square of 512 KiB here.
#[test]
fn long_values_end() {
    let pieces = [
        "&", "&#", "&#x", "&a", "&0", "\\u{", "\\u{0", "/*", "%u", "0x", "../", "a/", " ", "\u{a0}", "\u{f0}", "à",
        "^", "--", "*/",
    ];
    for piece in pieces {
        let input = piece.repeat(512 * 1024 / piece.len());
        for transform in Transform::ALL {
            assert!(transform.apply(input.as_bytes()).len() <= bound(transform, input.len()));
        }
    }
    for digits in ["&#", "&#x", "\\u{"] {
        let input = format!("{digits}{}", "0".repeat(512 * 1024));
        for transform in Transform::ALL {
            assert!(transform.apply(input.as_bytes()).len() <= bound(transform, input.len()));
        }
    }
}

#[test]
fn a_plain_value_is_never_copied() {
    let plain: Vec<&str> = vec!["", "0", "GET", "page", "12345", "/a/b.html", "a-b_c~d", "2026-11-23"];
    let copying =
        [Transform::Base64Decode, Transform::Base64DecodeExt, Transform::HexDecode, Transform::Md5, Transform::Sha256];
    for transform in Transform::ALL.into_iter().filter(|transform| !copying.contains(transform)) {
        for value in &plain {
            let letters = matches!(transform, Transform::Lowercase | Transform::Uppercase);
            let shell = matches!(transform, Transform::CmdLine | Transform::CmdLineUnix | Transform::CmdLineWin);
            if (letters || shell) && value.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                continue;
            }
            assert!(
                matches!(transform.apply(value.as_bytes()), Cow::Borrowed(same) if same.as_ptr() == value.as_ptr()),
                "{}",
                transform.name()
            );
        }
    }
}
