//! Base64 in all its places: JWTs, cookies, cursors, images in JSON, Basic credentials, signatures.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::draft::{Client, Draft, component};
use super::prose;
use super::random::Random;

pub fn request(random: &mut Random) -> Draft {
    match random.below(9) {
        0 => Draft::get("/v1/me").by(Client::Program).field("Authorization", format!("Bearer {}", jwt(random))),
        1 => Draft::get("/account").by(Client::Page).field("Cookie", cookies(random)),
        2 => Draft::post("/api/avatar").by(Client::Script).json(&json!({
            "image": format!(
                "data:image/{};base64,{}",
                random.pick(&["png", "jpeg", "svg+xml", "webp"]),
                picture(random),
            ),
        })),
        3 => Draft::get(format!(
            "/v1/items?cursor={}",
            component(&STANDARD.encode(format!(
                "{{\"id\":{},\"created_at\":\"{}\"}}",
                random.within(1, 1 << 40),
                random.moment()
            ))),
        ))
        .by(Client::Script),
        4 => Draft::get("/v2/packages/index.json").by(Client::Program).field(
            "Authorization",
            format!("Basic {}", STANDARD.encode(format!("{}:{}", prose::email(random), prose::password(random)))),
        ),
        5 => Draft::post("/v1/keys").by(Client::Program).json(&json!({
            "pem": format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                lines(&random.base64(270)),
            ),
            "kid": random.base64url(32),
            "x5c": [random.base64(600)],
        })),
        6 => Draft::get(format!("/verify-email?token={}&next=%2Fwelcome", component(&jwt(random)))).by(Client::Page),
        7 => Draft::post("/webauthn/finish").by(Client::Script).json(&json!({
            "id": random.base64url(32),
            "rawId": random.base64url(32),
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(
                    json!({
                        "type": "webauthn.get",
                        "challenge": random.base64url(32),
                        "origin": "https://app.example.com",
                    }).to_string()
                ),
                "authenticatorData": random.base64url(37),
                "signature": random.base64url(70),
                "userHandle": null,
            },
        })),
        _ => Draft::get(format!(
            "/files/{}?X-Signature={}&Expires={}&Key-Pair-Id=K{}",
            random.base64url(30),
            component(&random.base64(64)),
            random.epoch(),
            random.alphanumeric(13),
        ))
        .by(Client::Any),
    }
}

/// A JWT of a made-up issuer; its signature is noise.
pub fn jwt(random: &mut Random) -> String {
    let header = json!({ "alg": random.pick(&["RS256", "ES256", "EdDSA"]), "kid": random.base64(32), "typ": "JWT" });
    let claims = json!({
        "sub": random.uuid(), "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123", "client_id": random.alphanumeric(26).to_lowercase(), "token_use": "access",
        "scope": "openid email orders/read", "auth_time": random.epoch(), "exp": random.epoch(), "jti": random.uuid(), "cognito:groups": [
            "staff",
            "r&d",
        ], "name": prose::full_name(random),
    });
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        random.base64url(256)
    )
}

/// As a browser sends them after some weeks.
pub fn cookies(random: &mut Random) -> String {
    let mut all = vec![
        format!("_ga=GA1.1.{}.{}", random.digits(9), random.epoch()),
        format!("session={}", random.base64url(48)),
        format!(
            "_ga_{}=GS1.1.{}.3.1.{}.0.0.0",
            random.characters(b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", 10),
            random.epoch(),
            random.epoch()
        ),
    ];
    let more = [
        format!("id_token={}", jwt(random)),
        format!("_csrf={}", component(&random.base64(24))),
        "cookieconsent_status={%22necessary%22:true%2C%22marketing%22:false}".to_owned(),
        format!(
            "OptanonConsent=isGpcEnabled=0&datestamp=Tue+Mar+03+2026+10%3A15%3A30+GMT%2B0100+(Central+European+Standard+Time)&version=202409.1.0&groups=C0001%3A1%2CC0002%3A0&consentId={}",
            random.uuid()
        ),
        format!(
            "CookieConsent={{stamp:%27{}%27%2Cnecessary:true%2Cpreferences:false%2Cver:1%2Cutc:{}000%2Cregion:%27de%27}}",
            component(&random.base64(44)),
            random.epoch()
        ),
        "euconsent-v2=CPzHq4APzHq4AAKAyAENDfCsAP_AAH_AAAqIJ".to_owned() + &random.base64url(200),
        format!(
            "laravel_session={}",
            component(
                &STANDARD.encode(
                    json!({ "iv": random.base64(16), "value": random.base64(120), "mac": random.hex(64), "tag": "" })
                        .to_string()
                )
            )
        ),
        format!("ajs_user_id=%22{}%22", random.uuid()),
        "theme=dark; lang=en-US; tz=Europe%2FBerlin".to_owned(),
        format!("last_search={}", component(prose::sentence(random))),
        format!("name={}", component(&prose::full_name(random))),
        format!(
            "amplitude_id_{}example.com={}",
            random.hex(8),
            STANDARD.encode(json!({ "deviceId": random.uuid(), "userId": null, "optOut": false }).to_string())
        ),
        format!(
            "CognitoIdentityServiceProvider.{}.LastAuthUser={}",
            random.alphanumeric(26).to_lowercase(),
            component(&prose::email(random))
        ),
        format!("connect.sid=s%3A{}.{}", random.base64url(24), component(&random.base64(32))),
        format!("intercom-session-{}={}", random.alphanumeric(8).to_lowercase(), component(&random.base64(90))),
    ];
    let share = random.within(15, 70);
    all.extend(more.into_iter().filter(|_| random.percent(share)));
    all.join("; ")
}

/// The start of a picture, and noise.
fn picture(random: &mut Random) -> String {
    let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR".to_vec();
    let length = random.within(60, 2000);
    bytes.extend(random.bytes(length));
    STANDARD.encode(bytes)
}

fn lines(text: &str) -> String {
    let mut out = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            out.push('\n');
        }
        out.push(letter);
    }
    out
}
