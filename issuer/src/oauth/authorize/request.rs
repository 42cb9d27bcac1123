//! What an authorization request says, once its client and the way back are known (pure; RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use common::jose::base64url_decode;

use super::error::AuthCode::{
    InvalidRequest, InvalidScope, RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported,
    UnauthorizedClient, UnsupportedResponseType,
};
use super::error::AuthError;
use crate::clients::Client;
use crate::clients::oauth::{AuthMethod, Pkce, Profile, ResponseMode, ResponseType};
use crate::oauth::form::Form;
use cognito_model::idp::types::OAuthFlowType;

/// Bytes of `state`, and of `nonce`: both come back in full.
const LONGEST_ECHO: usize = 4_096;

/// What comes back from the authorization endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub code: bool,
    pub token: bool,
    pub id_token: bool,
}

/// What the user is to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

/// A request that can be answered.
#[derive(Clone, Debug)]
pub struct Request {
    pub wanted: Wanted,
    /// The request named its `redirect_uri`: then the redemption of its code must, too (RFC 6749 §4.1.3).
    pub redirect_given: bool,
    /// As granted, each once.
    pub scope: Vec<String>,
    pub nonce: Option<String>,
    /// PKCE's, by S256: the SHA-256 of the verifier.
    pub challenge: Option<[u8; 32]>,
    pub prompt: Prompt,
    /// Seconds.
    pub max_age: Option<u64>,
    /// The preferred one first.
    pub acr_values: Vec<String>,
    pub login_hint: Option<String>,
    /// Thumbprint of the key that the code is for (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// RFC 8707: identifiers of resource servers.
    pub resources: Vec<String>,
}

impl Wanted {
    /// The names in any order, each once.
    pub fn parse(text: &str) -> Option<Self> {
        let mut wanted = Self { code: false, token: false, id_token: false };
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            let one = match name {
                "code" => &mut wanted.code,
                "token" => &mut wanted.token,
                "id_token" => &mut wanted.id_token,
                _ => return None,
            };
            if std::mem::replace(one, true) {
                return None;
            }
        }
        (wanted.code || wanted.token || wanted.id_token).then_some(wanted)
    }

    /// Something else than a code comes back: not in a query, which servers log (Multiple Response Types §5).
    pub const fn is_by_fragment(self) -> bool {
        self.token || self.id_token
    }

    fn is_allowed(self, client: &Client) -> bool {
        let extra = match self {
            Self { code: true, token: false, id_token: false } => {
                return client.settings.allows_oauth(OAuthFlowType::Code);
            }
            Self { code: false, token: true, id_token: false } => {
                return client.settings.allows_oauth(OAuthFlowType::Implicit);
            }
            Self { code: false, token: false, .. } => ResponseType::IdToken,
            Self { code: false, token: true, .. } => ResponseType::IdTokenToken,
            Self { code: true, token: false, .. } => ResponseType::CodeIdToken,
            Self { code: true, token: true, id_token: false } => ResponseType::CodeToken,
            Self { code: true, token: true, id_token: true } => ResponseType::CodeIdTokenToken,
        };
        client.settings.allowed_oauth_flows_user_pool_client && client.settings.oauth.response_types.contains(&extra)
    }
}

impl Request {
    /// What a device asks for. `scope` is space-separated, as it was granted.
    pub fn of_device(scope: &str) -> Self {
        Self {
            wanted: Wanted { code: false, token: false, id_token: false },
            redirect_given: true,
            scope: words(scope),
            nonce: None,
            challenge: None,
            prompt: Prompt { consent: true, ..Prompt::default() },
            max_age: None,
            acr_values: Vec::new(),
            login_hint: None,
            dpop_jkt: None,
            resources: Vec::new(),
        }
    }
}

/// How the answer is to travel, as far as the request says so rightly: errors travel so, too.
pub fn mode(client: &Client, form: &Form) -> Result<ResponseMode, (ResponseMode, AuthError)> {
    let wanted = form.one("response_type").and_then(Wanted::parse);
    let by_fragment = wanted.is_some_and(Wanted::is_by_fragment);
    let usual = if by_fragment { ResponseMode::Fragment } else { ResponseMode::Query };
    let refused = |text| (usual, AuthError::new(InvalidRequest, text));
    let mode = match form.one("response_mode") {
        None => return Ok(usual),
        Some("query") if by_fragment => return Err(refused("Tokens do not travel in a query.")),
        Some("query") => ResponseMode::Query,
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => return Err(refused("There is no such response_mode here.")),
    };
    let allowed = &client.settings.oauth.response_modes;
    if allowed.is_empty() || allowed.contains(&mode) {
        Ok(mode)
    } else {
        Err(refused("The client may not use this response_mode."))
    }
}

/// # Errors
/// What the specifications name for it; nothing was looked up.
pub fn read(client: &Client, form: &Form, twice: &[String], is_pushed: bool) -> Result<Request, AuthError> {
    if !twice.is_empty() {
        return Err(AuthError::new(InvalidRequest, "A parameter comes twice."));
    }
    unsupported(form)?;
    if client.settings.oauth.par_required && !is_pushed {
        return Err(AuthError::new(InvalidRequest, "The client must push its request."));
    }
    let asked = form.one("response_type").ok_or(AuthError::new(InvalidRequest, "response_type is missing."))?;
    let unknown = AuthError::new(UnsupportedResponseType, "There is no such response_type here.");
    let wanted = Wanted::parse(asked).ok_or(unknown)?;
    if !wanted.is_allowed(client) {
        return Err(AuthError::new(UnauthorizedClient, "The client may not use this response_type."));
    }
    let scope = scope_of(client, form)?;
    let nonce = echo(form, "nonce")?;
    echo(form, "state")?;
    if wanted.id_token {
        if !scope.iter().any(|scope| scope == "openid") {
            return Err(AuthError::new(InvalidScope, "An ID token needs the scope openid."));
        }
        if nonce.is_none() {
            return Err(AuthError::new(InvalidRequest, "nonce is missing."));
        }
    }
    let challenge = challenge(form)?;
    let must = client.settings.oauth.pkce == Pkce::Required || is_public(client);
    if wanted.code && must && challenge.is_none() {
        return Err(AuthError::new(InvalidRequest, "code_challenge is missing."));
    }
    let dpop_jkt = form.one("dpop_jkt").map(str::to_owned);
    if dpop_jkt.as_deref().is_some_and(|jkt| !is_digest(jkt)) {
        return Err(AuthError::new(InvalidRequest, "dpop_jkt is no SHA-256."));
    }
    Ok(Request {
        wanted,
        redirect_given: false,
        scope,
        nonce,
        challenge,
        prompt: prompt(form)?,
        max_age: max_age(client, form)?,
        acr_values: words(form.one("acr_values").unwrap_or_default()),
        login_hint: form.one("login_hint").map(str::to_owned),
        dpop_jkt,
        resources: form.all("resource").map(str::to_owned).collect(),
    })
}

/// Whether nothing proves who it is: it says so, or has nothing to prove it by.
fn is_public(client: &Client) -> bool {
    let methods = &client.settings.oauth.auth_methods;
    if methods.is_empty() { !client.has_secret() } else { methods.contains(&AuthMethod::None) }
}

/// What is known and not done is not passed over in silence.
fn unsupported(form: &Form) -> Result<(), AuthError> {
    for (name, code) in [
        ("request", RequestNotSupported),
        ("request_uri", RequestUriNotSupported),
        ("registration", RegistrationNotSupported),
    ] {
        if form.one(name).is_some() {
            return Err(AuthError::new(code, "The parameter is not supported."));
        }
    }
    Ok(())
}

/// The scopes that a client asks for: all of its own where it names none (Cognito). `offline_access` asks for what every code gives here.
///
/// # Errors
/// `invalid_scope`.
pub fn scope_of(client: &Client, form: &Form) -> Result<Vec<String>, AuthError> {
    let allowed = client.settings.scopes();
    let is_openid = client.settings.oauth.profile == Profile::Openid;
    let mut granted: Vec<String> = Vec::new();
    let asked = words(form.one("scope").unwrap_or_default());
    for scope in if asked.is_empty() { allowed } else { &asked } {
        let is_known = allowed.contains(scope);
        let is_passed_over = is_openid && scope == "offline_access";
        if !is_known && !is_passed_over {
            return Err(AuthError::new(InvalidScope, "The client may not have this scope."));
        }
        if is_known && !granted.contains(scope) {
            granted.push(scope.clone());
        }
    }
    if granted.is_empty() {
        return Err(AuthError::new(InvalidScope, "The client has no scopes."));
    }
    Ok(granted)
}

fn challenge(form: &Form) -> Result<Option<[u8; 32]>, AuthError> {
    let method = form.one("code_challenge_method");
    let Some(text) = form.one("code_challenge") else {
        return match method {
            None => Ok(None),
            Some(_) => Err(AuthError::new(InvalidRequest, "code_challenge is missing.")),
        };
    };
    // Without a method it would be `plain` (RFC 7636 §4.3).
    if method != Some("S256") {
        return Err(AuthError::new(InvalidRequest, "code_challenge_method must be S256."));
    }
    let digest = base64url_decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    digest.map(Some).ok_or(AuthError::new(InvalidRequest, "code_challenge is no SHA-256."))
}

fn prompt(form: &Form) -> Result<Prompt, AuthError> {
    let mut prompt = Prompt::default();
    let asked = words(form.one("prompt").unwrap_or_default());
    for value in &asked {
        match value.as_str() {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => return Err(AuthError::new(InvalidRequest, "There is no such prompt here.")),
        }
    }
    if prompt.none && asked.len() > 1 {
        return Err(AuthError::new(InvalidRequest, "prompt is none and something else."));
    }
    Ok(prompt)
}

fn max_age(client: &Client, form: &Form) -> Result<Option<u64>, AuthError> {
    let Some(text) = form.one("max_age") else { return Ok(client.settings.oauth.default_max_age) };
    let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    number.map(Some).ok_or(AuthError::new(InvalidRequest, "max_age is no number of seconds."))
}

fn echo(form: &Form, name: &str) -> Result<Option<String>, AuthError> {
    match form.one(name) {
        Some(text) if text.len() > LONGEST_ECHO => Err(AuthError::new(InvalidRequest, "state or nonce is too long.")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_digest(text: &str) -> bool {
    base64url_decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::types::OAuthFlowType;
    use common::clock::UnixMillis;
    use common::ids::{ClientId, PoolId};

    use super::super::error::AuthCode::{self, InvalidTarget};
    use super::*;
    use crate::clients::model::Settings;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client() -> Client {
        let mut settings = Settings {
            allowed_oauth_flows: Some(vec![OAuthFlowType::Code]),
            allowed_oauth_flows_user_pool_client: true,
            allowed_oauth_scopes: Some(vec!["openid".into(), "email".into()]),
            ..Settings::default()
        };
        settings.oauth.response_types = vec![ResponseType::CodeIdToken];
        Client {
            pool: PoolId::parse("eu_a").unwrap(),
            id: ClientId::parse("c").unwrap(),
            name: "c".into(),
            settings,
            secrets: Vec::new(),
            created: UnixMillis(0),
            modified: UnixMillis(0),
        }
    }

    fn ask(client: &Client, query: &str) -> Result<Request, AuthCode> {
        let (form, twice) = Form::parse_request(query.as_bytes()).unwrap();
        read(client, &form, &twice, false).map_err(|error| error.code)
    }

    #[test]
    fn a_public_client_asks_with_pkce_by_s256() {
        let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        let request =
            ask(&client(), &format!("response_type=code&{pkce}&scope=email+openid+email&prompt=login+consent"))
                .unwrap();
        assert_eq!(request.scope, ["email", "openid"]);
        assert!(request.challenge.is_some() && request.prompt.login && request.prompt.consent && !request.prompt.none);
        assert_eq!(ask(&client(), &format!("response_type=code&{pkce}")).unwrap().scope, ["openid", "email"]);
        assert_eq!(InvalidTarget.name(), "invalid_target");
        for (query, code) in [
            ("response_type=code", InvalidRequest),
            ("", InvalidRequest),
            ("response_type=", InvalidRequest),
            ("response_type=none", UnsupportedResponseType),
            ("response_type=code+code", UnsupportedResponseType),
            ("response_type=Code", UnsupportedResponseType),
            ("response_type=token", UnauthorizedClient),
            ("response_type=code+token", UnauthorizedClient),
            ("response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", InvalidRequest),
            ("response_type=code&code_challenge=abc&code_challenge_method=S256", InvalidRequest),
            ("response_type=code&code_challenge_method=S256", InvalidRequest),
            ("response_type=code&code_challenge=abc&code_challenge_method=plain", InvalidRequest),
            ("response_type=code&request=x", RequestNotSupported),
            ("response_type=code&request_uri=https%3A%2F%2Fa", RequestUriNotSupported),
            ("response_type=code&registration=%7B%7D", RegistrationNotSupported),
            ("response_type=code&scope=openid+phone", InvalidScope),
            ("response_type=code&scope=openid+offline_access", InvalidScope),
            ("response_type=code&state=a&state=b", InvalidRequest),
        ] {
            assert_eq!(ask(&client(), query).err(), Some(code), "{query}");
        }
        for (more, code) in [
            ("prompt=none+login", InvalidRequest),
            ("prompt=create", InvalidRequest),
            ("max_age=-1", InvalidRequest),
            ("max_age=1.5", InvalidRequest),
            ("max_age=99999999999999999999", InvalidRequest),
            ("dpop_jkt=x", InvalidRequest),
        ] {
            assert_eq!(ask(&client(), &format!("response_type=code&{pkce}&{more}")).err(), Some(code), "{more}");
        }
        let long = format!("response_type=code&{pkce}&state={}", "s".repeat(LONGEST_ECHO + 1));
        assert_eq!(ask(&client(), &long).err(), Some(InvalidRequest));
    }

    #[test]
    fn a_hybrid_request_needs_a_nonce_and_no_query() {
        let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        let hybrid = format!("response_type=id_token+code&{pkce}");
        assert_eq!(ask(&client(), &hybrid).err(), Some(InvalidRequest));
        assert!(ask(&client(), &format!("{hybrid}&nonce=n")).unwrap().wanted.id_token);
        assert_eq!(ask(&client(), &format!("{hybrid}&nonce=n&scope=email")).err(), Some(InvalidScope));
        let modes = |client: &Client, query: &str| {
            let form = Form::parse(query.as_bytes()).unwrap();
            mode(client, &form).map_err(|(mode, _)| mode)
        };
        let one = client();
        assert_eq!(modes(&one, "response_type=code"), Ok(ResponseMode::Query));
        assert_eq!(modes(&one, "response_type=code+id_token"), Ok(ResponseMode::Fragment));
        assert_eq!(modes(&one, "response_type=code+id_token&response_mode=query"), Err(ResponseMode::Fragment));
        assert_eq!(modes(&one, "response_type=code&response_mode=form_post"), Ok(ResponseMode::FormPost));
        assert_eq!(modes(&one, "response_type=code&response_mode=jwt"), Err(ResponseMode::Query));
        let mut strict = client();
        strict.settings.oauth.response_modes = vec![ResponseMode::Query];
        assert_eq!(modes(&strict, "response_type=code&response_mode=form_post"), Err(ResponseMode::Query));
    }

    #[test]
    fn a_client_may_be_held_to_more() {
        let mut strict = client();
        strict.settings.oauth.par_required = true;
        let pkce = format!("response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256");
        assert_eq!(ask(&strict, &pkce).err(), Some(InvalidRequest));
        let mut openid = client();
        openid.settings.oauth.profile = Profile::Openid;
        assert_eq!(ask(&openid, &format!("{pkce}&scope=openid+offline_access")).unwrap().scope, ["openid"]);
        openid.settings.oauth.default_max_age = Some(60);
        assert_eq!(ask(&openid, &pkce).unwrap().max_age, Some(60));
        assert_eq!(ask(&openid, &format!("{pkce}&max_age=0")).unwrap().max_age, Some(0));
    }
}
