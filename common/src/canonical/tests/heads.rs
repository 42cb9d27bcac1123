//! Whole heads: method, target, host, framing, fields.

use crate::canonical::*;

type Header<'a> = (&'a str, &'a [u8]);

fn policy() -> Policy {
    Policy { identity: IdentityHeaders::new(["x-user-id", "x-groups"]).unwrap(), ..Policy::default() }
}

fn run<'a>(
    head: RequestHead<'a>,
    headers: &'a [Header<'a>],
    policy: &Policy,
) -> Result<CanonicalRequest<'a>, Ambiguity> {
    canonical_request(head, headers.iter().map(|(n, v)| (n.as_bytes(), *v)), policy)
}

fn h1<'a>(target: &'a str, headers: &'a [Header<'a>]) -> Result<CanonicalRequest<'a>, Ambiguity> {
    run(head("GET", target, Version::Http11), headers, &policy())
}

fn h2<'a>(authority: Option<&'a str>, headers: &'a [Header<'a>]) -> Result<CanonicalRequest<'a>, Ambiguity> {
    let head = RequestHead { authority: authority.map(str::as_bytes), ..head("GET", "/", Version::Http2) };
    run(head, headers, &policy())
}

fn head<'a>(method: &'a str, target: &'a str, version: Version) -> RequestHead<'a> {
    RequestHead { method, target: target.as_bytes(), version, authority: None }
}

const HOST: Header = ("Host", b"example.com");

#[test]
fn a_plain_request_is_borrowed_whole() {
    let request = h1("/orders/7?x=1", &[HOST, ("Accept", b"*/*")]).unwrap();
    assert_eq!((request.method, request.host.name(), request.host.port()), ("GET", "example.com", None));
    assert_eq!((request.path.as_str(), request.query), ("/orders/7", Some("x=1")));
    assert_eq!((request.framing, request.identity_headers), (Framing::NoBody, false));
    assert_eq!(request.target(), "/orders/7?x=1");
    assert!(request.is_target(b"/orders/7?x=1"));
    for other in [b"/orders/7".as_slice(), b"/orders/7?", b"/orders/7?x=1&", b"/orders/7/?x=1", b"/Orders/7?x=1", b""] {
        assert!(!request.is_target(other), "{}", other.escape_ascii());
    }
}

#[test]
fn targets() {
    use Ambiguity::*;
    type PathAndQuery = (&'static str, Option<&'static str>);
    let table: &[(&str, Result<PathAndQuery, Ambiguity>)] = &[
        ("/", Ok(("/", None))),
        ("/?", Ok(("/", Some("")))),
        ("/?a?b/../;//", Ok(("/", Some("a?b/../;//")))),
        ("/?a=%2F%2e&b={[|]}^`\\", Ok(("/", Some("a=%2F%2e&b={[|]}^`\\")))),
        ("http://example.com", Ok(("/", None))),
        ("HTTPS://EXAMPLE.com.?q", Ok(("/", Some("q")))),
        ("http://example.com/%61", Ok(("/a", None))),
        ("", Err(InvalidTarget)),
        ("*", Err(AsteriskTarget)),
        ("*/", Err(InvalidTarget)),
        ("a", Err(InvalidTarget)),
        ("?q", Err(InvalidTarget)),
        ("example.com:443", Err(InvalidTarget)),
        ("ftp://example.com/", Err(InvalidTarget)),
        ("http:/example.com/", Err(InvalidTarget)),
        ("http:example.com/", Err(InvalidTarget)),
        ("//example.com/", Err(EmptySegment)),
        ("http://example.com//", Err(EmptySegment)),
        ("http:///a", Err(InvalidHost)),
        ("http://example.com\\@other/", Err(UserInfo)),
        ("http://example.com\\other/", Err(InvalidHost)),
        ("http://user@example.com/", Err(UserInfo)),
        ("http://example.com:80/", Err(AbsoluteTargetMismatch)),
        ("http://other.com/", Err(AbsoluteTargetMismatch)),
        ("http://example.com#x", Err(FragmentInTarget)),
        ("/#", Err(FragmentInTarget)),
        ("/?a#b", Err(FragmentInTarget)),
        ("/?a b", Err(InvalidTargetCharacter)),
        ("/?a\"", Err(InvalidTargetCharacter)),
        ("/?<script>", Err(InvalidTargetCharacter)),
        ("/?a\tb", Err(ControlInTarget)),
        ("/?a\0", Err(ControlInTarget)),
        ("/?a\r\nX: y", Err(ControlInTarget)),
        ("/?ä", Err(NonAsciiTarget)),
        ("/?%", Err(BadEscape)),
        ("/?%2", Err(BadEscape)),
        ("/?%g0", Err(BadEscape)),
        ("/?%%20", Err(BadEscape)),
    ];
    for (target, expected) in table {
        let headers = [HOST];
        let got = h1(target, &headers);
        let got = got.as_ref().map(|r| (r.path.as_str(), r.query)).map_err(|e| *e);
        assert_eq!(got, *expected, "{target:?}");
    }
}

#[test]
fn methods() {
    for method in ["GET", "POST", "PROPFIND", "M-SEARCH", "X_Y", "QUERY"] {
        assert!(run(head(method, "/", Version::Http11), &[HOST], &policy()).is_ok(), "{method}");
    }
    for method in ["CONNECT", "TRACE", "TRACK"] {
        let refused = run(head(method, "/", Version::Http11), &[HOST], &policy());
        assert_eq!(refused, Err(Ambiguity::MethodRefused), "{method}");
    }
    let long = "A".repeat(33);
    for method in ["", "get", "Get", "connect", "GE T", "GET\0", "GET/", "GÉT", "(GET)", &long] {
        let refused = run(head(method, "/", Version::Http11), &[HOST], &policy());
        assert_eq!(refused, Err(Ambiguity::InvalidMethod), "{method:?}");
    }
}

#[test]
fn fields_of_http1() {
    use Ambiguity::*;
    let table: &[(&[Header], Ambiguity)] = &[
        (&[], MissingHost),
        (&[HOST, HOST], DuplicateHost),
        (&[HOST, ("host", b"other.com")], DuplicateHost),
        (&[("Host", b"")], InvalidHost),
        (&[("Host", b"a.com, b.com")], InvalidHost),
        (&[("Host", b"a.com/x")], InvalidHost),
        (&[HOST, ("Content-Length", b"1"), ("Transfer-Encoding", b"chunked")], LengthAndEncoding),
        (&[HOST, ("Transfer-Encoding", b"chunked"), ("Content-Length", b"0")], LengthAndEncoding),
        (&[HOST, ("Content-Length", b"1"), ("content-length", b"1")], DuplicateLength),
        (&[HOST, ("Content-Length", b"")], InvalidLength),
        (&[HOST, ("Content-Length", b"1, 1")], InvalidLength),
        (&[HOST, ("Content-Length", b"+1")], InvalidLength),
        (&[HOST, ("Content-Length", b"-1")], InvalidLength),
        (&[HOST, ("Content-Length", b"0x1")], InvalidLength),
        (&[HOST, ("Content-Length", b"01")], InvalidLength),
        (&[HOST, ("Content-Length", b"1 1")], InvalidLength),
        (&[HOST, ("Content-Length", b"18446744073709551616")], InvalidLength),
        (&[HOST, ("Content-Length", "１".as_bytes())], InvalidLength),
        (&[HOST, ("Transfer-Encoding", b"chunked"), ("Transfer-Encoding", b"chunked")], DuplicateEncoding),
        (&[HOST, ("Transfer-Encoding", b"gzip, chunked")], UnsupportedEncoding),
        (&[HOST, ("Transfer-Encoding", b"chunked, identity")], UnsupportedEncoding),
        (&[HOST, ("Transfer-Encoding", b"identity")], UnsupportedEncoding),
        (&[HOST, ("Transfer-Encoding", b"xchunked")], UnsupportedEncoding),
        (&[HOST, ("Transfer-Encoding", b"")], UnsupportedEncoding),
        (&[HOST, ("Transfer-Encoding", b"\x0bchunked")], InvalidHeaderValue),
        (&[HOST, ("Content_Length", b"1")], FramingAlias),
        (&[HOST, ("transfer_encoding", b"chunked")], FramingAlias),
        (&[HOST, ("Transfer.Encoding", b"chunked")], FramingAlias),
        (&[HOST, ("Transfer-Encoding ", b"chunked")], InvalidHeaderName),
        (&[HOST, ("", b"x")], InvalidHeaderName),
        (&[HOST, (":path", b"/")], InvalidHeaderName),
        (&[HOST, ("a b", b"x")], InvalidHeaderName),
        (&[HOST, ("a\0", b"x")], InvalidHeaderName),
        (&[HOST, ("x\n", b"x")], InvalidHeaderName),
        (&[HOST, ("ä", b"x")], InvalidHeaderName),
        (&[HOST, ("X", b"a\r\n b")], ObsFold),
        (&[HOST, ("X", b"a\n\tb")], ObsFold),
        (&[HOST, ("X", b"a\r\nY: b")], LineBreakInHeader),
        (&[HOST, ("X", b"a\nb")], LineBreakInHeader),
        (&[HOST, ("X", b"a\r")], LineBreakInHeader),
        (&[HOST, ("X", b"a\0b")], NulInHeader),
        (&[HOST, ("X", b"a\x1bb")], InvalidHeaderValue),
        (&[HOST, ("X", b"a\x7f")], InvalidHeaderValue),
        (&[HOST, ("Connection", b"close, X-User-Id")], IdentityNominated),
        (&[HOST, ("connection", b"x_groups")], IdentityNominated),
        (&[HOST, ("Connection", b"close"), ("Connection", b"x-groups")], IdentityNominated),
    ];
    for (headers, reason) in table {
        assert_eq!(h1("/", headers), Err(*reason), "{headers:?}");
    }
}

#[test]
fn framing_of_http1() {
    let table: &[(&[Header], Framing)] = &[
        (&[HOST], Framing::NoBody),
        (&[HOST, ("Content-Length", b"0")], Framing::Length(0)),
        (&[HOST, ("Content-Length", b" 18446744073709551615 ")], Framing::Length(u64::MAX)),
        (&[HOST, ("Transfer-Encoding", b"Chunked")], Framing::Chunked),
        (&[HOST, ("X", b"obs-text \xff, tab \t, quotes \"")], Framing::NoBody),
        (&[HOST, ("Connection", b"keep-alive, upgrade"), ("Upgrade", b"websocket"), ("TE", b"gzip")], Framing::NoBody),
    ];
    for (headers, framing) in table {
        assert_eq!(h1("/", headers).map(|r| r.framing), Ok(*framing), "{headers:?}");
    }
    let old = head("POST", "/", Version::Http10);
    let encoded = [HOST, ("Transfer-Encoding", b"chunked".as_slice())];
    assert_eq!(run(old, &encoded, &policy()), Err(Ambiguity::UnsupportedEncoding));
    assert_eq!(run(old, &[], &policy()), Err(Ambiguity::MissingHost));
    assert!(run(old, &[HOST], &policy()).is_ok());
}

#[test]
fn fields_of_http2() {
    use Ambiguity::*;
    let table: &[(&[Header], Ambiguity)] = &[
        (&[("connection", b"close")], ConnectionSpecificHeader),
        (&[("keep-alive", b"1")], ConnectionSpecificHeader),
        (&[("proxy-connection", b"x")], ConnectionSpecificHeader),
        (&[("transfer-encoding", b"chunked")], ConnectionSpecificHeader),
        (&[("upgrade", b"h2c")], ConnectionSpecificHeader),
        (&[("te", b"gzip")], ConnectionSpecificHeader),
        (&[("te", b"trailers, gzip")], ConnectionSpecificHeader),
        (&[("X-A", b"1")], InvalidHeaderName),
        (&[(":path", b"/x")], InvalidHeaderName),
        (&[("x", b" a")], InvalidHeaderValue),
        (&[("x", b"a\t")], InvalidHeaderValue),
        (&[("x", b"a\r\nb")], LineBreakInHeader),
        (&[("host", b"other.com")], AuthorityMismatch),
        (&[("host", b"example.com:443")], AuthorityMismatch),
        (&[("host", b"example.com"), ("host", b"example.com")], DuplicateHost),
        (&[("content-length", b"1"), ("content-length", b"1")], DuplicateLength),
    ];
    for (headers, reason) in table {
        assert_eq!(h2(Some("example.com"), headers), Err(*reason), "{headers:?}");
    }
    assert_eq!(h2(None, &[]), Err(Ambiguity::MissingHost));
    assert_eq!(h2(Some(""), &[]), Err(Ambiguity::InvalidHost));
    assert_eq!(h2(Some("u:p@example.com"), &[]), Err(Ambiguity::UserInfo));
    let absolute =
        RequestHead { authority: Some(b"example.com"), ..head("GET", "http://example.com/", Version::Http2) };
    assert_eq!(run(absolute, &[], &policy()), Err(Ambiguity::InvalidTarget));
}

#[test]
fn hosts_of_http2() {
    for (authority, headers) in [
        (Some("Example.com"), &[][..]),
        (Some("example.com"), &[("host", b"EXAMPLE.com".as_slice())][..]),
        (None, &[("host", b"example.com".as_slice()), ("te", b"trailers")][..]),
    ] {
        let request = h2(authority, headers).unwrap();
        assert_eq!((request.host.name(), request.framing), ("example.com", Framing::Stream));
    }
    // HTTP/1 has no :authority, whatever a caller passes.
    let head = RequestHead { authority: Some(b"example.com"), ..head("GET", "/", Version::Http11) };
    assert_eq!(run(head, &[], &policy()), Err(Ambiguity::MissingHost));
}

#[test]
fn identity_headers_are_reported_or_refused() {
    let strip = policy();
    let refuse = Policy { aliases: AliasAction::Refuse, ..policy() };
    let target = head("GET", "/", Version::Http11);
    for (name, refused) in [("X-User-Id", false), ("x-groups", false), ("x_user_id", true), ("X.Groups", true)] {
        let headers = [HOST, (name, b"root".as_slice())];
        assert!(run(target, &headers, &strip).unwrap().identity_headers, "{name}");
        assert_eq!(run(target, &headers, &refuse).err(), refused.then_some(Ambiguity::IdentityAlias), "{name}");
    }
    assert!(!run(target, &[HOST, ("x-user", b"1".as_slice())], &refuse).unwrap().identity_headers);
}

#[test]
fn limits_hold_at_their_edges() {
    let limits = Limits { max_target_bytes: 4, max_headers: 2, max_header_bytes: 40 };
    let policy = Policy { limits, ..Policy::default() };
    let ok = [HOST, ("A", b"0123456789ABCDEF".as_slice())]; // 4 + 11 + 4, 1 + 16 + 4: 40 bytes
    assert!(run(head("GET", "/abc", Version::Http11), &ok, &policy).is_ok());
    assert_eq!(run(head("GET", "/abcd", Version::Http11), &ok, &policy), Err(Ambiguity::TargetTooLong));
    let large = [HOST, ("A", b"0123456789ABCDEFG".as_slice())];
    assert_eq!(run(head("GET", "/", Version::Http11), &large, &policy), Err(Ambiguity::HeadersTooLarge));
    let many = [HOST, ("A", b"".as_slice()), ("A", b"")];
    assert_eq!(run(head("GET", "/", Version::Http11), &many, &policy), Err(Ambiguity::TooManyHeaders));
}
