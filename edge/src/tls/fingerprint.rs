//! JA3 (salesforce/ja3) and JA4 (FoxIO's JA4.md, the fingerprint of TLS clients): short names for what a ClientHello looks like. Programs of one kind
//! have one; a program that wants to has another's.

use std::fmt::Write;

use md5::{Digest, Md5};
use ring::digest;

use super::hello::{ALPN, Hello, SERVER_NAME};
use crate::facts::Fingerprints;

/// What JA4 has in the place of a hash over nothing.
const NOTHING: &str = "000000000000";

pub fn of(hello: &Hello<'_>) -> Fingerprints {
    Fingerprints { ja3: hex(&Md5::digest(ja3_text(hello)), 32).into(), ja4: ja4(hello).into() }
}

/// Version, ciphers, extensions, groups and point formats, in decimal and in the client's order.
fn ja3_text(hello: &Hello<'_>) -> String {
    let mut text = String::with_capacity(256);
    let _ = write!(text, "{}", hello.version); // a String takes everything
    let formats: Vec<u16> = hello.point_formats.iter().map(|format| u16::from(*format)).collect();
    for list in [&hello.ciphers, &hello.extensions, &hello.groups, &formats] {
        text.push(',');
        for (at, number) in list.iter().enumerate() {
            let _ = write!(text, "{}{number}", if at == 0 { "" } else { "-" });
        }
    }
    text
}

/// `t13d1516h2_8daaf6152771_e5627efa2ab1`.
fn ja4(hello: &Hello<'_>) -> String {
    let has = |kind| hello.extensions.contains(&kind);
    let mut ciphers = hello.ciphers.clone();
    ciphers.sort_unstable();
    let mut extensions = hello.extensions.clone();
    extensions.retain(|kind| ![SERVER_NAME, ALPN].contains(kind));
    extensions.sort_unstable();
    let mut third = list(&extensions);
    if !extensions.is_empty() && !hello.signature_algorithms.is_empty() {
        third.push('_');
        third.push_str(&list(&hello.signature_algorithms));
    }
    format!(
        "t{}{}{:02}{:02}{}_{}_{}",
        version(hello),
        if has(SERVER_NAME) { 'd' } else { 'i' },
        hello.ciphers.len().min(99),
        hello.extensions.len().min(99),
        protocol(hello.protocol.unwrap_or_default()),
        hash(&list(&ciphers)),
        hash(&third),
    )
}

/// The newest version that the client offers.
fn version(hello: &Hello<'_>) -> &'static str {
    match hello.supported_versions.iter().max().unwrap_or(&hello.version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and the last character of a protocol's name; those of its hex form if one of them is neither letter nor digit.
fn protocol(name: &[u8]) -> String {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        format!("{}{}", char::from(*first), char::from(*last))
    } else {
        format!("{:x}{:x}", first >> 4, last & 0x0f)
    }
}

/// `1301,1302`.
fn list(numbers: &[u16]) -> String {
    let mut text = String::with_capacity(numbers.len() * 5);
    for (at, number) in numbers.iter().enumerate() {
        let _ = write!(text, "{}{number:04x}", if at == 0 { "" } else { "," });
    }
    text
}

/// The first twelve digits of SHA-256.
fn hash(text: &str) -> String {
    if text.is_empty() {
        NOTHING.to_owned()
    } else {
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref(), 12)
    }
}

fn hex(bytes: &[u8], digits: usize) -> String {
    bytes.iter().take(digits / 2).fold(String::with_capacity(digits), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::fixture::Sketch;
    use crate::tls::hello::{Assembled, Assembler};

    fn prints(sketch: &Sketch) -> Fingerprints {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.take(&sketch.bytes()), Assembled::Whole);
        of(&assembler.hello().unwrap())
    }

    /// The strings and hashes of <https://github.com/salesforce/ja3>, README.md.
    #[test]
    fn the_examples_of_ja3() {
        let with_extensions = Sketch {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            formats: vec![0],
            ..Sketch::default()
        };
        assert_eq!(&*prints(&with_extensions).ja3, "ada70206e40642a3e4461f35503241d5");
        let without =
            Sketch { version: 769, ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], ..Sketch::default() };
        assert_eq!(&*prints(&without).ja3, "de350869b8c85de67a350c8d186f11e6");
        // Nobody else's values change it.
        let greased = Sketch {
            ciphers: [&[0x1a1a][..], &with_extensions.ciphers].concat(),
            extensions: vec![0xfafa, 0, 10, 11, 0x0a0a],
            groups: vec![0x2a2a, 23, 24, 25],
            ..with_extensions
        };
        assert_eq!(&*prints(&greased).ja3, "ada70206e40642a3e4461f35503241d5");
    }

    /// Chrome's hello in <https://github.com/FoxIO-LLC/ja4>, technical_details/JA4.md; and python/test/testdata/sigalg-grease.pcapng.json there.
    #[test]
    fn the_examples_of_ja4() {
        assert_eq!(&*prints(&Sketch::chrome()).ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
        let newer = Sketch {
            extensions: vec![
                0xdada, 0xfe0d, 0x0010, 0x0017, 0x0033, 0x44cd, 0xff01, 0x000a, 0x000d, 0x0023, 0x002b, 0x000b, 0xca34,
                0x002d, 0x0000, 0x0005, 0x001b, 0x0012, 0x3a3a,
            ],
            signature_algorithms: vec![
                0x5a5a, 0x0904, 0x0905, 0x0906, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            ..Sketch::chrome()
        };
        assert_eq!(&*prints(&newer).ja4, "t13d1517h2_8daaf6152771_cb7bf5808d99");
    }

    #[test]
    fn the_parts_of_ja4() {
        let plain = Sketch { version: 0x0303, ciphers: vec![0x1301], ..Sketch::default() };
        assert_eq!(&*prints(&plain).ja4, "t12i010000_0f2cb44170f4_000000000000");
        assert_eq!(
            &*prints(&Sketch { ciphers: Vec::new(), ..plain.clone() }).ja4,
            "t12i000000_000000000000_000000000000"
        );
        let first = |sketch: &Sketch| prints(sketch).ja4.split('_').next().unwrap().to_owned();
        for (version, versions, expected) in [
            (0x0303, vec![], "12"),
            (0x0302, vec![], "11"),
            (0x0301, vec![], "10"),
            (0x0300, vec![], "s3"),
            (0x0305, vec![], "00"),
            (0x0301, vec![0x0303, 0x7a7a, 0x0302], "12"),
            (0x0303, vec![0x0304], "13"),
        ] {
            let extensions = if versions.is_empty() { vec![] } else { vec![0x002b] };
            let sketch = Sketch { version, versions, extensions, ..plain.clone() };
            assert_eq!(first(&sketch)[1..3], *expected);
        }
        for (protocols, expected) in [
            (vec![b"h2".to_vec(), b"http/1.1".to_vec()], "h2"),
            (vec![b"http/1.1".to_vec()], "h1"),
            (vec![b"x".to_vec()], "xx"),
            (vec![vec![0xab]], "ab"),
            (vec![vec![0xab, 0xcd]], "ad"),
            (vec![vec![0x30, 0x31, 0xab, 0xcd]], "3d"),
            (vec![vec![0x6a, 0x6a], b"h2".to_vec()], "h2"),
            (vec![], "00"),
        ] {
            let sketch = Sketch { protocols, extensions: vec![0x0010], ..plain.clone() };
            assert_eq!(first(&sketch)[8..], *expected);
        }
        let many = Sketch { ciphers: (1..150).collect(), extensions: (100..250).collect(), ..plain };
        assert_eq!(first(&many), "t12i999900");
    }
}
