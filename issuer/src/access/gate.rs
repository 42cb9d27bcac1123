//! Who comes in: the checks of a signed request, in order.

use std::net::IpAddr;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::secret::SecretString;
use common::sigv4::{Accept, Claimed, Request, Sigv4Error, Verified, body_sha256};

use super::error::AccessError;
use super::model::AdminKey;
use super::policy::{Ask, Decision, Policy};
use super::replay::{Effect, Fingerprint, Recent};
use super::rows;
use crate::aws_json::AdminCaller;
use crate::config::Deployment;
use crate::services::Services;

/// The signing name of the admin listener. Its actions are `tollgate:…` in policies.
pub const ADMIN_SERVICE: &str = "tollgate-admin";
/// What AWS SDKs add to each try of a call.
const TRY_HEADERS: [&str; 4] = ["amz-sdk-invocation-id", "amz-sdk-request", "aws-sdk-invocation-id", "aws-sdk-retry"];

/// What somebody asks to do, and from where.
pub struct Action<'a> {
    /// The signing name that the credential scope must have, such as `cognito-idp`.
    pub service: &'static str,
    /// The operation without its service, such as `ListUsers`.
    pub operation: &'static str,
    /// An ARN, or `*`.
    pub resource: String,
    pub source: IpAddr,
    pub user_agent: Option<&'a str>,
    pub now: UnixMillis,
}

/// A signed request, and what it asks for.
pub struct Asked<'a> {
    pub request: Request<'a>,
    pub body: &'a [u8],
    pub effect: Effect,
    pub action: Action<'a>,
}

/// Lets signed requests in.
#[derive(Default)]
pub struct Gate {
    recent: Recent,
}

impl Gate {
    /// Signature and date, then the key's state, then its policy, then whether the request came before.
    pub async fn admit(&self, services: &Services, asked: &Asked<'_>) -> Result<AdminCaller, AccessError> {
        let (key, verified) = authenticate(services, asked).await?;
        // No permanent key has a session token: it was made for another key, or by another service.
        if verified.session_token.is_some() || !key.is_alive(asked.action.now) {
            return Err(Sigv4Error::UnknownKey.into());
        }
        authorize(services, &key, &asked.action)?;
        // Where the signature itself tells tries apart, nothing unsigned may.
        let exact = asked.action.service == ADMIN_SERVICE
            || TRY_HEADERS.iter().any(|name| verified.signed_headers.contains(name));
        let tries = TRY_HEADERS.map(|name| asked.request.values(name).next().filter(|_| !exact));
        let fingerprint = Fingerprint::new(verified.signature, tries);
        self.recent.take(&services.store, &fingerprint, asked.effect, asked.action.now).await?;
        Ok(AdminCaller { access_key_id: key.access_key_id, single_use: key.single_use, region: None })
    }
}

impl Gate {
    /// Asks the policy of who was let in once more: for what the body names and the request's own resource does not.
    pub async fn permit(
        &self,
        services: &Services,
        caller: &AdminCaller,
        action: &Action<'_>,
    ) -> Result<(), AccessError> {
        let row = services.store.one(rows::by_id(&caller.access_key_id)).await?.ok_or(Sigv4Error::UnknownKey)?;
        authorize(services, &rows::key(&row)?, action)
    }
}

async fn authenticate<'a>(services: &Services, asked: &Asked<'a>) -> Result<(AdminKey, Verified<'a>), AccessError> {
    let accept = Accept { region: &services.deployment.region, services: &[asked.action.service] };
    let claimed = Claimed::parse(&asked.request, &accept, asked.action.now)?;
    let row = services.store.one(rows::by_id(claimed.access_key_id())).await?.ok_or(Sigv4Error::UnknownKey)?;
    let key = rows::key(&row)?;
    let secret = services
        .deployment_key
        .open(rows::secret_cell(&[&key.access_key_id]), &key.sealed_secret)
        .map_err(|e| AccessError::Internal(e.to_string()))?;
    let secret = String::from_utf8(secret.expose().to_vec()).map_err(|e| AccessError::Internal(e.to_string()))?;
    let verified = claimed.verify(&SecretString::new(secret), &body_sha256(asked.body))?;
    Ok((key, verified))
}

fn authorize(services: &Services, key: &AdminKey, asked: &Action<'_>) -> Result<(), AccessError> {
    let policy = Policy::parse(&key.policy).map_err(|e| AccessError::Internal(e.to_string()))?;
    let service = if asked.service == ADMIN_SERVICE { "tollgate" } else { asked.service };
    let action = format!("{service}:{}", asked.operation);
    let decision = policy.decide(&Ask {
        action: &action,
        resource: &asked.resource,
        username: &key.name,
        source: asked.source,
        now: asked.now,
        user_agent: asked.user_agent,
    });
    let why = match decision {
        Decision::Allowed => return Ok(()),
        Decision::DeniedExplicitly => "with an explicit deny in an identity-based policy".to_owned(),
        Decision::NotAllowed => format!("because no identity-based policy allows the {action} action"),
    };
    Err(AccessError::Denied(format!(
        "User: arn:aws:iam::{}:user/{} is not authorized to perform: {action} on resource: {} {why}",
        services.deployment.account_id, key.name, asked.resource
    )))
}

/// What a policy's `Resource` is compared with where a request is about one pool.
pub fn pool_arn(deployment: &Deployment, pool: &PoolId) -> String {
    format!("arn:aws:cognito-idp:{}:{}:userpool/{pool}", deployment.region, deployment.account_id)
}
