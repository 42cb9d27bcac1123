//! `/oauth2/userInfo` (OpenID Connect Core §5.3), by GET and POST.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::jose::Alg;
use common::secret::SecretString;
use common::verify::Possession;
use serde_json::{Value, json};

use super::error::{Code, OAuthError, answer};
use super::form::Form;
use super::state::OAuth;
use super::{certificate, dpop};
use crate::aws_json::Call;
use crate::clients::Client;
use crate::cors;
use crate::domains::Site;
use crate::keys::Purpose;
use crate::pools::{self, Pool};
use crate::tokens::{self, user_info::Refused};

/// Cognito's text.
const OVER: &str = "Access token is expired, disabled, or deleted, or the user has globally signed out.";

/// Why there is no answer.
enum Failed {
    /// No token at all (RFC 6750 §3: then nothing is said of errors).
    Nothing,
    Refused(Refused),
    Request(OAuthError),
    /// Of the proof that came with it (RFC 9449 §7.1).
    Proof(OAuthError),
}

pub async fn answered(
    State(oauth): State<OAuth>,
    Extension(site): Extension<Site>,
    head: Parts,
    body: Body,
) -> Response {
    let call = oauth.call("UserInfo_GET", &head);
    let outcome = told(&oauth, &site, &call, &head, body).await;
    let fault = outcome.as_ref().err().map(fault);
    call.record(Some(site.pool.as_str()), fault.as_ref()).await;
    cors::allow(outcome.unwrap_or_else(refusal)).await
}

async fn told(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Response, Failed> {
    oauth.door.take("UserInfo_GET", &site.pool).map_err(|fault| Failed::Refused(Refused::Fault(fault)))?;
    let (token, is_dpop) = token(head, body).await?;
    let key = if is_dpop { dpop::of_resource(call, site, head, &token).await.map_err(Failed::Proof)? } else { None };
    // RFC 9449 §7.1: under the scheme DPoP there is a proof.
    if is_dpop && key.is_none() {
        return Err(Failed::Proof(dpop::missing()));
    }
    let possession = Possession { key, certificate: certificate::thumbprint(head) };
    let pool = pools::find(&oauth.services.store, &site.pool).await.map_err(|error| Failed::Refused(error.into()))?;
    let (claims, client) = tokens::user_info(call, &pool, &token, &possession).await.map_err(Failed::Refused)?;
    if client.settings.oauth.userinfo_signed {
        return signed(oauth, &pool, &client, claims).await.map_err(|fault| Failed::Refused(Refused::Fault(fault)));
    }
    Ok(answer(StatusCode::OK, &Value::Object(claims)))
}

/// A JWT (§5.3.2): it says whose and for whom it is.
async fn signed(
    oauth: &OAuth,
    pool: &Pool,
    client: &Client,
    mut claims: serde_json::Map<String, Value>,
) -> Result<Response, Fault> {
    claims.insert("iss".to_owned(), json!(pool.iss));
    claims.insert("aud".to_owned(), json!(client.id.as_str()));
    let token = oauth.services.keys.sign(&pool.id, Purpose::Id, &claims).await?;
    let headers = [(CONTENT_TYPE, "application/jwt"), (CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, token.expose().to_owned()).into_response())
}

/// By the header field, or in the body of a form (RFC 6750 §2.1, §2.2); never in the query. And whether by the scheme DPoP.
async fn token(head: &Parts, body: Body) -> Result<(SecretString, bool), Failed> {
    let mut fields = head.headers.get_all(AUTHORIZATION).iter();
    let field = fields.next();
    let invalid = |text| Failed::Request(OAuthError::new(Code::InvalidRequest, text));
    if fields.next().is_some() {
        return Err(invalid("The Authorization field comes twice."));
    }
    let is_form = head.method == Method::POST && head.headers.contains_key(CONTENT_TYPE);
    let form = match is_form {
        true => Some(Form::read(&head.headers, body).await.map_err(Failed::Request)?),
        false => None,
    };
    let in_form = form.as_ref().and_then(|form| form.secret("access_token").cloned());
    match (field, in_form) {
        (Some(_), Some(_)) => Err(invalid("The access token comes in more than one way.")),
        (None, Some(token)) => Ok((token, false)),
        (None, None) => Err(Failed::Nothing),
        (Some(field), None) => {
            let text = field.to_str().ok().and_then(|text| text.split_once(' '));
            match text {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    Ok((SecretString::new(token.trim()), false))
                }
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
                    Ok((SecretString::new(token.trim()), true))
                }
                _ => Err(Failed::Nothing),
            }
        }
    }
}

fn fault(failed: &Failed) -> Fault {
    match failed {
        Failed::Nothing | Failed::Refused(Refused::Invalid) => Fault::not_authorized(OVER),
        Failed::Refused(Refused::Scope) => Fault::not_authorized("The access token has no scope openid."),
        Failed::Refused(Refused::Fault(fault)) => Fault::new(fault.exception, fault.message.clone()),
        Failed::Request(error) | Failed::Proof(error) => Fault::new(error.fault.exception, error.fault.message.clone()),
    }
}

/// RFC 6750 §3.
fn refusal(failed: Failed) -> Response {
    let (status, error, text) = match failed {
        Failed::Nothing => {
            let mut response = answer(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_token" }));
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return response;
        }
        Failed::Refused(Refused::Invalid) => (StatusCode::UNAUTHORIZED, "invalid_token", OVER),
        Failed::Refused(Refused::Scope) => {
            (StatusCode::FORBIDDEN, "insufficient_scope", "The access token has no scope openid.")
        }
        Failed::Refused(Refused::Fault(fault)) => return OAuthError::of(Code::InvalidRequest, fault).into_response(),
        Failed::Request(error) => return error.into_response(),
        Failed::Proof(error) if error.fault.status() < 500 => {
            let challenge =
                format!("DPoP error=\"{}\", algs=\"{}\"", error.code.name(), dpop::ALGS.map(Alg::name).join(" "));
            let mut response = error.into_response();
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
                .headers_mut()
                .extend(HeaderValue::from_str(&challenge).ok().map(|field| (WWW_AUTHENTICATE, field)));
            return response;
        }
        Failed::Proof(error) => return error.into_response(),
    };
    let mut response = answer(status, &json!({ "error": error, "error_description": text }));
    let scope = if status == StatusCode::FORBIDDEN { ", scope=\"openid\"" } else { "" };
    let field = format!("Bearer error=\"{error}\", error_description=\"{text}\"{scope}");
    if let Ok(field) = HeaderValue::from_str(&field) {
        response.headers_mut().insert(WWW_AUTHENTICATE, field);
    }
    response
}
