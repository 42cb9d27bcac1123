//! Cognito: AdminInitiateAuth with ADMIN_USER_PASSWORD_AUTH (old name ADMIN_NO_SRP_AUTH), USER_SRP_AUTH and REFRESH_TOKEN_AUTH.
//!
//! `ContextData` says where the user is. `ClientMetadata` is for triggers, `AnalyticsMetadata` for Pinpoint and `Session` for USER_AUTH; no
//! pool has these.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminInitiateAuthRequest, AdminInitiateAuthResponse, AuthFlowType};

use crate::aws_json::Call;
use crate::clients::{self, Flow};
use crate::login::flows;
use crate::login::parameters::Parameters;
use crate::login::place;

pub async fn handle(call: Call, input: AdminInitiateAuthRequest) -> Result<AdminInitiateAuthResponse, Fault> {
    let call = call.with_user_at(place::told(input.context_data.as_ref()));
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let parameters = Parameters::new(input.auth_parameters)?;
    let answer = match input.auth_flow {
        AuthFlowType::AdminUserPasswordAuth | AuthFlowType::AdminNoSrpAuth => {
            flows::by_password(&call, &pool, &client, Flow::AdminPassword, &parameters).await
        }
        AuthFlowType::UserSrpAuth => flows::by_srp(&call, &pool, &client, &parameters).await,
        AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
            flows::by_refresh_token(&call, &pool, &client, &parameters).await
        }
        AuthFlowType::UserPasswordAuth => Err(flows::of_the_other_kind()),
        AuthFlowType::CustomAuth | AuthFlowType::UserAuth => Err(flows::absent(input.auth_flow)),
    };
    answer.map(Into::into)
}
