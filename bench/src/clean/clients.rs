//! The fields that real programs send with every request.

use super::draft::Client;
use super::random::Random;
use super::tokens;

/// Adds those of one program of that kind.
pub fn fields(client: Client, random: &mut Random, into: &mut Vec<(String, String)>) {
    match client {
        Client::Any => match random.below(4) {
            0 => page(random, into),
            3 => program(random, into),
            _ => script(random, into),
        },
        Client::Page => page(random, into),
        Client::Script => script(random, into),
        Client::Program => program(random, into),
        Client::Sdk => sdk(random, into),
    }
}

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const CHROME_ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0";

const BROWSERS: [&str; 6] = [CHROME, CHROME_ANDROID, FIREFOX, SAFARI, IPHONE, EDGE];
const LANGUAGES: [&str; 6] = [
    "en-US,en;q=0.9",
    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "en-US,en;q=0.5",
    "fr-FR,fr;q=0.8,en-US;q=0.5,en;q=0.3",
    "pt-BR,pt;q=0.9,en;q=0.8",
    "ja,en-US;q=0.9,en;q=0.8",
];
const DOCUMENT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
const SITES: [&str; 5] = [
    "https://www.example.com/",
    "https://app.example.com/orders?page=2&sort=-created_at",
    "https://www.google.com/",
    "https://shop.example.com/c/shoes/?size=42&color=red%2Fblack",
    "https://app.example.com/#/settings/profile",
];

fn put(into: &mut Vec<(String, String)>, fields: &[(&str, &str)]) {
    into.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
}

/// What a browser says of itself; Chromium adds client hints.
fn browser(random: &mut Random, into: &mut Vec<(String, String)>) {
    let agent = random.pick(&BROWSERS);
    put(into, &[("User-Agent", agent)]);
    if agent.contains("Chrome/") {
        let (mobile, platform) = if agent.contains("Mobile") { ("?1", "\"Android\"") } else { ("?0", "\"Windows\"") };
        let brands = "\"Google Chrome\";v=\"131\", \"Chromium\";v=\"131\", \"Not_A Brand\";v=\"24\"";
        put(into, &[("sec-ch-ua", brands), ("sec-ch-ua-mobile", mobile), ("sec-ch-ua-platform", platform)]);
    }
    put(into, &[("Accept-Language", random.pick(&LANGUAGES)), ("Accept-Encoding", "gzip, deflate, br, zstd")]);
    if random.percent(40) {
        put(into, &[("Referer", random.pick(&SITES))]);
    }
    if random.percent(30) {
        into.push(("Cookie".to_owned(), tokens::cookies(random)));
    }
    if random.percent(25) {
        put(into, &[("DNT", "1"), ("Sec-GPC", "1")]);
    }
}

fn page(random: &mut Random, into: &mut Vec<(String, String)>) {
    put(into, &[("Upgrade-Insecure-Requests", "1"), ("Accept", DOCUMENT)]);
    browser(random, into);
    let site = random.pick(&["none", "same-origin", "same-site", "cross-site"]);
    put(
        into,
        &[
            ("Sec-Fetch-Site", site),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-User", "?1"),
            ("Sec-Fetch-Dest", "document"),
        ],
    );
    if random.percent(50) {
        put(into, &[("Cache-Control", "max-age=0")]);
    }
}

fn script(random: &mut Random, into: &mut Vec<(String, String)>) {
    put(into, &[("Accept", random.pick(&["application/json, text/plain, */*", "*/*", "application/json"]))]);
    browser(random, into);
    put(
        into,
        &[("Origin", random.pick(&["https://app.example.com", "https://www.example.com", "http://localhost:3000"]))],
    );
    put(into, &[("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")]);
    match random.below(4) {
        0 => put(into, &[("X-Requested-With", "XMLHttpRequest")]),
        1 => into.push(("Authorization".to_owned(), format!("Bearer {}", tokens::jwt(random)))),
        2 => into.push(("X-CSRF-Token".to_owned(), random.base64(32))),
        _ => put(into, &[("Priority", "u=1, i")]),
    }
}

fn program(random: &mut Random, into: &mut Vec<(String, String)>) {
    let agent = random.pick(&[
        "curl/8.5.0",
        "curl/7.88.1",
        "okhttp/4.12.0",
        "python-requests/2.32.3",
        "axios/1.7.7",
        "Go-http-client/1.1",
        "PostmanRuntime/7.42.0",
        "Apache-HttpClient/4.5.14 (Java/17.0.13)",
        "Dart/3.5 (dart:io)",
        "ExampleApp/3.14.2 (com.example.app; build:8123; iOS 18.1.0) Alamofire/5.9.1",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "reqwest/0.12.9",
        "Java-http-client/21.0.5",
        "Faraday v2.12.0",
        "GuzzleHttp/7",
    ]);
    put(
        into,
        &[
            ("User-Agent", agent),
            ("Accept", random.pick(&["*/*", "application/json", "application/json; charset=utf-8"])),
        ],
    );
    match random.below(5) {
        0 => put(into, &[("Accept-Encoding", "gzip, deflate"), ("Connection", "keep-alive")]),
        1 => into.push(("Authorization".to_owned(), format!("Bearer {}", tokens::jwt(random)))),
        2 => into.push(("X-Api-Key".to_owned(), random.alphanumeric(40))),
        3 => into.push(("X-Request-Id".to_owned(), random.uuid())),
        _ => {}
    }
}

fn sdk(random: &mut Random, into: &mut Vec<(String, String)>) {
    let agent = random.pick(&[
        "Boto3/1.35.60 md/Botocore#1.35.60 ua/2.0 os/linux#6.1.0 md/arch#x86_64 lang/python#3.12.3 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.60",
        "aws-sdk-js/3.691.0 ua/2.1 os/macOS#14.6 lang/js md/browser#Chrome_131.0.0.0 api/cognito_identity_provider#3.691.0",
        "aws-cli/2.19.5 md/awscrt#0.22.0 ua/2.0 os/linux#5.15.0 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#cognito-idp.initiate-auth",
        "aws-sdk-rust/1.3.3 os/linux lang/rust/1.82.0",
        "aws-amplify/6.8.2 auth/4 framework/1",
        "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 aws-sdk-go-v2/1.32.4 ua/2.1 os/linux lang/go#1.22.7 md/GOOS#linux md/GOARCH#amd64 api/cognitoidentityprovider#1.46.4",
    ]);
    put(into, &[("User-Agent", agent), ("Accept", "*/*")]);
    if random.percent(60) {
        into.push(("amz-sdk-invocation-id".to_owned(), random.uuid()));
        put(into, &[("amz-sdk-request", random.pick(&["attempt=1", "attempt=1; max=3", "attempt=2; max=3"]))]);
    }
    if random.percent(50) {
        let (key, signature) = (random.characters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), random.hex(64));
        let day = random.date().replace('-', "");
        into.push((
            "X-Amz-Date".to_owned(),
            format!("{day}T{:02}{:02}{:02}Z", random.below(24), random.below(60), random.below(60)),
        ));
        into.push(
            (
                "Authorization".to_owned(),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIA{key}/{day}/us-east-1/cognito-idp/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={signature}"
                ),
            )
        );
    }
}
