//! The token that an exchange gives.

use std::collections::BTreeMap;

use cognito_model::Fault;
use cognito_model::idp::types::IssuedTokenTypeIdentifierType;
use common::claims::{AccessClaims, IdClaims, TokenUse};
use common::secret::SecretString;
use serde_json::{Value, json};

use super::asked::{Asked, Target};
use super::presented::{Actor, Presented};
use crate::aws_json::Call;
use crate::clients::Client;
use crate::keys::Purpose;
use crate::pools::Pool;
use crate::resource_servers;
use crate::tokens::claims::{group_names, jti};
use crate::tokens::grant::groups_of;
use crate::tokens::personal::whole;
use crate::users::groups::{Group, preferred_role};

/// How many may have acted for a user one after the other.
const MOST_ACTORS: usize = 8;

pub struct Issued {
    pub token: SecretString,
    /// Seconds that it lives.
    pub expires_in: i32,
    pub scopes: Vec<String>,
}

/// All that goes into the claims.
struct Exchange<'a> {
    call: &'a Call,
    pool: &'a Pool,
    client: &'a Client,
    subject: &'a Presented,
    groups: Vec<Group>,
    /// The claim `act` (RFC 8693 §4.1).
    act: Option<Value>,
    /// Seconds since the epoch.
    exp: u64,
}

/// # Errors
/// `ResourceNotFoundException` for a resource server that the pool has not, `InvalidParameterException` for too many actors, storage.
pub async fn issue(
    call: &Call,
    pool: &Pool,
    client: &Client,
    subject: &Presented,
    actor: Option<&Actor>,
    asked: &Asked,
) -> Result<Issued, Fault> {
    let store = &call.services.store;
    if !subject.token.audience.is_empty() && subject.token.token_use == TokenUse::Access && asked.target.is_none() {
        // Else whoever it is meant for would get one for everybody.
        return Err(Fault::invalid_parameter(
            "A SubjectToken with an audience is exchanged for one with Audiences or Resources.",
        ));
    }
    let audience = match &asked.target {
        Some(Target::Resource(identifier)) => {
            Some(resource_servers::named(store, &pool.id, identifier).await?.identifier)
        }
        Some(Target::Audience(name)) => Some(name.clone()),
        None => None,
    };
    let life = match asked.issues {
        IssuedTokenTypeIdentifierType::AccessToken => client.settings.access_token_life(),
        IssuedTokenTypeIdentifierType::IdToken => client.settings.id_token_life(),
    };
    let exp = call.now.plus(life).seconds().min(subject.token.exp.seconds());
    let act = acting(former_actors(subject), actor)?;
    let groups = groups_of(store, &subject.user).await?;
    let exchange = Exchange { call, pool, client, subject, groups, act, exp };
    let scopes = asked.granted(subject.token.scopes(), client.settings.scopes());
    let keys = &call.services.keys;
    let signed = match asked.issues {
        IssuedTokenTypeIdentifierType::AccessToken => {
            keys.sign(&pool.id, Purpose::Access, &exchange.access_claims(&scopes, audience)).await?
        }
        IssuedTokenTypeIdentifierType::IdToken => keys.sign(&pool.id, Purpose::Id, &exchange.id_claims()).await?,
    };
    let expires_in = i32::try_from(exp.saturating_sub(call.now.seconds())).unwrap_or(i32::MAX);
    Ok(Issued { token: SecretString::new(signed.expose()), expires_in, scopes })
}

impl Exchange<'_> {
    fn access_claims(&self, scopes: &[String], audience: Option<String>) -> AccessClaims {
        let token = &self.subject.token;
        let audience = audience.map(|audience| ("aud".to_owned(), Value::String(audience)));
        let act = self.act.clone().map(|act| ("act".to_owned(), act));
        AccessClaims {
            sub: self.subject.user.sub.to_string(),
            groups: group_names(&self.groups),
            iss: self.pool.iss.clone(),
            version: Some(2),
            client_id: self.client.id.to_string(),
            origin_jti: text(&token.origin_jti),
            device_key: text(&token.device_key),
            event_id: Some(self.call.origin.request_id.clone()),
            token_use: TokenUse::Access,
            scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
            auth_time: token.auth_time.map(|at| at.seconds()),
            exp: self.exp,
            iat: self.call.now.seconds(),
            jti: Some(self.jti()),
            username: Some(self.subject.user.username.clone()),
            acr: None,
            amr: Vec::new(),
            extra: audience.into_iter().chain(act).collect(),
        }
    }

    fn id_claims(&self) -> IdClaims {
        let (token, user) = (&self.subject.token, &self.subject.user);
        let personal = whole(user, &self.client.settings);
        let mut attributes: BTreeMap<String, Value> = personal.attributes;
        attributes.extend(self.act.clone().map(|act| ("act".to_owned(), act)));
        IdClaims {
            sub: user.sub.to_string(),
            groups: group_names(&self.groups),
            roles: self.groups.iter().filter_map(|group| group.role_arn.clone()).collect(),
            preferred_role: preferred_role(&self.groups).map(str::to_owned),
            iss: self.pool.iss.clone(),
            username: user.username.clone(),
            identities: personal.identities,
            nonce: None,
            at_hash: None,
            origin_jti: text(&token.origin_jti),
            aud: self.client.id.to_string(),
            event_id: Some(self.call.origin.request_id.clone()),
            token_use: TokenUse::Id,
            auth_time: token.auth_time.unwrap_or(token.iat).seconds(),
            exp: self.exp,
            iat: self.call.now.seconds(),
            jti: Some(self.jti()),
            acr: None,
            amr: Vec::new(),
            attributes,
        }
    }

    /// With the mint instant of the subject token: see the module.
    fn jti(&self) -> String {
        jti(self.subject.token.mint.unwrap_or(self.subject.token.iat))
    }
}

/// Who has acted in the subject token, as it says.
fn former_actors(subject: &Presented) -> Option<Value> {
    subject.token.claim_text("act").and_then(|act| serde_json::from_str(&act).ok())
}

/// The newest actor is outermost (RFC 8693 §4.1). One exchange without an actor doesn't make the others forgotten.
fn acting(former: Option<Value>, actor: Option<&Actor>) -> Result<Option<Value>, Fault> {
    let Some(actor) = actor else { return Ok(former) };
    let mut depth = 1;
    let mut next = former.as_ref();
    while let Some(act) = next {
        depth += 1;
        next = act.get("act");
    }
    if depth > MOST_ACTORS {
        return Err(Fault::invalid_parameter(format!("More than {MOST_ACTORS} actors can't act for a user.")));
    }
    let mut act = json!({ "sub": actor.subject });
    if let (Some(former), Some(members)) = (former, act.as_object_mut()) {
        members.insert("act".to_owned(), former);
    }
    Ok(Some(act))
}

fn text(claim: &Option<Box<str>>) -> Option<String> {
    claim.as_ref().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(name: &str) -> Actor {
        Actor { subject: name.to_owned() }
    }

    #[test]
    fn actors_are_remembered_and_bounded() {
        assert_eq!(acting(None, None).unwrap(), None);
        let mut act = acting(None, Some(&actor("a"))).unwrap();
        assert_eq!(act, Some(json!({ "sub": "a" })));
        act = acting(act, None).unwrap();
        act = acting(act, Some(&actor("b"))).unwrap();
        assert_eq!(act, Some(json!({ "sub": "b", "act": { "sub": "a" } })));
        for _ in 2..MOST_ACTORS {
            act = acting(act, Some(&actor("c"))).unwrap();
        }
        assert!(acting(act, Some(&actor("d"))).is_err());
    }
}
