//! Client metadata (RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2) and the settings that it stands for (pure).
//!
//! What the issuer does not do it does not promise: encrypted tokens, pairwise subjects, software statements are refused. Members that nobody knows are
//! ignored, as RFC 7591 §2 has it.

mod shown;
#[cfg(test)]
mod tests;
mod ways;
mod wire;

pub use self::shown::shown;
pub use self::wire::{Metadata, Told};

use cognito_model::idp::types::{ExplicitAuthFlowsType, PreventUserExistenceErrorTypes};
use url::Url;

use self::ways::Ways;
use super::model::Settings;
use super::oauth::{About, AuthMethod, CertificateName, LogoutUri, OAuth, Profile, Registered};
use super::oauth_rules::{self, Facts};
use super::registration::Terms;

/// Cognito: CallbackURLsListType, LogoutURLsListType.
const MOST_URIS: usize = 100;
const MOST_TEXTS: usize = 20;
/// Cognito: ClientNameType.
const LONGEST_NAME: usize = 128;
const LONGEST_TEXT: usize = 256;
/// The one algorithm that tokens are signed by.
const SIGNED_BY: &str = "RS256";

/// Why metadata is refused: the errors of RFC 7591 §3.2.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("redirect_uris: {0}")]
    RedirectUri(String),
    #[error("{0}")]
    Metadata(String),
    #[error("software_statement: none is approved here")]
    SoftwareStatement,
}

/// A client as its metadata wants it.
#[derive(Debug)]
pub struct Wanted {
    pub name: String,
    pub settings: Settings,
    /// It proves itself by a secret.
    pub has_secret: bool,
    /// What has no place in settings, and is shown again.
    pub told: Told,
}

/// Who registers, and on what terms.
pub struct Context<'a> {
    pub terms: &'a Terms,
    pub registered: Registered,
    /// Whether the issuer may ask a URL.
    pub may_ask: &'a dyn Fn(&str) -> Result<(), String>,
}

/// # Errors
/// The first thing that is wrong.
pub fn wanted(metadata: Metadata, context: &Context<'_>) -> Result<Wanted, MetadataError> {
    check_support(&metadata)?;
    let is_native = is_native(&metadata)?;
    let ways = Ways::of(&metadata)?;
    ways.check(&context.terms.flows)?;
    check_uris(&metadata, &ways, is_native)?;
    let method = auth_method(&metadata, context)?;
    let has_secret = matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
    let name = name(&metadata)?;
    let scopes = scopes(metadata.scope.as_deref(), &context.terms.scopes)?;
    let told = Told::of(&metadata)?;
    let is_public = method == AuthMethod::None;
    let oauth = OAuth {
        profile: Profile::Openid,
        response_types: ways.response_types,
        grants: ways.grants,
        auth_methods: vec![method],
        certificate: certificate(&metadata)?,
        certificate_bound: metadata.tls_client_certificate_bound_access_tokens.unwrap_or(false),
        dpop_bound: metadata.dpop_bound_access_tokens.unwrap_or(false),
        par_required: metadata.require_pushed_authorization_requests.unwrap_or(false),
        rotate_public: is_public,
        third_party: true,
        back_channel: logout(metadata.backchannel_logout_uri, metadata.backchannel_logout_session_required),
        front_channel: logout(metadata.frontchannel_logout_uri, metadata.frontchannel_logout_session_required),
        registered: Some(context.registered.clone()),
        native: is_native,
        default_max_age: metadata.default_max_age,
        userinfo_signed: metadata.userinfo_signed_response_alg.is_some(),
        about: About {
            client_uri: metadata.client_uri,
            logo_uri: metadata.logo_uri,
            policy_uri: metadata.policy_uri,
            tos_uri: metadata.tos_uri,
        },
        jwks: metadata.jwks,
        jwks_uri: metadata.jwks_uri,
        ..OAuth::default()
    };
    let facts = Facts { has_secret, may_ask: context.may_ask, has_attribute: &|_| false };
    oauth_rules::check(&oauth, &facts).map_err(MetadataError::Metadata)?;
    let refresh = ways.refresh.then_some(ExplicitAuthFlowsType::AllowRefreshTokenAuth);
    let settings = Settings {
        allowed_oauth_flows: Some(ways.flows),
        allowed_oauth_flows_user_pool_client: true,
        allowed_oauth_scopes: Some(scopes),
        auth_session_validity: Some(3),
        callback_urls: metadata.redirect_uris.filter(|uris| !uris.is_empty()),
        enable_token_revocation: true,
        explicit_auth_flows: refresh.into_iter().collect(),
        logout_urls: metadata.post_logout_redirect_uris.filter(|uris| !uris.is_empty()),
        oauth,
        prevent_user_existence_errors: Some(PreventUserExistenceErrorTypes::Enabled),
        supported_identity_providers: Some(vec!["COGNITO".to_owned()]),
        ..Settings::default()
    };
    Ok(Wanted { name, settings, has_secret, told })
}

/// What would be promised and not kept.
fn check_support(metadata: &Metadata) -> Result<(), MetadataError> {
    if metadata.software_statement.is_some() {
        return Err(MetadataError::SoftwareStatement);
    }
    if metadata.subject_type.as_deref().is_some_and(|kind| kind != "public") {
        return Err(refused("subject_type: public alone is supported"));
    }
    for (name, alg) in [
        ("id_token_signed_response_alg", &metadata.id_token_signed_response_alg),
        ("userinfo_signed_response_alg", &metadata.userinfo_signed_response_alg),
    ] {
        if alg.as_deref().is_some_and(|alg| alg != SIGNED_BY) {
            return Err(refused(format!("{name}: {SIGNED_BY} alone is supported")));
        }
    }
    for (name, alg) in [
        ("id_token_encrypted_response_alg", &metadata.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", &metadata.userinfo_encrypted_response_alg),
        ("request_object_encryption_alg", &metadata.request_object_encryption_alg),
    ] {
        if alg.is_some() {
            return Err(refused(format!("{name}: encryption is not supported")));
        }
    }
    if metadata.require_signed_request_object == Some(true) {
        return Err(refused("require_signed_request_object: is not supported"));
    }
    Ok(())
}

/// Where a client does not say what it is, its redirect URIs do.
fn is_native(metadata: &Metadata) -> Result<bool, MetadataError> {
    match metadata.application_type.as_deref() {
        Some("native") => Ok(true),
        Some("web") => Ok(false),
        Some(_) => Err(refused("application_type: web or native")),
        None => Ok(metadata.redirect_uris.iter().flatten().any(|uri| oauth_rules::is_native(uri))),
    }
}

fn check_uris(metadata: &Metadata, ways: &Ways, is_native: bool) -> Result<(), MetadataError> {
    let uris = metadata.redirect_uris.as_deref().unwrap_or_default();
    if uris.is_empty() && ways.need_redirect() {
        return Err(MetadataError::RedirectUri("there is none".to_owned()));
    }
    if uris.len() > MOST_URIS {
        return Err(MetadataError::RedirectUri(format!("there are more than {MOST_URIS}")));
    }
    for uri in uris {
        oauth_rules::check_redirect_uri(uri, is_native).map_err(MetadataError::RedirectUri)?;
    }
    let logout = metadata.post_logout_redirect_uris.as_deref().unwrap_or_default();
    if logout.len() > MOST_URIS {
        return Err(refused(format!("post_logout_redirect_uris: there are more than {MOST_URIS}")));
    }
    for uri in logout {
        oauth_rules::check_redirect_uri(uri, is_native)
            .map_err(|why| refused(format!("post_logout_redirect_uris: {why}")))?;
    }
    Ok(())
}

/// A document's client has no secret: anyone may read the document.
fn auth_method(metadata: &Metadata, context: &Context<'_>) -> Result<AuthMethod, MetadataError> {
    let is_document = matches!(context.registered, Registered::ByDocument(_));
    let usual = if is_document { AuthMethod::None } else { AuthMethod::ClientSecretBasic };
    let method = metadata.token_endpoint_auth_method.unwrap_or(usual);
    if is_document && !matches!(method, AuthMethod::None | AuthMethod::PrivateKeyJwt) {
        return Err(refused("token_endpoint_auth_method: none or private_key_jwt"));
    }
    Ok(method)
}

fn certificate(metadata: &Metadata) -> Result<Option<CertificateName>, MetadataError> {
    let given = [
        metadata.tls_client_auth_subject_dn.clone().map(CertificateName::SubjectDn),
        metadata.tls_client_auth_san_dns.clone().map(CertificateName::SanDns),
        metadata.tls_client_auth_san_uri.clone().map(CertificateName::SanUri),
        metadata.tls_client_auth_san_ip.clone().map(CertificateName::SanIp),
        metadata.tls_client_auth_san_email.clone().map(CertificateName::SanEmail),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(refused("tls_client_auth_…: exactly one names the certificate (RFC 8705 §2.1.2)")),
        (name, None) => Ok(name),
    }
}

/// Those of the scopes that the terms have; all of them where none are asked for.
fn scopes(asked: Option<&str>, allowed: &[String]) -> Result<Vec<String>, MetadataError> {
    let Some(asked) = asked else { return Ok(allowed.to_vec()) };
    let asked: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
    let kept: Vec<String> = allowed.iter().filter(|scope| asked.contains(&scope.as_str())).cloned().collect();
    if kept.is_empty() && !asked.is_empty() {
        return Err(refused("scope: the pool registers no client for any of them"));
    }
    Ok(kept)
}

/// What people read at the consent, so that nothing in it may dress it up as something else.
fn name(metadata: &Metadata) -> Result<String, MetadataError> {
    let Some(name) = &metadata.client_name else {
        let host = metadata.redirect_uris.iter().flatten().next().and_then(|uri| Url::parse(uri).ok());
        let host = host.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        return Ok(if host.is_empty() { "client".to_owned() } else { host.chars().take(LONGEST_NAME).collect() });
    };
    let length = name.chars().count();
    if name.trim().is_empty() || length > LONGEST_NAME || name.chars().any(is_invisible) {
        return Err(refused(format!("client_name: 1 to {LONGEST_NAME} characters, none of which is invisible")));
    }
    Ok(name.clone())
}

/// Control characters, what turns the direction of a text, and what has no width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

fn logout(uri: Option<String>, session_required: Option<bool>) -> Option<LogoutUri> {
    uri.map(|uri| LogoutUri { uri, session_required: session_required.unwrap_or(false) })
}

impl Told {
    fn of(metadata: &Metadata) -> Result<Self, MetadataError> {
        let texts = |name: &str, list: &Option<Vec<String>>| {
            let list = list.as_deref().unwrap_or_default();
            let is_long = |text: &String| text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control);
            if list.len() > MOST_TEXTS || list.iter().any(is_long) {
                return Err(refused(format!("{name}: {MOST_TEXTS} texts of {LONGEST_TEXT} characters at most")));
            }
            Ok(())
        };
        texts("contacts", &metadata.contacts)?;
        let one = |text: &Option<String>| Some(text.clone().into_iter().collect::<Vec<_>>());
        texts("software_id", &one(&metadata.software_id))?;
        texts("software_version", &one(&metadata.software_version))?;
        let requests = metadata.request_uris.as_deref().unwrap_or_default();
        if requests.len() > MOST_TEXTS {
            return Err(refused(format!("request_uris: {MOST_TEXTS} at most")));
        }
        let pages = requests.iter().map(|uri| ("request_uris", uri.split('#').next().unwrap_or_default()));
        for (name, uri) in pages.chain(metadata.initiate_login_uri.as_deref().map(|uri| ("initiate_login_uri", uri))) {
            oauth_rules::check_page(uri).map_err(|why| refused(format!("{name}: {why}")))?;
        }
        Ok(Self {
            contacts: metadata.contacts.clone(),
            initiate_login_uri: metadata.initiate_login_uri.clone(),
            request_uris: metadata.request_uris.clone(),
            require_auth_time: metadata.require_auth_time,
            sector_identifier_uri: metadata.sector_identifier_uri.clone(),
            software_id: metadata.software_id.clone(),
            software_version: metadata.software_version.clone(),
        })
    }
}

fn refused(why: impl Into<String>) -> MetadataError {
    MetadataError::Metadata(why.into())
}
