//! Cognito: SignUp.

use cognito_model::Fault;
use cognito_model::idp::types::{EventResponseType, EventType, SignUpRequest, SignUpResponse};

use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::events::{self, Happened};
use crate::messages::Kind;
use crate::pools::schema::Writer;
use crate::signup::code;
use crate::users::attributes::may_write;
use crate::users::attributes::names::Taking;
use crate::users::create::{NewUser, create};
use crate::users::{Status, UserError, deliveries};

pub async fn handle(call: Call, input: SignUpRequest) -> Result<SignUpResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    clients::check_secret_hash(&call.services, &client, &input.username, input.secret_hash.as_ref()).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    if pool.settings.only_admins_create() {
        return Err(Fault::not_authorized("SignUp is not permitted for this user pool"));
    }
    let Some(password) = &input.password else {
        return Err(Fault::invalid_parameter("Password is required: this issuer has no sign-up without one yet."));
    };
    let attributes = input.user_attributes.as_deref().unwrap_or_default();
    check_writable(&client, attributes.iter().map(|a| a.name.as_str()))?;

    let key = call.services.pool_keys.key(&pool.id).await?;
    let mut destination = None;
    let new = NewUser {
        username: &input.username,
        attributes,
        writer: Writer::User,
        password: Some(password),
        status: Status::Unconfirmed,
        temporary_until: None,
        taking: Taking::Never,
    };
    let mut unsendable = None;
    let user = create(&call, &pool, new, |user| {
        destination = deliveries::to_verify(&pool, user);
        let happened = Happened::new(EventType::SignUp, EventResponseType::Pass);
        let mut statements = events::statements(&call, &pool, user, happened);
        let Some(to) = &destination else { return (statements, Vec::new()) };
        match code::issue(call.now, &key, code::slot(&pool, user, to)) {
            Ok(code) => {
                let text = code.text.expose();
                let message = deliveries::verification(&pool, user, to, Kind::SignUp, text, call.now);
                statements.push(code.statement);
                (statements, vec![message])
            }
            Err(fault) => {
                unsendable = Some(fault);
                (statements, Vec::new())
            }
        }
    })
    .await?;
    if let Some(fault) = unsendable {
        // The user is there and can ask for a code again.
        tracing::error!(cause = fault.cause(), "no code was made for a sign-up");
    }
    Ok(SignUpResponse {
        code_delivery_details: destination.map(|to| to.describe()),
        session: None,
        user_confirmed: false,
        user_sub: user.sub.to_string(),
    })
}

fn check_writable<'a>(client: &Client, mut names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    match names.find(|name| !may_write(&client.settings, name)) {
        Some(_) => Err(UserError::NotWritable.into()),
        None => Ok(()),
    }
}
