//! The tokens that an exchange is made with: whose they are, and whether they live.

use cognito_model::Fault;
use cognito_model::idp::types::TokenTypeIdentifierType;
use common::claims::TokenUse;
use common::ids::ClientId;
use common::reject::Reject;
use common::secret::SecretString;
use common::verify::{Policy, Verified, verify};

use crate::aws_json::Call;
use crate::clients::rows as client_rows;
use crate::pools::Pool;
use crate::providers;
use crate::tokens::authenticate::check_rows;
use crate::tokens::live::is_of_client;
use crate::users::{self, User, UserError};

/// The subject token: it stood every check that an access token stands which its user presents.
pub struct Presented {
    pub token: Verified,
    pub user: User,
}

/// Who acts for the user: another user, or a client.
pub struct Actor {
    /// The token's `sub`.
    pub subject: String,
}

impl Presented {
    /// # Errors
    /// `NotAuthorizedException`, `UserNotFoundException` for a token whose user was deleted, `InvalidParameterException` for tokens that others have
    /// issued, storage.
    pub async fn subject(
        call: &Call,
        pool: &Pool,
        token: &SecretString,
        kind: TokenTypeIdentifierType,
        provider: Option<&str>,
    ) -> Result<Self, Fault> {
        let name = "SubjectToken";
        let verified = authenticated(call, pool, token, kind, provider, name).await?;
        if is_of_client(&verified) {
            return Err(Fault::not_authorized(format!("{name} is of no user.")));
        }
        let caller = check_rows(&call.services, &pool.id, &verified).await?;
        let user = users::by_sub(&call.services.store, pool, &caller.sub).await?.ok_or(UserError::Absent)?;
        Ok(Self { token: verified, user })
    }
}

impl Actor {
    /// # Errors
    /// As [`Presented::subject`].
    pub async fn find(
        call: &Call,
        pool: &Pool,
        token: &SecretString,
        kind: Option<TokenTypeIdentifierType>,
        provider: Option<&str>,
    ) -> Result<Self, Fault> {
        let name = "ActorToken";
        let kind = kind.ok_or_else(|| Fault::invalid_parameter("ActorTokenType is required with ActorToken."))?;
        let verified = authenticated(call, pool, token, kind, provider, name).await?;
        if is_of_client(&verified) {
            let client = ClientId::parse(verified.client_id.to_string()).map_err(|_| invalid(name))?;
            let row = call.services.store.one(client_rows::by_id(&pool.id, &client)).await?;
            row.ok_or_else(|| Fault::not_authorized(format!("{name} has been revoked")))?;
        } else {
            check_rows(&call.services, &pool.id, &verified).await?;
        }
        Ok(Self { subject: verified.sub.to_string() })
    }
}

async fn authenticated(
    call: &Call,
    pool: &Pool,
    token: &SecretString,
    kind: TokenTypeIdentifierType,
    provider: Option<&str>,
    name: &'static str,
) -> Result<Verified, Fault> {
    if let Some(provider) = provider {
        providers::check_exists(&call.services.store, &pool.id, provider).await?;
        let text = format!("{name} of an identity provider is not supported by this issuer yet.");
        return Err(Fault::invalid_parameter(text));
    }
    let token_use = match kind {
        TokenTypeIdentifierType::AccessToken => TokenUse::Access,
        TokenTypeIdentifierType::IdToken => TokenUse::Id,
        TokenTypeIdentifierType::Saml2 => {
            return Err(Fault::invalid_parameter(format!("{name} of type SAML2 needs its provider's name.")));
        }
    };
    let keys = call.services.keys.key_set(&pool.id, &pool.iss).await?;
    let policy = Policy { for_anyone: true, ..Policy::cognito(pool.iss.as_str(), token_use) };
    verify(token.expose(), &keys, &policy, call.now).map_err(|reject| match reject {
        Reject::Expired => Fault::not_authorized(format!("{name} has expired")),
        _ => invalid(name),
    })
}

fn invalid(name: &str) -> Fault {
    Fault::not_authorized(format!("Invalid {name}"))
}
