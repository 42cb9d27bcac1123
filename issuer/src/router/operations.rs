//! `POST /`: the operations of Cognito and of AWS WAF.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use axum::response::Response;
use cognito_model::{Auth, Exception, Fault, OperationInfo, Service};
use common::attest::Word;
use common::clock::UnixMillis;
use common::cognito::{self, Members, Names, NotRead, TARGET};
use common::ids::PoolId;
use common::secret::SecretString;
use common::sigv4;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Public, asked, quota, respond, vouching, word};
use crate::aws_json::{Call, Caller, Origin, Registered};
use crate::config::Deployment;
use crate::limits::quotas::{Place, Standing};
use crate::vouching::{Refusal, Vouched};
use crate::{
    access, appearance, clients, devices, devmode, domains, erasure, events, factors, imports, linking, login, pools,
    providers, provisioned, recovery, replicas, resource_servers, risk, sessions, signup, terms, tokens, users, waf,
};

/// Cognito: 1 MiB.
const BODY_LIMIT: usize = 1024 * 1024;
/// Cognito: 2 MiB for what has images in it.
const BODY_LIMIT_WITH_IMAGES: usize = 2 * BODY_LIMIT;
const WITH_IMAGES: [&str; 2] = ["CreateManagedLoginBranding", "UpdateManagedLoginBranding"];
/// Longer ones are refused when the request is checked.
const LONGEST_ARN: usize = 2_048;
/// How long the body of a request may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// The operations that exist, by service and name: some names are of both.
pub struct Operations(HashMap<(Service, &'static str), Registered>);

impl Operations {
    /// Every feature's operations.
    pub fn collect() -> Self {
        let all = [
            pools::operations(),
            resource_servers::operations(),
            providers::operations(),
            clients::operations(),
            domains::operations(),
            appearance::operations(),
            terms::operations(),
            risk::operations(),
            imports::operations(),
            replicas::operations(),
            provisioned::operations(),
            users::operations(),
            linking::operations(),
            events::operations(),
            factors::operations(),
            signup::operations(),
            recovery::operations(),
            sessions::operations(),
            devices::operations(),
            erasure::operations(),
            tokens::operations(),
            login::operations(),
            waf::operations(),
        ];
        Self(all.into_iter().flatten().map(|operation| ((operation.service, operation.name), operation)).collect())
    }

    #[cfg(test)]
    pub(crate) fn named(&self, name: &'static str) -> Option<&Registered> {
        self.of(Service::Idp, name)
    }

    #[cfg(test)]
    pub(crate) fn of(&self, service: Service, name: &str) -> Option<&Registered> {
        self.0.values().find(|operation| operation.service == service && operation.name == name)
    }

    /// Whether the operation that the headers name checks a signature that a request has.
    pub fn demand_signature(&self, headers: &HeaderMap) -> bool {
        self.find(headers).is_ok_and(goes_by_signature)
    }

    /// Cognito's bound, in bytes, for a body of the operation that the headers name.
    pub fn body_limit(&self, headers: &HeaderMap) -> usize {
        let has_images =
            |operation: &Registered| operation.service == Service::Idp && WITH_IMAGES.contains(&operation.name);
        if self.find(headers).is_ok_and(has_images) { BODY_LIMIT_WITH_IMAGES } else { BODY_LIMIT }
    }

    /// By `X-Amz-Target`. What the model knows and this version doesn't is told apart from nonsense.
    fn find(&self, headers: &HeaderMap) -> Result<&Registered, Fault> {
        let unknown = || Fault::new(Exception::UnknownOperation, "Unknown operation: X-Amz-Target names none.");
        let target = headers.get(TARGET).and_then(|v| v.to_str().ok()).ok_or_else(unknown)?;
        let known = OperationInfo::by_target(target).ok_or_else(unknown)?;
        self.0.get(&(known.service, known.name)).ok_or_else(|| not_there(known.name))
    }
}

/// GetClientToken goes by the client's secret alone (Cognito: no IAM policy is asked).
fn goes_by_signature(operation: &Registered) -> bool {
    match operation.auth {
        Auth::SigV4 => true,
        Auth::SigV4OrClient => operation.name != "GetClientToken",
        Auth::None | Auth::AccessToken => false,
    }
}

/// Whether a request brings a signature, which decides where the operation takes a client's secret in its place.
pub fn is_signed(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256"))
}

fn not_there(name: &str) -> Fault {
    Fault::new(Exception::UnknownOperation, format!("{name} is not supported by this issuer yet."))
}

pub async fn handle(State(public): State<Public>, request: Request<Body>) -> Response {
    let request_id = Uuid::now_v7().to_string();
    let (head, body) = request.into_parts();
    let (mut standing, mut word) = (None, None);
    let mut response = match answer(&public, &head, body, &request_id, (&mut standing, &mut word)).await {
        Ok(body) => respond::success(&request_id, body),
        Err(fault) => {
            if let Some(cause) = fault.cause() {
                tracing::error!(request_id, exception = fault.exception.name(), cause, "operation failed");
            }
            respond::fault(&request_id, &fault)
        }
    };
    if let Some(standing) = &standing {
        quota::describe(response.headers_mut(), standing);
    }
    if let Some(word) = word {
        word::add(response.headers_mut(), word);
    }
    response
}

async fn answer(
    public: &Public,
    head: &Parts,
    body: Body,
    request_id: &str,
    (standing, said): (&mut Option<Standing>, &mut Option<Word>),
) -> Result<Vec<u8>, Fault> {
    let body = read(body, public.operations.body_limit(&head.headers)).await?;
    let operation = public.operations.find(&head.headers)?;
    check_content_type(&head.headers)?;
    let _turn = match &public.dev {
        Some(dev) => Some(dev.enter().await),
        None => None,
    };
    let services = &public.services;
    let now = services.now();
    let origin = Origin::of(head, request_id);
    let peek = Peek::of(&body, operation, &services.deployment);
    let arrived = Arrived { public, head, body: &body, operation, peek: &peek, origin: &origin, now };
    let caller = arrived.admit(standing).await;
    let (caller, refused) = match caller {
        Ok(caller) => (caller, None),
        Err(fault) => (Caller::Anonymous, Some(fault)),
    };
    let call = Call::new(services.clone(), operation.name, now, origin, caller);
    let outcome = match refused {
        // A flood must not become one of the audit record.
        Some(fault) if standing.as_ref().is_some_and(|standing| !standing.decision.is_allowed()) => {
            call.count(Some(&fault));
            return Err(fault);
        }
        Some(fault) => Err(fault),
        None => operation.run(call.clone(), body.to_vec()).await,
    };
    *said = word::of(head, operation.name, &body, &services.compromised, outcome.as_ref().err());
    let pool = peek.as_ref().ok().and_then(|peek| peek.user_pool_id.as_deref()).or_else(|| match &call.caller {
        Caller::User(user) => Some(user.pool.as_str()),
        _ => None,
    });
    call.record(pool, outcome.as_ref().err()).await;
    outcome
}

/// A request of which all has been read and nothing is proven.
struct Arrived<'a> {
    public: &'a Public,
    head: &'a Parts,
    body: &'a Bytes,
    operation: &'a Registered,
    peek: &'a Result<Peek, NotRead>,
    origin: &'a Origin,
    now: UnixMillis,
}

impl Arrived<'_> {
    /// Checks what the operation demands of its caller, and counts the request in the quota of its pool.
    async fn admit(&self, standing: &mut Option<Standing>) -> Result<Caller, Fault> {
        let (operation, turnstile) = (self.operation, &self.public.turnstile);
        let Ok(peek) = self.peek else {
            turnstile.take(operation.name, Place::Nowhere, standing)?;
            operation.check(self.body)?;
            return Err(Fault::serialization("The request's body could not be read."));
        };
        match operation.auth {
            // AssociateSoftwareToken, VerifySoftwareToken: who has a token is a user, as elsewhere.
            Auth::None if operation.takes("AccessToken") && peek.access_token.is_some() => {
                self.of_user(peek, standing).await
            }
            Auth::None => self.by_client(peek, standing).await,
            Auth::SigV4OrClient if !(goes_by_signature(operation) && is_signed(&self.head.headers)) => {
                self.by_client(peek, standing).await
            }
            Auth::AccessToken => self.of_user(peek, standing).await,
            Auth::SigV4 | Auth::SigV4OrClient => {
                let of_client = self.pool_of_client(peek).await?;
                self.by_rights(of_client.as_ref()).await?;
                let named = peek.user_pool_id.as_deref().or(peek.waf.pool.as_ref().map(PoolId::as_str));
                let pool = named.or(of_client.as_ref().map(PoolId::as_str));
                self.within(pool.and_then(|id| PoolId::parse(id).ok()).as_ref())?;
                if operation.service == Service::Waf {
                    // Cognito's quotas are not about them, and some names are of both services.
                    return self.by_signature(peek, None).await;
                }
                let place = pool.map_or(Place::Deployment, Place::Pool);
                turnstile.look(operation.name, place, standing)?;
                let caller = self.by_signature(peek, of_client.as_ref()).await?;
                turnstile.take(operation.name, place, standing)?;
                Ok(caller)
            }
        }
    }

    /// Whoever holds the access token in the request.
    async fn of_user(&self, peek: &Peek, standing: &mut Option<Standing>) -> Result<Caller, Fault> {
        let (operation, turnstile) = (self.operation, &self.public.turnstile);
        let claimed = peek.access_token.as_ref().and_then(|token| cognito::pool_of_token(token.expose()));
        self.by_rights(claimed.as_ref()).await?;
        if let Some(pool) = &claimed {
            turnstile.look(operation.name, Place::Pool(pool.as_str()), standing)?;
        }
        let caller = self.by_access_token(peek).await?;
        if let Caller::User(user) = &caller {
            turnstile.take(operation.name, Place::Pool(user.pool.as_str()), standing)?;
        }
        Ok(caller)
    }

    /// An operation for which the caller proves nothing here; some are about a client, whose secret is the operation's to ask.
    async fn by_client(&self, peek: &Peek, standing: &mut Option<Standing>) -> Result<Caller, Fault> {
        let of_client = self.pool_of_client(peek).await?;
        let pool = of_client.as_ref().or(match &peek.names {
            Names::Pool(pool) => Some(pool),
            Names::Client(_) | Names::Nobody => None,
        });
        self.by_rights(pool).await?;
        // Whoever names a pool alone has shown nothing of it.
        let place = of_client.as_ref().map_or(Place::Nowhere, |pool| Place::Pool(pool.as_str()));
        self.public.turnstile.take(self.operation.name, place, standing)?;
        Ok(Caller::Anonymous)
    }

    /// The pool of the client that a public operation names.
    async fn pool_of_client(&self, peek: &Peek) -> Result<Option<PoolId>, Fault> {
        match &peek.names {
            Names::Client(client) => Ok(self.public.turnstile.pool_of(&self.public.services.store, client).await?),
            Names::Pool(_) | Names::Nobody => Ok(None),
        }
    }

    /// Whether the edge that vouches for the request, if one does, may speak of this pool.
    fn within(&self, pool: Option<&PoolId>) -> Result<(), Fault> {
        match (self.head.extensions.get::<Vouched>(), pool) {
            (Some(vouched), Some(pool)) if !vouched.edge.serves(pool) => {
                Err(vouching::of_edge(self.public, vouched, Refusal::Pool))
            }
            _ => Ok(()),
        }
    }

    /// The same of a public operation: the edge has asked the pool's web ACL, too. What that blocks takes nothing of quotas.
    async fn by_rights(&self, pool: Option<&PoolId>) -> Result<(), Fault> {
        self.within(pool)?;
        match (self.head.extensions.get::<Vouched>(), pool) {
            (Some(vouched), Some(pool)) => asked::check(self.public, vouched, pool).await,
            _ => Ok(()),
        }
    }

    async fn by_access_token(&self, peek: &Peek) -> Result<Caller, Fault> {
        self.operation.check(self.body)?;
        match &peek.access_token {
            Some(token) => Ok(Caller::User(tokens::authenticate(&self.public.services, token, self.now).await?)),
            None => Ok(Caller::Anonymous),
        }
    }

    /// The pool that the policy is asked about is the one that the operation will see: both readers refuse a name that comes twice.
    async fn by_signature(&self, peek: &Peek, of_client: Option<&PoolId>) -> Result<Caller, Fault> {
        let (public, head) = (self.public, self.head);
        if public.dev.is_some() {
            return Ok(Caller::Admin(devmode::any_key(&head.headers)?));
        }
        let mut resources = peek.resources(&public.services.deployment, of_client).into_iter();
        let action = |resource: String| access::Action {
            service: self.operation.service.signing_name(),
            operation: self.operation.name,
            resource,
            source: self.origin.address,
            user_agent: self.origin.user_agent.as_deref(),
            now: self.now,
        };
        let headers: Vec<(&str, &[u8])> = head.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let asked = access::Asked {
            request: sigv4::Request {
                method: head.method.as_str(),
                target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
                headers: &headers,
            },
            body: self.body,
            effect: access::Effect::of(self.operation.name),
            action: action(resources.next().unwrap_or_else(|| "*".to_owned())),
        };
        let caller = public.gate.admit(&public.services, &asked).await?;
        for resource in resources {
            public.gate.permit(&public.services, &caller, &action(resource)).await?;
        }
        Ok(Caller::Admin(caller))
    }
}

/// The whole of a body, within [a bound](Operations::body_limit) and a time.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Fault> {
    let arriving = Limited::new(body, limit).collect();
    let arrived = tokio::time::timeout(BODY_DEADLINE, arriving).await;
    match arrived.map_err(|_| Fault::serialization("The request's body did not arrive in time."))? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("The request is larger than {} MiB.", limit / BODY_LIMIT);
            Err(Fault::new(Exception::RequestEntityTooLarge, text))
        }
        Err(_) => Err(Fault::serialization("The request's body could not be read.")),
    }
}

/// AWS JSON 1.1, by its own type; parameters such as a charset may follow.
fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let given = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-amz-json-1.1") {
        Ok(())
    } else {
        Err(Fault::serialization("Content-Type must be application/x-amz-json-1.1"))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The members that are needed before the body is checked: they decide nothing alone.
struct Peek {
    access_token: Option<SecretString>,
    user_pool_id: Option<String>,
    /// Whose a public operation is, as edges find it too.
    names: Names,
    /// A pool, where an operation of Cognito names it so.
    resource_arn: Option<String>,
    /// What an operation of AWS WAF names.
    waf: waf::Named,
}

impl Peek {
    /// Only members that the operation has: one that it ignores must not choose whose quota, policy or audit record it is.
    fn of(body: &[u8], operation: &Registered, deployment: &Deployment) -> Result<Self, NotRead> {
        let members = Members::read(body)?;
        let public = cognito::Operation::named(operation.name).filter(|_| operation.service == Service::Idp);
        // It goes into the audit record: only what can be a pool's id.
        let is_pool = |id: &String| PoolId::parse(id.as_str()).is_ok();
        let resource_arn = resource_arn(body, operation)?.filter(|arn| arn.len() <= LONGEST_ARN);
        let by_arn = resource_arn.as_deref().and_then(|arn| pools::id_of_arn(arn, deployment));
        let names = public.map_or(Names::Nobody, |public| members.names(public));
        let by_id = members.user_pool_id.filter(|id| operation.takes("UserPoolId") && is_pool(id));
        Ok(Self {
            names,
            access_token: members.access_token.filter(|_| operation.takes("AccessToken")),
            user_pool_id: by_id.or(by_arn.map(|id| id.to_string())),
            resource_arn,
            waf: waf::named(operation, deployment, body).map_err(|_| NotRead)?,
        })
    }

    /// What a policy's `Resource` is compared with, each of it: the pool, or what an operation of AWS WAF names. None: `*`.
    fn resources(&self, deployment: &Deployment, of_client: Option<&PoolId>) -> Vec<String> {
        match self.user_pool_id.as_deref().or(of_client.map(PoolId::as_str)) {
            Some(pool) => {
                let (region, account) = (&deployment.region, &deployment.account_id);
                vec![format!("arn:aws:cognito-idp:{region}:{account}:userpool/{pool}")]
            }
            None => self.resource_arn.iter().chain(&self.waf.resources).cloned().collect(),
        }
    }
}

/// `ResourceArn` of an operation of Cognito that has one.
fn resource_arn(body: &[u8], operation: &Registered) -> Result<Option<String>, NotRead> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'b> {
        /// As it came: what is no text is refused by the operation, in its own words.
        #[serde(borrow)]
        resource_arn: Option<&'b RawValue>,
    }
    if operation.service != Service::Idp || !operation.takes("ResourceArn") {
        return Ok(None);
    }
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| NotRead)?;
    Ok(body.resource_arn.and_then(|arn| serde_json::from_str(arn.get()).ok()))
}

#[cfg(test)]
mod tests {
    use cognito_model::idp::op::OPERATIONS;
    use common::cognito::Member;
    use serde_json::Value;

    use super::*;

    /// By Cognito's own model.
    #[test]
    fn edges_know_which_operations_are_public_and_by_what_they_name_their_pool() {
        let model: Value = serde_json::from_str(include_str!("../../model/spec/cognito-idp.json")).unwrap();
        let is_public = |auth| matches!(auth, Auth::None | Auth::AccessToken | Auth::SigV4OrClient);
        let public: Vec<_> = OPERATIONS.iter().filter(|operation| is_public(operation.auth)).collect();
        assert_eq!(public.len(), cognito::Operation::ALL.len());
        for (ours, theirs) in cognito::Operation::ALL.iter().zip(public) {
            assert_eq!(ours.name, theirs.name);
            let input = model["operations"][ours.name]["input"]["shape"].as_str().unwrap();
            let members = model["shapes"][input]["members"].as_object().unwrap();
            for member in Member::ALL {
                let has = ours.members.contains(&member);
                assert_eq!(members.contains_key(member.name()), has, "{}: {}", ours.name, member.name());
            }
            // What is required tells more than what may be there.
            let required = model["shapes"][input]["required"].as_array().cloned().unwrap_or_default();
            let by_required = ours.members.iter().position(|member| required.contains(&member.name().into()));
            assert!(matches!(by_required, None | Some(0)), "{}", ours.name);
        }
    }
}
