//! Accepted paths have one reading: normalisers in the manner of common origins, given what the client sent or what the edge
//! forwards, all arrive at the path that the rules judged (SECURITY.md T22).

use proptest::prelude::*;

use crate::canonical::CanonicalPath;

/// As nginx does (`ngx_http_parse_complex_uri`, `merge_slashes on`): decode once, then merge slashes and resolve dots, and stop
/// the path at a NUL.
fn nginx(raw: &str) -> Option<String> {
    let decoded = decode(raw)?;
    (!decoded.contains(&0)).then(|| resolve(&decoded, MergeSlashes::Yes))?
}

/// As Apache httpd does (`ap_unescape_url`, `AllowEncodedSlashes off`, then `ap_normalize_path`): an encoded slash is 404.
fn apache(raw: &str) -> Option<String> {
    if raw.to_ascii_lowercase().contains("%2f") {
        return None;
    }
    resolve(&decode(raw)?, MergeSlashes::Yes)
}

/// As Tomcat and Spring do: cut parameters from each segment, decode, resolve, `\` is `/`.
fn tomcat(raw: &str) -> Option<String> {
    let cut: Vec<&str> = raw.split('/').map(|s| s.split(';').next().unwrap_or(s)).collect();
    let decoded: Vec<u8> = decode(&cut.join("/"))?.into_iter().map(|b| if b == b'\\' { b'/' } else { b }).collect();
    resolve(&decoded, MergeSlashes::Yes)
}

/// As node, Deno, workers and browsers do: the WHATWG URL parser resolves (encoded) dots and backslashes; the router decodes.
fn whatwg(raw: &str) -> Option<String> {
    let url = url::Url::parse(&format!("http://origin.example{raw}")).ok()?;
    String::from_utf8(decode(url.path())?).ok()
}

/// An origin behind one more decoding proxy.
fn twice(raw: &str) -> Option<String> {
    let once = String::from_utf8(decode(raw)?).ok()?;
    // A lone `%` is data to lenient decoders.
    resolve(&decode_leniently(&once), MergeSlashes::Yes)
}

/// Plain: no merging (Go's `ServeMux` before it redirects, most WSGI servers).
fn plain(raw: &str) -> Option<String> {
    resolve(&decode(raw)?, MergeSlashes::No)
}

enum MergeSlashes {
    Yes,
    No,
}

fn decode(raw: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let pair = [bytes.next()?, bytes.next()?];
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
    }
    Some(out)
}

fn decode_leniently(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|p| bytes[at] == b'%' && p.iter().all(u8::is_ascii_hexdigit));
        match pair {
            Some(pair) => {
                out.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn resolve(path: &[u8], merge: MergeSlashes) -> Option<String> {
    let text = String::from_utf8(path.to_vec()).ok()?;
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
    let (last, inner) = segments.split_last()?;
    for &segment in inner {
        match segment {
            "." => {}
            ".." => {
                out.pop()?;
            }
            "" if matches!(merge, MergeSlashes::Yes) => {}
            _ => out.push(segment),
        }
    }
    match *last {
        "." => out.push(""),
        ".." => {
            out.pop()?;
            out.push("");
        }
        other => out.push(other),
    }
    Some(format!("/{}", out.join("/")))
}

type Normaliser = fn(&str) -> Option<String>;
const ORIGINS: &[(&str, Normaliser)] =
    &[("nginx", nginx), ("apache", apache), ("tomcat", tomcat), ("whatwg", whatwg), ("twice", twice), ("plain", plain)];

fn agree(raw: &str) -> Result<bool, String> {
    let Ok(path) = CanonicalPath::parse(raw.as_bytes()) else { return Ok(false) };
    for (name, origin) in ORIGINS {
        for text in [raw, path.as_str()] {
            let got = origin(text);
            if got.as_deref() != Some(path.decoded().as_ref()) {
                return Err(format!("{name} reads {text:?} as {got:?}, the edge as {:?}", path.decoded()));
            }
        }
    }
    Ok(true)
}

/// Attacks on a rule for `/admin`, built from every disguise of its letters and of what stands before and after it.
#[test]
fn nothing_reaches_admin_under_another_name() {
    let before = [
        "/",
        "//",
        "/./",
        "/x/../",
        "/x/..;/",
        "/%2e/",
        "/x/%2e%2e/",
        "/%2f",
        "/\\",
        "/%5c",
        "/x%2f..%2f",
        "/;/",
        "/x\\..\\",
    ];
    let names = [
        "admin",
        "%61dmin",
        "adm%69n",
        "%61%64%6D%69%6e",
        "%2561dmin",
        "admin;",
        "admin;x",
        "admin%00",
        "admin%3b",
        "admin\\",
    ];
    let after = ["", "/", "//", "/.", "/x/..", "%2f", "/%2e", ";", "/..;/admin", "/%2e%2e/admin"];
    let (mut accepted, mut total) = (0, 0);
    let starts = before.iter().flat_map(|b| names.iter().map(move |n| format!("{b}{n}")));
    for raw in starts.flat_map(|start| after.map(|a| format!("{start}{a}"))) {
        total += 1;
        if agree(&raw).unwrap() {
            accepted += 1;
            let path = CanonicalPath::parse(raw.as_bytes()).unwrap();
            assert!(matches!(path.as_str(), "/admin" | "/admin/"), "{raw} became {}", path.as_str());
        }
    }
    assert_eq!((accepted, total), (8, 1300)); // four spellings of the letters, with and without the final slash
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8192, ..ProptestConfig::default() })]

    #[test]
    fn origins_read_what_the_rules_judged(pieces in proptest::collection::vec(prop_oneof![
        6 => "[a-z.]{1,3}",
        4 => "%(2[0-9a-fA-F]|[3-7][0-9a-fA-F]|c3%a4|E2%82%AC)",
        2 => "[!$&'()*+,=:@|^{}\\[\\]`]",
        1 => "[;\\\\]|%25|%2e|%00|%ff|//|/\\./|/\\.\\./",
        4 => Just("/".to_owned()),
    ], 0..10)) {
        let raw = format!("/{}", pieces.concat());
        prop_assert!(agree(&raw).is_ok(), "{}", agree(&raw).unwrap_err());
    }
}
