//! What an authorization request needs before it is granted (pure; OpenID Connect Core §3.1.2.3 and §3.1.2.4).

use common::clock::UnixMillis;
use common::ids::Sub;

use super::error::{AuthCode, AuthError};
use super::request::Request;
use crate::clients::Client;
use crate::sessions::BrowserSession;
use crate::signin::CONTEXTS;

/// What is known of who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The browser's session, if it lives.
    pub session: Option<&'a BrowserSession>,
    /// The user has signed in for this very request.
    pub signed_in: bool,
    /// The user has allowed the client these scopes, at some time.
    pub consented: bool,
    /// The user has allowed them for this very request.
    pub allowed: bool,
    /// Whom `id_token_hint` names.
    pub hint: Option<&'a Sub>,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    SignIn,
    Consent,
    Grant,
    Refuse(AuthError),
}

pub fn next(client: &Client, request: &Request, known: Known<'_>, now: UnixMillis) -> Next {
    let Some(session) = known.session.filter(|session| !must_sign_in(client, request, session, known, now)) else {
        return match request.prompt.none {
            true => Next::Refuse(AuthError::new(AuthCode::LoginRequired, "The user is not signed in.")),
            false => Next::SignIn,
        };
    };
    if known.hint.is_some_and(|hint| *hint != session.sub) {
        return Next::Refuse(AuthError::new(AuthCode::LoginRequired, "Another user is signed in."));
    }
    let must_ask = client.settings.oauth.third_party && !known.consented || request.prompt.consent;
    if known.allowed || !must_ask {
        return Next::Grant;
    }
    match request.prompt.none {
        true => Next::Refuse(AuthError::new(AuthCode::ConsentRequired, "The user has not allowed this.")),
        false => Next::Consent,
    }
}

/// Whether a session is not good for this request. One that was begun for it is, whatever was asked for.
fn must_sign_in(
    client: &Client,
    request: &Request,
    session: &BrowserSession,
    known: Known<'_>,
    now: UnixMillis,
) -> bool {
    if known.signed_in {
        return false;
    }
    let age = now.since(session.authenticated);
    let is_another = !request.prompt.none && known.hint.is_some_and(|hint| *hint != session.sub);
    request.prompt.login
        || request.prompt.select_account
        || is_another
        || age >= client.settings.sso_life()
        || request.max_age.is_some_and(|most| age.as_secs() > most || most == 0)
        || !is_strong(session, &request.acr_values)
}

/// Whether it has one of the contexts that were asked for, or a stronger one. Contexts that nobody knows ask nothing.
fn is_strong(session: &BrowserSession, acr_values: &[String]) -> bool {
    let level = |acr: &str| CONTEXTS.iter().position(|known| *known == acr);
    let weakest = acr_values.iter().filter_map(|acr| level(acr)).min();
    weakest.is_none_or(|weakest| level(&session.acr).is_some_and(|has| has >= weakest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::ids::{ClientId, PoolId};

    use super::*;
    use crate::aws_json::Place;
    use crate::clients::model::Settings;
    use crate::oauth::authorize::request::{Prompt, Wanted};

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const JANE: &str = "0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";
    const JOHN: &str = "1c6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f";

    fn client() -> Client {
        Client {
            pool: PoolId::parse("eu_a").unwrap(),
            id: ClientId::parse("c").unwrap(),
            name: "c".into(),
            settings: Settings::default(),
            secrets: Vec::new(),
            created: NOW,
            modified: NOW,
        }
    }

    fn session(age: u64) -> BrowserSession {
        let at = NOW.minus(Duration::from_secs(age));
        BrowserSession {
            pool: PoolId::parse("eu_a").unwrap(),
            sid: "s".into(),
            sub: Sub::parse(JANE).unwrap(),
            client: ClientId::parse("c").unwrap(),
            authenticated: at,
            minted: at,
            expires: NOW.plus(Duration::from_secs(3_600)),
            ended: None,
            acr: CONTEXTS[0].into(),
            amr: vec!["pwd".into()],
            place: Place { address: std::net::Ipv4Addr::LOCALHOST.into(), user_agent: None },
        }
    }

    fn request(prompt: Prompt) -> Request {
        Request {
            wanted: Wanted { code: true, token: false, id_token: false },
            redirect_given: true,
            scope: vec!["openid".into()],
            nonce: None,
            challenge: None,
            prompt,
            max_age: None,
            acr_values: Vec::new(),
            login_hint: None,
            dpop_jkt: None,
            resources: Vec::new(),
        }
    }

    fn code(next: &Next) -> &'static str {
        match next {
            Next::Refuse(error) => error.code.name(),
            Next::SignIn => "sign in",
            Next::Consent => "consent",
            Next::Grant => "grant",
        }
    }

    fn decide(client: &Client, request: &Request, known: Known<'_>) -> &'static str {
        code(&next(client, request, known, NOW))
    }

    #[test]
    fn who_is_not_signed_in_signs_in_or_is_refused_in_silence() {
        let (client, none) = (client(), Prompt { none: true, ..Prompt::default() });
        assert_eq!(decide(&client, &request(Prompt::default()), Known::default()), "sign in");
        assert_eq!(decide(&client, &request(none), Known::default()), "login_required");
        let old = session(3_600);
        let known = Known { session: Some(&old), ..Known::default() };
        assert_eq!(decide(&client, &request(Prompt::default()), known), "sign in");
        assert_eq!(decide(&client, &request(none), known), "login_required");
        let young = session(10);
        let known = Known { session: Some(&young), ..Known::default() };
        assert_eq!(decide(&client, &request(none), known), "grant");
        assert_eq!(decide(&client, &request(Prompt::default()), known), "grant");
        let never = Client { settings: Settings { sso_session_minutes: Some(0), ..Settings::default() }, ..client };
        assert_eq!(decide(&never, &request(none), known), "login_required");
    }

    #[test]
    fn who_must_prove_it_again_does_so_once() {
        let client = client();
        let session = session(10);
        let before = Known { session: Some(&session), ..Known::default() };
        let now = Known { signed_in: true, ..before };
        let login = request(Prompt { login: true, ..Prompt::default() });
        let select = request(Prompt { select_account: true, ..Prompt::default() });
        let age = |max_age| Request { max_age: Some(max_age), ..request(Prompt::default()) };
        let acr = |level: usize| Request { acr_values: vec![CONTEXTS[level].into()], ..request(Prompt::default()) };
        for asks in [login, select, age(0), age(9), acr(1), acr(3)] {
            assert_eq!(decide(&client, &asks, before), "sign in", "{asks:?}");
            assert_eq!(decide(&client, &asks, now), "grant", "{asks:?}");
        }
        let unknown = Request { acr_values: vec!["gold".into()], ..request(Prompt::default()) };
        for asks in [age(10), age(10_000), acr(0), unknown] {
            assert_eq!(decide(&client, &asks, before), "grant", "{asks:?}");
        }
    }

    #[test]
    fn a_hint_names_the_only_user_who_will_do() {
        let (client, session) = (client(), session(10));
        let (jane, john) = (Sub::parse(JANE).unwrap(), Sub::parse(JOHN).unwrap());
        let known =
            |hint, signed_in| Known { session: Some(&session), hint: Some(hint), signed_in, ..Known::default() };
        let none = request(Prompt { none: true, ..Prompt::default() });
        let plain = request(Prompt::default());
        assert_eq!(decide(&client, &none, known(&jane, false)), "grant");
        assert_eq!(decide(&client, &none, known(&john, false)), "login_required");
        assert_eq!(decide(&client, &plain, known(&john, false)), "sign in");
        assert_eq!(decide(&client, &plain, known(&john, true)), "login_required");
    }

    #[test]
    fn strangers_ask_for_consent_once_and_prompt_asks_again() {
        let mut client = client();
        client.settings.oauth.third_party = true;
        let session = session(10);
        let known = Known { session: Some(&session), ..Known::default() };
        let plain = request(Prompt::default());
        let none = request(Prompt { none: true, ..Prompt::default() });
        let again = request(Prompt { consent: true, ..Prompt::default() });
        assert_eq!(decide(&client, &plain, known), "consent");
        assert_eq!(decide(&client, &none, known), "consent_required");
        let consented = Known { consented: true, ..known };
        assert_eq!(decide(&client, &plain, consented), "grant");
        assert_eq!(decide(&client, &none, consented), "grant");
        assert_eq!(decide(&client, &again, consented), "consent");
        assert_eq!(decide(&client, &again, Known { allowed: true, ..consented }), "grant");
        client.settings.oauth.third_party = false;
        assert_eq!(decide(&client, &plain, known), "grant");
        assert_eq!(decide(&client, &again, known), "consent");
    }
}
