use super::*;
use crate::snapshot::upstream::settings::Retries;

fn read_text(text: &str) -> Result<Arc<Upstream>, String> {
    read_in(text, Path::new("."))
}

fn read_in(text: &str, folder: &Path) -> Result<Arc<Upstream>, String> {
    let mut root = common::settings::parse(text, [], &[]).unwrap();
    let section = root.section("u").unwrap().unwrap();
    read(section, folder, |_| UpstreamMeter::default()).map_err(|error| error.to_string())
}

const PLAIN: &str = "[u]\nname = \"a\"\nservers = [\"10.0.0.1:1\", \"10.0.0.2:1 weight=2\"]\n";

#[test]
fn what_is_not_said_is_as_before() {
    let upstream = read_text(PLAIN).unwrap();
    let settings = &upstream.settings;
    assert_eq!((settings.protocol, &settings.host), (Protocol::Http1, &HostHeader::Pass));
    assert_eq!(settings.timeouts, Timeouts::default());
    assert_eq!(settings.retries, Retries::usual(2));
    assert!(settings.tls.is_none() && settings.health.is_none() && settings.outlier.is_none());
    assert!(!upstream.is_tracked(), "nothing is counted for nobody");
    assert_eq!(upstream.live().turns.len(), 3);
}

#[test]
fn everything_that_can_be_said() {
    let text = format!(
        "{PLAIN}protocol = \"http2\"\nhost = \"API.internal:8080\"\nread_timeout = \"0s\"\nresolve = \"1m\"\n\
         balance = \"hash\"\nhash = \"claim:sub\"\nmax_requests = 100\nmax_requests_per_server = 10\n\
         when_none_healthy = \"try_all\"\n\
         h2 = {{ max_streams = 10, stream_window = \"1MiB\", ping = \"20s\" }}\n\
         health = {{ path = \"/healthz?x\", interval = \"1s\", expect_status = [\"2xx\", \"301\", \"400-404\"], required = true }}\n\
         outlier = {{ consecutive = 3, eject_for = \"5s\", max_ejected = \"30%\" }}\n\
         retries = {{ attempts = 4, on = [\"reset\", \"status\"], budget = \"10%\", per_try_timeout = \"1s\" }}\n"
    );
    let upstream = read_text(&text).unwrap();
    let settings = &upstream.settings;
    assert!(upstream.is_tracked());
    assert_eq!(settings.host, HostHeader::Fixed(HeaderValue::from_static("api.internal:8080")));
    assert_eq!(settings.timeouts.read, None);
    assert_eq!(settings.h2.connection_window(), 10 << 20);
    assert_eq!(settings.balance, Balance::Hash(HashKey::Claim("sub".into())));
    assert_eq!(settings.health.as_ref().unwrap().expect_status, [200..=299, 301..=301, 400..=404]);
    let expected = Retries {
        attempts: 4,
        on_connect: false,
        on_reset: true,
        on_status: true,
        budget: Some(10),
        per_try_timeout: Some(Duration::from_secs(1)),
    };
    assert_eq!(settings.retries, expected);
}

#[test]
fn every_mistake_says_where() {
    for (line, expected) in [
        ("protocol = \"h2\"", "u.protocol: must be \"http1\", \"http2\" or \"auto\""),
        ("protocol = \"auto\"", "u.protocol: \"auto\" needs `tls`: without it nothing is negotiated; say \"http2\""),
        ("host = \"a b\"", "u.host: \"a b\" is neither \"pass\", \"server\" nor a host"),
        ("connect_timeout = \"0s\"", "u.connect_timeout: must be more than nothing"),
        ("balance = \"hash\"", "u.hash: is missing: by what?"),
        ("hash = \"client\"", "u.hash: needs `balance = \"hash\"`"),
        ("balance = \"random\"", "u.balance: must be \"round_robin\", \"least_requests\" or \"hash\""),
        (
            "balance = \"hash\"\nhash = \"cookie:a\"",
            "u.hash: \"cookie:a\" is no \"header:…\", \"claim:…\" or \"client\"",
        ),
        ("max_requests = 0", "u.max_requests: must be between 1 and 1000000"),
        ("h2 = { max_streams = 0 }", "u.h2.max_streams: must be between 1 and 1000"),
        ("h2 = { stream_window = \"1KiB\" }", "u.h2.stream_window: must be between 64KiB and 16MiB"),
        ("health = { path = \"healthz\" }", "u.health.path: the request target is neither a path nor an http URL"),
        ("health = { interval = \"1ms\" }", "u.health.interval: must be at least 100ms"),
        ("health = { expect_status = [\"200\"] }", "u.health.expect_status: needs a `path` to ask for"),
        (
            "health = { path = \"/\", expect_status = [\"9xx\"] }",
            "u.health.expect_status: \"9xx\" is no \"200\", \"2xx\" or \"200-299\"",
        ),
        ("outlier = { max_ejected = \"half\" }", "u.outlier.max_ejected: \"half\" is no share such as \"20%\""),
        (
            "outlier = { eject_for = \"0s\" }",
            "u.outlier.eject_for: must be more than nothing, and at most `eject_for_most`",
        ),
        ("retries = { attempts = 8 }", "u.retries.attempts: must be between 0 and 7"),
        (
            "retries = { per_try_timeout = \"1s\" }",
            "u.retries.per_try_timeout: needs \"reset\" in `on`: a server that is silent is asked no second time without it",
        ),
        ("retries = { on = [\"timeout\"] }", "u.retries.on: \"timeout\" is none of \"connect\", \"reset\", \"status\""),
        ("retries = { attempt = 1 }", "u.retries.attempt: unknown key; did you mean `attempts`?"),
        ("tls = { ca = \"missing.pem\" }", "u.tls.ca: "),
        ("tls = { server_name = \"a b\" }", "u.tls.server_name: \"a b\" is no name or address"),
        ("tls = { client_cert = \"a.pem\" }", "u.tls.client_key: is missing: `client_cert` needs its key"),
        ("tls = { client_key = \"a.pem\" }", "u.tls.client_cert: is missing: `client_key` is of no use alone"),
    ] {
        let error = read_text(&format!("{PLAIN}{line}\n")).unwrap_err();
        assert!(error.starts_with(expected), "{line}: {error}");
    }
    let unix = "[u]\nname = \"a\"\nservers = [\"unix:/run/a\"]\ntls = {}\n";
    assert_eq!(read_text(unix).unwrap_err(), "u.tls: needs `server_name` for a UNIX socket");
    let nowhere = "[u]\nname = \"a\"\nservers = [\"a.invalid:1\"]\n";
    assert!(read_text(nowhere).unwrap().live().servers.is_empty(), "it will be asked again");
    let never = format!("{nowhere}resolve = \"0s\"\n");
    assert_eq!(read_text(&never).unwrap_err(), "u.servers: \"a.invalid:1\" cannot be resolved");
}

#[test]
fn files_of_tls_are_proven_and_tell_upstreams_apart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for name in ["one", "other"] {
        let pair = rcgen::generate_simple_self_signed(vec![format!("{name}.test")]).unwrap();
        write(&format!("{name}.pem"), &pair.cert.pem());
        write(&format!("{name}.key"), &pair.signing_key.serialize_pem());
    }
    write("nothing.pem", "nothing\n");
    let tls = |tls: &str| read_in(&format!("{PLAIN}tls = {{ {tls} }}\n"), folder.path());
    let fingerprint = |text: &str| tls(text).unwrap().settings.tls.as_ref().unwrap().fingerprint;
    let all = [
        "",
        "verify = false",
        "server_name = \"a.test\"",
        "ca = \"one.pem\"",
        "ca = \"other.pem\"",
        "client_cert = \"one.pem\", client_key = \"one.key\"",
        "client_cert = \"other.pem\", client_key = \"other.key\"",
        "ca = \"one.pem\", client_cert = \"one.pem\", client_key = \"one.key\"",
    ];
    let mut seen: Vec<u64> = all.iter().map(|text| fingerprint(text)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all.len());
    assert_eq!(fingerprint(all[3]), fingerprint(all[3]), "a reload changes nothing");
    for (wrong, place) in [
        ("ca = \"nothing.pem\"", "u.tls.ca: "),
        ("client_cert = \"one.pem\", client_key = \"other.key\"", "u.tls.client_key: "),
        ("client_cert = \"one.pem\", client_key = \"nothing.pem\"", "u.tls.client_key: "),
        ("ca = \"one.pem\", verify = false", "u.tls.verify: "),
    ] {
        let error = tls(wrong).unwrap_err();
        assert!(error.starts_with(place), "{wrong}: {error}");
    }
}
