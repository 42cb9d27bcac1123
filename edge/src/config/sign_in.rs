//! `[[sign_in]]`, and which routes may name one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::canonical::CanonicalPath;
use common::claims::TokenUse;
use common::secret::SecretBytes;
use common::settings::{Section, SettingError};
use http::HeaderName;

use crate::challenge;
use crate::config::Around;
use crate::config::introspection::{auth, secret, span};
use crate::config::issuers::{POOL_PREFIX, authorities};
use crate::files::keys;
use crate::outbound::Address;
use crate::sign_in::{check_key, is_local};
use crate::snapshot::picture::ConfiguredIssuer;
use crate::snapshot::route::{HostPattern, Route, TokenRule};
use crate::snapshot::sign_in::{
    Client, CookieName, IdentityHeader, KeySource, Paths, Provider, SignIn, SignInAt, SignOut, SignOutAt,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// Parameters of authorization requests that are the edge's to say.
const OURS: [&str; 10] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
];

pub fn all(
    sections: Vec<Section>,
    issuers: &[ConfiguredIssuer],
    around: &Around<'_>,
    state_dir: Option<&Path>,
) -> Result<Vec<Arc<SignIn>>, SettingError> {
    let mut all: Vec<Arc<SignIn>> = Vec::new();
    for section in sections {
        let place = section.place("name");
        let sign_in = sign_in(section, issuers, around, state_dir)?;
        if all.iter().any(|other| other.name == sign_in.name) {
            return Err(SettingError::new(place, format!("there are two sign-ins called \"{}\"", sign_in.name)));
        }
        all.push(Arc::new(sign_in));
    }
    Ok(all)
}

/// Whether a route may sign people in so.
pub fn check(
    sign_in: &SignIn,
    host: &HostPattern,
    token: Option<&TokenRule>,
    issuers: &[ConfiguredIssuer],
) -> Result<(), String> {
    let Some(rule) = token else { return Err("needs `token`: an open route needs no session".to_owned()) };
    if *host == HostPattern::Any {
        return Err("needs `match.host`: people are sent back to a host that the route names".to_owned());
    }
    if rule.token_use != sign_in.judged {
        let wanted = if sign_in.judged == TokenUse::Id { "id" } else { "access" };
        return Err(format!("needs `token.use = \"{wanted}\"`, as sessions of \"{}\" have it", sign_in.name));
    }
    if rule.proof.required || rule.proof.certificate_bound {
        return Err("can't stand where tokens must be bound: those of sessions are not".to_owned());
    }
    let mut named = rule.issuers.iter().filter_map(|&at| issuers.get(at));
    if named.any(|issuer| *issuer.name == *sign_in.issuer || issuer.introspection.is_some()) {
        Ok(())
    } else {
        Err(format!("needs \"{}\" among `token.issuers`: sessions have its tokens", sign_in.issuer))
    }
}

/// The sign-ins that routes name, and on which hosts. On one host each must have paths and cookies of its own.
pub fn places(routes: &[Route]) -> Result<Vec<SignInAt>, SettingError> {
    let mut places: Vec<SignInAt> = Vec::new();
    for route in routes {
        let Some(sign_in) = &route.sign_in else { continue };
        let host = (route.host.clone(), route.number);
        match places.iter_mut().find(|at| at.sign_in.name == sign_in.name) {
            Some(at) => at.hosts.push(host),
            None => places.push(SignInAt { sign_in: Arc::clone(sign_in), hosts: vec![host] }),
        }
    }
    for (number, one) in places.iter().enumerate() {
        for other in places.iter().skip(number + 1) {
            let meet = one.hosts.iter().any(|(a, _)| other.hosts.iter().any(|(b, _)| overlap(a, b)));
            let same_path = one.sign_in.paths.all().iter().any(|path| other.sign_in.paths.all().contains(path));
            if meet && (same_path || one.sign_in.cookie == other.sign_in.cookie) {
                let (one, other) = (&one.sign_in.name, &other.sign_in.name);
                let problem =
                    format!("\"{one}\" and \"{other}\" serve one host: give them paths and cookies of their own");
                return Err(SettingError::new("sign_in", problem));
            }
        }
    }
    Ok(places)
}

fn overlap(one: &HostPattern, other: &HostPattern) -> bool {
    match (one, other) {
        (HostPattern::Any, _) | (_, HostPattern::Any) => true,
        (HostPattern::Exact(one), HostPattern::Exact(other)) => one == other,
        (HostPattern::Suffix(suffix), HostPattern::Exact(name))
        | (HostPattern::Exact(name), HostPattern::Suffix(suffix)) => name.ends_with(suffix.as_str()),
        (HostPattern::Suffix(one), HostPattern::Suffix(other)) => {
            one.ends_with(other.as_str()) || other.ends_with(one.as_str())
        }
    }
}

fn sign_in(
    mut section: Section,
    issuers: &[ConfiguredIssuer],
    around: &Around<'_>,
    state_dir: Option<&Path>,
) -> Result<SignIn, SettingError> {
    let name = token(&mut section, "name")?.ok_or_else(|| section.missing("name"))?;
    let issuer = issuer(&mut section, issuers)?;
    let provider = provider(&mut section, around)?;
    let client = client(&mut section, around)?;
    let judged = match section.text("token")?.as_deref() {
        None | Some("access") => TokenUse::Access,
        Some("id") => TokenUse::Id,
        Some(other) => return Err(section.error("token", format!("\"{other}\" is neither \"access\" nor \"id\""))),
    };
    let paths = Paths {
        callback: path(&mut section, "callback_path", "/.tollgate/callback")?,
        sign_in: path(&mut section, "sign_in_path", "/.tollgate/sign-in")?,
        sign_out: path(&mut section, "sign_out_path", "/.tollgate/sign-out")?,
        keys: path(&mut section, "identity_keys_path", "/.tollgate/identity-keys.json")?,
    };
    let mut each = paths.all().to_vec();
    each.sort_unstable();
    each.dedup();
    if each.len() < paths.all().len() {
        return Err(section.error("callback_path", "must be another path than those beside it"));
    }
    let cookie = CookieName::new(token(&mut section, "cookie")?.as_deref().unwrap_or("tg-session"));
    let in_state = |file: String| state_dir.map_or(KeySource::Own, |dir| KeySource::State(dir.join(file)));
    let keys = match section.file("key_file")? {
        None => in_state(format!("sign-in-{name}.key")),
        Some(file) => {
            let file = around.folder.join(file);
            let problem = |error| section.error("key_file", format!("{}: {error}", file.display()));
            KeySource::Given(keys::read(&file).map_err(problem)?)
        }
    };
    let life = span(&mut section, "session", SECOND * 60..=HOUR * 24 * 400, HOUR * 12)?;
    let idle = if section.has("idle") { Some(span(&mut section, "idle", SECOND * 60..=life, life)?) } else { None };
    let sign_out = sign_out(&mut section)?;
    let forward_token = section.flag("forward_token")?.unwrap_or(false);
    let keeps_id_token = section.flag("keep_id_token")?.unwrap_or(false);
    let identity = match section.section("identity")? {
        None => None,
        Some(identity) => Some(identity_header(identity, around, in_state(format!("sign-in-{name}.pem")))?),
    };
    section.finish()?;
    let name = name.into();
    Ok(SignIn {
        name,
        issuer,
        provider,
        client,
        judged,
        paths,
        cookie,
        keys,
        life,
        idle,
        sign_out,
        forward_token,
        keeps_id_token,
        identity,
    })
}

/// One whose ID tokens can be verified here.
fn issuer(section: &mut Section, issuers: &[ConfiguredIssuer]) -> Result<Arc<str>, SettingError> {
    let name = section.required_text("issuer")?;
    match issuers.iter().find(|issuer| issuer.name == name) {
        Some(issuer) if issuer.introspection.is_some() => {
            let problem = "is asked about its tokens: name an issuer with `jwks`, by which ID tokens are verified";
            Err(section.error("issuer", problem))
        }
        Some(_) => Ok(name.into()),
        // It comes by the feed; a route that signs people in names it too.
        None if name.starts_with(POOL_PREFIX) => Ok(name.into()),
        None => Err(section.error("issuer", format!("no issuer is called \"{name}\""))),
    }
}

fn provider(section: &mut Section, around: &Around<'_>) -> Result<Provider, SettingError> {
    let allow_http = section.flag("allow_http")?.unwrap_or(false);
    let mut endpoint = |key: &'static str| match section.text(key)? {
        None => Ok(None),
        Some(url) => match Address::parse(&url, allow_http) {
            Ok(address) => Ok(Some(address)),
            Err(error) => Err(section.error(key, format!("\"{url}\" {error}"))),
        },
    };
    Ok(Provider {
        authorization: endpoint("authorization_endpoint")?,
        token: endpoint("token_endpoint")?,
        end_session: endpoint("end_session_endpoint")?,
        revocation: endpoint("revocation_endpoint")?,
        authorities: authorities(section, around.folder)?,
        allow_http,
        timeout: span(section, "timeout", SECOND / 10..=SECOND * 30, SECOND * 5)?,
    })
}

fn client(section: &mut Section, around: &Around<'_>) -> Result<Client, SettingError> {
    let id = section.required_text("client_id")?;
    let has_secret = section.has("client_secret_file") || section.has("client_secret_env");
    let secret = if has_secret { Some((secret(section, around)?, auth(section)?)) } else { None };
    let (is_given, scopes) = (section.has("scopes"), section.texts("scopes")?);
    let scope = if is_given { scopes.join(" ") } else { "openid".to_owned() };
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err(section.error("scopes", "must have \"openid\": who signs in is known by the ID token"));
    }
    let authorization = match section.section("authorization")? {
        None => Vec::new(),
        Some(table) => {
            let place = table.place("");
            let pairs = table.pairs()?;
            if let Some((name, _)) = pairs.iter().find(|(name, _)| OURS.contains(&name.as_str())) {
                return Err(SettingError::new(format!("{place}{name}"), "is the edge's to say"));
            }
            pairs
        }
    };
    Ok(Client { id, secret, scope, authorization })
}

fn sign_out(section: &mut Section) -> Result<SignOut, SettingError> {
    let then = section.text("post_sign_out")?;
    if let Some(text) = &then
        && !is_local(text)
        && let Err(error) = Address::parse(text, false)
    {
        return Err(section.error("post_sign_out", format!("\"{text}\" is no path of this host, and {error}")));
    }
    let at = match section.text("sign_out")?.as_deref() {
        None | Some("provider") => SignOutAt::Provider,
        Some("cognito") if then.is_none() => {
            return Err(
                section.error("sign_out", "\"cognito\" needs `post_sign_out`, one of the client's sign-out URLs")
            );
        }
        Some("cognito") => SignOutAt::Cognito,
        Some("edge") => SignOutAt::Edge,
        Some(other) => {
            return Err(
                section.error("sign_out", format!("\"{other}\" is none of \"provider\", \"cognito\", \"edge\""))
            );
        }
    };
    Ok(SignOut { at, then })
}

fn identity_header(
    mut section: Section,
    around: &Around<'_>,
    in_state: KeySource,
) -> Result<IdentityHeader, SettingError> {
    let name = section.required_text("header")?;
    let name = HeaderName::try_from(&name)
        .map_err(|_| section.error("header", format!("\"{name}\" is no name of a header")))?;
    let key = match section.file("key_file")? {
        None => in_state,
        Some(file) => {
            let file = around.folder.join(file);
            let problem = |error: String| section.error("key_file", format!("{}: {error}", file.display()));
            let text: SecretBytes = keys::text(&file).map_err(|error| problem(error.to_string()))?;
            check_key(text.clone()).map_err(|error| problem(error.to_string()))?;
            KeySource::Given(vec![text])
        }
    };
    let audience = section.text("audience")?;
    section.finish()?;
    Ok(IdentityHeader { name, audience, key })
}

/// A short name that can be part of others.
fn token(section: &mut Section, key: &'static str) -> Result<Option<String>, SettingError> {
    let text = section.text(key)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match &text {
        Some(text) if !(1..=32).contains(&text.len()) || !text.bytes().all(fits) => {
            Err(section.error(key, "must be 1 to 32 letters, digits, `-` and `_`"))
        }
        _ => Ok(text),
    }
}

/// A path that the edge answers itself.
fn path(section: &mut Section, key: &'static str, default: &str) -> Result<String, SettingError> {
    let Some(text) = section.text(key)? else { return Ok(default.to_owned()) };
    let is_canonical = CanonicalPath::parse(text.as_bytes()).is_ok_and(|path| path.as_str() == text);
    if !is_canonical || text.contains(['?', '#', '*']) || text == "/" || text.starts_with(challenge::PUZZLE) {
        return Err(section.error(key, format!("\"{text}\" is no path such as \"{default}\"")));
    }
    Ok(text)
}
