//! Cognito: InitiateAuth with USER_PASSWORD_AUTH, USER_SRP_AUTH and REFRESH_TOKEN_AUTH.

use cognito_model::Fault;
use cognito_model::idp::types::{AuthFlowType, InitiateAuthRequest, InitiateAuthResponse};

use crate::aws_json::{Call, Write};
use crate::clients::{self, Client, Flow};
use crate::login::parameters::Parameters;
use crate::pools::Pool;
use crate::signin::{Asked, Step, password, password_verifier};
use crate::store::Batch;
use crate::tokens;

pub async fn handle(call: Call, input: InitiateAuthRequest) -> Result<InitiateAuthResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    let parameters = Parameters::new(input.auth_parameters)?;
    match input.auth_flow {
        AuthFlowType::UserPasswordAuth => by_password(&call, &pool, &client, &parameters).await,
        AuthFlowType::UserSrpAuth => by_srp(&call, &pool, &client, &parameters).await,
        AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
            by_refresh_token(&call, &pool, &client, &parameters).await
        }
        AuthFlowType::AdminNoSrpAuth | AuthFlowType::AdminUserPasswordAuth => {
            Err(Fault::invalid_parameter("Initiate Auth method not supported."))
        }
        AuthFlowType::CustomAuth | AuthFlowType::UserAuth => {
            Err(Fault::invalid_parameter(format!("{} flow not enabled for this client", input.auth_flow.as_str())))
        }
    }
}

async fn by_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    parameters: &Parameters,
) -> Result<InitiateAuthResponse, Fault> {
    allow(client, Flow::UserPassword)?;
    let username = parameters.username()?;
    let given = parameters.required("PASSWORD")?;
    clients::check_secret_hash(&call.services, client, username, parameters.get("SECRET_HASH")).await?;
    match password::check(&call.services, pool, client, username, given, call.now).await? {
        Step::Done(proof) => {
            let tokens = tokens::mint(call, pool, client, proof).await?;
            Ok(InitiateAuthResponse { authentication_result: Some(tokens), ..InitiateAuthResponse::default() })
        }
        Step::Ask(asked) => ask(call, pool, asked).await,
    }
}

async fn by_srp(
    call: &Call,
    pool: &Pool,
    client: &Client,
    parameters: &Parameters,
) -> Result<InitiateAuthResponse, Fault> {
    allow(client, Flow::UserSrp)?;
    let username = parameters.username()?;
    let srp_a = parameters.required("SRP_A")?.expose();
    clients::check_secret_hash(&call.services, client, username, parameters.get("SECRET_HASH")).await?;
    let asked = password_verifier::begin(&call.services, pool, client, username, srp_a, call.now).await?;
    ask(call, pool, asked).await
}

async fn by_refresh_token(
    call: &Call,
    pool: &Pool,
    client: &Client,
    parameters: &Parameters,
) -> Result<InitiateAuthResponse, Fault> {
    allow(client, Flow::Refresh)?;
    let presented = tokens::Presented::find(call, pool, client, parameters.required("REFRESH_TOKEN")?).await?;
    clients::check_secret_hash(&call.services, client, presented.username(), parameters.get("SECRET_HASH")).await?;
    let tokens = tokens::refresh(call, pool, client, presented).await?;
    Ok(InitiateAuthResponse { authentication_result: Some(tokens), ..InitiateAuthResponse::default() })
}

fn allow(client: &Client, flow: Flow) -> Result<(), Fault> {
    if client.settings.allows(flow) {
        Ok(())
    } else {
        Err(Fault::invalid_parameter(format!("{} flow not enabled for this client", flow.name())))
    }
}

async fn ask(call: &Call, pool: &Pool, asked: Asked) -> Result<InitiateAuthResponse, Fault> {
    let mut batch = Batch::new();
    batch.extend(asked.statements);
    call.commit(Write::new(&pool.id, batch)).await?;
    Ok(InitiateAuthResponse {
        challenge_name: Some(asked.challenge),
        challenge_parameters: Some(asked.parameters),
        session: Some(asked.session),
        ..InitiateAuthResponse::default()
    })
}
