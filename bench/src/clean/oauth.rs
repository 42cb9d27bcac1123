//! OAuth 2.0 and OpenID Connect as browsers and clients speak it, with URLs in query values.

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{prose, tokens};

const CALLBACKS: [&str; 8] = [
    "https://app.example.com/callback",
    "http://localhost:3000/auth/callback?provider=example",
    "com.example.app:/oauth2redirect",
    "myapp://auth/done",
    "http://127.0.0.1:51004/",
    "https://shop.example.com/login/return?next=/cart&x=1",
    "https://app.example.com/#/signed-in",
    "https://oauth.pstmn.io/v1/callback",
];

pub fn request(random: &mut Random) -> Draft {
    let host = "auth.example.com";
    let (client, state, callback) =
        (random.alphanumeric(26).to_lowercase(), random.base64url(24), random.pick(&CALLBACKS));
    match random.below(12) {
        0 | 1 => {
            let scope = random.pick(&[
                "openid email profile",
                "openid offline_access orders/read orders/write",
                "https://api.example.com/orders.read openid",
                "aws.cognito.signin.user.admin",
            ]);
            let query = pairs(&[
                ("response_type", "code"),
                ("client_id", &client),
                ("redirect_uri", callback),
                ("scope", scope),
                ("state", &state),
                ("nonce", &random.hex(16)),
                ("code_challenge", &random.base64url(32)),
                ("code_challenge_method", "S256"),
                ("prompt", random.pick(&["login", "select_account", "consent", "none"])),
                ("login_hint", &prose::email(random)),
            ]);
            Draft::get(format!("/oauth2/authorize?{query}")).by(Client::Page).host(host)
        }
        2 => Draft::post("/oauth2/token").by(Client::Program).host(host).form(&[
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("code", &random.uuid()),
            ("redirect_uri", callback),
            ("code_verifier", &random.base64url(48)),
        ]),
        3 => {
            let basic = format!("Basic {}", random.base64(50));
            Draft::post("/oauth2/token")
                .by(Client::Program)
                .host(host)
                .field("Authorization", basic)
                .form(&[("grant_type", "client_credentials"), ("scope", "orders/read orders/write")])
        }
        4 => Draft::post("/oauth2/token").by(Client::Script).host(host).form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &client),
            ("refresh_token", &tokens::jwt(random)),
        ]),
        5 => Draft::get(format!(
            "/logout?client_id={client}&logout_uri={}",
            component("https://app.example.com/bye?from=logout&ok=1")
        ))
        .by(Client::Page)
        .host(host),
        6 => Draft::get("/oauth2/userInfo")
            .by(Client::Script)
            .host(host)
            .field("Authorization", format!("Bearer {}", tokens::jwt(random))),
        7 => Draft::get(random.pick(&[
            "/.well-known/openid-configuration",
            "/us-east-1_AbCdEf123/.well-known/jwks.json",
            "/.well-known/oauth-authorization-server",
        ]))
        .by(Client::Program)
        .host(host),
        8 => Draft::get(format!(
            "/callback?code={}&state={}&iss={}",
            random.uuid(),
            component(&random.base64(40)),
            component("https://auth.example.com")
        ))
        .by(Client::Page)
        .host("app.example.com"),
        9 => Draft::get(format!(
            "/callback?error=access_denied&error_description={}&state={state}",
            component("The user's consent wasn't given; see https://example.com/help?x=1")
        ))
        .by(Client::Page)
        .host("app.example.com"),
        10 => {
            let next =
                format!("https://app.example.com/orders?filter={}&sort=-created_at", component("status = \"open\""));
            Draft::get(format!("/login?returnTo={}&utm_source=newsletter&utm_medium=e-mail", component(&next)))
                .by(Client::Page)
                .host("app.example.com")
        }
        _ => {
            let (email, password) = (prose::email(random), prose::password(random));
            let cognito_asf = random.base64(400);
            Draft::post(format!(
                "/login?client_id={client}&response_type=code&scope=openid&redirect_uri={}",
                component(callback)
            ))
            .by(Client::Page)
            .host(host)
            .form(&[
                ("_csrf", &random.uuid()),
                ("username", &email),
                ("password", &password),
                ("cognitoAsfData", &cognito_asf),
            ])
        }
    }
}
