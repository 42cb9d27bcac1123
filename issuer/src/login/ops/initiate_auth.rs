//! Cognito: InitiateAuth with USER_PASSWORD_AUTH, USER_SRP_AUTH and REFRESH_TOKEN_AUTH.

use cognito_model::Fault;
use cognito_model::idp::types::{AuthFlowType, InitiateAuthRequest, InitiateAuthResponse};

use crate::aws_json::Call;
use crate::clients::{self, Flow};
use crate::login::flows;
use crate::login::parameters::Parameters;

pub async fn handle(call: Call, input: InitiateAuthRequest) -> Result<InitiateAuthResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    let parameters = Parameters::new(input.auth_parameters)?;
    let answer = match input.auth_flow {
        AuthFlowType::UserPasswordAuth => {
            flows::by_password(&call, &pool, &client, Flow::UserPassword, &parameters).await
        }
        AuthFlowType::UserSrpAuth => flows::by_srp(&call, &pool, &client, &parameters).await,
        AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
            flows::by_refresh_token(&call, &pool, &client, &parameters).await
        }
        AuthFlowType::AdminNoSrpAuth | AuthFlowType::AdminUserPasswordAuth => Err(flows::of_the_other_kind()),
        AuthFlowType::CustomAuth | AuthFlowType::UserAuth => Err(flows::absent(input.auth_flow)),
    };
    answer.map(Into::into)
}
